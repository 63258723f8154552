"""From a table to the law, against the law that made the table, and the promises of the result."""

import json
import re
import time

import numpy as np
import pytest
import sympy
from scipy.optimize import curve_fit

from kansci.data import Dataset
from kansci.discovery import DiscoverSettings, discover

LAWS = {  # the law, its inputs, and the range of each
    "exp(sin(pi*a) + b**2)": ("a b", [(-1, 1), (-1, 1)]),
    "a*b": ("a b", [(-3, 3), (1, 5)]),
    "sqrt((x1 - x2)**2 + (x3 - x4)**2)": ("x1 x2 x3 x4", [(-2, 2)] * 4),
    "m*c**2/sqrt(1 - v**2/c**2)": ("m v c", [(1, 2), (1, 2), (3, 4)]),
    "3*x*exp(-2*x) + 1": ("x", [(0, 4)]),
    "sin(23*x/10) + 7*cos(51*x/10)/10": ("x", [(0, 5)]),
}


def table(text, names, ranges, rows=400, seed=0):
    """Rows of a law; sympy and numpy compute the target."""
    names, rng = names.split(), np.random.default_rng(seed)
    X = np.column_stack([rng.uniform(*span, rows) for span in ranges])
    symbols = {name: sympy.Symbol(name) for name in names}
    law = sympy.parse_expr(text, local_dict=symbols)
    return Dataset.from_arrays(X, sympy.lambdify(list(symbols.values()), law)(*X.T), names), law


def noise(rows, columns, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.5, 2, (rows, columns)), rng.normal(size=rows)


@pytest.mark.parametrize("text", LAWS)
def test_the_law_is_found_exactly(text):
    data, law = table(text, *LAWS[text])
    found = discover(data, DiscoverSettings(seconds=20))
    assert found.exact
    fresh, _ = table(text, *LAWS[text], seed=1)
    error = np.abs(found.formula.predict(fresh.X) - fresh.y).max()
    assert error < 1e-6 * np.abs(fresh.y).max()
    positive = {s: sympy.Symbol(s.name, positive=True) for s in law.free_symbols}
    ours = sympy.nsimplify(found.formula.expr, rational=True, tolerance=1e-12)
    assert sympy.simplify((ours - law).xreplace(positive)) == 0


def test_the_same_seed_gives_the_same_result():
    data, _ = table("exp(sin(pi*a) + b**2)", "a b", LAWS["exp(sin(pi*a) + b**2)"][1])
    first, second = (discover(data, DiscoverSettings(seconds=30, seed=3)) for _ in range(2))
    assert first.formula.text == second.formula.text
    assert first.formula.constants == second.formula.constants
    assert [c.formula.text for c in first.front] == [c.formula.text for c in second.front]


def test_a_noisy_line_stays_a_line():
    x = np.linspace(0, 5, 120)
    y = 2 * x + 1
    noisy = y + 0.05 * y.std() * np.random.default_rng(0).normal(size=120)
    found = discover(Dataset.from_arrays(x, noisy, ["x"]), DiscoverSettings(seconds=2))
    assert found.formula.complexity <= 7
    expr, symbol = found.formula.expr, sympy.Symbol("x")
    assert sympy.degree(expr, symbol) == 1
    # standard errors of the ordinary least-squares line, by hand
    A = np.column_stack([x, np.ones_like(x)])
    errors = 0.05 * y.std() * np.sqrt(np.diag(np.linalg.inv(A.T @ A)))
    slope, offset = (float(expr.coeff(symbol, k)) for k in (1, 0))
    assert abs(slope - 2) < 3 * errors[0]
    assert abs(offset - 1) < 3 * errors[1]
    for constant in found.formula.constants:
        if constant.symbolic is None:
            assert constant.stderr == pytest.approx(errors[int(abs(constant.value - 1) < 0.5)], rel=0.3)


def test_pure_noise_is_not_explained():
    X, y = noise(300, 3)
    found = discover(Dataset.from_arrays(X, y), DiscoverSettings(seconds=3))
    assert found.formula.complexity <= 5
    assert found.r2 < 0.1
    assert not found.exact


def test_two_inputs_matter_beside_thirty_that_do_not():
    X, _ = noise(600, 32)
    found = discover(Dataset.from_arrays(X, X[:, 3] * np.exp(-X[:, 20])), DiscoverSettings(seconds=20))
    x4, x21 = sympy.symbols("x4 x21")
    assert found.exact
    assert sympy.simplify(found.formula.expr - x4 * sympy.exp(-x21)) == 0


def test_many_rows():
    X, errors = noise(20_000, 10)
    y = 3 * X[:, 0] * np.sin(X[:, 4])
    table = Dataset.from_arrays(X, y + 0.1 * errors)

    def enough(event):
        if event.nrmse is not None and event.nrmse * table.y.std() < 0.102:
            raise KeyboardInterrupt

    found = discover(table, DiscoverSettings(seconds=20), enough)
    assert found.seconds < 50
    assert {s.name for s in found.formula.expr.free_symbols} == {"x1", "x5"}
    assert np.sqrt(np.mean((found.formula.predict(X) - y) ** 2)) < 0.01  # a tenth of the noise
    assert found.rmse == pytest.approx(0.1, rel=0.1)


def test_the_time_is_kept_on_a_hard_table():
    a, errors = noise(1000, 8)
    y = np.sin(a[:, 0] * a[:, 1]) + a[:, 2] * np.exp(a[:, 3] * a[:, 4] - a[:, 5])
    y += np.log(a[:, 6] + a[:, 7]) * a[:, 0] + 0.1 * errors
    start = time.monotonic()
    found = discover(Dataset.from_arrays(a, y), DiscoverSettings(seconds=3))
    assert time.monotonic() - start < 30
    assert found.r2 > 0.5
    assert len(found.front) >= 3


NAMES = ["lambda", "I", "E", "S", "N", "beta", "wave length [nm]"]


def test_any_column_name_works_to_the_end():
    X, _ = noise(200, len(NAMES))
    y = X[:, 0] * X[:, 1] ** 2 / X[:, 2] + X[:, 3] * X[:, 4] * X[:, 5] * X[:, 6]
    data = Dataset.from_arrays(X, y, NAMES)
    result = discover(data, DiscoverSettings(seconds=10)).to_json()
    assert list(result["symbols"].values()) == result["inputs"]
    symbols = {name: sympy.Symbol(name) for name in result["symbols"]}
    formula = sympy.parse_expr(result["formula"], local_dict=symbols)
    assert formula.free_symbols == set(symbols.values())
    np.testing.assert_allclose(sympy.lambdify(list(symbols.values()), formula)(*X.T), y, rtol=1e-10)


NUMBER = (int, float)
SCHEMA = {
    "target": str, "inputs": list, "symbols": dict, "formula": str, "latex": str, "complexity": int,
    "exact": bool, "rmse": NUMBER, "nrmse": NUMBER, "r2": NUMBER, "constants": list, "front": list,
    "seconds": NUMBER, "seed": int, "version": str,
}  # fmt: skip
TEXT = (str, type(None))
CONSTANT = {"value": NUMBER, "stderr": (*NUMBER, type(None)), "symbolic": TEXT, "unit": TEXT}
CANDIDATE = {
    "formula": str, "latex": str, "complexity": int, "nrmse": NUMBER, "r2": NUMBER, "score": NUMBER,
    "dimensions": (str, type(None)), "derivation": list,
}  # fmt: skip


def test_the_result_is_plain_data_and_an_interruption_keeps_the_best():
    X, errors = noise(150, 2)
    y = 2.31 * X[:, 0] * np.exp(-0.77 * X[:, 1]) + 0.01 * errors
    events = []

    def stop(event):
        events.append(event)
        if len(events) == 20:
            raise KeyboardInterrupt

    found = discover(
        Dataset.from_arrays(X, y, ["a", "b"], "rate"), DiscoverSettings(seconds=60, seed=5), stop
    )
    assert found.interrupted
    assert found.seconds < 30
    assert events[-1].nrmse >= 0
    assert [e.seconds for e in events] == sorted(e.seconds for e in events)
    result = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert result["interrupted"] is True
    assert (result["target"], result["inputs"], result["seed"]) == ("rate", ["a", "b"], 5)
    assert not {key: kind for key, kind in SCHEMA.items() if not isinstance(result[key], kind)}
    assert result["constants"]
    for entries, schema in ((result["constants"], CONSTANT), (result["front"], CANDIDATE)):
        for entry in entries:
            assert entry.keys() == schema.keys()
            assert all(isinstance(entry[key], kind) for key, kind in schema.items())
    sizes, misses = ([entry[key] for entry in result["front"]] for key in ("complexity", "nrmse"))
    assert sizes == sorted(set(sizes))
    assert misses == sorted(misses, reverse=True)
    for text in (result["formula"], *(entry["formula"] for entry in result["front"])):
        parsed = sympy.parse_expr(text, local_dict=dict(zip("ab", sympy.symbols("a b"), strict=True)))
        assert parsed.free_symbols <= set(sympy.symbols("a b"))
    assert re.fullmatch(r"\d+\.\d+.*", result["version"])
    assert result["r2"] == pytest.approx(1 - result["nrmse"] ** 2)
    assert result["rmse"] == pytest.approx(0.01, rel=0.3)


def test_exact_forms_keep_the_evidence_they_were_chosen_on():
    """Kepler's six planets; the exponent and its error are scipy's."""
    a = np.array([0.389, 0.724, 1.0, 1.524, 5.2, 9.510])
    P = np.array([87.77, 224.70, 365.25, 686.95, 4332.62, 10759.2])
    found = discover(Dataset.from_arrays(a[:, None], P, ["a"], "P"), DiscoverSettings(seconds=20))
    (exponent,) = [c for c in found.formula.constants if c.symbolic == "3/2"]
    (_, slope), covariance = curve_fit(lambda a, k, p: k * a**p, a, P, [365, 1.5], sigma=P)
    assert exponent.value == pytest.approx(slope, abs=0.003)
    assert exponent.stderr == pytest.approx(np.sqrt(covariance[1, 1]), rel=1.5)
