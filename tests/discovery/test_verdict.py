"""What a discovery says of itself: law or not, rivals, relations, the error model, a network instead."""

import time

import kansci_datasets
import numpy as np
import pytest
import sympy

from kansci.data import Dataset
from kansci.discovery import DiscoverSettings, discover
from kansci.discovery.errors import with_better_errors
from kansci.discovery.rows import search_rows
from kansci.evidence.network_instead import network_instead
from kansci.search.pool import Pool
from kansci.search.rows import Rows, inverse

X = sympy.Symbol("x", positive=True)


def kinks(rows, seed=0):
    """A target with two kinks that no short formula describes."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.5, 3, (rows, 2))
    y = np.maximum(x[:, 0] - 1.7, 0) * x[:, 1] - 2 * np.maximum(np.sin(3 * x[:, 1]), 0)
    return Dataset.from_arrays(x, y + 0.01 * rng.normal(size=rows), ["a", "b"])


def test_a_formula_that_a_smooth_function_beats_is_no_law_and_a_network_takes_its_place():
    found = discover(kinks(600), DiscoverSettings(seconds=3, maxsize=9))
    assert not found.verdict.law_found
    assert found.to_json()["law_found"] is False
    network = network_instead(found, 3.0)
    assert network.nrmse < 0.9 * found.nrmse
    fresh = kinks(600, seed=1)
    error = np.sqrt(np.mean((network.model.predict(fresh.X)[:, 0] - fresh.y) ** 2)) / fresh.y.std()
    assert error == pytest.approx(network.nrmse, rel=0.5)


def test_a_noisy_law_is_one():
    rng = np.random.default_rng(0)
    x = rng.uniform(0.5, 3, 200)
    y = 3 * x**2 + 0.05 * rng.normal(size=200)
    found = discover(Dataset.from_arrays(x, y, ["x"]), DiscoverSettings(seconds=2))
    assert found.verdict.law_found
    assert network_instead(found, 1.0) is None


def test_noise_is_no_law():
    rng = np.random.default_rng(1)
    found = discover(
        Dataset.from_arrays(rng.uniform(size=(40, 2)), rng.normal(size=40)), DiscoverSettings(seconds=2)
    )
    assert not found.verdict.law_found


def test_what_the_data_do_not_rule_out_is_a_rival():
    """Michaelis and Menten's law, with the constants of Bates & Watts (1988), beside a logarithm."""
    table = kansci_datasets.load("puromycin_treated")
    rows = search_rows(table, 0)
    pool = Pool(rows, (X,), time.monotonic() + 10)
    pool.offer(sympy.Float(37.0) * sympy.log(X) + sympy.Float(209.0))
    pool.offer(sympy.Float(200.0) * X / (sympy.Float(0.1) + X))
    pool.offer(sympy.Float(150.0) * sympy.sqrt(X))
    (rival,) = pool.rivals
    assert sorted(map(float, rival.expr.atoms(sympy.Float))) == pytest.approx([0.06412, 212.7], rel=1e-3)
    assert rival.expr not in [c.expr for c in pool.candidates]


def test_a_relation_between_constants_is_told():
    x = np.linspace(0.1, 4, 60)
    root = np.sqrt(3) / np.exp(0.7)
    y = root * x + root**2 + 1e-4 * np.random.default_rng(0).normal(size=60)
    found = discover(Dataset.from_arrays(x, y, ["x"]), DiscoverSettings(seconds=2))
    (relation,) = found.relations
    square, _, power = relation.partition(" = ")
    assert power.endswith("**2")
    assert [float(square), float(power[:-3])] == pytest.approx([root**2, root], rel=1e-3)


def test_the_error_model_is_chosen_again_by_the_residuals_of_the_best_formula():
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 100, 200)
    y = 2.1347 * x + 1.0813 + 0.3 * rng.normal(size=200)
    everything = np.arange(200)
    wrong = Pool(Rows((x,), y, inverse(y), everything, everything), (X,), time.monotonic() + 10)
    wrong.offer(sympy.Float(2.1) * X + sympy.Float(0.9))
    right = with_better_errors(wrong)
    assert np.ptp(right.rows.weight) == 0
    slope, offset = np.polyfit(x, y, 1)
    assert sorted(map(float, right.best.expr.atoms(sympy.Float))) == pytest.approx([offset, slope], rel=1e-6)
    assert with_better_errors(right) is right
