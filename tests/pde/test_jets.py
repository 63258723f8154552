"""Derivatives carried forward, against sympy's: compositions, products, and what goes backward."""

import math

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kansci.pde.jets import JetPlan

SYMBOLS = sympy.symbols("x y z", real=True)
POINTS = torch.tensor([[0.3, -0.7, 0.2], [-0.4, 0.1, 0.9]], dtype=torch.float64)


def multi_indices(dimensions):
    index = st.tuples(*[st.integers(0, 4)] * dimensions).filter(lambda a: sum(a) <= 4)
    return st.lists(index, min_size=1, max_size=3)


wanted_indices = st.integers(1, 3).flatmap(multi_indices)
small = st.integers(-3, 3)
polynomials = st.tuples(small, small, small, small)


def polynomial(coefficients, dimensions):
    """c0 + a mixture of the coordinates that has mixed derivatives."""
    x = SYMBOLS[:dimensions]
    total = sum((k + 1) * s for k, s in enumerate(x))
    product = math.prod(x)
    c = coefficients
    return (
        sympy.Rational(c[0], 4)
        + sympy.Rational(c[1], 3) * total
        + c[2] * product
        + sympy.Rational(c[3], 5) * total**2
    )


def exact_jet(expr, plan, dimensions):
    """Derivatives of a polynomial at the points, (C, N)."""
    whole = sympy.Poly(expr, *SYMBOLS[:dimensions])
    rows = []
    for index in plan.indices:
        pairs = [(s, n) for s, n in zip(SYMBOLS, index, strict=False) if n]
        part = whole.diff(*pairs) if pairs else whole
        powers, factors = np.array(part.monoms()), np.array(part.coeffs(), dtype=float)
        rows.append((POINTS.numpy()[:, None, :dimensions] ** powers).prod(-1) @ factors)
    return torch.from_numpy(np.array(rows))


@settings(max_examples=25)
@given(wanted_indices, polynomials)
def test_compositions_have_the_derivatives_sympy_finds(wanted, coefficients):
    dimensions = len(wanted[0])
    plan = JetPlan.of(wanted, dimensions)
    inner = polynomial(coefficients, dimensions)
    jet = exact_jet(inner, plan, dimensions)
    found = plan.compose(
        [torch.stack([f(jet[0]) for f in (quartic(n), cubic(n))], dim=-1).unsqueeze(-2) for n in range(5)],
        jet.unsqueeze(-1),
    )
    for k, f in enumerate((quartic, cubic)):
        expected = exact_jet(f(0)(inner), plan, dimensions)
        torch.testing.assert_close(found[:, :, 0, k], expected, rtol=1e-10, atol=1e-9)


def quartic(order):
    """v^4 - 2 v, differentiated."""
    return [
        lambda v: v**4 - 2 * v,
        lambda v: 4 * v**3 - 2,
        lambda v: 12 * v**2,
        lambda v: 24 * v,
        lambda v: 24 + 0 * v,
    ][order]


def cubic(order):
    """(v - 1)^3, differentiated."""
    return lambda v: [1, 3, 6, 6, 0][order] * (v - 1) ** max(3 - order, 0)


@settings(max_examples=25)
@given(wanted_indices, polynomials, polynomials)
def test_products_follow_leibniz_and_the_adjoint_goes_back(wanted, first, second):
    dimensions = len(wanted[0])
    plan = JetPlan.of(wanted, dimensions)
    f, g = (polynomial(c, dimensions) for c in (first, second))
    one, other = exact_jet(f, plan, dimensions), exact_jet(g, plan, dimensions)
    product = plan.multiply(one, other)
    torch.testing.assert_close(product, exact_jet(f * g, plan, dimensions), rtol=1e-10, atol=1e-9)
    weights = torch.linspace(-1, 2, product.numel(), dtype=torch.float64).view(product.shape)
    back = plan.adjoint(one, weights)
    torch.testing.assert_close((back * other).sum(0), (weights * product).sum(0), rtol=1e-10, atol=1e-9)


def test_only_what_lies_below_a_wanted_derivative_is_carried():
    laplacian = JetPlan.of([(2, 0), (0, 2)], 2)
    assert laplacian.indices == ((0, 0), (0, 1), (1, 0), (0, 2), (2, 0))
    assert (1, 1) in JetPlan.of([(1, 1)], 2).indices
    assert JetPlan.of([], 3).indices == ((0, 0, 0),)


@pytest.mark.parametrize("wanted", [[], [(1, 0)], [(0, 2)]])
def test_coordinates_are_scaled_and_shifted(wanted):
    plan = JetPlan.of(wanted, 2)
    scale, shift = torch.tensor([2.0, 5.0]).double(), torch.tensor([0.5, -1.0]).double()
    jet = plan.coordinates(POINTS[:, :2], scale, shift)
    torch.testing.assert_close(jet[0], (POINTS[:, :2] - shift) * scale)
    for place, index in enumerate(plan.indices[1:], start=1):
        expected = [scale[k] if index == unit else 0.0 for k, unit in enumerate([(1, 0), (0, 1)])]
        assert jet[place].tolist() == [[float(e) for e in expected]] * 2
