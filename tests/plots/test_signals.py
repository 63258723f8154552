"""Figures of represented signals show the samples, the errors and the derivatives that they say."""

import numpy as np
import pytest
from matplotlib.collections import PathCollection, QuadMesh
from PIL import Image

from kansci.plots import plot_representation, save_figure
from kansci.plots.signals_images import busiest, finer
from kansci.representation import represent
from kansci.signals import (
    analytic_shape,
    audio_signal,
    field_signal,
    image_signal,
    shape_signal,
    video_signal,
    volume_signal,
)

GRID = np.stack(np.meshgrid(np.linspace(0, 2, 12), np.linspace(0, 1, 9), indexing="ij"), -1).reshape(-1, 2)


def wave(*shape):
    """Smooth samples in [0, 1] at the middles of cells."""
    places = np.meshgrid(*((np.arange(n) + 0.5) / n for n in shape), indexing="ij")
    return 0.5 + 0.4 * np.sin(6 * sum((k + 1) * x for k, x in enumerate(places)))


def titles(figure):
    return [axes.get_title() for axes in figure.axes]


def axes_of(figure, title):
    (found,) = [axes for axes in figure.axes if axes.get_title() == title]
    return found


def test_image_error_gradient_and_laplacian_are_those_of_the_function():
    y, x = np.meshgrid(np.arange(40) + 0.5, np.arange(30) + 0.5, indexing="ij")
    values = 0.5 + 0.3 * np.sin(x / 5) * np.cos(y / 8)
    exact = represent(values)
    figure = plot_representation(exact)
    slope = axes_of(figure, "size of the exact gradient").images[0].get_array()
    known = 0.3 * np.hypot(np.cos(x / 5) * np.cos(y / 8) / 5, np.sin(x / 5) * np.sin(y / 8) / 8)
    inside = np.s_[4:-4, 4:-4]  # the ends of a spline know less
    np.testing.assert_allclose(slope[inside], known[inside], atol=2e-3)
    laplacian = axes_of(figure, "exact Laplacian").images[0].get_array()
    np.testing.assert_allclose(laplacian[inside], -(1 / 25 + 1 / 64) * (values - 0.5)[inside], atol=2e-3)

    fewer = represent(np.stack([values, values**2, 1 - values], -1), parameters=200)
    missed = fewer.decode().values - fewer.frame.values
    shown = axes_of(plot_representation(fewer), "size of the error (RMS over channels)").images[0].get_array()
    np.testing.assert_allclose(shown, np.sqrt(np.mean(missed**2, axis=-1)))


def test_detail_is_where_the_slopes_are_and_four_times_finer():
    picture = np.full((60, 80), 0.5)
    picture[30:40, 50:60] = np.random.default_rng(0).random((10, 10))
    rows, columns = busiest(picture)
    assert (rows.stop - rows.start, columns.stop - columns.start) == (16, 16)
    assert rows.start <= 30 < 40 <= rows.stop
    assert columns.start <= 50 < 60 <= columns.stop
    exact = represent(picture)
    fine = finer(exact, (rows, columns))
    assert fine.shape == (64, 64, 1)
    point = np.array([[rows.start + 3.125, columns.start + 5.625]])  # of the fine pixel (12, 22)
    np.testing.assert_allclose(fine[12, 22], exact.predict(point)[0])


def test_network_shows_how_it_was_trained():
    figure = plot_representation(represent(wave(16, 16), "siren", parameters=600, steps=40))
    curve = axes_of(figure, "PSNR (dB) while it was trained").lines[0]
    assert len(curve.get_xdata()) > 1
    assert "siren" in figure.get_suptitle()


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        (audio_signal(wave(4000) - 0.5, 8000), "spectrogram, decoded"),
        (audio_signal(np.stack([wave(400), -wave(400)], 1), 8000), "signal (right)"),
        (video_signal(wave(5, 16, 20), 24.0), "PSNR (dB) of each frame"),
        (volume_signal(wave(8, 10, 12)), "decoded, $y$ = 5.5"),
        (shape_signal(analytic_shape("torus"), 20), "signed distance, $z$ = 0.05"),
        (field_signal(GRID, wave(108), ("x [m]", "t [s]"), ("u",)), "samples less the function"),
        (field_signal(GRID[:, 0] + GRID[:, 1], wave(108)), "exact derivative"),
    ],
    ids=["audio", "stereo", "video", "volume", "shape", "map", "curve"],
)
def test_every_kind_is_drawn(signal, expected, tmp_path):
    figure = plot_representation(represent(signal, parameters=signal.values.size // 2))
    assert expected in titles(figure)
    save_figure(figure, tmp_path / "a.png")
    assert np.asarray(Image.open(tmp_path / "a.png").convert("L")).std() > 10


def test_scattered_samples_stand_on_the_map():
    random = np.random.default_rng(1)
    points = random.random((60, 2))
    figure = plot_representation(represent(field_signal(points, points.sum(axis=1), ("x", "y"), ("$u",))))
    axes = axes_of(figure, "the function, and where samples are")
    (dots,) = [c for c in axes.collections if isinstance(c, PathCollection)]
    np.testing.assert_allclose(dots.get_offsets(), points)
    (mesh,) = [c for c in axes.collections if isinstance(c, QuadMesh)]
    x, y = (np.linspace(points[:, k].min(), points[:, k].max(), 161) for k in range(2))
    np.testing.assert_allclose(mesh.get_array().reshape(161, 161), x + y[:, None], atol=1e-2)


def test_what_was_not_sampled_has_no_error():
    sinogram = np.abs(wave(16, 12)).sum(axis=0) * np.ones((16, 12))
    figure = plot_representation(represent(sinogram, task="scan", prior="tv"))
    assert "decoded" in titles(figure)
    assert not {"signal", "size of the error"} & {*titles(figure)}
    unnamed = plot_representation(represent(image_signal(wave(12, 12)), parameters=60))
    assert "power spectrum" in titles(unnamed)
