"""Recovery from incomplete, indirect and noisy data: against scikit-image and linear algebra."""

import numpy as np
import pytest
from scipy import sparse
from skimage.restoration import denoise_tv_chambolle
from skimage.transform import radon

from kansci.inr.projection import projection_matrix
from kansci.inr.recover import difference_matrices, recover


@pytest.fixture(scope="module")
def cartoon():
    y, x = np.mgrid[:40, :40] / 40
    return 0.2 + 0.6 * (x + y > 0.9) + 0.3 * ((x - 0.3) ** 2 + (y - 0.3) ** 2 < 0.04)


def test_projections_are_those_of_scikit_image(cartoon):
    y, x = np.mgrid[:40, :40] - 20
    inside = np.where(x**2 + y**2 < 19**2, cartoon, 0.0)
    angles = np.array([0.0, 17.3, 45.0, 90.0, 133.0])
    expected = radon(inside, angles)
    ours = projection_matrix(40, angles) @ inside.ravel()
    np.testing.assert_allclose(ours.reshape(40, -1), expected, atol=1e-10)


def test_total_variation_minimises_the_same_as_scikit_image(cartoon):
    noisy = cartoon + 0.1 * np.random.default_rng(0).standard_normal(cartoon.shape)
    found = recover(sparse.eye_array(1600), noisy.reshape(-1, 1), (40, 40), prior="tv")
    theirs = denoise_tv_chambolle(noisy, found.weight, eps=1e-9, max_num_iter=2000)
    np.testing.assert_allclose(found.values[..., 0], theirs, atol=5e-3)
    assert np.linalg.norm(found.values[..., 0] - cartoon) < 0.4 * np.linalg.norm(noisy - cartoon)


def test_thin_plates_solve_the_normal_equations():
    rng = np.random.default_rng(1)
    rows = rng.choice(100, 40, replace=False)
    operator = sparse.csr_array(sparse.eye_array(100))[rows]
    y, x = np.mgrid[:10, :10] / 10
    data = (np.sin(3 * x) * y).reshape(-1, 1)[rows] + 0.05 * rng.standard_normal((40, 1))
    found = recover(operator, data, (10, 10), prior="smooth")
    plates = sum(d.T @ d for d in difference_matrices((10, 10), 2))
    expected = np.linalg.solve((operator.T @ operator + found.weight * plates).toarray(), operator.T @ data)
    np.testing.assert_allclose(found.values.reshape(-1, 1), expected, atol=1e-6)
    np.testing.assert_allclose(found.values[..., 0], np.sin(3 * x) * y, atol=0.1)


def test_second_differences_vanish_on_planes_only():
    y, x = np.mgrid[:5, :6].astype(float)
    matrices = difference_matrices((5, 6), 2)
    assert all(np.allclose(m @ (2 * x - y + 3).ravel(), 0) for m in matrices)
    np.testing.assert_allclose((matrices[0] @ (y**2).ravel()).reshape(5, 6)[1:-1], 2)
    np.testing.assert_allclose((matrices[2] @ (x * y).ravel()).reshape(5, 6)[:-1, :-1], np.sqrt(2))


def test_the_prior_is_chosen_by_what_was_held_out(cartoon):
    every = sparse.eye_array(1600)
    noise = 0.1 * np.random.default_rng(2).standard_normal((1600, 1))
    y, x = np.mgrid[:40, :40] / 40
    wave = np.sin(5 * x + 3 * y).reshape(-1, 1)
    edges = recover(every, cartoon.reshape(-1, 1) + noise, (40, 40))
    smooth = recover(every, wave + noise, (40, 40))
    assert edges.prior == "tv"
    assert smooth.prior in {"smooth", "tv2"}
    assert np.sqrt(np.mean((smooth.values.reshape(-1, 1) - wave) ** 2)) < 0.04


def test_a_picture_comes_back_from_few_projections(cartoon):
    y, x = np.mgrid[:40, :40] - 20
    inside = np.where(x**2 + y**2 < 19**2, cartoon, 0.0)
    angles = np.linspace(0, 180, 20, endpoint=False)
    operator = projection_matrix(40, angles)
    sums = operator @ inside.reshape(-1, 1)
    found = recover(operator, sums, (40, 40), prior="tv", groups=np.tile(np.arange(20), 40))
    assert np.sqrt(np.mean((found.values[..., 0] - inside) ** 2)) < 0.02


@pytest.mark.parametrize("prior", ["tv", "tv2", "smooth"])
def test_units_and_offsets_do_not_matter(prior):
    x = np.sort(np.random.default_rng(3).uniform(0, 6, 80))
    data = np.sin(x)[:, None] + 0.1 * np.random.default_rng(4).standard_normal((80, 1))
    every = sparse.eye_array(80)
    plain = recover(every, data, (80,), prior=prior)
    assert np.sqrt(np.mean((plain.values[:, 0] - np.sin(x)) ** 2)) < 0.06
    other = recover(every, 1e-6 * data + 1e-2, (80,), prior=prior)
    np.testing.assert_allclose(other.values, 1e-6 * plain.values + 1e-2, atol=1e-12)
    assert other.error == pytest.approx(1e-6 * plain.error, rel=1e-5)
