"""Learning rates of Adam, for mini-batches of about a thousand points.

A step of Adam moves every weight by about the rate, all those of a node in step with its inputs, so that what
a layer of n inputs gives moves by n times the rate. For periodic functions and wavelets that has to stay
below a fixed part of a period; their rates are hence proportional to 1 / n, as those of hidden layers in Yang
et al., "Tensor Programs V", 2022, table 8. Measured in 200 steps on a picture of
256 x 256, for 5,000 to 200,000 parameters; of SIREN in 15 to 35 s on two pictures, where twice the rate loses
3 dB at 48,000 parameters and 9 dB at 8,000.
"""

from statistics import fmean

from kansci.inr.networks import CoordinateNetwork

__all__ = ["LEARNING_RATES", "learning_rate"]

LEARNING_RATES = {
    "siren": 2e-3,
    "finer": 2e-3,
    "wire": 1e-2,
    "gaussian": 4e-3,
    "fourier": 5e-3,
    "fkan": 3e-3,
    "sl2a": 5e-3,
    "snake": 2e-3,
    "tanh": 5e-3,
    "relu": 5e-3,
    "kan": 5e-3,
}
"""Highest rate by the kind of network."""
_OTHER = 1e-3
_TIMES_WIDTH = {"siren": 0.05, "finer": 0.05, "wire": 0.4}
"""The rate is at most this, divided by the width."""


def learning_rate(network: CoordinateNetwork) -> float:
    """Give the rate that suits a network's kind and the mean width of its hidden layers."""
    highest = LEARNING_RATES.get(network.kind, _OTHER)
    if network.kind not in _TIMES_WIDTH:
        return highest
    return min(highest, _TIMES_WIDTH[network.kind] / fmean(network.config["width"]))
