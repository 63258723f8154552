"""A problem in its own units has the same solutions, and its numbers are of order one."""

from dataclasses import replace

import numpy as np
import pytest
import sympy

from kansci.pde.library import load, names
from kansci.pde.numeric import evaluate
from kansci.pde.observations import synthetic
from kansci.pde.scaling import scaled
from kansci.pde.statement import problem


def rod():
    """Heat in a bar of 2 mm over an hour, in SI units; T is exact for any values."""
    return problem(
        "rho*c*T_t = k*T_xx + q",
        {"x": (0, "2e-3"), "t": (7200, 10800)},
        {"t = 7200": "T = exact", "x = 0": "T = 293 + sin(t/600)", "x = 2e-3": "k*T_n = flux"},
        parameters={
            "rho": 8000,
            "c": 500,
            "k": 400,
            "exact": "293 + 1e3*x + sin(t/600)",
            "flux": "400*1e3",
            "q": "rho*c*cos(t/600)/600",
        },
        exact={"T": "exact"},
    )


def ring():
    return problem(
        "-kappa*laplacian(u) = 1e6 - b*u",
        {},
        {"hole": "u = exact", "elsewhere": "kappa*u_n + 5*u = (2*x^2 + 2*y^2 - 4e-7*x)*scale + 5*exact"},
        region="disc(1e-3, 0, 0.002) - disc(0.001, 0, 0.001)",
        faces={"hole": "disc(0.001, 0, 0.001)"},
        parameters={"kappa": 1e-3, "scale": 0, "exact": "1e4 + x*1e5"},
        unknowns={"b": 2e4},
    )


def residuals(stated, expr, axes, points):
    functions = {f.function: stated.exact[f.name] for f in stated.fields}
    return evaluate(expr.subs(functions).doit(), axes, points)


def test_the_exact_solution_stays_exact():
    own = scaled(rod())
    rng = np.random.default_rng(0)
    stated = own.problem
    points = stated.domain.sample(50, rng)
    assert np.abs(residuals(stated, stated.equations[0], stated.coordinates, points)).max() < 1e-12
    for condition in stated.conditions:
        face = condition.face
        points, _ = stated.domain.sample_face(face.axis, face.value, face.name, 50, rng)
        assert np.abs(residuals(stated, condition.residual, stated.coordinates, points)).max() < 1e-11
    back = own.formula("T", stated.exact["T"])
    assert sympy.simplify(back - rod().exact["T"]) == 0


def test_everything_is_of_order_one():
    own = scaled(rod())
    assert np.ptp(own.problem.domain.bounds, axis=1) == pytest.approx([2, 3.6])
    assert np.abs(own.problem.domain.bounds).max() < 20
    assert own.fields["T"] == 100
    coefficients = [
        abs(float(c)) for c in own.problem.equations[0].as_coefficients_dict().values() if c.is_number
    ]
    assert 0.1 <= max(coefficients) <= 100
    points = np.array([[1e-3, 7200.0], [2e-3, 9000.0]])
    assert np.allclose(own.to_user(own.to_scaled(points)), points, rtol=1e-15)


def test_a_shape_and_an_unknown_constant():
    own = scaled(ring())
    assert own.problem.domain.bounds.tolist() == [[-1, 3], [-2, 2]]
    assert own.scale["x"] == own.scale["y"] == sympy.Rational(1, 1000)
    assert own.constants["b"] * own.problem.unknowns[0].start == 2e4
    assert 0.1 <= own.problem.unknowns[0].start <= 10
    rng = np.random.default_rng(0)
    hole = own.problem.conditions[0].face
    points, _ = own.problem.domain.sample_face(hole.axis, hole.value, hole.name, 100, rng)
    assert np.allclose(np.linalg.norm(points - [1, 0], axis=1), 1)
    user = own.to_user(own.problem.domain.sample(100, rng))
    assert ring().domain.contains(user).all()


def test_measurements_move_along():
    stated = rod()
    observed = synthetic(stated, "T", 30, 0.5, 0)
    own = scaled(problem_with(stated, observed))
    moved = own.problem.observations[0]
    assert np.allclose(moved.values * 100, observed.values)
    assert moved.sigma == pytest.approx(0.005)
    assert own.problem.domain.contains(moved.points).all()


def problem_with(stated, observed):

    return replace(stated, observations=(observed,))


OF_OTHER_ORDERS = {"helmholtz_source"}
"""A source of a hundred and a wavenumber of twenty: the field is small."""


@pytest.mark.parametrize("name", sorted(set(names()) - OF_OTHER_ORDERS))
def test_what_is_of_order_one_stays_as_it_is(name):
    own = scaled(load(name))
    assert own.is_identity
    assert all(own.problem.exact[key] == value for key, value in load(name).exact.items())


@pytest.mark.parametrize("name", sorted(OF_OTHER_ORDERS))
def test_what_is_of_another_order_is_scaled(name):
    assert not scaled(load(name)).is_identity
