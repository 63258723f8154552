"""Operators, limits, functions and a required form on the command line."""

import json

import numpy as np
import pandas as pd
import pytest
from kansci_cli.app import app
from typer.testing import CliRunner


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    x, z = np.random.default_rng(0).uniform(0.5, 2, (2, 200))
    frame = pd.DataFrame({"x": x, "z": z, "y": 3 * np.exp(-((x - 1) ** 2)) + np.sqrt(z)})
    file = tmp_path_factory.mktemp("data") / "table.csv"
    frame.to_csv(file, index=False)
    return file


def test_all_of_them_together_and_kept_in_the_run(table, tmp_path):
    asked = ["--unary-operators", "gauss,sqrt", "--binary-operators", "+,-,*", "--maxsize", "20"]
    asked += ["--maxdepth", "8", "--nested", "sqrt:sqrt=0,gauss=0", "--function", "gauss(t)=exp(-t^2)"]
    asked += ["--form", "y = a*f(x) + g(z)", "--seconds", "30", "--json", "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(app, ["discover", str(table), "-t", "y", *asked])
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["formula"] == "sqrt(z) + 3*exp(-(x - 1)**2)"
    settings = json.loads((tmp_path / "run" / "config.json").read_text())["settings"]
    assert settings["nested_constraints"] == {"sqrt": {"sqrt": 0, "gauss": 0}}
    assert settings["unary_operators"] == ["gauss", "sqrt"]
    assert settings["functions"] == {"gauss": "exp(-t^2)"}
    assert settings["template"] == "y = a*f(x) + g(z)"


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--unary-operators", "foo", "known: exp, log, sin"),
        ("--binary-operators", "+,%", "known: +, -, *"),
        ("--maxsize", "0", "maxsize=0"),
        ("--nested", "sin", "must read like sin:sin=0,cos=0"),
        ("--nested", "sin:cos=x", "must read like sin:sin=0,cos=0"),
        ("--function", "gauss", "must read like gauss(x)=exp(-x^2)"),
        ("--function", "g(x)=exp(u)", "unknown name 'u' (known: x)"),
        ("--form", "f(x,z)", "f has 2 arguments"),
    ],
)
def test_wrong_ones_say_what_to_do(table, option, value, words):
    result = CliRunner().invoke(app, ["discover", str(table), "-t", "y", option, value])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
