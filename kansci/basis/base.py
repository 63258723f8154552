"""What every family of functions on an edge offers."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch


class Basis(torch.nn.Module, ABC):
    """K functions of one variable, separately placed for each of I inputs.

    Tensors may carry leading dimensions (a population of bases); they broadcast against those of the knots.
    """

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of functions K."""

    @property
    @abstractmethod
    def grid_size(self) -> int:
        """Resolution G, the number that `refine` raises."""

    @property
    @abstractmethod
    def domain(self) -> torch.Tensor:
        """Ends of each input's grid, shape (..., I, 2)."""

    @abstractmethod
    def jet(self, x: torch.Tensor, orders: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
        """Evaluate several derivatives at once: x (..., N, I) -> one (..., N, I, K) for each order."""

    @abstractmethod
    def refine(self, size: int) -> tuple["Basis", torch.Tensor]:
        """Give a finer basis and the matrix (..., I, K', K) that maps coefficients; the function stays."""

    @abstractmethod
    def moved(self, domain: torch.Tensor) -> "Basis":
        """Give the basis of the same size and form on another domain (..., I, 2)."""

    @abstractmethod
    def to_config(self) -> dict[str, Any]:
        """Describe everything but the tensors, in JSON's types."""

    @abstractmethod
    def combined(self, function: Callable[..., torch.Tensor], *others: "Basis") -> "Basis":
        """Give the basis described by `function` of the tensors (..., I, T) of this one and the others.

        With it a basis is indexed, stacked or mixed as if it were a tensor.
        """

    def select(self, inputs: torch.Tensor) -> "Basis":
        """Give the basis of some of the inputs."""
        return self.combined(lambda tensor: tensor[..., inputs, :])

    def values(self, x: torch.Tensor, nu: int = 0) -> torch.Tensor:
        """Evaluate the nu-th derivative: x (..., N, I) -> B_k^(nu)(x), (..., N, I, K)."""
        return self.jet(x, (nu,))[0]

    def unit(self, x: torch.Tensor) -> torch.Tensor:
        """Map x (..., N, I) so that each input's domain becomes [-1, 1]."""
        low, high = self.domain.unbind(-1)
        return (2 * x - (low + high).unsqueeze(-2)) / (high - low).unsqueeze(-2)

    def fit(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Fit each edge to samples by least squares; of least norm where they leave functions undetermined.

        Args:
            x: sample points of each input, shape (..., N, I).
            y: each edge's values there, shape (..., N, J, I).

        Returns:
            coef, shape (..., J, I, K).
        """
        design = self.values(x).movedim(-2, -3)  # (..., I, N, K)
        inverse = torch.linalg.pinv(design, rtol=1e-12)
        return (inverse @ y.movedim(-1, -3)).mT.movedim(-3, -2)  # (..., I, K, J) -> (..., J, I, K)
