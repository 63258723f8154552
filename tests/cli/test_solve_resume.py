"""`kansci solve --out RUN`, killed at any moment, and `--resume`: what is kept opens, and goes on."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from kansci_cli.app import app
from threadpoolctl import threadpool_limits
from typer.testing import CliRunner

from kansci.errors import RunError, SettingsError
from kansci.solution.solve import resume_solve, solve
from kansci.solution.store import open_solution
from kansci.storage import check_free, is_run

OPTIONS = ("--no-formula", "--no-reference")
PLAIN = {"closed_form": False, "reference": False}
LONG = {**PLAIN, "seconds": 1000}
DECAY = {"domain": {"t": [0, 1]}, "conditions": {"t = 0": "u = 1"}, **LONG}
GROWTH = {"domain": {"t": [0, 4]}, "conditions": {"t = 0": "u = 0.1"}, **LONG}


def kansci(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "120"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def one_thread():
    """Sums in another order end at other bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(before)


class Killed(BaseException):
    """Nothing after it is done, as after SIGKILL."""


@pytest.fixture
def die_at(monkeypatch):
    """Keep every state, and end a solve just before the n-th file would be renamed or removed."""
    monkeypatch.setattr("kansci.solution.keeper.PAUSE", 0)
    monkeypatch.setattr("kansci.solution.keeper.SHARE", math.inf)
    replace_file, remove, done = os.replace, Path.unlink, []

    def counted(change, limit):
        def step(*arguments, **settings):
            if len(done) == limit:
                raise Killed
            done.append(arguments)
            return change(*arguments, **settings)

        return step

    def until(limit, *given, **settings):
        done.clear()
        with monkeypatch.context() as patched, suppress(Killed):
            patched.setattr(os, "replace", counted(replace_file, limit))
            patched.setattr(Path, "unlink", counted(remove, limit))
            solve(*given, **settings)
        return len(done)

    return until


def history(run):
    """The steps without their times, text in which nan equals nan."""
    return [repr(replace(step, seconds=0)) for step in open_solution(run).numerical.history]


def model(run):
    return (run / "model.safetensors").read_bytes()


def test_killed_between_any_two_files_there_is_a_whole_run_or_none_and_it_ends_the_same(
    tmp_path, die_at, one_thread
):
    old, whole, broken = tmp_path / "old", tmp_path / "whole", tmp_path / "broken"
    solve("u' = -u", **DECAY, out=old)
    (old / "plots").mkdir()
    most, residuals, seen = die_at(math.inf, "u' = u*(1 - u)", **GROWTH, out=whole), [], set()
    for limit in range(0, most, 4):
        shutil.copytree(old, broken)
        assert die_at(limit, "u' = u*(1 - u)", **GROWTH, out=broken) == limit
        kept = open_solution(broken) if is_run(broken) else None
        check_free(broken)
        if kept is not None and kept.statement["equation"] == "u' = u*(1 - u)":
            residuals.append(kept.numerical.residual)
            assert not resume_solve(broken, **PLAIN).interrupted
            assert model(broken) == model(whole)
            assert history(broken) == history(whole)
        seen.add(kept and kept.statement["equation"])
        shutil.rmtree(broken)
    assert len(seen) == 3
    assert residuals == sorted(residuals, reverse=True)


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_kill_9_leaves_the_best_so_far_and_resume_ends_at_the_same_bits(tmp_path, one_thread):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    solve("pendulum", **LONG, out=whole)
    process = subprocess.Popen(
        [sys.executable, "-m", "kansci_cli", "solve", "pendulum", "--seconds", "1000", "--out", broken],
        env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and not is_run(broken):
        time.sleep(0.001)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    kept = open_solution(broken)
    assert kept.interrupted
    points = tmp_path / "points.csv"
    pd.DataFrame({"t": [0.5, 1.0]}).to_csv(points, index=False)
    assert len(pd.read_csv(StringIO(kansci("predict", broken, points).stdout))) == 2
    record = json.loads(kansci("solve", "--resume", *OPTIONS, "--out", broken, "--json").stdout)
    assert record["interrupted"] is False
    assert record["residual"] < kept.numerical.residual
    assert model(broken) == model(whole)
    assert history(broken) == history(whole)


def test_killed_while_a_network_is_trained(tmp_path, die_at):
    run = tmp_path / "run"
    die_at(40, "poisson", model="mlp", width=(6,), **LONG, out=run)
    before, told = open_solution(run), history(run)
    record = json.loads(kansci("solve", "--resume", "--out", run, "--seconds", 1, "--json", *OPTIONS).stdout)
    after = open_solution(run)
    assert (record["method"], after.settings.seconds, after.settings.width) == ("mlp", 1, [6])
    assert after.numerical.residual <= before.numerical.residual
    assert history(run)[: len(told)] == told
    assert len(history(run)) > len(told)
    assert after.numerical.seconds > before.numerical.seconds


def test_a_proof_stays_and_what_is_not_there_yet_is_looked_for(tmp_path):
    run = tmp_path / "run"
    assert solve("poisson", seconds=20, closed_form=False, reference=False, out=run).formulas is None
    found = resume_solve(run)
    assert (found.proved, found.reference.against, found.settings.seconds) == (True, "exact", 20)
    again = resume_solve(run, "poisson", seconds=5, closed_form=False)
    assert (again.formulas, again.settings.seconds) == (found.formulas, 5)
    assert open_solution(run).formulas == found.formulas
    points = np.random.default_rng(0).random((20, 2))
    np.testing.assert_array_equal(again.evaluate("u", points), found.evaluate("u", points))


def test_measured_values_are_taken_from_the_run(tmp_path):
    t = np.linspace(0, 2, 30)
    data = pd.DataFrame({"t": t, "y": np.exp(-t) + 0.01 * np.cos(20 * t)})
    stated = {"domain": {"t": [0, 2]}, "unknowns": {"k": 1}, "data": data}
    first = solve("y' = -k*y", **stated, seconds=20, out=tmp_path / "run")
    again = resume_solve(tmp_path / "run", "y' = -k*y", **stated)
    assert again.constants == first.constants
    with pytest.raises(RunError, match="another problem"):
        resume_solve(tmp_path / "run", "y' = -k*y", **{**stated, "data": data.assign(y=2 * data["y"])})


def test_runs_that_cannot_go_on_are_refused_in_one_line(tmp_path):
    run, table = tmp_path / "run", tmp_path / "table.csv"
    pd.DataFrame({"x": np.arange(8.0), "y": np.arange(8.0) ** 2}).to_csv(table, index=False)
    kansci("solve", "lotka_volterra", "--out", run, *OPTIONS)
    kansci("fit", table, "--target", "y", "--out", tmp_path / "fit", "--seconds", 0)
    for arguments, said in (
        (["heat", "--out", run], "another problem"),
        (["lotka_volterra", "-p", "a=1", "--out", run], "another problem"),
        (["--parameter", "a=1", "--out", run], "without a problem"),
        (["--model", "siren", "--out", run], "model=auto, not siren"),
        (["--seed", "1", "--out", run], "seed=0, not 1"),
        (["lotka_volterra"], "--out RUN"),
        (["--out", tmp_path / "nothing"], "nothing"),
        (["--out", tmp_path / "fit"], "kansci fit"),
    ):
        result = kansci("solve", "--resume", *arguments)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.stderr
        assert said in result.stderr
    with pytest.raises(SettingsError, match="ready-made"):
        solve(open_solution(run).problem, out=tmp_path / "ready")
    (run / "checkpoint.safetensors").write_bytes(b"damaged")
    result = kansci("solve", "--resume", "--out", run)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.stderr


def test_without_a_run_resume_begins_one(tmp_path):
    result = kansci("solve", "poisson", "--resume", "--out", tmp_path / "run", *OPTIONS)
    assert result.exit_code == 0
    assert open_solution(tmp_path / "run").numerical.residual < 1e-9


def test_the_help_tells_how():
    text = " ".join(kansci("solve", "--help").stdout.split())
    assert "--resume" in text
    assert "kansci solve --resume --out RUN" in text
