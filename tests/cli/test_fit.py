"""`kansci fit`: what it prints and keeps, and that no kill changes what it ends with."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kansci_cli.app import app, main
from typer.testing import CliRunner

from kansci.storage import open_run

posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")


def kansci(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    X = np.random.default_rng(0).uniform(-1, 1, (80, 2))
    y = np.exp(X[:, 0]) * X[:, 1]
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": y})
    file = tmp_path_factory.mktemp("data") / "table.csv"
    frame.assign(kind=(y > 0).astype(int), level=np.digitize(y, [-0.5, 0.5])).to_csv(file, index=False)
    return file


def options(table, out, *more):
    small = ["--inputs", "a,b", "--width", "2,2,1", "--restarts", "4", "--steps", "12", "--grid", "3,6"]
    return ["fit", str(table), "--target", "y", "--out", str(out), *small, *more]


@pytest.fixture
def start(monkeypatch):
    """Starts ``kansci ...`` in a process of its own, forked from one that has imported the libraries."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["kansci.fit_network", "kansci.kernels.bspline_numba", "torch._dynamo"])

    def started(*arguments):
        monkeypatch.setattr(sys, "argv", ["kansci", *arguments])
        process = context.Process(target=main, daemon=True)
        process.start()
        return process

    return started


def kill_after(process, file, changes):
    """SIGKILL when the file has changed so many times, or let the process end."""
    seen, last = 0, None
    while process.is_alive() and seen < changes:
        stamp = file.stat().st_mtime_ns if file.exists() else None
        seen, last = (seen + 1, stamp) if stamp not in {None, last} else (seen, last)
        time.sleep(0.0005)
    process.kill()
    process.join()
    return process.exitcode


def finish(process):
    """Wait for the end of a process that must succeed."""
    process.join(120)
    assert process.exitcode == 0


@posix
@pytest.mark.parametrize(
    ("more", "kills"),
    [
        ([], (1, 6, 15)),
        (["--opt", "LBFGS", "--grid", "3"], (20,)),
        (["--opt", "SSBroyden", "--grid", "3"], (20,)),
        (["--opt", "Adam", "--grid", "3", "--steps", "1"], (20,)),
    ],
)
def test_kill_9_at_any_moment_and_resume_end_at_the_same_bits(more, kills, start, table, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    finish(start(*options(table, whole, *more)))
    codes = []
    for number, changes in enumerate(kills):
        resume = ["--resume"] if number else []
        process = start(*options(table, broken, *more, "--keep-every", "0", *resume))
        codes.append(kill_after(process, broken / "checkpoint.safetensors", changes))
        run = open_run(broken)  # whatever is there is whole
        if run.has("model.safetensors"):
            run.model()
    assert codes[0] == -signal.SIGKILL
    assert open_run(broken).snapshot()["running"]
    finish(start(*options(table, broken, *more, "--resume")))
    for name in ("model.safetensors", "history.jsonl"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes()


@posix
def test_ctrl_c_leaves_the_best_so_far(table, tmp_path):
    out = tmp_path / "run"
    arguments = options(table, out, "--steps", "100000", "--keep-every", "0", "--json")
    process = subprocess.Popen(
        [sys.executable, "-m", "kansci_cli", *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (out / "model.safetensors").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    record = json.loads(stdout)
    assert record["interrupted"] is True
    assert record["complete"] is False
    assert "Traceback" not in stderr
    assert kansci("predict", out, table).stdout.startswith("a,b,y,")


def test_json_is_one_object(table, tmp_path):
    result = kansci(*options(table, tmp_path / "run", "--json"))
    record = json.loads(result.stdout)
    assert record["width"][0] == [2, 0]
    assert record["grid"] == 6
    assert record["complete"] is True
    assert 0 < record["rmse"] < 0.1
    again = json.loads(kansci(*options(table, tmp_path / "run", "--json", "--resume")).stdout)
    assert {**again, "seconds": 0} == {**record, "seconds": 0}


def test_time_is_up_and_the_run_goes_on(table, tmp_path):
    out = tmp_path / "run"
    first = kansci(*options(table, out, "--seconds", "0"))
    assert first.exit_code == 0
    assert "--resume" in first.stderr
    assert kansci(*options(table, out, "--resume")).exit_code == 0
    other = kansci(*options(table, out, "--resume", "--k", "2"))
    assert other.exit_code == 2
    assert "other settings" in other.stderr


@pytest.mark.parametrize(("loss", "target"), [("logistic", "kind"), ("softmax", "level"), ("huber", "y")])
def test_losses(loss, target, table, tmp_path):
    out = tmp_path / "run"
    more = ["--inputs", "a,b", "--restarts", "2", "--steps", "15", "--grid", "3", "--loss", loss]
    result = kansci("fit", table, "--target", target, "--out", out, *more)
    assert result.exit_code == 0, result.stderr
    rows = pd.read_csv(pd.io.common.StringIO(kansci("predict", out, table).stdout))
    assert (rows[target] - rows[f"{target} predicted"]).abs().mean() < 0.2
    figures = kansci("plot", out, "--format", "svg").stdout.split()
    assert [Path(figure).name for figure in figures] == ["network.svg", "fit.svg"]
    if loss != "huber":
        assert "least_squares" in kansci("simplify", out).stderr


def test_products_and_other_optimisers(table, tmp_path):
    result = kansci(*options(table, tmp_path / "a", "--width", "2,[1,1],1", "--lamb", "0", "--json"))
    assert json.loads(result.stdout)["width"] == [[2, 0], [1, 1], [1, 0]]
    result = kansci(*options(table, tmp_path / "b", "--opt", "LBFGS", "--grid", "3", "--json"))
    assert json.loads(result.stdout)["steps"] == 120


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--grid", "fine"], "--grid fine"),
        (["--grid", "6,3"], "coarse to fine"),
        (["--width", "2,[1],1"], "--width"),
        (["--loss", "l1"], "least_squares"),
        (["--opt", "SGD"], "LBFGS"),
        (["--restarts", "0"], "restarts=0"),
        (["--opt", "Adam"], "one grid"),
    ],
)
def test_wrong_options_are_one_line(more, word, table, tmp_path):
    result = kansci(*options(table, tmp_path / "run", *more))
    assert result.exit_code == 2
    assert word in result.stderr
    assert result.stderr.count("\n") == 1
