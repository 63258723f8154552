"""The certified problems of the NIST Statistical Reference Datasets (Nonlinear Regression)."""

import kansci_datasets
import numpy as np
import pytest

from kansci.errors import FormulaError
from kansci.symbolic.formula import Formula

PROBLEMS = [name for name in kansci_datasets.names() if kansci_datasets.info(name).certified]
EXACT = {"nist_lanczos1"}
"""Its residuals, certified to be 1e-13, are below the round-off of its own data in double precision."""


def digits(found, certified):
    return min(-np.log10(abs(found[name] / value - 1) + 1e-16) for name, value in certified.items())


def check(name, fitted):
    entry = kansci_datasets.info(name)
    assert digits(fitted.parameters, entry.parameters) >= 6
    if name not in EXACT:
        assert digits(fitted.stderr, entry.certified.stderr) >= 4
        assert fitted.rss == pytest.approx(entry.certified.rss, rel=1e-6)
        assert fitted.residual_std == pytest.approx(entry.certified.rsd, rel=1e-6)


def problem(name):
    entry, data = kansci_datasets.info(name), kansci_datasets.load(name)
    y = np.log(data.y) if entry.transform == "log" else data.y
    return entry, Formula(entry.law, entry.inputs), data.X, y


def test_there_are_all_of_them():
    assert len(PROBLEMS) >= 25


@pytest.mark.parametrize("start", [0, 1], ids=["far", "near"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_certified_values_from_both_starts(name, start):
    entry, form, X, y = problem(name)
    check(name, form.fit(X, y, start=entry.certified.starts[start]))


@pytest.mark.parametrize("name", ["nist_danwood", "nist_misra1c"])
def test_certified_values_without_a_start(name):
    _, form, X, y = problem(name)
    check(name, form.fit(X, y))


def test_a_weighted_fit_is_the_mean_weighted_by_inverse_variances():
    y, sigma = np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 0.5])
    fitted = Formula("c + 0*x", ["x"]).fit(np.ones((3, 1)), y, sigma=sigma)
    assert fitted.parameters["c"] == pytest.approx(np.average(y, weights=sigma**-2), rel=1e-12)


def test_some_values_given():
    x = np.linspace(0, 1, 30)
    fitted = Formula("a*sin(w*x)", ["x"]).fit({"x": x, "y": 2 * np.sin(9 * x)}, start={"w": 8.0})
    assert fitted.parameters == pytest.approx({"a": 2, "w": 9}, rel=1e-10)


def test_errors():
    x = np.linspace(-1, 1, 5)
    with pytest.raises(FormulaError, match="'k', which is no parameter"):
        Formula("a*x", ["x"]).fit(x, x, start={"k": 1})
    with pytest.raises(FormulaError, match="2 rows cannot determine the 3 parameters"):
        Formula("a*x + b + c*x**2", ["x"]).fit(x[:2], x[:2])
    with pytest.raises(FormulaError, match="5 rows, the target has 4"):
        Formula("a*x", ["x"]).fit(x, x[:4])
    with pytest.raises(FormulaError, match="not finite on the data at any start"):
        Formula("a*log(x)", ["x"]).fit(x, x)
