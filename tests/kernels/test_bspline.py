"""B-splines against scipy, and knot insertion against the function itself."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import BSpline as ScipyBSpline

from kansci.kernels import bspline_jet, bspline_values, edge_values, insertion_matrix, sum_edges

degrees, grids, seeds = st.integers(0, 6), st.integers(1, 12), st.integers(0, 2**16)


def random_knots(grid: int, degree: int, seed: int, *, uniform: bool) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    steps = np.ones((2, grid + 2 * degree)) if uniform else rng.uniform(0.3, 1.7, (2, grid + 2 * degree))
    knots = np.concatenate([np.zeros((2, 1)), steps.cumsum(1)], axis=1)
    return torch.tensor(knots * [[1.0], [1e-3]] + [[-2.0], [5e-3]])


def points(knots: torch.Tensor, degree: int, n: int, seed: int) -> torch.Tensor:
    ends = knots[:, degree], knots[:, -degree - 1]
    share = torch.tensor(np.random.default_rng(seed).random((n, len(knots))))
    return ends[0] + (ends[1] - ends[0]) * share


@given(degrees, grids, st.integers(0, 7), seeds, st.booleans())
def test_values_and_derivatives_are_scipys(degree, grid, nu, seed, uniform):
    knots = random_knots(grid, degree, seed, uniform=uniform)
    x = points(knots, degree, 40, seed)
    values = bspline_values(x, knots, degree, nu, uniform=uniform)
    assert values.shape == (40, 2, grid + degree)
    for i in range(2):
        reference = np.zeros((40, grid + degree))
        if nu <= degree:
            reference = ScipyBSpline(knots[i].numpy(), np.eye(grid + degree), degree)(x[:, i].numpy(), nu=nu)
        # The size of a derivative is that of its largest value anywhere on these knots.
        scale = max(1.0, (2 * degree / float(knots[i].diff().min())) ** nu)
        assert np.abs(values[:, i].numpy() - reference).max() <= 1e-12 * scale


@given(degrees, grids, seeds, st.booleans())
def test_partition_of_unity(degree, grid, seed, uniform):
    knots = random_knots(grid, degree, seed, uniform=uniform)
    values, slopes = bspline_jet(points(knots, degree, 30, seed), knots, degree, (0, 1), uniform=uniform)
    assert float(values.min()) >= -1e-15
    torch.testing.assert_close(values.sum(-1), torch.ones(30, 2, dtype=torch.float64), rtol=0, atol=1e-13)
    assert float(slopes.sum(-1).abs().max()) <= 1e-11 / float(knots.diff().min())


@given(degrees, grids, seeds, st.integers(0, 9))
def test_knot_insertion_keeps_the_function(degree, grid, seed, extra):
    old = random_knots(grid, degree, seed, uniform=False)
    inserted = points(old, degree, extra, seed + 1).mT
    inner = torch.cat([old[:, degree : old.shape[1] - degree], inserted], dim=1).sort(dim=1).values
    outer = torch.arange(1, degree + 1) * 0.1 * old.diff().min()
    new = torch.cat([inner[:, :1] - outer.flip(0), inner, inner[:, -1:] + outer], dim=1)
    coef = torch.tensor(np.random.default_rng(seed).normal(size=(2, grid + degree)))
    finer = (insertion_matrix(old, new, degree) @ coef.unsqueeze(-1)).squeeze(-1)
    x = points(old, degree, 50, seed + 2)
    before = (bspline_values(x, old, degree) * coef).sum(-1)
    after = (bspline_values(x, new, degree) * finer).sum(-1)
    torch.testing.assert_close(after, before, rtol=0, atol=1e-12)


def test_a_population_is_its_members():
    knots = torch.stack([random_knots(5, 3, seed, uniform=True) for seed in range(4)])
    x = torch.stack([points(k, 3, 20, seed) for seed, k in enumerate(knots)])
    together = bspline_values(x, knots, 3, 1, uniform=True)
    for p in range(4):
        torch.testing.assert_close(together[p], bspline_values(x[p], knots[p], 3, 1, uniform=True))


@pytest.mark.parametrize("nu", [0, 1, 2])
def test_values_are_differentiable(nu):
    knots = random_knots(4, 3, 0, uniform=True)
    x = points(knots, 3, 15, 3).requires_grad_()
    coef = torch.tensor(np.random.default_rng(0).normal(size=(2, 7)))
    (gradient,) = torch.autograd.grad((bspline_values(x, knots, 3, nu, uniform=True) * coef).sum(), x)
    expected = (bspline_values(x.detach(), knots, 3, nu + 1, uniform=True) * coef).sum(-1)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("leading", [(), (3,)])
def test_edge_sum_is_the_contraction(leading):
    rng = np.random.default_rng(0)
    coef = torch.tensor(rng.normal(size=(3, 4, 2, 5)))
    values = torch.tensor(rng.normal(size=(*leading, 6, 2, 5)))
    p = "p" if leading else ""
    expected = torch.einsum(f"{p}nik,pjik->pnj", values, coef)
    torch.testing.assert_close(sum_edges(values, coef), expected)
    expected = torch.einsum(f"{p}nik,pjik->pnji", values, coef)
    torch.testing.assert_close(edge_values(values, coef), expected)
    torch.testing.assert_close(
        sum_edges(torch.zeros(0, 2, 5, dtype=torch.float64), coef), torch.zeros(3, 0, 4).double()
    )
