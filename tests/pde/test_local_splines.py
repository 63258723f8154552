"""Splines with sparse least squares: against full matrices, closed forms and the field of a point source."""

import numpy as np
import pytest
import torch
from scipy.special import hankel1

from kansci.pde import library
from kansci.pde.axes import splines, stretched
from kansci.pde.banded import in_bands
from kansci.pde.block import Block
from kansci.pde.collocation import balanced_blocks, grid_points
from kansci.pde.gauss_newton import gauss_newton
from kansci.pde.local_splines import has_splines, spline_levels
from kansci.pde.networks.local import LocalProduct, tensor_product
from kansci.pde.networks.separable import TensorProduct
from kansci.pde.piece import layout_of
from kansci.pde.statement import problem
from kansci.pde.system import prepare

BOX = {"x": [0, 2], "y": [0, 1]}


def levels(stated, count):
    found = spline_levels(prepare(stated), lambda: False, lambda: np.inf)
    return [next(found) for _ in range(count)]


def points(stated):
    return stated.domain.sample(400, np.random.default_rng(3))


def test_local_products_equal_full_ones():
    system = prepare(problem("u_xx + x*u_yy + u_xy + u^2 = 1", BOX, {"boundary": "u = x"}))
    axes = [splines(np.linspace(-1, 1, 6), 5), splines(np.array([-1, -0.4, 0.1, 1]), 4)]
    expansions = [axis.expansion for axis in axes]
    assert isinstance(tensor_product(expansions), LocalProduct)
    where = points(system.problem)
    where[:2] = [0, 0], [2, 1]
    evaluated = []
    for network in (TensorProduct(expansions), LocalProduct(expansions)):
        models = {"u": system.model("u", network)}
        layout = layout_of(models, ())
        block = Block(system.equations[0], models, layout, where, 1.0)
        theta = torch.randn(layout.size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        evaluated.append((block.values(theta), *block.linearised(theta)))
    for full, local in zip(*evaluated, strict=True):
        torch.testing.assert_close(local, full, rtol=1e-12, atol=1e-10)
    _, sparse = block.sparse(theta)
    np.testing.assert_allclose(sparse.toarray(), evaluated[0][2].numpy(), atol=1e-10)
    assert sparse.nnz <= len(where) * 6 * 5


def test_steps_in_bands_equal_those_of_full_matrices():
    system = prepare(
        problem(
            ["u_xx + u_yy + v = x", "v_xx + v_yy - x*u_y = y"], BOX, {"boundary": ["u = x", "v_n + v = 0"]}
        )
    )
    axes = [splines(np.linspace(-1, 1, n + 1), 4) for n in (5, 3)]
    models = {name: system.model(name, LocalProduct([a.expansion for a in axes])) for name in ("u", "v")}
    layout = layout_of(models, ())
    nodes = [stretched(a.nodes, *ends) for a, ends in zip(axes, system.bounds, strict=True)]
    where = grid_points(system, nodes, [c.face for c, _ in system.soft])
    theta = torch.zeros(layout.size, dtype=torch.float64)
    blocks = balanced_blocks(system, models, layout, theta, where)
    full = next(gauss_newton(blocks, theta, 1e-3))
    banded = next(gauss_newton(blocks, theta, 1e-3, in_bands(2, [a.size for a in axes])))
    torch.testing.assert_close(banded.theta, full.theta, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("nonlinear", [0, 1])
def test_errors_fall_with_a_high_power_of_the_intervals(nonlinear):
    exact = "sin(12*x)*cos(9*y)"
    stated = problem(
        f"u_xx + y*u_yy + a*u^3 = -(144 + 81*y)*{exact} + a*({exact})^3",
        BOX,
        {"boundary": f"u = {exact}"},
        parameters={"a": nonlinear},
    )
    where = points(stated)
    truth = np.sin(12 * where[:, 0]) * np.cos(9 * where[:, 1])
    errors = [np.abs(p.jet("u", where, [(0, 0)])[0] - truth).max() for p in levels(stated, 2)]
    assert errors[1] < errors[0] / 2**7
    assert errors[1] < 2e-6


def test_conditions_on_derivatives_are_met():
    stated = problem(
        ["u_x = v_y", "u_y = -v_x"], BOX, {"boundary": "u = exp(x)*cos(y)", "x = 0": "v = sin(y)"}
    )
    (piece,) = levels(stated, 1)
    where = points(stated)
    np.testing.assert_allclose(
        piece.jet("v", where, [(0, 0)])[0], np.exp(where[:, 0]) * np.sin(where[:, 1]), atol=1e-8
    )


def test_the_field_of_a_point_source_is_hankels_function():
    """A longer wave than the library's, so that few intervals do."""
    stated = library.load("helmholtz_source", k=10, s=0.1)
    assert has_splines(prepare(stated))
    (*_, piece) = levels(stated, 3)
    where = np.random.default_rng(0).uniform(-1, 1, (2000, 2))
    r = np.hypot(*where.T)
    where, r = where[r > 0.6], r[r > 0.6]
    field = sum(part * piece.jet(name, where, [(0, 0)])[0] for name, part in (("u_re", 1), ("u_im", 1j)))
    exact = 0.25j * hankel1(0, 10 * r)
    assert np.linalg.norm(field - exact) < 1e-3 * np.linalg.norm(exact)


def test_what_has_no_splines():
    for stated in (
        problem("u_xx = 1", {"x": [0, 1]}, {"boundary": "u = 0"}),
        problem("laplacian(u) = 1", {}, {"boundary": "u = 0"}, region="disc(0, 0, 1)"),
        problem("u_xx + u_yy = 1", BOX, {"boundary": "u = 0"}, periodic=["x"]),
    ):
        assert not has_splines(prepare(stated))
