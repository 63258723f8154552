"""``kansci discover-pde`` from a file to its table, its JSON and its folder."""

import json
import math

import numpy as np
import pandas as pd
import sympy
from kansci_cli.app import app
from safetensors.numpy import save_file
from typer.testing import CliRunner

from kansci.pde_discovery import Equation, EquationDiscovery, EquationTerm, Settings
from kansci.pde_discovery.result import HeldOut
from kansci.pde_discovery.store import open_equation, save_equation
from kansci.pde_discovery.terms import Names
from kansci.storage import json_text


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
    run, drawn = tmp_path / "run", tmp_path / "drawn.png"
    result = kansci("discover-pde", tmp_path / "field.npz", "--json", "--out", run, "--plot", drawn)
    record = json.loads(result.stdout)
    assert record["equation"].replace("0.1*", "") == "temp_t = temp_xx"
    assert abs(record["terms"][0]["coefficient"] - 0.1) < 1e-4
    assert record["heldout_rel_l2"] < 1e-2
    assert open_equation(run).to_json() == record
    assert kansci("plot", run, "--format", "png").exit_code == 0
    assert (run / "plots" / "equation.png").read_bytes() == drawn.read_bytes()
    again = kansci("discover-pde", tmp_path / "field.npz", "--out", run)
    assert again.exit_code == 0
    assert "temp_xx" in again.stdout
    assert "held-out times" in again.stdout


def orbit(heldout):
    """Equations with what is hard to keep: functions, a constant term, numbers that JSON lacks."""
    x, v = sympy.symbols("x vel")
    terms = (
        EquationTerm(sympy.sin(2 * x) * v, -0.1, math.nan, 0.5),
        EquationTerm(sympy.Integer(1), 1 / 3, 0.1, 1.0),
    )
    equations = (
        Equation(sympy.Symbol("x_t"), (EquationTerm(v, 1.0, 0.01, 1.0),)),
        Equation(sympy.Symbol("vel_t"), terms),
    )
    return EquationDiscovery(
        equations, Names(("t",), ("x", "vel")), {"t": "t", "x": "x [m]", "vel": "vel"}, "t",
        heldout and 0.1, 0.05, {"x": 0.01, "vel": 0.02}, math.nan, 40, 1.0, 0, True, ("a note",),
        heldout,
    )  # fmt: skip


def test_what_is_kept_comes_back_and_what_is_damaged_is_refused(tmp_path):
    run, rng = tmp_path / "run", np.random.default_rng(0)
    held = HeldOut(np.linspace(0, 1, 9)[:, None], rng.random((9, 2)), rng.random((9, 2)))
    for found in (orbit(held), orbit(None)):
        save_equation(found, Settings(), run)
        again = open_equation(run)
        assert again.latex() == found.latex()
        assert json_text(again.to_json()) == json_text(found.to_json())
        assert kansci("plot", run, "--format", "svg").exit_code == 0
    assert again.heldout is None
    assert r"\mathrm{vel} \, \sin" in kansci("export", run, "--to", "latex").stdout
    assert kansci("export", run, "--to", "json").stdout == (run / "equation.json").read_text()
    for arguments in (["export", run, "--to", "c"], ["predict", run, run / "config.json"], ["trust", run]):
        result = kansci(*arguments)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.stderr
    assert not (run / "heldout.safetensors").exists()
    save_equation(orbit(held), Settings(), run)
    for name, old, new in (
        ("equation.json", '"vel*sin(2*x)"', '"vel*sin(2*x) +"'),
        ("equation.json", '"stability": 0.5', '"stability": null'),
        ("equation.json", '"vel": "vel"', '"w": 3'),
        ("equation.json", '"equations"', '"equation"'),
    ):
        whole = (run / name).read_text()
        assert old in whole
        (run / name).write_text(whole.replace(old, new))
        refused(run, name)
        (run / name).write_text(whole)
    arrays = {"points": held.points, "measured": held.measured, "predicted": held.predicted}
    for key, wrong in (
        ("points", held.points[:-1]),
        ("measured", held.measured * np.nan),
        ("predicted", held.predicted.astype(np.float32)),
        ("predict", held.predicted),
    ):
        save_file({**arrays, key: wrong} if key in arrays else {key: wrong}, run / "heldout.safetensors")
        refused(run, "heldout.safetensors")
    (run / "heldout.safetensors").write_bytes(b"\xff" * 100)
    refused(run, "heldout.safetensors")


def refused(run, file):
    result = kansci("plot", run)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.stderr
    assert file in result.stderr


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
