"""``kansci trust`` as a user runs it: of a run, and of a table with a formula given."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from kansci_cli.app import app
from typer.testing import CliRunner

from kansci.data import Dataset
from kansci.storage import create_run, open_run, update_run

QUICK = ["--skip", "stability,null"]


def kansci(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def decay(tmp_path):
    x = np.linspace(0, 4, 50)
    y = 2.5 * np.exp(-0.7 * x) + 0.02 * np.random.default_rng(0).normal(size=50)
    file = tmp_path / "decay.csv"
    pd.DataFrame({"t [s]": x, "N": y}).to_csv(file, index=False)
    return file


@pytest.fixture
def run(tmp_path):
    """A run as ``discover`` leaves it."""
    x = np.linspace(0.5, 3, 40)
    y = 3 * x**2 + 0.05 * np.random.default_rng(0).normal(size=40)
    front = [{"formula": text} for text in ("9.1", "7.0*x", "3.001*x**2")]
    result = {
        "target": "y", "inputs": ["x"], "symbols": {"x": "x"}, "formula": "3.001*x**2", "latex": "",
        "complexity": 5, "constants": [], "front": front, "law_found": True,
    }  # fmt: skip
    folder = tmp_path / "run"
    create_run(
        folder, "discover", {"seconds": 60, "seed": 0}, Dataset.from_arrays(x, y, ["x"]), result=result
    )
    return folder


def test_a_given_formula_is_fitted_and_tested_on_permuted_targets(decay):
    options = ["--formula", "a*exp(-b*t)", "--seconds", 10, "--skip", "stability,choice"]
    result = kansci("trust", decay, "--target", "N", *options)
    assert result.exit_code == 0, result.stderr
    assert "fitted: a, b" in result.stderr
    text = " ".join(result.stdout.split())
    for part in (
        "N = a*exp(-b*t)",
        "profile",
        "permuted targets",
        "inner 80%",
        "formula - data",
        "proved finite",
    ):
        assert part in text


def test_a_run_keeps_its_evidence(run):
    result = kansci("trust", run, *QUICK, "--json")
    record = json.loads(result.stdout)
    assert record == json.loads((run / "trust.json").read_text())
    assert record["choice"]["chosen"] == "3.001*x**2"
    assert [row["formula"] for row in record["extrapolation"]["formulas"]] == ["9.1", "7.0*x", "3.001*x**2"]
    assert record["stability"] is None
    assert record["supported"] == "unknown"
    # the evidence for another formula is not that of the run
    assert kansci("trust", run, *QUICK, "--formula", "a*x", "--seconds", 5).exit_code == 0
    assert record == json.loads((run / "trust.json").read_text())
    # a new result has no evidence yet
    update_run(run, result=open_run(run).result())
    assert not (run / "trust.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--skip", "luck"], "there is no section 'luck'"),
        (["--formula", "a*exp(-b)"], "holds no column"),
        (["--formula", "a*exp("], "expected"),
        (["--seconds", "0"], "seconds=0"),
    ],
)
def test_faults_are_said_in_one_line(decay, arguments, message):
    result = kansci("trust", decay, "--target", "N", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_a_run_has_its_own_table(run):
    result = kansci("trust", run, "--target", "y")
    assert result.exit_code == 2
    assert "is a run" in result.stderr


def test_the_command_line_does_not_import_the_evidence():
    code = "import sys, kansci_cli.app; print([m for m in sys.modules if m.startswith('kansci.')])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )
