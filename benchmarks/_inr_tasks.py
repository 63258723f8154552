"""Super-resolution, denoising, inpainting, scans and gradients, beside usual methods."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image
from skimage.data import shepp_logan_phantom
from skimage.restoration import denoise_tv_chambolle, denoise_wavelet, inpaint_biharmonic
from skimage.transform import iradon, radon, resize

from kansci.representation import represent
from kansci.signals import Signal
from kansci.signals.quality import psnr, ssim
from kansci.signals.read import read_signal
from kansci.signals.resize import resized

Row = dict[str, Any]
LARGE = 512


def super_resolution(seconds: float) -> Iterator[Row]:
    """Camera made smaller by means over 2 x 2 and 4 x 4 pixels, and back."""
    large = resized(read_signal("camera"), (LARGE, LARGE))
    for factor in (2, 4):
        side = LARGE // factor
        small = large.values.reshape(side, factor, side, factor).mean(axis=(1, 3))
        row = {"image": "camera", "factor": factor}
        picture = Image.fromarray(small.astype(np.float32))
        for name, how in (("bicubic", Image.Resampling.BICUBIC), ("lanczos", Image.Resampling.LANCZOS)):
            yield {
                **row,
                "model": name,
                **_quality(large.values, np.asarray(picture.resize((LARGE, LARGE), how))[..., None]),
            }
        for model in ("spline", "siren"):
            found = represent(small, model, seconds=seconds)
            yield {**row, "model": model, **_quality(large.values, found.decode((LARGE, LARGE)).values)}


def tasks(seconds: float) -> Iterator[Row]:
    """What is noisy, incomplete or indirect."""
    yield from _denoising(seconds)
    yield from _inpainting(seconds)
    yield from _scans(seconds)
    yield from _derivatives(seconds)


def _denoising(seconds: float) -> Iterator[Row]:
    for name in ("camera", "coffee"):
        clean = resized(read_signal(name), (256, 256))
        noisy = clean.with_values(
            clean.values + 0.1 * np.random.default_rng(0).standard_normal(clean.values.shape)
        )
        row = {"task": "denoise, sigma 0.1", "image": name}
        yield from _ours(row, noisy, clean.values, task="denoise", seconds=seconds)
        for label, how in (
            ("wavelets (scikit-image)", lambda x: denoise_wavelet(x, rescale_sigma=True, channel_axis=-1)),
            ("total variation 0.1 (scikit-image)", lambda x: denoise_tv_chambolle(x, 0.1, channel_axis=-1)),
        ):
            yield {**row, "model": label, **_quality(clean.values, how(noisy.values))}


def _inpainting(seconds: float) -> Iterator[Row]:
    for name in ("camera", "coffee"):
        clean = resized(read_signal(name), (256, 256))
        known = np.random.default_rng(0).random(clean.shape) < 0.2
        row = {"task": "inpaint, 20 % known", "image": name}
        yield from _ours(row, clean, clean.values, task="inpaint", mask=known, seconds=seconds)
        filled = inpaint_biharmonic(clean.values, ~known, channel_axis=-1)
        yield {**row, "model": "biharmonic (scikit-image)", **_quality(clean.values, filled)}


def _scans(seconds: float) -> Iterator[Row]:
    truth = resize(shepp_logan_phantom(), (128, 128), anti_aliasing=True)
    for count, noise in ((150, 0.0), (30, 0.0), (60, 0.02)):
        angles = np.linspace(0, 180, count, endpoint=False)
        sums = radon(truth, angles)
        sums = sums + noise * sums.max() * np.random.default_rng(0).standard_normal(sums.shape)
        row = {"task": f"scan, {count} angles, noise {noise:g}", "image": "phantom"}
        yield from _ours(row, sums, truth[..., None], task="scan", angles=angles, seconds=seconds)
        yield {
            **row,
            "model": "filtered back projection (scikit-image)",
            **_quality(truth[..., None], iradon(sums, angles)[..., None]),
        }


def _ours(row: Row, data: Signal | np.ndarray, truth: np.ndarray, **task: Any) -> Iterator[Row]:
    """The default model, and a SIREN that is small enough to be regular."""
    for model, parameters in (("spline", None), ("siren", 20_000)):
        found = represent(data, model, parameters=parameters, **task)
        yield {**row, "model": model, **_quality(truth, found.decode().values)}


def _derivatives(seconds: float) -> Iterator[Row]:
    clean = resized(read_signal("camera"), (256, 256))
    exact = represent(clean)
    points = clean.positions()
    given = {
        "gradient": exact.gradient(points).reshape(256, 256, 2),
        "laplacian": exact.laplacian(points).reshape(256, 256, 1),
    }
    truth = exact.model.on_grid(clean.unit_axes())
    for task, values in given.items():
        names = tuple(f"c{n}" for n in range(values.shape[-1]))
        signal = Signal("field", values, clean.axes, None, clean.box, clean.coordinates, names, 1.0, {})
        for model in ("spline", "siren"):
            found = represent(signal, model, task=task, seconds=seconds)
            u = found.model.on_grid(clean.unit_axes())
            yield {
                "task": task,
                "image": "camera",
                "model": model,
                **_quality(truth - truth.mean(), u - u.mean(), clip=False),
            }


def _quality(truth: np.ndarray, values: np.ndarray, *, clip: bool = True) -> Row:
    shown = np.clip(values, 0, 1) if clip else values
    return {"psnr": psnr(truth, shown), "ssim": ssim(truth, shown)}
