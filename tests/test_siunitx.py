"""LaTeX for siunitx: compiled where a LaTeX is installed, else read back by its own rules."""

import re
import shutil
import subprocess

import numpy as np
import pint
import pytest
import sympy

from kansci.data.dimensions import parse_unit
from kansci.errors import SettingsError
from kansci.export import export
from kansci.siunitx import MACROS, PREFIXES, number_text
from kansci.symbolic.constants import Constant
from kansci.symbolic.formula import Formula

REGISTRY = pint.UnitRegistry()
NUMBER = re.compile(r"(?P<sign>-?)(?P<digits>\d+(?:\.\d+)?)(?:\((?P<error>\d+)\))?(?:e(?P<power>-?\d+))?")


def number(value):
    return sympy.Float(value, 17)


def law():
    v, t, d, a = sympy.symbols("v_0 t d a")
    expr = v * t - number(4.904912) * t**2 + number(3.25) * sympy.sin(number(0.5) * a) * d ** number(1.75)
    constants = (
        Constant(-4.904912, 0.000271, None, "m/s^2"),
        Constant(3.25, 0.4, None, "m/Mpc^1.75"),
        Constant(0.5000001, 1e-5, "0.5", "1/deg"),
        Constant(1.75, 0.01, None, "1"),
    )
    columns = {"v_0": "v_0 [km/h]", "t": "t (s)", "d": "d [Mpc]", "a": "a_%"}
    return Formula(expr, columns, "s [m]", constants)


def read(text):
    """Value, standard error and last place of a number as siunitx reads it."""
    match = NUMBER.fullmatch(text)
    power = int(match["power"] or 0)
    last = power - len(match["digits"].partition(".")[2])
    error = None if match["error"] is None else float(f"{match['error']}e{last}")
    return float(f"{match['sign']}{match['digits']}e{power}"), error, float(f"1e{last}")


def dimension(macros):
    r"""What pint makes of ``\kilo\meter\per\second``."""
    words = {macro: name for name, macro in MACROS.items()}
    unit = last = REGISTRY.Unit("")
    per, prefix = 1, ""
    for macro, argument in re.findall(r"\\([a-zA-Z]+)(?:\{([^}]*)\})?", macros):
        if macro == "per":
            per = -1
        elif macro in PREFIXES:
            prefix = macro
        elif macro in {"squared", "cubed", "tothe"}:
            power = {"squared": 2, "cubed": 3}.get(macro) or float(sympy.Rational(argument))
            unit *= last ** (power - 1)
        else:
            last = REGISTRY.Unit(prefix + words.get(macro, macro)) ** per
            unit, per, prefix = unit * last, 1, ""
    return unit


def test_numbers_units_and_errors():
    text = export(law(), "latex", siunitx=True, units={"a_%": "deg"})
    equation = text.split(r"\[")[1].split(r"\]")[0]
    quantities = re.findall(r"\\qty\{([^}]*)\}\{((?:[^{}]|\{[^}]*\})*)\}", equation)
    assert {read(value)[:2]: dimension(unit) for value, unit in quantities} == {
        (4.90491, 0.00027): REGISTRY.Unit("m/s^2"),
        (3.2, 0.4): REGISTRY.Unit("m/Mpc^1.75"),
        (0.5, None): REGISTRY.Unit("1/deg"),
    }
    assert re.findall(r"\\num\{([^}]*)\}", equation) == ["1.750(10)"]
    where = dict(re.findall(r"\$([^$]*)\$ in \\unit\{([^}]*)\}", text.split(r"\]")[1]))
    assert {name: dimension(unit) for name, unit in where.items()} == {
        "s": REGISTRY.Unit("m"),
        "v_{0}": REGISTRY.Unit("km/h"),
        "t": REGISTRY.Unit("s"),
        "d": REGISTRY.Unit("Mpc"),
        "a": REGISTRY.Unit("deg"),
    }
    assert r"% \DeclareSIUnit{\parsec}{\text{pc}}" in text
    assert text.count("{") == text.count("}")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX")
def test_it_compiles(tmp_path):
    body = export(law(), "latex", siunitx=True, units={"a_%": "deg", "d": "1000 pc"})
    preamble = "\n".join(line[2:] for line in body.splitlines() if line.startswith("% \\"))
    page = rf"\documentclass{{article}}{preamble}\begin{{document}}{body}\end{{document}}"
    (tmp_path / "law.tex").write_text(page, encoding="utf-8")
    subprocess.run(["pdflatex", "-halt-on-error", "-interaction=batchmode", "law"], cwd=tmp_path, check=True)


def test_errors_are_rounded_as_by_the_particle_data_group():
    """The examples of its introduction, 0.827 +- 0.119 and 0.827 +- 0.367, and random numbers read back."""
    assert [number_text(0.827, error) for error in (0.119, 0.367, 0.967)] == ["0.83(12)", "0.8(4)", "0.8(10)"]
    rng = np.random.default_rng(0)
    for _ in range(300):
        value = float(rng.normal() * 10 ** rng.uniform(-30, 30))
        error = float(abs(value) * 10 ** rng.uniform(-9, 3))
        shown, shown_error, place = read(number_text(value, error))
        assert shown_error == pytest.approx(error, rel=0.15)
        assert 3 < error / place < 36  # one or two digits
        assert abs(shown - value) <= 0.5000001 * place
        assert read(number_text(value))[:2] == (value, None)


@pytest.mark.parametrize(
    "unit",
    ["kg*m^2/(s^3*K^4)", "1/s", "degC", "AU", "mmHg", "%", "eV/c", "µm", "solar_mass*km/s", "m/s^(1/3)"],
)
def test_units_keep_their_dimension_and_what_is_none_is_escaped(unit):
    formula = Formula(number(2.5) * sympy.Symbol("x"), ["x"], "y", (Constant(2.5, 0.1, None, unit),))
    text = export(formula, "latex", siunitx=True)
    macros = re.search(r"\\qty\{2.50\(10\)\}\{((?:[^{}]|\{[^}]*\})*)\}", text)[1]
    names = set(re.findall(r"\\([a-zA-Z]+)", macros)) - PREFIXES - {"per", "squared", "cubed", "tothe"}
    declared = set(re.findall(r"DeclareSIUnit\{\\([a-zA-Z]+)\}", text))
    assert names == declared | (names & set(MACROS.values()))
    assert len(names) == len(parse_unit(unit).names.items)
    evil = Constant(2.5, 0.1, None, r"}\input{/etc/passwd}")
    text = export(Formula(formula.expr, ["x"], "y", (evil,)), "latex", siunitx=True)
    assert r"\input" not in text.replace(r"\textbackslash{}input", "")


def test_siunitx_is_for_latex():
    with pytest.raises(SettingsError, match="LaTeX"):
        export(law(), "python", siunitx=True)
