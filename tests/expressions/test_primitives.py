"""The contract of every row: numpy's values and slopes are those of the expression."""

import mpmath
import numpy as np
import pytest
import sympy

from kansci.expressions.primitives import LIBRARY, PRIMITIVES, X
from kansci.symbolic.complexity import complexity

DOMAIN = {"acosh": (1.05, 4), "x^(3/2)": (0.05, 3)}


def test_names_are_unique():
    assert len(PRIMITIVES) == len(LIBRARY)
    assert len({primitive.expr for primitive in LIBRARY}) == len(LIBRARY)


@pytest.mark.parametrize("primitive", LIBRARY, ids=lambda primitive: primitive.name)
def test_values_and_slopes_are_those_of_the_expression(primitive):
    points = np.random.default_rng(3).uniform(*DOMAIN.get(primitive.name, (0.05, 0.95)), 20)
    for function, expr in (
        (primitive.values, primitive.expr),
        (primitive.slope, sympy.diff(primitive.expr, X)),
    ):
        with mpmath.workdps(40):
            exact = [float(expr.subs(X, sympy.Float(float(x), 40)).evalf(40)) for x in points]
        np.testing.assert_allclose(function(points), exact, rtol=1e-12)


@pytest.mark.parametrize("primitive", LIBRARY, ids=lambda primitive: primitive.name)
def test_outside_its_domain_it_is_not_finite_and_does_not_warn(primitive):
    values = primitive.values(np.array([-3.0, 0.0, 3.0]))
    for x, value in zip((-3, 0, 3), values, strict=True):
        exact = primitive.expr.subs(X, x).evalf()
        assert np.isfinite(value) == bool(exact.is_Number and exact.is_finite)


@pytest.mark.parametrize("primitive", LIBRARY, ids=lambda primitive: primitive.name)
def test_the_cost_is_that_of_the_written_form(primitive):
    assert 0 <= primitive.cost - (complexity(primitive.expr) - 1) <= 1


@pytest.mark.parametrize("primitive", LIBRARY, ids=lambda primitive: primitive.name)
def test_shift_and_scale_say_what_cannot_be_absorbed(primitive):
    """f(a*x) and f(x + b) are c*f(x) + d exactly when the flags say so (least squares on points)."""
    points = np.linspace(*{"acosh": (1.1, 1.4), "abs": (-0.3, 0.4)}.get(primitive.name, (0.3, 0.6)), 30)
    columns = np.stack([primitive.values(points), np.ones(30)], axis=1)
    for flag, moved in ((primitive.scale, 1.3 * points), (primitive.shift, points + 0.1)):
        values = primitive.values(moved)
        rest = values - columns @ np.linalg.lstsq(columns, values, rcond=None)[0]
        assert (np.abs(rest).max() > 1e-10) == flag
