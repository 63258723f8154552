"""Smaller versions of images, video and volumes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kansci.errors import SettingsError
from kansci.signals.signal import CELL_CENTRED, Signal

__all__ = ["resized"]


def resized(signal: Signal, size: int | Sequence[int]) -> Signal:
    """Bring an image, video or volume to another number of pixels, as the signal to work with.

    Args:
        signal: an image, video or volume.
        size: of the longer side, with the proportions kept and frames not counted; or all numbers of
            samples, in the order of the axes.

    Returns:
        The signal, whose box counts the new pixels. It is smoothed before it is made smaller, by
        `skimage.transform.resize` with `anti_aliasing`, and not made larger by the first form of ``size``.

    Raises:
        SettingsError: The size is not possible, or the signal has no pixels.
    """
    from skimage.transform import resize

    if signal.kind not in CELL_CENTRED or signal.axes is None:
        raise SettingsError(f"--size: for images, video and volumes, not for {signal.kind}")
    shape = _shape(signal, size)
    if shape == signal.shape:
        return signal
    shrinks = any(new < old for new, old in zip(shape, signal.shape, strict=True))
    values = resize(signal.values, (*shape, len(signal.channels)), anti_aliasing=shrinks)
    if values.ndim < signal.values.ndim:  # it drops a last axis of length one
        values = values[..., None]
    axes = tuple(np.arange(n) + 0.5 for n in shape)
    return replace(signal, values=values, axes=axes, box=np.array([[0.0, n] for n in shape]))


def _shape(signal: Signal, size: int | Sequence[int]) -> tuple[int, ...]:
    if isinstance(size, int):
        kept = signal.shape[:1] if signal.kind == "video" else ()
        sides = signal.shape[len(kept) :]
        factor = min(1.0, size / max(sides))
        shape = (*kept, *(max(round(factor * n), 1) for n in sides))
    else:
        shape = tuple(int(n) for n in size)
    if len(shape) != signal.dimension or min(shape) < 2:
        raise SettingsError(
            f"--size {size}: one number, at least 2, or {signal.dimension} of them "
            f"({', '.join(signal.coordinates)})"
        )
    return shape
