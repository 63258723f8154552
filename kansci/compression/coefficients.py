"""Quantised wavelet coefficients as bits: bands, channels, phases and pieces in the order of the file."""

from collections.abc import Callable

import numpy as np

from kansci.basis.wavelet import Band, bands
from kansci.compression.bit_coder import BitCoder
from kansci.compression.contexts import LARGEST, Predictor, features, from_other, phases
from kansci.compression.magnitudes import Distributions

__all__ = ["Choose", "code_coefficients", "code_signs"]

Choose = Callable[[np.ndarray, np.ndarray, Distributions], np.ndarray]
"""(N,) coefficients, their (N,) classes, what each magnitude costs -> (N,) whole numbers to write."""


def code_coefficients(coder: BitCoder, scaled: np.ndarray, choose: Choose) -> np.ndarray:
    """Write all coefficients, or read them.

    Args:
        coder: Writes or reads.
        scaled: (C, *shape) coefficients in units of the step; only the shape matters when reading.
        choose: Rounds them, knowing what each whole number costs; ignored when reading.

    Returns:
        (C, *shape) the whole numbers.
    """
    return _Pass(coder, scaled, choose).run()


class _Pass:
    """One pass over all coefficients; see `code_coefficients`."""

    def __init__(self, coder: BitCoder, scaled: np.ndarray, choose: Choose) -> None:
        self.coder, self.scaled, self.choose = coder, scaled, choose
        self.found = np.zeros(scaled.shape, dtype=np.int64)
        self.known = np.zeros(scaled.shape, dtype=np.int32)  # magnitudes for the contexts
        self.bands = bands(scaled.shape[1:])
        self.phases = phases(scaled.ndim - 1)
        self.distributions = Distributions()
        self.predictors: dict[tuple, Predictor] = {}
        self.piece = min(max(scaled.size // 128, 1024), 1 << 15)

    def run(self) -> np.ndarray:
        """Go from the coarsest band to the finest."""
        for number, band in enumerate(self.bands):
            for channel in range(len(self.scaled)):
                self._band(number, band, channel)
        return self.found

    def _band(self, number: int, band: Band, channel: int) -> None:
        fixed = self._from_other_bands(number, band, channel)
        own, found, scaled = (array[channel][band.where] for array in (self.known, self.found, self.scaled))
        done: list[tuple[int, ...]] = []
        for parity in self.phases:
            every = tuple(slice(start, None, 2) for start in parity)
            if own[every].size:
                rows = features(own, done, parity, fixed)
                key = (band.orientation, channel, parity, rows.shape[1])
                predictor = self.predictors.setdefault(key, Predictor(rows.shape[1]))
                numbers = self._phase(scaled[every].ravel(), rows, predictor)
                found[every] = numbers.reshape(found[every].shape)
                own[every] = np.minimum(np.abs(found[every]), LARGEST)
            done.append(parity)

    def _from_other_bands(self, number: int, band: Band, channel: int) -> list[np.ndarray]:
        """Features from the parent, the siblings and the channels before."""
        shape = self.known[channel][band.where].shape
        fixed = []
        for other in self.bands[:number]:
            if (other.level, other.orientation) == (band.level + 1, band.orientation):
                fixed += from_other(self.known[channel][other.where], shape)
            elif other.level == band.level:
                fixed += from_other(self.known[channel][other.where], shape)[1:]
        if channel:
            fixed += from_other(self.known[channel - 1][band.where], shape)
        if channel > 1:
            fixed += from_other(self.known[0][band.where], shape)[1:]
        return fixed

    def _phase(self, scaled: np.ndarray, rows: np.ndarray, predictor: Predictor) -> np.ndarray:
        """(N,) whole numbers of (N,) coefficients with (N, F) features."""
        found = np.zeros(len(rows), dtype=np.int64)
        for start in range(0, len(rows), self.piece):
            part = slice(start, start + self.piece)
            classes = self.distributions.classes(predictor.expect(rows[part]))
            chosen = self.choose(scaled[part], classes, self.distributions)
            magnitudes = self.distributions.code(self.coder, np.abs(chosen), classes)
            found[part] = code_signs(self.coder, chosen, magnitudes)
            self.distributions.learn(classes, magnitudes)
            predictor.learn(rows[part], magnitudes)
        return found


def code_signs(coder: BitCoder, numbers: np.ndarray, magnitudes: np.ndarray) -> np.ndarray:
    """Write the signs of (N,) numbers that are not 0, or read them: gives the signed magnitudes."""
    nonzero = np.flatnonzero(magnitudes)
    negative = coder.numbers((numbers[nonzero] < 0).astype(np.int64), np.ones(len(nonzero), dtype=np.int64))
    signed = magnitudes.copy()
    signed[nonzero[negative != 0]] *= -1
    return signed
