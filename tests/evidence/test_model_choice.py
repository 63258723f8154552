"""Criteria against their closed forms, and against leverages of linear models."""

import numpy as np
import pytest

from kansci.data import Dataset
from kansci.errors import SettingsError
from kansci.evidence import extrapolation, model_choice
from kansci.symbolic.formula import Formula


def quadratic(rows=40, noise=0.3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 3, rows)
    return Dataset.from_arrays(x, x**2 - 2 * x + noise * rng.normal(size=rows), ["x"])


FRONT = [Formula(text, ["x"]) for text in ("1.0", "0.5*x", "1.1*x**2 - 2.1*x")]


def test_leaving_one_out_gives_the_press_statistic():
    data = quadratic()
    # PRESS of ordinary least squares: residual / (1 - leverage); Allen, Technometrics 16:125, 1974
    A = np.column_stack([data.X[:, 0] ** 2, data.X[:, 0]])
    hat = A @ np.linalg.inv(A.T @ A) @ A.T
    press = np.sqrt(np.mean(((data.y - hat @ data.y) / (1 - np.diag(hat))) ** 2))
    choice = model_choice(data, FRONT, folds=len(data))
    assert choice.formulas[-1].cv_nrmse == pytest.approx(press / data.y.std(), rel=1e-9)


def test_information_criteria_are_their_formulas():
    data = quadratic()
    n, x = len(data), data.X[:, 0]
    found = {f.constants: f for f in model_choice(data, [FRONT[0], FRONT[2]]).formulas}
    rss = {1: np.sum((data.y - data.y.mean()) ** 2)}
    A = np.column_stack([x**2, x])
    rss[2] = np.linalg.lstsq(A, data.y, rcond=None)[1][0]
    for name, penalty in {
        "bic": lambda k: (k + 1) * np.log(n),
        "aicc": lambda k: 2 * (k + 1) + 2 * (k + 1) * (k + 2) / (n - k - 2),
    }.items():
        expected = {k: n * np.log(rss[k] / n) + penalty(k) for k in rss}
        difference = getattr(found[2], name) - getattr(found[1], name)
        assert difference == pytest.approx(expected[2] - expected[1], rel=1e-9)


def test_the_law_is_chosen_and_the_choice_explained():
    choice = model_choice(quadratic(), FRONT)
    assert choice.chosen == len(FRONT) - 1
    assert "shortest description" in choice.sentence
    assert "would choose it too" in choice.sentence
    assert choice.formulas[0].score == 0
    with pytest.raises(SettingsError, match="formula"):
        model_choice(quadratic(), [])


def test_rows_that_the_constants_fit_exactly_are_not_cross_validated():
    data = Dataset.from_arrays([1.0, 2.0, 3.0], [1.1, 3.9, 9.2], ["x"])
    line = Formula("1.0 + 2.0*x", ["x"])
    assert model_choice(data, [line]).formulas[0].cv_nrmse == np.inf


def test_a_law_holds_outside_and_a_polynomial_does_not():
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 5, 200)
    data = Dataset.from_arrays(x, 3 * np.exp(-x) + 0.01 * rng.normal(size=200), ["x"])
    law, rival = Formula("2.5*exp(-1.1*x)", ["x"]), Formula("3.0 - 2.0*x + 0.5*x**2 - 0.05*x**3", ["x"])
    found = extrapolation(data, law, [rival])
    own, other = found.formulas[found.chosen], found.formulas[1 - found.chosen]
    assert own.ratio < 1.5
    assert other.ratio > 3
    # by hand: the polynomial fitted inside, judged outside
    low, high = np.quantile(x, [0.1, 0.9])
    inside = (x >= low) & (x <= high)
    error = np.polyval(np.polyfit(x[inside], data.y[inside], 3), x) - data.y
    assert other.outside == pytest.approx(np.sqrt(np.mean(error[~inside] ** 2)) / data.y.std(), rel=1e-6)
    assert other.inside == pytest.approx(np.sqrt(np.mean(error[inside] ** 2)) / data.y.std(), rel=1e-6)


def test_inputs_with_few_values_have_no_inside():
    data = Dataset.from_arrays(np.tile([0.0, 1.0, 2.0], 10), np.arange(30.0), ["x"])
    assert extrapolation(data, FRONT[1]).formulas[0].ratio is None
