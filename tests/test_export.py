"""Every export is run by its own interpreter or compiler and compared with sympy's evalf."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import sympy

from kansci.errors import FormulaError, SettingsError
from kansci.export import TARGETS, export
from kansci.symbolic.constants import Constant
from kansci.symbolic.formula import Formula

CASES = {
    "arithmetic": ("0.1*x**2 - 3*x/(y + 2.5) + x**(-3/2) - 7/3", ["x", "y"]),
    "transcendental": ("exp(-x)*sin(pi*y) + log(x + 1)/sqrt(2) + E*tanh(y) + atan2(x, y)", ["x", "y"]),
    "powers": ("-1.0e-12*x**7 + 2.0**y - sqrt(x)*cbrt(y) + x**0.3333", ["x", "y"]),
    "rewritten": ("cot(x) + sec(y) + csc(x) + coth(y) + Heaviside(x - 1) + sinc(y)", ["x", "y"]),
    "special": ("erf(x) + gamma(y + 1) + Abs(x - y) + sign(x - y) + Max(x, y) + floor(x)", ["x", "y"]),
    "names": ("E + I*lambda_ + int + θ - Å", ["E", "I", "lambda_", "int", "θ", "Å"]),
    "unused input": ("2*x", ["x", "y"]),
}


def points(names, n=7):
    return np.random.default_rng(3).uniform(0.3, 2.4, (n, len(names)))


def truth(formula, X):
    symbols = [sympy.Symbol(name) for name in formula.symbols]
    rows = [formula.expr.subs(dict(zip(symbols, map(float, row), strict=True))) for row in X]
    return np.array([float(row.evalf(30)) for row in rows])


@pytest.mark.parametrize("case", CASES)
def test_python_runs_alone_and_agrees_with_sympy(case, tmp_path):
    formula = Formula(*CASES[case], target="y [m]")
    X = points(formula.inputs)
    file = tmp_path / "law.py"
    file.write_text(export(formula, "python"), encoding="utf-8")
    script = f"import json, law; print(json.dumps(law.predict_y(*{X.T.tolist()}).tolist()))"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    np.testing.assert_allclose(json.loads(run.stdout), truth(formula, X), rtol=2e-14)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no C compiler")
@pytest.mark.parametrize("case", CASES)
def test_c_compiles_strictly_and_agrees_with_sympy(case, tmp_path):
    formula = Formula(*CASES[case], target="θ")
    X = points(formula.inputs)
    calls = "".join(
        f'  printf("%.17g\\n", predict_theta({", ".join(map(repr, row))}));\n' for row in X.tolist()
    )
    source = export(formula, "c") + f"#include <stdio.h>\nint main(void) {{\n{calls}  return 0;\n}}\n"
    (tmp_path / "law.c").write_text(source, encoding="utf-8")
    flags = ["-std=c99", "-pedantic-errors", "-Wall", "-Werror"]
    subprocess.run(["gcc", *flags, "law.c", "-o", "law", "-lm"], cwd=tmp_path, check=True)
    run = subprocess.run([tmp_path / "law"], capture_output=True, text=True, check=True)
    np.testing.assert_allclose([float(line) for line in run.stdout.split()], truth(formula, X), rtol=2e-14)


def test_sympy_text_reads_back_to_the_same_numbers():
    formula = Formula(sympy.Float(0.1, 17) * sympy.Symbol("x") + sympy.pi, ["x"])
    text = export(formula, "sympy")
    assert text == "0.1*x + pi\n"
    assert float(Formula(text.strip(), ["x"]).expr.subs("x", 1)) == 0.1 + np.pi


def test_json_holds_what_is_needed_to_use_the_formula():
    constants = Constant(2.5, 0.1, None, "N/m"), Constant(2.0, float("inf"), None)
    formula = Formula("2.5*x", {"x": "x [m]"}, "F", constants)
    record = json.loads(export(formula, "json"))
    assert record["symbols"] == {"x": "x [m]"}
    assert record["constants"][0] == {"value": 2.5, "stderr": 0.1, "symbolic": None, "unit": "N/m"}
    assert record["constants"][1]["stderr"] is None
    assert record["complexity"] == 3
    assert Formula(record["formula"], record["symbols"]).predict([[2.0]]) == 5.0


def test_digits_round_every_number_of_every_target():
    formula = Formula(
        sympy.Float("3.14159265", 17) * sympy.Symbol("x") + sympy.Float("0.0289368123", 17), ["x"]
    )
    for target in TARGETS:
        text = export(formula, target, 3)
        assert "3.14" in text
        assert "0.0289" in text
        assert "3.141" not in text
        assert "0.02893" not in text


def test_refusals_name_the_way_out():
    formula = Formula("besselj(2, x)", ["x"])
    with pytest.raises(SettingsError, match=r"html.*latex, sympy, python, c, json"):
        export(formula, "html")
    with pytest.raises(SettingsError, match="digits=0"):
        export(formula, "latex", 0)
    with pytest.raises(FormulaError, match=r"besselj.*python or sympy"):
        export(formula, "c")
    assert "scipy.special.jv(2, x)" in export(formula, "python")


def test_a_column_name_cannot_break_out_of_the_comment():
    evil = 'x """\nimport os */ int y; \\'
    formula = Formula("2*x", {"x": evil}, evil)
    compile(export(formula, "python"), "law.py", "exec")
    assert export(formula, "c").count("*/") == 1
