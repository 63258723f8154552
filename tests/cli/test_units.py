"""Units from a header or a file, through the search, to the tables, the JSON and LaTeX."""

import json

import numpy as np
import pandas as pd
import pytest
from kansci_cli.app import app
from typer.testing import CliRunner


def kansci(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def throw():
    """Height of a thrown body, 2 % noise: the constant is g/2."""
    rng = np.random.default_rng(0)
    t, v = rng.uniform(0.5, 5, 200), rng.uniform(1, 10, 200)
    return {"t": t, "v": v, "s": v * t - 4.905 * t**2 + 0.05 * rng.normal(size=200)}


HEADERS = {
    "square brackets": ({"t": "t [s]", "v": "v [m/s]", "s": "s [m]"}, None),
    "round brackets": ({"t": "t (s)", "v": "v (m/s)", "s": "s (m)"}, None),
    "a file": ({"t": "t", "v": "v", "s": "s"}, "name,unit\nt,s\nv,m/s\ns,m\n"),
    "JSON": ({"t": "t", "v": "v", "s": "s"}, '{"t": "s", "v": "m/s", "s": "m"}'),
}


@pytest.mark.parametrize("case", HEADERS)
def test_a_constant_gets_its_unit_from_the_table_to_latex(case, throw, tmp_path):
    names, file = HEADERS[case]
    pd.DataFrame(throw).rename(columns=names).to_csv(tmp_path / "throw.csv", index=False)
    options = ["--form", "a*t**2 + b*v*t"]
    if file is not None:
        (tmp_path / "units").write_text(file)
        options += ["--units", tmp_path / "units"]
    run = tmp_path / "run"
    found = kansci(
        "discover", tmp_path / "throw.csv", "-t", "s", "--seconds", 1, "--out", run, "--json", *options
    )
    record = json.loads(found.stdout)
    assert record["dimensions"] == "ok"
    (constant,) = [c for c in record["constants"] if abs(abs(c["value"]) - 4.905) < 0.005]
    assert constant["unit"] == "m/s^2"
    latex = kansci("export", run, "--to", "latex", "--siunitx").stdout
    assert r"}{\meter\per\second\squared}" in latex
    assert r"4.90" in latex.partition(r"\qty{")[2][:8]
    assert r"$v$ in \unit{\meter\per\second}" in latex
    assert "siunitx 3" in latex
    refused = kansci("export", run, "--to", "c", "--siunitx")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)


def test_what_the_units_forbid_or_leave_odd_is_marked_in_title_and_front(tmp_path):
    x = np.random.default_rng(0).uniform(0.5, 5, 100)
    noise = 1 + 1e-3 * np.random.default_rng(1).normal(size=100)
    pd.DataFrame({"a [m]": x, "P [d]": 365.25 * x**1.4713 * noise}).to_csv(tmp_path / "odd.csv", index=False)
    shown = kansci("discover", tmp_path / "odd.csv", "-t", "P", "--seconds", 1).stdout
    assert "formula, units suspicious" in shown
    assert "carries d/m^1.47" in shown.partition("Units suspicious")[2]
    assert "suspicious: 365" in shown.rpartition("complexity")[2]
    constants = shown.partition("standard error")[2]
    assert "d/m^1.47" in constants
    pd.DataFrame({"x [m]": x, "y": np.sin(x) + x}).to_csv(tmp_path / "wrong.csv", index=False)
    form = ["--form", "sin(x) + x"]
    shown = kansci("discover", tmp_path / "wrong.csv", "-t", "y", "--seconds", 1, *form).stdout
    assert "units inconsistent" in shown
    assert "inconsistent: the argument of sin, x has m" in shown.rpartition("complexity")[2]


def test_degrees_are_turned_into_radians_and_celsius_is_noted(tmp_path):
    rng = np.random.default_rng(0)
    angle, flux = rng.uniform(5, 85, 150), rng.uniform(1, 9, 150)
    power = flux * np.cos(np.deg2rad(angle))
    frame = pd.DataFrame(
        {"theta [deg]": angle, "I0 [W]": flux, "T [degC]": rng.uniform(0, 9, 150), "I [W]": power}
    )
    frame.to_csv(tmp_path / "lambert.csv", index=False)
    found = kansci("discover", tmp_path / "lambert.csv", "-t", "I", "--seconds", 10, "--json")
    record = json.loads(found.stdout)
    assert record["formula"] == "I0*cos(pi*theta/180)"
    assert record["dimensions"] == "ok"
    assert found.stderr.count("kelvin") == 1
    (degree,) = [c for c in record["constants"] if c["symbolic"] == "pi/180"]
    assert degree["unit"] == "1/deg"
