"""The minimisers against scipy's, on functions with known minima."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from kansci.errors import SettingsError
from kansci.training.curvature import SelfScaledBroyden, _broyden_numbers
from kansci.training.line_search import WolfeSearch, evaluate
from kansci.training.quasi_newton import METHODS, minimise


def with_gradient(function):
    def both(x):
        x = x.detach().requires_grad_()
        value = function(x)
        return value.detach(), torch.autograd.grad(value, x)[0]

    return both


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def beale(x):
    a, b = x
    return (1.5 - a + a * b) ** 2 + (2.25 - a + a * b**2) ** 2 + (2.625 - a + a * b**3) ** 2


def powell(x):
    a, b, c, d = x
    return (a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4


GENERATOR = torch.Generator().manual_seed(0)
TURN = torch.linalg.qr(torch.randn((30, 30), generator=GENERATOR, dtype=torch.float64))[0]
CURVATURES = torch.logspace(-1, 3, 30, dtype=torch.float64)


def ill_conditioned(x):
    return 0.5 * (CURVATURES * (TURN @ x - 1) ** 2).sum()


def tensor(*values):
    return torch.tensor(values, dtype=torch.float64)


CASES = {
    "rosenbrock-2": (rosenbrock, tensor(-1.2, 1.0)),
    "rosenbrock-20": (rosenbrock, tensor(*[-1.2, 1.0] * 10)),
    "beale": (beale, tensor(1.0, 1.0)),
    "powell": (powell, tensor(3.0, -1.0, 0.0, 1.0)),
    "ill-conditioned": (ill_conditioned, torch.zeros(30, dtype=torch.float64)),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CASES)
def test_as_good_as_scipy_in_as_many_evaluations(name, method):
    function, start = CASES[name]
    both = with_gradient(function)
    found = minimise(both, start, method, steps=2000, tolerance=1e-8)
    assert found.reason == "gradient"

    def for_scipy(x):
        value, gradient = both(torch.tensor(x))
        return float(value), gradient.numpy()

    name = {"LBFGS": "L-BFGS-B", "SSBroyden": "BFGS"}[method]
    limits = {"gtol": 1e-8, "maxiter": 3000, **({"ftol": 0, "maxcor": 20} if method == "LBFGS" else {})}
    theirs = minimize(for_scipy, start.numpy(), jac=True, method=name, options=limits)
    assert found.value <= theirs.fun + 1e-12
    assert found.evaluations < 2.5 * theirs.nfev
    np.testing.assert_allclose(found.value, float(function(found.x)))
    # The same again gives the same bits.
    assert torch.equal(minimise(both, start, method, steps=2000, tolerance=1e-8).x, found.x)


@pytest.mark.parametrize("method", METHODS)
def test_points_that_are_not_finite_are_never_taken(method):
    seen = []

    def barrier(x):
        value, gradient = with_gradient(lambda z: (z - 3 * z.log()).sum() + (z[0] * z[1] - 4) ** 2)(x)
        if float(x.min()) < 0.05:
            gradient = gradient * math.nan  # a value without a gradient is of no use either
        return value, gradient

    found = minimise(
        barrier, tensor(0.06, 30.0, 5.0), method, on_point=lambda _, point: seen.append(point) and None
    )
    assert found.reason == "gradient"
    assert all(math.isfinite(point.value) and bool(point.gradient.isfinite().all()) for point in seen)
    values = np.array([point.value for point in seen])
    assert (np.diff(values) <= 1e-15 * np.abs(values[1:])).all()
    with pytest.raises(SettingsError, match="start"):
        minimise(barrier, tensor(-1.0, 1.0, 1.0), method)


def test_the_step_meets_the_strong_wolfe_conditions():
    both = with_gradient(rosenbrock)
    here = evaluate(both, tensor(-1.2, 1.0, 0.3))
    for first in (1e-6, 1e-3, 1.0, 1e3):
        there = WolfeSearch(both, here, -here.gradient).run(first)
        slope = -float(here.gradient @ here.gradient)
        assert there.value <= here.value + 1e-4 * there.length * slope
        assert abs(float(there.gradient @ -here.gradient)) <= -0.9 * slope


def test_broydens_update_meets_the_secant_equation_and_stays_positive():
    generator = torch.Generator().manual_seed(1)
    curvature = torch.randn((6, 6), generator=generator, dtype=torch.float64)
    curvature = curvature @ curvature.mT + torch.eye(6, dtype=torch.float64)
    memory = SelfScaledBroyden(6)
    x = torch.randn(6, generator=generator, dtype=torch.float64)
    for number in range(12):
        here = evaluate(lambda z: (0.5 * z @ curvature @ z, curvature @ z), x)
        length = 0.05 + 0.01 * number
        step = length * memory.along(here.gradient)
        change = curvature @ step
        memory.update(step, change, here, length)
        torch.testing.assert_close(memory.along(change), -step)
        inverse = -torch.stack([memory.along(row) for row in torch.eye(6, dtype=torch.float64)])
        assert float(torch.linalg.eigvalsh(0.5 * (inverse + inverse.mT)).min()) > 0
        x = x + step
    # With theta = 0 (b = 1) and h = 1 the update is plain BFGS.
    assert _broyden_numbers(1.0, 1.0, 6) == (1.0, 1.0)


def test_the_caller_can_end_it_and_wrong_options_are_named():
    both, start = with_gradient(rosenbrock), tensor(-1.2, 1.0)
    assert minimise(both, start, on_point=lambda number, _: number == 3).steps == 3
    assert minimise(both, start, steps=5).reason == "steps"
    assert minimise(both, tensor(1.0, 1.0)).steps == 0
    with pytest.raises(SettingsError, match="LBFGS, SSBroyden"):
        minimise(both, start, "BFGS")
    with pytest.raises(SettingsError, match="too many"):
        minimise(both, torch.zeros(20_000, dtype=torch.float64), "SSBroyden")
