"""Every exact solution in the library solves its equations and conditions."""

import numpy as np
import pytest
import sympy

from kansci.errors import SettingsError
from kansci.pde.library import load, names
from kansci.pde.numeric import evaluate


def residual(expr, problem):
    """The expression with the exact solution put in."""
    functions = {f.function: problem.exact[f.name] for f in problem.fields}
    return expr.subs(functions).doit()


@pytest.mark.parametrize("name", names())
def test_exact_solutions_solve(name):
    problem = load(name)
    assert problem.title
    assert problem.source
    if not problem.exact:
        return
    rng = np.random.default_rng(1)
    axes, points = problem.coordinates, problem.domain.sample(40, rng)
    for equation in problem.equations:
        terms = [residual(term, problem) for term in sympy.Add.make_args(sympy.expand_mul(equation))]
        values = np.array([evaluate(term, axes, points) for term in terms])
        assert np.abs(values.sum(axis=0)).max() < 1e-12 * max(1.0, np.abs(values).max())
    for condition in problem.conditions:
        face = condition.face
        points, normals = problem.domain.sample_face(face.axis, face.value, face.name, 40, rng)
        expr = residual(condition.residual, problem)
        values = evaluate(expr, [*axes, *(f"normal_{axis}" for axis in axes)], np.hstack([points, normals]))
        assert np.abs(values).max() < 1e-12


def test_parameters_can_be_changed():
    assert load("burgers", nu=0.5).parameters["nu"] == sympy.Rational(1, 2)
    assert load("helmholtz", a=2).exact["u"] != load("helmholtz").exact["u"]
    with pytest.raises(SettingsError, match="no parameter 'mu': nu"):
        load("burgers", mu=1)
    with pytest.raises(SettingsError, match="burgers"):
        load("burger")


def test_made_observations_are_the_same_every_time():
    one, two = (load("poisson_inverse").observations[0] for _ in range(2))
    assert one.values.shape == (2500,)
    assert np.array_equal(one.values, two.values)
