"""Sound as WAV files."""

import io
import wave

import numpy as np

from kansci.errors import DataError
from kansci.signals.signal import Signal

__all__ = ["wav_bytes"]

_BYTES = {"uint8": 1, "int16": 2, "int24": 3, "int32": 4}


def wav_bytes(signal: Signal) -> bytes:
    """Give the WAV file of a sound, with the bits it came with; 16 for those of other numbers.

    The rate is that of its samples; sound beyond [-1, 1) is clipped, except in files of floats.

    Raises:
        DataError: The samples are not equally spaced.
    """
    if signal.axes is None:
        raise DataError("audio at scattered times: a WAV file needs equally spaced samples")
    steps = np.diff(signal.axes[0])
    if np.ptp(steps) > 1e-6 * steps.mean():
        raise DataError("audio at unequal times: a WAV file needs equally spaced samples")
    rate = round((signal.size - 1) / float(np.ptp(signal.axes[0])))
    stored = signal.meta.get("dtype")
    if stored in {"float32", "float64"}:
        return _floats(signal.values.astype(stored), rate)
    width = _BYTES.get(str(stored), 2)
    half = 2 ** (8 * width - 1)
    samples = np.clip(np.rint(signal.values * half), -half, half - 1).astype(np.int64)
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(_packed(samples + half if width == 1 else samples, width))
    return content.getvalue()


def _packed(samples: np.ndarray, width: int) -> bytes:
    """Little-endian integers of some bytes, channels interleaved."""
    return samples.astype("<i8").reshape(-1, 1).view(np.uint8)[:, :width].tobytes()


def _floats(samples: np.ndarray, rate: int) -> bytes:
    from scipy.io import wavfile

    content = io.BytesIO()
    wavfile.write(content, rate, samples)
    return content.getvalue()
