"""Every problem samples finite rows of its law inside its ranges."""

import kansci_datasets
import numpy as np
import pytest
import sympy
from kansci_datasets import problem, problem_names, sample

from kansci.errors import DataError

NAMES = [name for suite in ("feynman", "classics") for name in problem_names(suite)]


def test_the_suites():
    assert len(problem_names("feynman")) == 100
    assert len(NAMES) == len(set(NAMES)) == 369
    assert {"nguyen", "keijzer", "livermore", "korns"} <= set(kansci_datasets.suites())
    assert "Nguyen-12" in problem_names("Nguyen")


def inside(data, variables):
    low, high = (np.array([getattr(v, side) for v in variables], dtype=float) for side in ("low", "high"))
    return np.all((low <= data.X) & (high >= data.X))


@pytest.mark.parametrize(
    "suite", ["feynman", "nguyen", "livermore", "livermore2", "korns", "keijzer", "others"]
)
def test_rows_are_inside_the_ranges_and_obey_the_law(suite):
    families = [
        s
        for s in kansci_datasets.suites()[2:]
        if s not in {"nguyen", "livermore", "livermore2", "korns", "keijzer"}
    ]
    for name in [n for s in (families if suite == "others" else [suite]) for n in problem_names(s)]:
        law = problem(name)
        symbols = sympy.symbols([variable.name for variable in law.variables])
        assert law.expr.free_symbols <= set(symbols), name
        data = sample(law, rows=50, seed=1)
        assert len(data) == 50, name
        assert np.isfinite(data.y).all(), name
        assert inside(data, law.variables), name
        # At the best conditioned row, as sin(exp(x**2)) and its like are noise at others.
        change = np.abs(law.values(data.X * (1 + 1e-9)) - data.y)
        at = int(np.nanargmin(change / (np.abs(data.y) + 1e-300)))
        row = dict(zip(map(str, symbols), data.X[at], strict=True))
        exact = law.expr.evalf(30, subs={k: sympy.Float(v, 30) for k, v in row.items()})
        assert float(exact) == pytest.approx(data.y[at], rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize("name", [name for name in problem_names("classics") if "Livermore2" not in name])
def test_the_sampling_of_the_papers(name):
    law = problem(name)
    for part, ranges in (("train", law.variables), ("test", law.test or law.variables)):
        data = sample(law, part=part)
        assert inside(data, ranges)
        if any(not variable.gridded for variable in ranges):
            assert len(data) == ((law.test_rows if part == "test" and law.test else law.rows) or 1000)


def test_grids_are_those_of_the_papers():
    np.testing.assert_allclose(sample("Keijzer-1").X[:, 0], np.linspace(-1, 1, 21), atol=1e-15)
    assert len(sample("Pagie-1")) == 26**2
    assert len(sample("Nguyen-1")) == 20


def test_seed_and_noise():
    clean, again, other = (sample("I.10.7", 500, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(clean.X, again.X)
    assert not np.array_equal(clean.X, other.X)
    noisy = sample("I.10.7", 500, 3, noise=0.1)
    np.testing.assert_array_equal(noisy.X, clean.X)
    assert np.std(noisy.y - clean.y) / np.std(clean.y) == pytest.approx(0.1, rel=0.15)
    assert clean.units == {"m_0": "kg", "v": "m*s^-1", "c": "m*s^-1", "m": "kg"}


def test_the_papers_own_sampling_and_noise():
    noisy, clean = (sample("planck", seed=2, noise=noise) for noise in (None, 0.0))
    np.testing.assert_array_equal(noisy.X, clean.X)
    assert len(noisy) == 100
    assert np.std(np.exp(noisy.y - clean.y)) == pytest.approx(0.1, rel=0.25)  # relative, before the logarithm
    rows = sample("planck", 20_000)
    assert np.median(rows.X, axis=0) == pytest.approx([10**12.5, np.sqrt(100 * 6000)], rel=0.1)
    levels = sample("rydberg", 5000).X
    assert set(np.unique(levels)) == {1, 2, 3, 4, 5, 6, 7}
    assert (levels[:, 0] < levels[:, 1]).all()
    assert np.mean(levels[:, 0] == 6) == pytest.approx(1 / 6, rel=0.1)
    np.testing.assert_array_equal(sample("I.10.7", seed=1, noise=None).y, sample("I.10.7", seed=1).y)


def test_planck_in_si_units():
    """2 h nu^3 / c^2 / (exp(h nu / k T) - 1), with the constants of CODATA 2014."""
    from scipy.constants import c, h, k

    rows = sample("planck", 200, seed=1)
    nu, T = rows.X[rows.X[:, 0] / rows.X[:, 1] < 1e13].T
    radiance = 2 * h * nu**3 / c**2 / np.expm1(h * nu / (k * T))
    np.testing.assert_allclose(problem("planck").values(np.stack([nu, T], 1)), np.log(radiance), rtol=1e-6)


def test_wrong_names():
    with pytest.raises(DataError, match="did you mean"):
        problem("Nguyen-99")
    with pytest.raises(DataError, match="no built-in suite"):
        problem_names("feinman2")
    with pytest.raises(DataError, match="neither"):
        sample("Nguyen-1", part="validate")
