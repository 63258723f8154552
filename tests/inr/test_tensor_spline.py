"""Tensor-product splines against scipy's."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.interpolate import make_interp_spline
from scipy.ndimage import map_coordinates

from kansci.errors import SettingsError
from kansci.inr.integrate import from_gradient, from_laplacian
from kansci.inr.model import cell_centres
from kansci.inr.spline_axis import SplineAxis
from kansci.inr.tensor_spline import from_means, through_values
from kansci.inr.terms import largest_terms


def grid_points(axes):
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


@pytest.mark.parametrize("degree", [1, 3, 5])
def test_interpolation_is_that_of_scipy(degree):
    rng = np.random.default_rng(degree)
    x, y = np.sort(rng.uniform(-1, 1, 31)), rng.standard_normal((31, 2))
    ours, theirs = through_values(y, [x], degree), make_interp_spline(x, y, k=degree)
    at = np.linspace(x[0], x[-1], 77)
    np.testing.assert_allclose(ours.on_grid([at]), theirs(at), atol=1e-10)
    if degree > 1:
        np.testing.assert_allclose(ours.gradient(at[:, None])[:, :, 0], theirs(at, 1), atol=1e-6)
        np.testing.assert_allclose(ours.laplacian(at[:, None]), theirs(at, 2), rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("degree", [3, 5])
def test_mirrored_splines_are_those_of_image_processing(degree):
    """scipy.ndimage interpolates with splines that are even about the edges of the outer pixels."""
    rng = np.random.default_rng(0)
    axis = SplineAxis.cells(9, degree)
    values = rng.standard_normal(9)
    coefficients = np.linalg.solve(axis.matrix(cell_centres(9)).toarray(), values)
    pixel = np.linspace(-0.4, 8.4, 50)
    expected = map_coordinates(values, [pixel], order=degree, mode="reflect")
    np.testing.assert_allclose(axis.matrix((2 * pixel + 1) / 9 - 1) @ coefficients, expected, atol=1e-6)


@given(st.integers(4, 12), st.integers(5, 9), st.sampled_from([1, 3, 5]), st.integers(0, 99))
def test_means_over_cells_come_back(rows, columns, degree, seed):
    means = np.random.default_rng(seed).standard_normal((rows, columns, 2))
    spline = from_means(means, degree)
    np.testing.assert_allclose(spline.means((rows, columns)), means, atol=1e-12)
    fine = spline.means((2 * rows, 2 * columns)).reshape(rows, 2, columns, 2, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(fine, means, atol=1e-12)


def test_means_are_integrals():
    spline = from_means(np.random.default_rng(1).standard_normal((7, 1)))
    edges = np.linspace(-1, 1, 6)

    def value(x):
        return spline.values(np.array([[x]]))[0, 0]

    breaks = cell_centres(7).tolist()
    pairs = itertools.pairwise(edges)
    expected = [quad(value, a, b, points=breaks, limit=200)[0] / (b - a) for a, b in pairs]
    np.testing.assert_allclose(spline.means((5,))[:, 0], expected, atol=1e-10)


def test_points_gradients_and_laplacians_agree_with_differences():
    rng = np.random.default_rng(2)
    spline = from_means(rng.standard_normal((8, 6, 5, 2)), 5)
    points, step = rng.uniform(-0.9, 0.9, (20, 3)), 1e-4
    one_by_one = [spline.on_grid([x[:1], x[1:2], x[2:]])[0, 0, 0] for x in points]
    np.testing.assert_allclose(spline.values(points), one_by_one, atol=1e-12)
    ahead, behind = (
        np.stack([spline.values(points + sign * step * e) for e in np.eye(3)], axis=-1) for sign in (1, -1)
    )
    np.testing.assert_allclose(spline.gradient(points), (ahead - behind) / (2 * step), rtol=1e-5, atol=1e-4)
    second = (ahead + behind - 2 * spline.values(points)[..., None]) / step**2
    np.testing.assert_allclose(spline.laplacian(points), second.sum(axis=-1), rtol=1e-4, atol=1e-2)
    scales = np.array([1.0, 2.0, 0.5])
    np.testing.assert_allclose(spline.laplacian(points, scales), second @ scales**2, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("shape", [(12, 17), (30,), (6, 7, 8)])
def test_integration_undoes_differentiation(shape):
    spline = from_means(np.random.default_rng(3).standard_normal((*shape, 2)))
    axes = [cell_centres(n) for n in shape]
    points, values = grid_points(axes), spline.on_grid(axes)
    values = values - values.mean(axis=tuple(range(len(shape))))
    slopes = spline.gradient(points).reshape(*shape, 2, len(shape))
    back = from_gradient(slopes, axes).on_grid(axes)
    np.testing.assert_allclose(back, values, atol=1e-10)
    curvature = spline.laplacian(points, 1 / np.arange(1, len(shape) + 1)).reshape(*shape, 2)
    found = from_laplacian(curvature, scales=1 / np.arange(1, len(shape) + 1))
    np.testing.assert_allclose(found.on_grid(axes), values, atol=1e-8)


def test_slopes_that_do_not_vanish_at_the_ends():
    axes = [np.linspace(-0.8, 1, 30), np.sort(np.random.default_rng(0).uniform(-1, 1, 40))]
    y, x = np.meshgrid(*axes, indexing="ij")
    slopes = np.stack([2 * np.cos(2 * y + x), np.cos(2 * y + x) + 1], axis=-1)[:, :, None]
    truth = np.sin(2 * y + x) + x
    spline = from_gradient(slopes, axes)
    np.testing.assert_allclose(spline.on_grid(axes)[..., 0], truth - truth.mean(), atol=2e-3)


def test_few_terms_are_enough_for_what_consists_of_few():
    x = np.linspace(0, 1, 128)
    steps = ((x > 0.3) * 1.0 + (x > 0.71) * 2.0)[:, None] * np.array([1.0, 0.5, 2.0])
    kept, count = largest_terms(steps, 150)
    assert count <= 150 < steps.size
    assert np.abs(kept - steps).max() < 0.01
    noise = np.random.default_rng(0).standard_normal((16, 16, 1))
    assert largest_terms(noise, 256)[0] is noise
    errors = [np.linalg.norm(largest_terms(noise, n)[0] - noise) for n in (20, 60, 120, 200)]
    assert errors == sorted(errors, reverse=True)
    with pytest.raises(SettingsError, match="parameters=2"):
        largest_terms(noise, 2)
