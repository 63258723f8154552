"""``kansci solve`` as a user types it: JSON, text, files of one's own, RUN folders and errors."""

import json
import math
import signal
from io import StringIO

import numpy as np
import pandas as pd
from kansci_cli.app import app
from typer.testing import CliRunner

OSCILLATOR = """
title = "Damped oscillator"
equation = "y'' + 2*c*y' + 4*y = 0"

[domain]
t = [0, 5]

[parameters]
c = "1/5"

[conditions]
"t = 0" = ["y = 1", "y' = -c"]
"""


def kansci(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "120"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_json_has_the_proved_formula_and_both_errors(tmp_path):
    result = kansci("solve", "poisson", "--seconds", 10, "--json", "--out", tmp_path / "run")
    record = json.loads(result.stdout)
    assert record["formula"] == "sin(pi*x)*sin(pi*y)"
    assert (record["proved"], record["reference"], record["problem"]) == (True, "exact", "poisson")
    assert record["rel_l2"] < 1e-12
    assert record["residual"] < 1e-12
    assert record["reference_seconds"] > 0
    assert record["reference_error"] < 1e-6
    assert set(record) >= {"latex", "rmse", "parameters", "seconds", "seed", "version", "fields", "bound",
                           "change", "method", "constants", "notes", "interrupted"}  # fmt: skip
    latex = kansci("export", tmp_path / "run", "--to", "latex").stdout
    assert latex.strip() == record["latex"]
    code = kansci("export", tmp_path / "run", "--to", "c").stdout
    assert "double predict_u(double x, double y)" in code


def test_a_problem_of_ones_own_from_file_to_predictions(tmp_path):
    file, run = tmp_path / "oscillator.toml", tmp_path / "run"
    file.write_text(OSCILLATOR)
    result = kansci("solve", file, "--parameter", "c=1/10", "--seconds", 10, "--out", run)
    assert result.exit_code == 0
    assert "Damped oscillator" in result.stdout
    assert "PROVED" in result.stdout
    assert "classical solver" in result.stdout
    points = tmp_path / "points.csv"
    pd.DataFrame({"t": [0.0, 1.5, 4.0, 6.0]}).to_csv(points, index=False)
    result = kansci("predict", run, points)
    values = pd.read_csv(StringIO(result.stdout))["y"].to_numpy()
    t, w = np.array([0.0, 1.5, 4.0]), math.sqrt(4 - 0.01)
    assert np.allclose(values[:3], np.exp(-0.1 * t) * np.cos(w * t), atol=1e-12)
    assert np.isnan(values[3])
    assert "outside the domain" in result.stderr


def test_systems_are_exported_field_by_field_and_networks_say_that_they_are(tmp_path):
    kansci("solve", "reaction_diffusion", "--seconds", 20, "--no-reference", "--out", tmp_path / "two")
    assert kansci("export", tmp_path / "two", "--to", "sympy").stdout.count("cos") >= 1
    assert [
        row["target"] for row in json.loads(kansci("export", tmp_path / "two", "--to", "json").stdout)
    ] == [
        "u",
        "v",
    ]
    arguments = ("solve", "poisson", "--model", "mlp", "--width", "6", "--seconds", 2)
    result = kansci(*arguments, "--no-formula", "--no-reference", "--out", tmp_path / "net")
    assert "no closed form" in result.stdout
    result = kansci("export", tmp_path / "net", "--to", "latex")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


def test_the_list_and_a_file_to_start_from():
    assert "Navier-Stokes" in kansci("solve", "--list").stdout
    assert 'equation = "u_t' in kansci("solve", "burgers", "--show").stdout


def test_errors_are_one_line_and_exit_code_two(tmp_path):
    bad = tmp_path / "bad.toml"
    bad.write_text(OSCILLATOR.replace("2*c*y'", "2*c**y' +* 1"))
    for arguments, said in (
        ([], "kansci solve poisson"),
        (["poison"], "poisson"),
        ([tmp_path / "missing.toml"], "missing.toml"),
        ([bad], "at column 16"),
        (["poisson", "--model", "cnn"], "separable"),
        (["poisson", "--seconds", 0], "seconds"),
        (["poisson", "--width", "a,b"], "24,24"),
        (["burgers", "--parameter", "nu"], "nu=0.02"),
        (["burgers", "--parameter", "mu=1"], "mu"),
    ):
        result = kansci("solve", *arguments)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.stderr
        assert said in result.stderr


def test_ctrl_c_gives_the_best_so_far(monkeypatch):
    def pressed(event):
        if math.isfinite(event.residual):
            signal.raise_signal(signal.SIGINT)
        return ""

    monkeypatch.setattr("kansci_cli.solve_views.describe", pressed)
    result = kansci("solve", "burgers", "--seconds", 100, "--json")
    assert result.exit_code == 130
    assert "best so far" in result.stderr
    record = json.loads(result.stdout)
    assert (record["interrupted"], record["formula"], record["problem"]) == (True, None, "burgers")
