"""``kansci discover-pde`` from a file to its table, its JSON and its folder."""

import json

import numpy as np
import pandas as pd
from kansci_cli.app import app
from typer.testing import CliRunner


def kansci(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "160"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_an_equation_from_an_archive_in_text_in_json_and_in_a_folder(tmp_path):
    x, t = np.linspace(0, 1, 25), np.linspace(0, 1, 31)
    modes = ((1, 1.0), (2, -0.6), (3, 0.5))
    u = sum(a * np.exp(-0.1 * (m * np.pi) ** 2 * t) * np.sin(m * np.pi * x)[:, None] for m, a in modes)
    np.savez(tmp_path / "field.npz", x=x, t=t, temp=u)
    run = tmp_path / "run"
    result = kansci("discover-pde", tmp_path / "field.npz", "--json", "--out", run)
    record = json.loads(result.stdout)
    assert record["equation"].replace("0.1*", "") == "temp_t = temp_xx"
    assert abs(record["terms"][0]["coefficient"] - 0.1) < 1e-4
    assert record["heldout_rel_l2"] < 1e-2
    assert json.loads((run / "equation.json").read_text())["equation"] == record["equation"]
    again = kansci("discover-pde", tmp_path / "field.npz", "--out", run)
    assert again.exit_code == 0
    assert "temp_xx" in again.stdout
    assert "held-out times" in again.stdout


def test_errors_are_one_line_and_exit_code_two(tmp_path):
    pd.DataFrame({"a": range(50), "b": range(50)}).to_csv(tmp_path / "no_time.csv", index=False)
    for arguments in (
        ["no_time.csv"],
        ["missing.csv"],
        ["no_time.csv", "--time", "c"],
        ["no_time.csv", "--seconds", 0],
    ):
        result = kansci("discover-pde", tmp_path / arguments[0], *arguments[1:])
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1), arguments
