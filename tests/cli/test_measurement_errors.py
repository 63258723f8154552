"""Standard deviations of the measurements on the command line."""

import json

import numpy as np
import pandas as pd
import pytest
from kansci_cli.app import app
from typer.testing import CliRunner

from kansci.storage import open_run


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    rng = np.random.default_rng(0)
    x, error = rng.uniform(1, 3, 50), np.where(np.arange(50) % 5, 0.01, 2.0)
    frame = pd.DataFrame({"x": x, "x_err": 0.01, "y": 2 * x + error * rng.standard_normal(50), "err": error})
    file = tmp_path_factory.mktemp("data") / "table.csv"
    frame.to_csv(file, index=False)
    return file


def kansci(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_they_weigh_in_the_search_and_stay_in_the_run(table, tmp_path):
    run = tmp_path / "run"
    given = ["--sigma", "err", "--input-sigma", "x = x_err", "--form", "k*x", "--json", "--out", run]
    result = kansci("discover", table, "--target", "y", *given)
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["inputs"] == ["x"]
    assert found["constants"][0]["value"] == pytest.approx(2, abs=0.005)
    frame, kept = pd.read_csv(table), open_run(run).dataset()
    np.testing.assert_array_equal(kept.sigma, frame["err"])
    np.testing.assert_array_equal(kept.input_sigma["x"], frame["x_err"])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--sigma", "eror"], "no standard deviations' column 'eror'"),
        (["--sigma", "err", "--input-sigma", "x_err"], "write INPUT=COLUMN"),
        (["--input-sigma", "x=x_err"], "weigh against those of 'y'"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(table, given, words, tmp_path):
    for command in (["discover"], ["fit", "--out", str(tmp_path / "run")]):
        result = kansci(*command, table, "--target", "y", *given)
        assert result.exit_code == 2
        assert words in result.stderr
        assert result.stderr.count("\n") == 1
