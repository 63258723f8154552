"""The columns that matter are found among many that do not; in noise there are none."""

import numpy as np
import pytest

from kansci.search.screening import relevant

LAWS = {
    "curve": (lambda x: x[3] * np.exp(-x[8]), {3, 8}, (0.5, 2)),
    "acts only together": (lambda x: x[3] * x[8], {3, 8}, (-1, 1)),
    "sum of three": (lambda x: x[3] * np.sin(x[4]) + x[5], {3, 4, 5}, (0.5, 2)),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("rows", "noise"), [(400, 0.0), (1000, 0.1), (2000, 0.5)])
def test_columns_that_matter(law, rows, noise):
    function, matter, span = LAWS[law]
    rng = np.random.default_rng(1)
    X = rng.uniform(*span, (20, rows))
    y = function(X)
    found = relevant(list(X), y + noise * y.std() * rng.normal(size=rows))
    assert matter <= set(found)
    assert len(found) <= len(matter) + 1


def test_in_noise_hardly_any_column_matters():
    rng = np.random.default_rng(0)
    counts = [len(relevant(list(rng.normal(size=(8, 500))), rng.normal(size=500))) for _ in range(20)]
    assert np.mean(counts) < 0.5


def test_whole_numbers_ties_and_few_rows():
    rng = np.random.default_rng(0)
    X = [rng.integers(0, 2, 600), rng.integers(0, 5, 600), rng.normal(size=600), np.zeros(600)]
    assert relevant(X, X[0] * 2.0 + X[1]) == [0, 1]
    assert relevant([x[:20] for x in X], X[1][:20]) == []
