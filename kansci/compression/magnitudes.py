"""Adaptive distributions of magnitudes, one for each class of expected magnitudes, and their coding.

A magnitude is written in unary, each step by a flag whose chance is that counted so far in the
class; large ones with raw low bits, very large ones with an Exp-Golomb code (Teuhola 1978).
"""

import numpy as np

from kansci.compression.bit_coder import ONE, BitCoder
from kansci.compression.contexts import FULL, UNIT

__all__ = ["LONGEST", "RAREST", "SHIFTS", "Distributions"]

LONGEST = 40
"""Steps of the unary part."""
PRIOR = 8
"""Weight of the geometric distribution that is assumed at first, in flags."""
RAREST = 24
"""The smallest chance of a flag, times 65536."""
MEMORY = 1 << 10
"""Counts are halved beyond that many flags."""


def _thresholds() -> np.ndarray:
    """The expected magnitudes (in units of 1/16) where classes begin: four in an octave."""
    octaves = range(2, FULL.bit_length())
    found = [1, 2, 3, *((4 + quarter << octave) // 4 for octave in octaves for quarter in range(4))]
    return np.array(found)


THRESHOLDS = _thresholds()
MEANS = np.concatenate([[0], THRESHOLDS])
SHIFTS = np.maximum(np.frexp(MEANS / UNIT)[1] - 4, 0).astype(np.int64)
"""The low bits of a class that are written as they are."""


class Distributions:
    """The distributions of all classes."""

    def __init__(self) -> None:
        means = (2 * MEANS + 1) / (2 * UNIT) / (1 << SHIFTS)
        more = np.repeat((means / (1 + means))[:, None], LONGEST, axis=1)
        # Counts are in units of 1/256 flag; 16 of each kind keep all chances off 0 and 1.
        self._more = np.floor(more * PRIOR * 256) + 16
        self._all = np.full(more.shape, PRIOR * 256.0 + 32)

    @staticmethod
    def classes(expected: np.ndarray) -> np.ndarray:
        """(N,) classes of expected magnitudes."""
        return np.searchsorted(THRESHOLDS, expected, side="right")

    def chances(self) -> np.ndarray:
        """(classes, steps) chance, times 65536, that the unary part goes on."""
        return np.clip(self._more * ONE // self._all, RAREST, ONE - RAREST).astype(np.int64)

    def costs(self) -> np.ndarray:
        """(classes, steps + 1) bits of each length of the unary part."""
        chances = self.chances() / ONE
        on = np.cumsum(np.pad(-np.log2(chances), ((0, 0), (1, 0))), axis=1)
        on[:, :-1] -= np.log2(1 - chances)
        return on

    def learn(self, classes: np.ndarray, magnitudes: np.ndarray) -> None:
        """Count (N,) magnitudes that were found in (N,) classes."""
        shape = (len(MEANS), LONGEST + 1)
        lengths = np.minimum(magnitudes >> SHIFTS[classes], LONGEST)
        counts = np.bincount(classes * shape[1] + lengths, minlength=shape[0] * shape[1]).reshape(shape)
        reached = counts[:, ::-1].cumsum(axis=1)[:, ::-1]
        self._more += 256.0 * reached[:, 1:]
        self._all += 256.0 * reached[:, :-1]
        halvings = np.maximum(np.frexp(self._all / (256.0 * MEMORY))[1], 0)
        self._more = np.ldexp(self._more, -halvings)
        self._all = np.ldexp(self._all, -halvings)

    def code(self, coder: BitCoder, magnitudes: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Write (N,) magnitudes of (N,) classes, or read them."""
        chances, shifts = self.chances(), SHIFTS[classes]
        heads = magnitudes >> shifts
        lengths, going = np.zeros(len(classes), dtype=np.int64), np.arange(len(classes))
        for step in range(LONGEST):
            flags = coder.flags(heads[going] > step, chances[classes[going], step])
            going = going[flags != 0]
            if not len(going):
                break
            lengths[going] += 1
        tops = lengths.copy()
        if len(going):
            tops[going] += self._escape(coder, heads[going] - LONGEST)
        return (tops << shifts) + coder.numbers(magnitudes % (1 << shifts), shifts)

    @staticmethod
    def _escape(coder: BitCoder, rest: np.ndarray) -> np.ndarray:
        """Write (N,) whole numbers of any size, or read them: how many bits, and the bits."""
        _, widths = np.frexp((rest + 1).astype(np.float64))
        widths = coder.numbers(widths.astype(np.int64) - 1, np.full(len(rest), 5))
        return coder.numbers(rest + 1 - (1 << widths), widths) + (1 << widths) - 1
