"""Steps of Levenberg-Marquardt against numpy's and scipy's least squares."""

import itertools

import numpy as np
import pytest
import scipy.optimize
import sympy
import torch

from kansci.pde.axes import Powers, polynomials
from kansci.pde.block import Block, Layout, stack
from kansci.pde.compiled import compile_residual, misfit
from kansci.pde.field_model import FieldModel
from kansci.pde.gauss_newton import gauss_newton
from kansci.pde.networks.make import make_network
from kansci.pde.networks.separable import SumOfOnes

X = sympy.Symbol("x", real=True)
U = sympy.Function("u")(X)
INTERVAL = np.array([[0.0, 2.0]])


def linear_fit(expansion, values, points):
    """A field of given functions that is to take values at points."""
    network = SumOfOnes([expansion])
    model = FieldModel(network, (0,), INTERVAL)
    layout = Layout((("u", network.n_weights),))
    block = Block(misfit("u", 1), {"u": model}, layout, points[:, None], 1.0, [values])
    return [block], torch.zeros(layout.size, dtype=torch.float64)


def last(iterates, count):
    return list(itertools.islice(iterates, count))[-1]


@pytest.mark.parametrize("damping", [1e-16, 1e-6], ids=["by QR", "by Cholesky"])
def test_ill_conditioned_fits_are_as_good_as_numpys(damping):
    points = np.linspace(0, 2, 60)
    values = np.exp(points) * np.sin(5 * points)
    blocks, theta = linear_fit(Powers(12), values, points)
    _, J = stack(blocks, theta)
    assert np.linalg.cond(J.numpy()) > 1e6
    expected, *_ = np.linalg.lstsq(J.numpy(), values, rcond=None)
    best = float(((J.numpy() @ expected - values) ** 2).sum())
    found = last(gauss_newton(blocks, theta, damping), 40)
    assert found.loss == pytest.approx(best, rel=1e-6)


def test_a_linear_problem_is_solved_in_one_step():
    points = np.linspace(0, 2, 40)
    blocks, theta = linear_fit(polynomials(9).expansion, np.cos(points), points)
    found = next(gauss_newton(blocks, theta, 1e-16))
    _, J = stack(blocks, theta)
    expected, *_ = np.linalg.lstsq(J.numpy(), np.cos(points), rcond=None)
    np.testing.assert_allclose(found.theta, expected, atol=1e-12)
    assert found.steps == 1


def test_with_fewer_rows_than_unknowns_the_step_is_short_and_fits():
    points = np.linspace(0.1, 1.9, 5)
    values = np.cos(3 * points)
    blocks, theta = linear_fit(polynomials(9).expansion, values, points)
    found = last(gauss_newton(blocks, theta, 1e-12), 4)
    _, J = stack(blocks, theta)
    lengths = J.square().sum(0).sqrt().numpy()
    shortest = np.linalg.pinv(J.numpy() / lengths) @ values / lengths
    assert found.loss < 1e-20
    np.testing.assert_allclose(found.theta, shortest, atol=1e-8)


@pytest.mark.parametrize("rows", [8, 60], ids=["dual", "primal"])
def test_a_damped_step_minimises_what_it_says(rows):
    """Against the ordinary least squares of |J d + r|^2 + damping |D d|^2."""
    points = np.linspace(0, 2, rows)
    blocks, theta = linear_fit(polynomials(20).expansion, np.cos(points), points)
    r, J = (part.numpy() for part in stack(blocks, theta))
    damping, lengths = 0.3, np.sqrt((J**2).sum(0))
    rows_below = np.sqrt(damping) * np.diag(lengths)
    expected, *_ = np.linalg.lstsq(np.vstack([J, rows_below]), np.append(-r, np.zeros(20)), rcond=None)
    found = next(gauss_newton(blocks, theta, damping))
    np.testing.assert_allclose(found.theta, expected, atol=1e-10)


def perceptron_fit(points, values):
    network = make_network("mlp", [False], width=(1,))
    model = FieldModel(network, (0,), INTERVAL)
    layout = Layout((("u", network.n_weights),))
    block = Block(misfit("u", 1), {"u": model}, layout, points[:, None], 1.0, [values])
    return [block], network.initial(2)


def test_nonlinear_fits_end_where_scipys_do():
    points = np.linspace(0, 2, 50)
    noise = np.random.default_rng(0).normal(0, 0.05, 50)
    blocks, theta = perceptron_fit(points, np.exp(-points) + noise)

    def parts(x):
        return (part.numpy() for part in stack(blocks, torch.from_numpy(x)))

    theirs = scipy.optimize.least_squares(
        lambda x: next(parts(x)), theta.numpy(), lambda x: [*parts(x)][1], xtol=1e-14, ftol=1e-14, gtol=1e-14
    )
    losses = [iterate.loss for iterate in itertools.islice(gauss_newton(blocks, theta), 200)]
    assert losses[-1] == pytest.approx(2 * theirs.cost, rel=1e-6)
    assert all(after < before for before, after in itertools.pairwise(losses))


def test_steps_to_where_a_residual_is_not_finite_are_refused():
    """log(u) = x: the first full steps lead to negative u."""
    network = SumOfOnes([polynomials(8).expansion])
    model = FieldModel(network, (0,), INTERVAL)
    layout = Layout((("u", network.n_weights),))
    points = np.linspace(0, 2, 30)[:, None]
    block = Block(compile_residual(sympy.log(U) - X, [X], {}), {"u": model}, layout, points, 1.0)
    theta = torch.zeros(8, dtype=torch.float64)
    theta[0] = 30.0  # u = 30: a full step goes far below zero
    iterates = list(itertools.islice(gauss_newton([block], theta, 1e-9), 60))
    assert all(np.isfinite(i.loss) and torch.isfinite(i.theta).all() for i in iterates)
    assert iterates[-1].loss < 1e-6


def test_nothing_is_yielded_where_no_step_helps():
    points = np.linspace(0, 2, 40)
    blocks, theta = linear_fit(polynomials(6).expansion, np.zeros(40), points)
    assert list(itertools.islice(gauss_newton(blocks, theta), 5)) == []


def test_a_start_that_is_not_finite_ends_at_once():
    network = SumOfOnes([polynomials(4).expansion])
    layout = Layout((("u", 4),))
    model = FieldModel(network, (0,), INTERVAL)
    points = np.linspace(0, 2, 9)[:, None]
    block = Block(compile_residual(sympy.log(U), [X], {}), {"u": model}, layout, points, 1.0)
    theta = torch.tensor([-1.0, 0, 0, 0], dtype=torch.float64)
    assert list(itertools.islice(gauss_newton([block], theta), 3)) == []


@pytest.mark.parametrize("count", [2, 9], ids=["fewer rows than unknowns", "more"])
def test_a_start_with_infinite_slopes_ends_at_once(count):
    """The root of u at u = 0: the residual is finite, its derivative is not."""
    network = SumOfOnes([polynomials(4).expansion])
    residual = compile_residual(sympy.sqrt(U) - X, [X], {})
    points = np.linspace(0, 2, count)[:, None]
    block = Block(residual, {"u": FieldModel(network, (0,), INTERVAL)}, Layout((("u", 4),)), points, 1.0)
    theta = torch.zeros(4, dtype=torch.float64)
    assert list(itertools.islice(gauss_newton([block], theta), 3)) == []


def test_rows_of_blocks_are_derivatives_of_their_residuals():
    """An equation with products, a constant to be found and a known factor, against central differences."""
    c = sympy.Symbol("c", real=True)
    residual = compile_residual(
        U * sympy.Derivative(U, X) + c**2 * sympy.Derivative(U, (X, 2)) - sympy.exp(X) * U, [X], {c: "c"}
    )
    assert not residual.linear
    network = make_network("mlp", [False], width=(3,))
    layout = Layout((("u", network.n_weights),), ("c",))
    model = FieldModel(network, (0,), INTERVAL)
    block = Block(residual, {"u": model}, layout, np.linspace(0.1, 1.9, 6)[:, None], np.arange(1.0, 7.0))
    theta = torch.cat([network.initial(1), torch.tensor([0.7]).double()])
    _, J = block.linearised(theta)
    for k in range(layout.size):
        unit = torch.zeros_like(theta)
        unit[k] = 1e-6
        slope = (block.values(theta + unit) - block.values(theta - unit)) / 2e-6
        torch.testing.assert_close(J[:, k], slope, rtol=1e-6, atol=1e-7)
