"""Functions of one variable at the nodes of a network: what they are, and their derivatives of any order."""

from collections.abc import Callable

import numpy as np
import torch

__all__ = ["ACTIVATIONS", "POINTWISE", "finer", "gabor", "gated_tanh", "gaussian", "snake"]

Function = Callable[[torch.Tensor], torch.Tensor]
Jet = Callable[[torch.Tensor, int], list[torch.Tensor]]


def gaussian(x: torch.Tensor) -> torch.Tensor:
    """Take exp(-x^2 / 2) (Ramasinghe and Lucey, Beyond Periodicity, 2022)."""
    return _decayed(-0.5 * x * x)


def snake(x: torch.Tensor) -> torch.Tensor:
    """Add to x its sine squared (Ziyin, Hartwig and Ueda, Snake, 2020, eq. 3).

    With a frequency a, x + sin(a x)^2 / a is snake(a x) / a.
    """
    return x + x.sin().square()


def finer(x: torch.Tensor, frequency: float | torch.Tensor = 1.0) -> torch.Tensor:
    """Take sin(frequency (|x| + 1) x), whose frequency grows with |x| (Liu et al., FINER, 2024, eq. 4)."""
    return torch.sin(frequency * (x.abs() + 1) * x)


def gated_tanh(x: torch.Tensor, frequency: float | torch.Tensor = 30.0) -> torch.Tensor:
    """Take (x + tanh(frequency x)) sigmoid(x), of the hidden layers in FKAN's notebook (2024)."""
    return (x + torch.tanh(frequency * x)) * torch.sigmoid(x)


def gabor(x: torch.Tensor, frequency: float, scale: float) -> torch.Tensor:
    """Take exp(i frequency z - |scale z|^2) (Saragadam et al., WIRE, 2023, eq. 4).

    Args:
        x: z = x + i y, as (..., 2H): x, then y; pairs of real numbers are several times faster on CPUs than
            torch's complex ones.
        frequency: of the wave.
        scale: of the envelope.

    Returns:
        Real parts, then imaginary ones, (..., 2H).
    """
    real, imaginary = x.chunk(2, dim=-1)
    size = _decayed(-frequency * imaginary - scale**2 * (real.square() + imaginary.square()))
    phase = frequency * real
    return torch.cat([size * phase.cos(), size * phase.sin()], dim=-1)


def _decayed(exponent: torch.Tensor) -> torch.Tensor:
    """Take exp, but zero below e^-40, less than rounding beside 1.

    Float32 goes down to e^-87 and by denormal numbers below, with which products take up to seven times as
    long.
    """
    return torch.exp(torch.nn.functional.threshold(exponent, -40.0, -torch.inf))


ACTIVATIONS: dict[str, Function] = {
    "finer": finer,
    "gated_tanh": gated_tanh,
    "gaussian": gaussian,
    "identity": torch.clone,
    "relu": torch.relu,
    "silu": torch.nn.functional.silu,
    "sine": torch.sin,
    "snake": snake,
    "tanh": torch.tanh,
}
"""Real activations by name."""


def _tanh(x: torch.Tensor, orders: int) -> list[torch.Tensor]:
    """Derivatives of tanh are polynomials in it: p' becomes p'(t) (1 - t^2)."""
    t = torch.tanh(x)
    polynomial, jets = np.polynomial.Polynomial([0.0, 1.0]), []
    for _ in range(orders + 1):
        jets.append(_horner(polynomial.coef, t))
        polynomial = polynomial.deriv() * np.polynomial.Polynomial([1.0, 0.0, -1.0])
    return jets


def _horner(coefficients: np.ndarray, t: torch.Tensor) -> torch.Tensor:
    result = torch.full_like(t, float(coefficients[-1]))
    for c in coefficients[-2::-1]:
        result = result * t if c == 0 else torch.addcmul(t.new_tensor(float(c)), result, t)
    return result


def _sine(x: torch.Tensor, orders: int) -> list[torch.Tensor]:
    sine, cosine = x.sin(), x.cos()
    turned = (sine, cosine, -sine, -cosine)
    return [turned[nu % 4] for nu in range(orders + 1)]


def _gaussian(x: torch.Tensor, orders: int) -> list[torch.Tensor]:
    """Derivatives of exp(-x^2/2) by its three-term recursion (Hermite polynomials)."""
    jets = [gaussian(x)]
    for nu in range(orders):
        before = jets[nu - 1] * nu if nu else torch.zeros_like(x)
        jets.append(-x * jets[nu] - before)
    return jets


def _identity(x: torch.Tensor, orders: int) -> list[torch.Tensor]:
    return [x, torch.ones_like(x), *(torch.zeros_like(x) for _ in range(orders - 1))][: orders + 1]


POINTWISE: dict[str, Jet] = {"tanh": _tanh, "sine": _sine, "gaussian": _gaussian, "identity": _identity}
"""Derivatives 0 to `orders` of the smooth ones."""
