"""Error bounds against true errors of formulas that are off by a known function."""

import numpy as np
import pytest
import sympy

from kansci.pde.statement import problem
from kansci.solution.bounds import error_bound
from kansci.solution.enclosure import value_range

x, y, t = sympy.symbols("x y t", real=True)
SQUARE, STRIP = {"x": [0, 1], "y": [0, 1]}, {"x": [-1, 1], "t": [0, 2]}
PI = sympy.pi


def manufactured(left, exact, domain, **more):
    """A problem whose solution is `exact`, with values given on the whole boundary."""
    conditions = {"boundary": f"u = {exact}"} | ({"t = 0": f"u = {exact}"} if "t" in domain else {})
    return problem(
        f"{left} = f", domain, conditions, exact={"u": exact}, parameters={"f": more.pop("f")}, **more
    )


CASES = [
    # -div(a grad u) + c u with a = 1 + x, c = 2
    (
        manufactured("-(1 + x)*(u_xx + u_yy) - u_x + 2*u", "x*y", SQUARE, f="-y + 2*x*y"),
        x * y,
        (sympy.sin(3 * x * y) / 100, x * (1 - x) * y * (1 - y) / 10),
    ),
    # Helmholtz with a wave number below the first resonance (c d^2 / 8 < 1)
    (manufactured("u_xx + u_yy + 3*u", "x + y", SQUARE, f="3*x + 3*y"), x + y, (sympy.cos(x + 2 * y) / 50,)),
    # mixed derivatives and convection
    (
        manufactured("-2*u_xx - u_xy - u_yy + 5*u_x", "x^2*y", SQUARE, f="-4*y - 2*x + 10*x*y"),
        x**2 * y,
        (sympy.sin(PI * x) * sympy.sin(PI * y) / 30,),
    ),
    # heat with a variable coefficient, a source that grows, and convection
    (
        manufactured("u_t - (1 + x^2)*u_xx - u/2 + x*u_x", "x*t", STRIP, f="x - x*t/2 + x*t"),
        x * t,
        (t * sympy.cos(3 * x) / 40, sympy.sin(x * t) / 25),
    ),
]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_bounds_hold_and_are_rigorous(case):
    stated, exact, errors = CASES[case]
    points = stated.domain.sample(4096, np.random.default_rng(0))
    for error in errors:
        bound = error_bound(stated, formula=exact + error)
        true = np.abs(sympy.lambdify(stated.symbols, error)(*points.T)).max()
        assert bound.rigorous
        assert true <= bound.value < 100 * true
    assert error_bound(stated, formula=exact).value == 0


def test_the_parabola_is_sharp():
    stated = problem("-u_xx = 0", {"x": [0, 3]}, {"boundary": "u = 0"})
    bound = error_bound(stated, formula=x * (3 - x) / 2)  # residual 1, error 9 / 8
    np.testing.assert_allclose(bound.value, 9 / 8, rtol=1e-9)


def test_sampled_residuals_give_the_same_bound_and_say_so():
    stated = problem("u_t = u_xx + u_yy", {**SQUARE, "t": [0, 3]}, {"t = 0": "u = 0", "boundary": "u = 0"})
    formula = x * (1 - x) * y * (1 - y) * sympy.sin(t)
    residual = formula.diff(t) - formula.diff(x, 2) - formula.diff(y, 2)
    function = sympy.lambdify(stated.symbols, residual)
    sampled = error_bound(stated, residual=lambda points: function(*points.T))
    enclosed = error_bound(stated, formula=formula)
    assert (sampled.rigorous, enclosed.rigorous) == (False, True)
    assert "sampled" in sampled.how
    np.testing.assert_allclose(sampled.value, enclosed.value, rtol=0.03)
    # by the width of the domain, not by the longer time
    assert "width" in enclosed.how


def test_conditions_that_are_not_met_count():
    stated = problem("u_xx + u_yy = 0", {}, {"boundary": "2*u = 0"}, region="disc(0, 0, 1)")
    bound = error_bound(
        stated,
        residual=lambda points: 0 * points[:, 0],
        conditions=lambda condition, points, normals: points[:, 0],
    )
    np.testing.assert_allclose(bound.value, 0.5, rtol=1e-3)
    np.testing.assert_allclose(error_bound(stated, formula=x / 2).value, 0.5, rtol=0.02)


@pytest.mark.parametrize(
    ("stated", "word"),
    [
        (problem("u_xx + u^3 = 0", {"x": [0, 1]}, {"boundary": "u = 0"}), "linear"),
        (problem("u_xx + 200*u = 1", {"x": [0, 1]}, {"boundary": "u = 0"}), "too large"),
        (problem("u_xx = u + 1", {"x": [0, 1]}, {"x = 0": "u = 0", "x = 1": "u_x = 0"}), "values"),
        (problem("u_tt = u_xx", STRIP, {"t = 0": ["u = 0", "u_t = 0"], "boundary": "u = 0"}), "neither"),
        (problem("u_t = -u_xx", STRIP, {"t = 0": "u = 0", "boundary": "u = 0"}), "neither"),
        (problem("u_xx - u_yy = 0", SQUARE, {"boundary": "u = 0"}), "neither"),
    ],
)
def test_no_bound_where_there_is_no_maximum_principle(stated, word):
    bound = error_bound(stated, residual=lambda points: 0 * points[:, 0])
    assert bound.value is None
    assert word in bound.how


def test_value_range_encloses():
    found = value_range(sympy.sin(5 * x) * sympy.exp(y), {x: (0.0, 2.0), y: (-1.0, 1.0)})
    assert found.rigorous
    assert np.e <= found.high < 1.02 * np.e
    assert -1.02 * np.e < found.low <= -np.e
