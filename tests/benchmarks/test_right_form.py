"""The judge of noisy recoveries: made-up formulas that are right, wrong, or right but for a constant."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from kansci.data import Dataset
from kansci.expressions.parser import parse
from kansci.symbolic.constants import Constant

FILE = Path(__file__).parents[2] / "benchmarks" / "_right_form.py"
spec = importlib.util.spec_from_file_location("_right_form", FILE)
judging = importlib.util.module_from_spec(spec)
spec.loader.exec_module(judging)


def rows(n, seed, noise=0.0):
    """y = 2.5*exp(-x^2/2)/z: its constants are 2.5 and 1/2."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(0.5, 2.0, (n, 2))
    y = 2.5 * np.exp(-(X[:, 0] ** 2) / 2) / X[:, 1]
    return Dataset.from_arrays(X, y + noise * y.std() * rng.standard_normal(n), ["x", "z"], "y")


TABLE, CLEAN = rows(1000, 0, 0.01), rows(500, 1)


def form_of(text, published=()):
    return judging.right_form(parse(text, ["x", "z"]), TABLE, CLEAN, published)


@pytest.mark.parametrize(
    "text", ["2.5*exp(-x**2/2)/z", "2.5003*exp(-0.50004*x**2)/z", "exp(0.9164-x**2/2)/z"]
)
def test_right(text):
    form = form_of(text)
    assert form.right
    assert form.within
    assert form.superfluous == 0


@pytest.mark.parametrize("text", ["2.6*exp(-x**2/2)/z", "2.5*exp(-0.52*x**2)/z"])
def test_right_form_with_a_constant_that_is_off(text):
    form = form_of(text)
    assert form.right
    assert not form.within
    assert form.deviations > 3


@pytest.mark.parametrize(
    "text", ["2.5*exp(-x**2/3)/z", "5*exp(-x**2/2)/z", "1.5/(x*z)", "2.7+0.1*x-0.3*z", "log(x-5)*2.5"]
)
def test_wrong_form_or_wrong_exact_number(text):
    form = form_of(text)
    assert not form.right
    assert not form.within


def test_a_term_that_the_law_does_not_have_is_counted():
    form = form_of("2.5*exp(-x**2/2)/z + 0.00001*x")
    assert not form.right
    assert form.relative_error < judging.EXACT
    assert form.superfluous == 1
    assert form.constants == 2


def test_published_standard_errors_count():
    text, off = "2.51*exp(-x**2/2)/z", 0.01
    assert form_of(text, (Constant(2.51, off / 2, None),)).deviations == pytest.approx(2.0, rel=1e-6)
    assert not form_of(text, (Constant(2.51, off / 4, None),)).within


def test_standard_errors_are_those_of_least_squares():
    form = form_of("2.51/z*exp(-x**2/2)")
    slope = np.exp(-(TABLE.X[:, 0] ** 2) / 2) / TABLE.X[:, 1]
    residual = TABLE.y - 2.51 * slope
    stderr = np.sqrt(residual @ residual / (len(TABLE) - 1) / (slope @ slope))
    assert form.deviations == pytest.approx(0.01 / stderr, rel=1e-6)


def test_contains_counts_the_constants():
    formula = parse("2.4*exp(-0.51*x**2)/z", ["x", "z"])
    assert judging.contains(formula, CLEAN, 2)
    assert not judging.contains(formula, CLEAN, 1)
    assert not judging.contains(parse("2.4*exp(-0.51*x)/z", ["x", "z"]), CLEAN, 2)
