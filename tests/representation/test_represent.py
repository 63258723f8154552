"""The whole way: signal, function, samples of any resolution, RUN folder."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from skimage.data import shepp_logan_phantom
from skimage.metrics import peak_signal_noise_ratio
from skimage.restoration import inpaint_biharmonic
from skimage.transform import iradon, radon, resize

from kansci.errors import DataError, RunError, SettingsError
from kansci.representation import represent
from kansci.representation.store import open_representation, save_representation
from kansci.signals import Signal, audio_signal, field_signal, image_signal
from kansci.signals.shapes import analytic_shape, shape_signal


@pytest.fixture(scope="module")
def picture():
    y, x = np.mgrid[:24, :32] / 24
    values = np.stack([x / 1.4, 0.5 + 0.4 * np.sin(6 * x * y), (x + y > 1.1) * 0.8], axis=-1)
    return image_signal(values)


def test_a_spline_goes_through_every_sample(picture):
    found = represent(picture)
    np.testing.assert_allclose(found.decode().values, picture.values, atol=1e-12)
    assert found.model.n_parameters == picture.values.size
    assert found.to_json()["psnr"] > 250
    assert found.to_json()["ssim"] == pytest.approx(1)


def test_gradients_are_by_pixels(picture):
    found = represent(picture)
    points, step = np.array([[7.3, 11.9], [15.0, 20.2]]), 1e-5
    for axis in range(2):
        moved = step * np.eye(2)[axis]
        slope = (found.predict(points + moved) - found.predict(points - moved)) / (2 * step)
        np.testing.assert_allclose(found.gradient(points)[:, :, axis], slope, atol=1e-6)
    # Red is linear in x.
    assert found.gradient(np.array([[12.0, 16.0]]))[0, 0] == pytest.approx([0, 1 / 24 / 1.4], abs=1e-7)


def test_the_laplacian_is_by_pixels_where_the_box_is_no_square():
    y, x = np.mgrid[:20, :50] + 0.5
    found = represent(image_signal((y - 10) ** 2 / 100 + (x - 25) ** 2 / 1000), degree=3)
    inner = np.array([[10.0, 25.0], [9.2, 20.1]])
    np.testing.assert_allclose(found.laplacian(inner)[:, 0], 2 / 100 + 2 / 1000, rtol=1e-2)


def test_few_parameters_are_not_exceeded(picture):
    found = represent(picture, parameters=500)
    assert found.model.n_parameters <= 500
    assert found.quality["psnr"] > 20
    noise = image_signal(np.random.default_rng(0).random((24, 32, 3)))
    assert represent(noise, parameters=500).quality["psnr"] < 20


@pytest.mark.parametrize("model", ["siren", "kan"])
def test_networks_are_trained(picture, model):
    one, again = (represent(picture, model, parameters=1000, steps=200, batch=128, seed=4) for _ in range(2))
    flat = 10 * np.log10(1 / np.mean((picture.values - picture.values.mean()) ** 2))
    assert one.quality["psnr"] > flat + 5
    assert one.model.n_parameters <= 1000
    np.testing.assert_array_equal(one.decode().values, again.decode().values)
    assert one.decode(scale=2).values.shape == (48, 64, 3)


def test_super_resolution_beats_bicubic():
    from PIL import Image

    large = resize(shepp_logan_phantom(), (128, 128), anti_aliasing=True)
    small = large.reshape(64, 2, 64, 2).mean(axis=(1, 3))
    bicubic = np.asarray(
        Image.fromarray(small.astype(np.float32)).resize((128, 128), Image.Resampling.BICUBIC)
    )
    ours = represent(small).decode((128, 128)).values[..., 0]
    assert peak_signal_noise_ratio(large, ours.clip(0, 1), data_range=1) > peak_signal_noise_ratio(
        large, bicubic.clip(0, 1).astype(float), data_range=1
    )


def test_inpainting_keeps_what_is_known(picture):
    known = np.random.default_rng(0).random(picture.shape) < 0.4
    found = represent(picture, task="inpaint", mask=known, reference=picture)
    theirs = inpaint_biharmonic(picture.values, ~known, channel_axis=-1)
    assert found.quality["psnr"] > peak_signal_noise_ratio(picture.values, theirs, data_range=1) - 1
    assert found.quality["misfit"] < 0.05


def test_transparent_pixels_are_missing(picture):
    known = np.random.default_rng(0).random(picture.shape) < 0.5
    clear = image_signal(np.concatenate([picture.values, known[..., None]], axis=-1))
    one = represent(clear, task="inpaint")
    other = represent(picture, task="inpaint", mask=known)
    np.testing.assert_array_equal(one.decode().values, other.decode().values)


def test_a_scan_beats_back_projection():
    y, x = np.mgrid[:48, :48] - 24
    truth = np.where(x**2 + y**2 < 23**2, resize(shepp_logan_phantom(), (48, 48), anti_aliasing=True), 0.0)
    angles = np.linspace(0, 180, 24, endpoint=False)
    sums = radon(truth, angles)
    sums += 0.01 * sums.max() * np.random.default_rng(0).standard_normal(sums.shape)
    found = represent(sums, task="scan", prior="tv", reference=image_signal(truth))
    theirs = iradon(sums, angles)
    assert found.quality["psnr"] > peak_signal_noise_ratio(truth, theirs, data_range=1) + 3


@pytest.mark.parametrize("task", ["gradient", "laplacian"])
def test_a_function_comes_back_from_its_derivatives(picture, task):
    exact = represent(picture)
    points = np.stack(np.meshgrid(*picture.axes, indexing="ij"), axis=-1).reshape(-1, 2)
    values = getattr(exact, task)(points)
    values = values.reshape(*picture.shape, -1)
    names = tuple(f"c{n}" for n in range(values.shape[-1]))
    data = Signal("field", values, picture.axes, None, picture.box, picture.coordinates, names, 1.0, {})
    found = represent(data, task=task)
    expected = exact.model.on_grid(picture.unit_axes())
    u = found.model.on_grid(picture.unit_axes())
    np.testing.assert_allclose(u - u.mean(axis=(0, 1)), expected - expected.mean(axis=(0, 1)), atol=1e-8)
    assert found.quality["misfit"] < 1e-8


def test_scattered_fields_are_smoothed():
    rng = np.random.default_rng(0)
    points = rng.uniform(0, [3, 1], (500, 2))
    clean = np.sin(2 * points[:, 0]) * np.exp(-points[:, 1])
    noisy = clean + 0.05 * rng.standard_normal(500)
    found = represent(field_signal(points, noisy[:, None], ("x", "y"), ("u",)))
    test = rng.uniform([0.2, 0.1], [2.8, 0.9], (200, 2))
    error = found.predict(test)[:, 0] - np.sin(2 * test[:, 0]) * np.exp(-test[:, 1])
    assert np.sqrt(np.mean(error**2)) < 0.025  # half of the noise


def test_measured_curves_say_whether_they_are_smoothed():
    rng = np.random.default_rng(0)
    even, uneven = np.linspace(0, 9, 80), np.sort(rng.uniform(0, 9, 80))
    noise = 0.1 * rng.standard_normal(80)
    assert represent(field_signal(even, np.sin(even), ["t"])).notes == ()
    assert "noise of about" in represent(field_signal(even, np.sin(even) + noise, ["t"])).notes[0]
    assert "smoothed" in represent(field_signal(uneven, np.sin(uneven) + noise, ["t"])).notes[0]


def test_scattered_points_are_decoded_on_grids_of_their_dimension():
    points = np.random.default_rng(0).uniform(size=(60, 2))
    found = represent(field_signal(points, points[:, :1] + 2 * points[:, 1:]))
    grid = found.decode((4, 5))
    assert grid.values.shape == (4, 5, 1)
    x, y = np.meshgrid(*grid.axes, indexing="ij")
    np.testing.assert_allclose(grid.values[..., 0], x + 2 * y, atol=1e-3)
    for wrong in ({"shape": (10,)}, {"shape": (10**6, 10**6)}, {"scale": 2.0}):
        with pytest.raises((DataError, SettingsError)):
            found.decode(**wrong)
    with pytest.raises(SettingsError, match="scale=inf"):
        represent(np.arange(12.0).reshape(3, 4)).decode(scale=np.inf)


def test_audio_and_solids():
    rate = 2000
    sound = audio_signal(np.sin(2 * np.pi * 60 * np.arange(rate) / rate), rate)
    found = represent(sound)
    assert found.quality["snr"] > 200
    between = found.predict(np.array([[0.50025]]))[0, 0]
    assert between == pytest.approx(np.sin(2 * np.pi * 60 * 0.50025), abs=1e-6)
    torus = analytic_shape("torus")
    solid = represent(shape_signal(torus, 32))
    at = np.random.default_rng(0).uniform(*torus.box.T, (20_000, 3))
    assert np.mean((solid.predict(at)[:, 0] < 0) == torus.occupancy(at)) > 0.999


@pytest.mark.parametrize("settings", [{}, {"model": "siren", "steps": 20, "parameters": 400}])
def test_a_run_holds_everything(picture, tmp_path, settings):
    found = represent(picture, **settings)
    save_representation(found, tmp_path / "run")
    back = open_representation(tmp_path / "run")
    np.testing.assert_array_equal(back.decode().values, found.decode().values)
    np.testing.assert_array_equal(back.frame.values, picture.values)
    assert json.loads(json.dumps(back.to_json())) == json.loads(json.dumps(found.to_json()))


def test_a_damaged_run_is_refused(picture, tmp_path):
    save_representation(represent(picture), tmp_path / "run")
    file = tmp_path / "run" / "model.safetensors"
    tensors = load_file(file)
    save_file({**tensors, "coefficients": tensors["coefficients"][:3]}, file)
    with pytest.raises(RunError, match=r"model\.safetensors: not what `kansci represent` writes"):
        open_representation(tmp_path / "run")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "sirren"}, "model='sirren': choose one of spline"),
        ({"task": "inpaint"}, "needs to know what is missing"),
        ({"task": "scan"}, "a sinogram is a grey image"),
        ({"mask": np.ones((24, 32), bool)}, "a mask belongs to --task inpaint"),
        ({"task": "inpaint", "mask": np.ones((24, 31), bool)}, r"the mask has \(24, 31\)"),
        ({"task": "inpaint", "mask": np.ones((24, 32), bool)}, "all of the samples are known"),
        ({"task": "gradient"}, "a gradient has 2 for each function"),
        ({"degree": 4}, "degree=4: choose 1, 3, 5"),
        ({"parameters": 1}, "parameters=1: give at least"),
        ({"sharpness": 3}, "unknown option: .*sharpness"),
    ],
)
def test_what_cannot_be_is_said(picture, arguments, message):
    with pytest.raises((SettingsError, DataError), match=message):
        represent(picture, **arguments)


def test_stopping_gives_the_best_so_far(picture):
    steps = []

    def cancelled():
        steps.append(1)
        return len(steps) > 10

    found = represent(picture, "siren", parameters=400, seconds=1000, cancelled=cancelled)
    assert found.interrupted
    assert found.decode().values.shape == picture.values.shape
