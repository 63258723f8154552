"""Samples on a grid, of any dimension and number of channels, as few bytes, and back.

The channels are decorrelated by their principal axes (Karhunen-Loeve), each is transformed to
wavelets (`wavelet`), rounded where that costs least (`quantise`) and coded in context (`coefficients`).
All transforms are nearly orthonormal, so the error counts alike in all samples and channels.

The whole numbers are decoded without any rounding, so alike on every machine; the samples are made
of them in float64 and can differ between machines in the last digits.
"""

import math
import struct
from dataclasses import dataclass

import numpy as np

from kansci.basis.wavelet import bands, forward, inverse
from kansci.compression.bit_coder import Decoder, Encoder
from kansci.compression.coefficients import code_coefficients
from kansci.compression.quantise import centres, dequantise, rate_distortion_rounding
from kansci.compression.search import largest_step
from kansci.errors import DataError, SettingsError
from kansci.signals.quality import psnr as measured_psnr

__all__ = ["compress", "decompress"]

MOST_SAMPLES = 1 << 27
MOST_AXES = 4
MOST_CHANNELS = 64
SAMPLES_PER_BYTE = 1 << 14
"""More than the rarest flags allow: a file that claims more is damaged."""
ENTRY = 127
"""Entries of the matrix of channels are whole numbers of 1/127."""
START = struct.Struct("<BBf3s")
DECIBELS = 20 * np.log10(2)
"""PSNR of one octave of the step."""


@dataclass(frozen=True)
class _Colour:
    """The affine map from decorrelated channels to those of the signal.

    Attributes:
        mean: (C,) float32.
        matrix: (C, C) int8, times 127.
    """

    mean: np.ndarray
    matrix: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> "_Colour":
        flat = values.reshape(-1, values.shape[-1])
        mean = flat.mean(axis=0).astype("<f4")
        _, axes = np.linalg.eigh(np.atleast_2d(np.cov(flat.T)) if len(flat) > 1 else np.eye(len(mean)))
        return cls(mean, np.round(axes[:, ::-1] * ENTRY).astype(np.int8))

    def forward(self, values: np.ndarray) -> np.ndarray:
        return np.moveaxis((values - self.mean) @ np.linalg.inv(self.matrix / ENTRY).T, -1, 0)

    def inverse(self, channels: np.ndarray) -> np.ndarray:
        return np.moveaxis(channels, 0, -1) @ (self.matrix / ENTRY).T + self.mean


def compress(
    values: np.ndarray,
    *,
    quality: float | None = None,
    bits_per_sample: float | None = None,
    psnr: float | None = None,
    peak: float | None = None,
) -> bytes:
    """Compress samples on a grid. Give at most one of quality, bits_per_sample and psnr.

    Args:
        values: (*shape, C) finite numbers on a grid of 1 to 4 axes.
        quality: 0 (coarse) to 100 (fine): the step is peak / 2 / 2**(quality / 12.5). 50 if nothing is given.
        bits_per_sample: the most bits for each point of the grid (a pixel), all channels together.
        psnr: the least peak signal-to-noise ratio of the decompressed samples, in dB.
        peak: the range that quality and psnr refer to; max - min of the values by default.

    Returns:
        The bytes, for `decompress`.

    Raises:
        SettingsError: A target is not possible (values that are no such array are a DataError).
    """
    values = _checked(values)
    peak = float(np.ptp(values)) or 1.0 if peak is None else float(peak)
    if not (np.isfinite(peak) and peak > 0):
        raise SettingsError(f"peak {peak:g}: must be a positive number")
    if [quality, bits_per_sample, psnr].count(None) < 2:
        raise SettingsError("give only one of quality, bits per sample and PSNR")
    writer = _Writer(values)
    if psnr is not None:
        return _least_psnr(writer, psnr, peak).content()
    if bits_per_sample is not None:
        return _most_bits(writer, bits_per_sample, peak).content()
    quality = 50.0 if quality is None else quality
    if not 0 <= quality <= 100:
        raise SettingsError(f"quality {quality:g}: give a number from 0 (coarse) to 100 (fine)")
    return writer.trial(peak / 2 / 2 ** (quality / 12.5)).content()


def decompress(content: bytes) -> np.ndarray:
    """The samples (*shape, C) of what `compress` gave.

    Raises:
        DataError: The content is damaged.
    """
    shape, step, shifts, colour, start = _read_start(content)
    samples = math.prod(shape) * len(colour.mean)
    if samples > MOST_SAMPLES or samples > SAMPLES_PER_BYTE * (len(content) + 64):
        raise DataError(f"the compressed data are damaged: {len(content)} bytes for {samples:,} samples")
    numbers = code_coefficients(
        Decoder(content[start:]),
        np.zeros((len(colour.mean), *shape)),
        lambda scaled, _classes, _distributions: np.zeros(len(scaled), dtype=np.int64),
    )
    values = _samples(numbers, step, shifts, colour)
    if not np.isfinite(values).all():
        raise DataError("the compressed data are damaged: some samples are infinite")
    return values


@dataclass(frozen=True)
class _Trial:
    """The samples written with one step.

    Attributes:
        step: of the whole numbers.
        numbers: (C, *shape) coefficients in units of the step, rounded.
        shifts: where the coefficients lie in their steps, see `centres`.
        colour: the map of the channels.
        bits: of the coder.
    """

    step: float
    numbers: np.ndarray
    shifts: bytes
    colour: _Colour
    bits: bytes

    def content(self) -> bytes:
        """All that `decompress` needs."""
        n_channels, *shape = self.numbers.shape
        start = START.pack(len(shape), n_channels, self.step, self.shifts)
        sizes = struct.pack(f"<{len(shape)}I", *shape)
        return start + sizes + self.colour.mean.tobytes() + self.colour.matrix.tobytes() + self.bits

    def samples(self) -> np.ndarray:
        """(*shape, C) what `decompress` gives."""
        return _samples(self.numbers, self.step, self.shifts, self.colour)


class _Writer:
    """The samples transformed, to be written with one step after another."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.colour = values, _Colour.of(values)
        coefficients = np.stack([forward(channel) for channel in self.colour.forward(values)])
        self.coefficients = _by_gain(coefficients, 1.0)
        self.largest = float(np.abs(self.coefficients).max())

    def trial(self, step: float) -> _Trial:
        """Write with this step."""
        step = float(np.float32(step))
        if not step > self.largest / (1 << 30):
            raise SettingsError("so fine a step would need numbers of more than 30 bits: ask for less")
        scaled, coder = self.coefficients / step, Encoder()
        numbers = code_coefficients(coder, scaled, rate_distortion_rounding)
        return _Trial(step, numbers, centres(scaled, numbers), self.colour, coder.content())


def _least_psnr(writer: _Writer, psnr: float, peak: float) -> _Trial:
    """The smallest trial with at least this PSNR."""
    if not 0 < psnr <= 200:
        raise SettingsError(f"a PSNR of {psnr:g} dB: give one between 0 and 200")
    return largest_step(
        writer.trial,
        lambda trial: (measured_psnr(writer.values, trial.samples(), peak) - psnr) / DECIBELS,
        3 * peak * 10 ** (-psnr / 20),  # white noise in steps of that size has it
        f"a PSNR of {psnr:g} dB",
    )


def _most_bits(writer: _Writer, bits: float, peak: float) -> _Trial:
    """The finest trial with at most this size."""
    if not (np.isfinite(bits) and bits > 0):
        raise SettingsError(f"{bits:g} bits per sample: give a positive number")
    limit, finest = bits * writer.values[..., 0].size / 8, writer.largest / (1 << 24)
    return largest_step(
        lambda fineness: writer.trial(max(1 / fineness, finest)),
        lambda trial: float(np.log2(limit / len(trial.content()))),
        16 / peak,
        f"{bits:g} bits per sample",
    )


def _read_start(content: bytes) -> tuple[tuple[int, ...], float, bytes, _Colour, int]:
    """Shape, step, shifts, colours, and where the bits begin."""
    try:
        n_axes, n_channels, step, shifts = START.unpack_from(content)
        if not (1 <= n_axes <= MOST_AXES and 1 <= n_channels <= MOST_CHANNELS and 0 < step < np.inf):
            raise DataError("the compressed data are damaged: their beginning makes no sense")
        shape = struct.unpack_from(f"<{n_axes}I", content, START.size)
        start = START.size + 4 * n_axes
        mean = np.frombuffer(content, "<f4", n_channels, start)
        matrix = np.frombuffer(content, np.int8, n_channels**2, start + 4 * n_channels)
    except (struct.error, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError("the compressed data are damaged: they end too early") from error
    if min(shape) < 1 or not np.isfinite(mean).all():
        raise DataError("the compressed data are damaged: their beginning makes no sense")
    colour = _Colour(mean, matrix.reshape(n_channels, n_channels))
    return shape, step, shifts, colour, start + 4 * n_channels + n_channels**2


def _samples(numbers: np.ndarray, step: float, shifts: bytes, colour: _Colour) -> np.ndarray:
    coefficients = _by_gain(dequantise(numbers, shifts) * step, -1.0)
    return colour.inverse(np.stack([inverse(channel) for channel in coefficients]))


def _by_gain(coefficients: np.ndarray, power: float) -> np.ndarray:
    """(C, *shape) coefficients times a power of the norms of their basis functions."""
    found = coefficients.copy()
    for band in bands(coefficients.shape[1:]):
        found[(slice(None), *band.where)] *= band.gain**power
    return found


def _checked(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if not 2 <= values.ndim <= MOST_AXES + 1 or values.size == 0 or values.shape[-1] > MOST_CHANNELS:
        raise DataError(
            f"values of shape {values.shape}: (*shape, C) with 1 to {MOST_AXES} axes and at most "
            f"{MOST_CHANNELS} channels can be compressed"
        )
    if values.size > MOST_SAMPLES:
        raise DataError(f"{values.size:,} samples: at most {MOST_SAMPLES:,} can be compressed")
    if not np.abs(values).max() < 1e30:
        raise DataError("some values are missing, infinite or beyond 1e30: they cannot be compressed")
    return values
