"""The compiled loops are an extra: without them the same network is trained, only slower."""

import json
import subprocess
import sys

import numpy as np

from kansci.training import TrainSettings, fit_population

PROGRAM = """
import json, sys
sys.modules["numba"] = None
import numpy as np, torch
from kansci.training import TrainSettings, fit_population
torch.set_num_threads(1)
x, y = (np.array(column) for column in json.load(sys.stdin))
trained = fit_population(x, y, [2, 2, 1], TrainSettings(restarts=2, steps=8, grids=(3, 6)))
json.dump(trained.model.predict(x)[:, 0].tolist(), sys.stdout)
"""


def test_the_same_network_comes_out():
    x = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    y = np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2)
    compiled = fit_population(x, y, [2, 2, 1], TrainSettings(restarts=2, steps=8, grids=(3, 6)))
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps([x.tolist(), y.tolist()]),
        check=True,
        capture_output=True,
        text=True,
    )
    plain = json.loads(run.stdout)
    np.testing.assert_allclose(compiled.model.predict(x)[:, 0], plain, atol=1e-6 * np.std(plain))
