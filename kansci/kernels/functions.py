"""The K functions that a kernel sums over, as plain numbers: which family, how many, and where.

A kernel sees only the coordinate t in which its family is simplest; the map from an input to t
is the basis's.

    bspline    cardinal splines (knots at the integers from -degree), or splines on given knots
    fourier    1, cos t, sin t, cos 2t, sin 2t, ...
    chebyshev  T_0(t), T_1(t), ...
    rbf        exp(-(t - step k)^2)
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from kansci.kernels.bspline import bspline_values, cardinal_values
from kansci.kernels.chebyshev import chebyshev_values
from kansci.kernels.fourier import fourier_values
from kansci.kernels.rbf import rbf_values


@dataclass(frozen=True, eq=False)
class Functions:
    """One family of K functions of each input.

    Attributes:
        family: "bspline", "fourier", "chebyshev" or "rbf".
        size: K.
        degree: of the splines.
        step: distance of neighbouring centres.
        knots: of the splines, shape (I, K + degree + 1); None for cardinal splines.
    """

    family: str
    size: int
    degree: int = 0
    step: float = 1.0
    knots: torch.Tensor | None = None

    def values(self, t: torch.Tensor, nu: int = 0) -> torch.Tensor:
        """Evaluate the nu-th derivatives: t (..., N, I) -> (..., N, I, K)."""
        return _VALUES[self.family](self, t, nu)


def _splines(functions: Functions, t: torch.Tensor, nu: int) -> torch.Tensor:
    if functions.knots is None:
        return cardinal_values(t, functions.degree, functions.size, nu)
    return bspline_values(t, functions.knots.to(t.dtype), functions.degree, nu)


_VALUES: dict[str, Callable[[Functions, torch.Tensor, int], torch.Tensor]] = {
    "bspline": _splines,
    "fourier": lambda functions, t, nu: fourier_values(t, functions.size, nu),
    "chebyshev": lambda functions, t, nu: chebyshev_values(t, functions.size, nu),
    "rbf": lambda functions, t, nu: rbf_values(t, functions.size, functions.step, nu),
}
