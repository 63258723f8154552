"""Two processes of torchrun train as one."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

SCRIPT = """
import os, sys
import numpy as np
import torch
from safetensors.numpy import save_file
from kansci.inr.measurements import Measurements
from kansci.inr.model import cell_centres
from kansci.inr.networks import make_network
from kansci.inr.training import TrainSettings, train

torch.set_num_threads(1)
axes = (cell_centres(12), cell_centres(13))
x, y = np.meshgrid(*axes, indexing="ij")
value = Measurements(np.sin(3 * x + y).reshape(-1, 1), axes)
slope = np.stack([3 * np.cos(3 * x + y), np.cos(3 * x + y)], -1).reshape(-1, 1, 2)
circle = np.stack([np.cos(np.arange(50)), np.sin(np.arange(50))], 1)
cases = {
    "value": (value, {}),
    "recent": (value, {"sampling": "recent"}),
    "int": (value, {"sampling": "int"}),
    "gradient": (Measurements(slope, axes, derivative="gradient"), {}),
    "sdf": (Measurements(circle, points=0.5 * circle), {"loss": "sdf"}),
}
reports, out = [], {}
for name, (data, options) in cases.items():
    network = make_network("siren", 2, 1, width=10, depth=2, frequency=3.0)
    settings = TrainSettings(steps=9, batch=31, **options)
    result = train(network, data, settings, on_progress=reports.append)
    out[name] = np.concatenate([p.detach().numpy().ravel() for p in network.parameters()])
    out[f"{name} loss"] = np.array([result.loss])
out["reports"] = np.array([len(reports)])
save_file(out, f"{sys.argv[1]}-{os.environ.get('RANK', '0')}")
"""


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    script = folder / "script.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    one = [sys.executable, str(script), str(folder / "one")]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    two = [*launch, str(script), str(folder / "two")]
    for command in (one, two):
        done = subprocess.run(
            command, check=False, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr[:2000]
    return {name: load_file(folder / name) for name in ("one-0", "two-0", "two-1")}


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch was built without it")
@pytest.mark.parametrize("case", ["value", "recent", "int", "gradient", "sdf"])
def test_two_processes_find_the_same_weights(ended, case):
    one, first, second = ended.values()
    assert np.array_equal(first[case], second[case])
    assert np.abs(first[case] - one[case]).max() < 1e-5
    assert first[f"{case} loss"] == pytest.approx(one[f"{case} loss"], rel=1e-4)


def test_the_first_process_alone_reports(ended):
    assert [int(file["reports"][0]) for file in ended.values()] == [45, 45, 0]
