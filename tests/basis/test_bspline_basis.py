"""The B-spline basis: its continuation, its refinement, its fit."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kansci.basis import BASE_FUNCTIONS, BSpline
from kansci.errors import SettingsError

DOMAIN = torch.tensor([[-1.0, 2.0], [3e8, 9e8]], dtype=torch.float64)


def sample(n: int, seed: int = 0, beyond: float = 0.0) -> torch.Tensor:
    share = torch.tensor(np.random.default_rng(seed).uniform(-beyond, 1 + beyond, (n, 2)))
    return DOMAIN[:, 0] + (DOMAIN[:, 1] - DOMAIN[:, 0]) * share


def coefs(size: int, seed: int = 0) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(seed).normal(size=(2, size)))


@given(st.integers(1, 5), st.integers(1, 9), st.integers(0, 25), st.integers(0, 12))
def test_refine_keeps_the_function_everywhere(degree, grid, extra, again):
    basis = BSpline(grid, degree, DOMAIN)
    finer, first = basis.refine(grid + extra)
    finest, second = finer.refine(grid + extra + again)
    assert finest.grid_size == grid + extra + again
    assert bool((finest.knots.diff(dim=-1) > 0).all())
    x, coef = sample(60, beyond=0.3), coefs(basis.size)
    refined = (second @ first @ coef.unsqueeze(-1)).squeeze(-1)
    before, after = ((b.values(x) * c).sum(-1) for b, c in ((basis, coef), (finest, refined)))
    torch.testing.assert_close(after, before, rtol=0, atol=1e-11)


def test_refine_to_a_multiple_stays_uniform_and_a_smaller_grid_is_refused():
    basis = BSpline(4, 3, DOMAIN)
    finer, _ = basis.refine(12)
    assert finer.uniform
    torch.testing.assert_close(finer.knots, BSpline(12, 3, DOMAIN).knots)
    with pytest.raises(SettingsError, match="cannot be refined to 3"):
        basis.refine(3)


@pytest.mark.parametrize("degree", [0, 1, 3])
def test_the_function_goes_on_linearly_outside(degree):
    basis = BSpline(5, degree, DOMAIN)
    coef = coefs(basis.size)
    ends = DOMAIN.mT  # rows: both lower ends, both upper ends
    width = DOMAIN[:, 1] - DOMAIN[:, 0]
    beyond = torch.stack([ends[0] - 0.7 * width, ends[1] + 1.3 * width])
    value, slope = ((basis.values(ends, nu) * coef).sum(-1) for nu in (0, 1))
    torch.testing.assert_close((basis.values(beyond) * coef).sum(-1), value + slope * (beyond - ends))
    torch.testing.assert_close((basis.values(beyond, 1) * coef).sum(-1), slope)
    assert not bool(basis.values(beyond, 2).any())


def test_jet_agrees_with_autograd_inside_and_outside():
    basis = BSpline(5, 3, DOMAIN[:1])
    x = sample(40, beyond=0.4)[:, :1].requires_grad_()
    coef = coefs(basis.size)[:1]
    values, slopes, curvature = ((jet * coef).sum(-1) for jet in basis.jet(x, (0, 1, 2)))
    (first,) = torch.autograd.grad(values.sum(), x, create_graph=True)
    torch.testing.assert_close(first, slopes)
    torch.testing.assert_close(torch.autograd.grad(first.sum(), x)[0], curvature)


def test_fit_reproduces_the_span():
    basis = BSpline(6, 3, DOMAIN)
    x, coef = sample(200), torch.stack([coefs(9, 1), coefs(9, 2), coefs(9, 3)])  # (J, I, K)
    y = torch.einsum("nik,jik->nji", basis.values(x), coef)
    torch.testing.assert_close(basis.fit(x, y), coef, rtol=0, atol=1e-9)


def test_fit_with_few_samples_stays_finite():
    basis = BSpline(6, 3, DOMAIN)
    x = sample(4)
    coef = basis.fit(x, x.unsqueeze(1))
    torch.testing.assert_close(torch.einsum("nik,jik->nji", basis.values(x), coef), x.unsqueeze(1))


@pytest.mark.parametrize("name", BASE_FUNCTIONS)
def test_slopes_of_base_functions(name):
    function, slope = BASE_FUNCTIONS[name]
    u = torch.linspace(-3, 3, 31, dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(function(u).sum(), u)
    torch.testing.assert_close(slope(u.detach()), expected)


def test_impossible_grids_are_refused():
    with pytest.raises(SettingsError):
        BSpline(0, 3, DOMAIN)
    with pytest.raises(SettingsError):
        BSpline(3, 3, torch.tensor([[1.0, 1.0]]))


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_compiled_values_are_those_that_are_differentiated(degree, dtype):
    generator = torch.Generator().manual_seed(degree)
    domain = torch.tensor([[[-1.0, 2.0], [3.0, 3.5]], [[0.0, 1.0], [-4.0, 9.0]]], dtype=dtype)
    basis = BSpline(4, degree, domain)
    share = torch.rand((2, 50, 2), generator=generator, dtype=dtype) * 1.6 - 0.3
    share[:, :4] = torch.tensor([0.0, 0.25, 1.0, -0.5], dtype=dtype)[:, None]
    low, high = domain.unsqueeze(-3).unbind(-1)
    for x in (low + (high - low) * share, share[0]):
        with torch.no_grad():
            written = basis.jet(x, (1, 0))
            (alone,) = basis.jet(x, (0,))
        assert torch.equal(alone, written[1])
        tolerance = {"rtol": 1e-9, "atol": 1e-9} if dtype == torch.float64 else {"rtol": 1e-3, "atol": 1e-3}
        for mine, recorded in zip(written, basis.jet(x, (1, 0)), strict=True):
            torch.testing.assert_close(mine, recorded, **tolerance)
