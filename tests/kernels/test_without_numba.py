"""The compiled loops are an extra: without them the same network is trained, only slower."""

import json
import subprocess
import sys

import numpy as np

PROGRAM = """
import json, sys
if sys.argv[1] == "without":
    sys.modules["numba"] = None
import numpy as np, torch
from kansci.training import TrainSettings, fit_population
torch.set_num_threads(1)
x = np.random.default_rng(0).uniform(-1, 1, (200, 2))
y = np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2)
trained = fit_population(x, y, [2, 2, 1], TrainSettings(restarts=2, steps=8, grids=(3, 6)))
json.dump([trained.model.predict(x)[:, 0].tolist(), "numba" in sys.modules], sys.stdout)
"""


def fitted(how):
    command = [sys.executable, "-c", PROGRAM, how]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_the_same_network_comes_out():
    plain, _ = fitted("without")
    compiled, _ = fitted("with")
    np.testing.assert_allclose(compiled, plain, atol=1e-6 * np.std(plain))
