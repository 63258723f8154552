"""Sound from WAV files."""

import warnings
from pathlib import Path

import numpy as np

from kansci.errors import DataError
from kansci.signals.files import check_size, existing, readable
from kansci.signals.make import audio_signal
from kansci.signals.signal import Signal

__all__ = ["read_audio"]


def read_audio(path: Path) -> Signal:
    """Read a WAV file of 8, 16, 24 or 32 bits or of floats, with any number of channels.

    Raises:
        DataError: The file is missing, damaged, truncated, without samples, or too large.
    """
    from scipy.io import wavfile

    existing(path)
    check_size(path, (path.stat().st_size // 4,))
    with readable(path, "a WAV file"), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        rate, samples = wavfile.read(path)
    if any("EOF prematurely" in str(warning.message) for warning in said):
        raise DataError(f"{path}: the sound is truncated")
    if samples.size == 0:
        raise DataError(f"{path}: the sound has no samples")
    check_size(path, samples.shape)
    meta = {"dtype": samples.dtype.name}
    if samples.dtype.name == "int32" and not np.any(samples & 0xFF):
        meta["dtype"] = "int24"  # scipy puts 24 bits into the upper part of 32
    return audio_signal(samples, rate, meta)
