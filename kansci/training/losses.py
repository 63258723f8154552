"""What a network is asked for: a loss for each row, its gradient and a curvature that is never negative.

With J the derivative of the outputs by the weights, g the loss's gradient and W its curvature by the outputs,
the generalised Gauss-Newton step solves J'WJ step = -J'g (Schraudolph 2002). W is given by a root R, R'R = W.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch

from kansci.errors import DataError, SettingsError

Derivatives = tuple[torch.Tensor, torch.Tensor | None]


class Loss(ABC):
    """A loss of outputs (..., N, O) and targets (N, O).

    Attributes:
        of_residuals: it is a loss of residuals in the units of y, which may then be standardised.
        separable: outputs are judged one by one, and the mean is over them too.
        by_row: the loss of all rows is sure to be the sum of the rows' losses.
        of_classes: targets are the chances of classes.
    """

    of_residuals: ClassVar[bool] = False
    separable: ClassVar[bool] = True
    by_row: ClassVar[bool] = True
    of_classes: ClassVar[bool] = False

    @abstractmethod
    def value(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Give the loss of every row, summed over the outputs, (..., N)."""

    @abstractmethod
    def derivatives(self, outputs: torch.Tensor, y: torch.Tensor) -> Derivatives:
        """Give gradient (..., N, O) and root of the curvature by the outputs.

        The root is (..., N, O) where the curvature is diagonal, (..., N, O, O) where it is not, and None for
        the unit matrix.
        """

    def targets(self, y: torch.Tensor, n_out: int) -> torch.Tensor:
        """Check targets (N, O') and bring them to the form (N, O) that the loss works with.

        Args:
            y: what the user gave.
            n_out: outputs of the network, O.

        Returns:
            Targets (N, O).

        Raises:
            DataError: the loss is not defined for them.
        """
        if y.shape[1] != n_out:
            raise DataError(f"y has {y.shape[1]} columns and the network {n_out} outputs: they must agree")
        return y

    def start(self, y: torch.Tensor) -> torch.Tensor:
        """Give outputs (N, O) for a start by least squares: a Newton step from the best constant."""
        return y

    def predict(self, outputs: torch.Tensor) -> torch.Tensor:
        """Turn outputs into what the targets are: values, probabilities, rates."""
        return outputs

    def smoothed(self, ones: torch.Tensor | None, n_rows: int) -> "Loss":
        """Give the loss that brings targets of 0 and 1 a little inside, where it is one of classes.

        Args:
            ones: how many of the training rows have the target 1, (O,); see `count_ones`.
            n_rows: the number of training rows.

        Returns:
            The loss; this one where `ones` is None.
        """
        return self

    def scaled(self, scale: float) -> "Loss":
        """Give the loss that does the same for targets divided by `scale`, up to a factor."""
        return self

    def figure(self, mean: torch.Tensor, scale: torch.Tensor | float = 1.0) -> torch.Tensor:
        """Give the number that is shown of a mean loss of targets that were divided by `scale`."""
        return mean

    def has_curvature(self, outputs: torch.Tensor, y: torch.Tensor) -> bool:
        """Say whether Gauss-Newton steps make sense from outputs (N, O)."""
        return True

    def terms(self, n_out: int) -> int:
        """Say how many terms a row has."""
        return n_out if self.separable else 1

    def total(
        self, outputs: torch.Tensor, y: torch.Tensor, weight: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Add up the rows, weighted by weight (N,): (..., N, O) -> (...)."""
        value = self.value(outputs, y)
        return value.sum(-1) if weight is None else (value * weight).sum(-1)

    def count(self, y: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor | int:
        """Give what to divide the total by for the mean."""
        return self.terms(y.shape[1]) * (len(y) if weight is None else weight.sum())

    def mean(
        self, outputs: torch.Tensor, y: torch.Tensor, weight: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Average over rows and terms: (..., N, O) -> (...)."""
        return self.total(outputs, y, weight) / self.count(y, weight)


@dataclass(frozen=True)
class LeastSquares(Loss):
    """Half the squared residual; shown as the root of the mean square."""

    of_residuals = True

    def value(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Half the sum of squares."""
        return 0.5 * (outputs - y).square().sum(-1)

    def derivatives(self, outputs: torch.Tensor, y: torch.Tensor) -> Derivatives:
        """Residual and unit matrix."""
        return outputs - y, None

    def figure(self, mean: torch.Tensor, scale: torch.Tensor | float = 1.0) -> torch.Tensor:
        """Root of the mean square, in the units of y."""
        return (2 * mean).sqrt() * scale


@dataclass(frozen=True)
class Huber(Loss):
    """Half the squared residual up to delta, linear beyond it: rows far off count less (Huber 1964).

    Attributes:
        delta: in the units of y.
    """

    of_residuals = True
    delta: float = 1.0

    def __post_init__(self) -> None:
        """Check delta.

        Raises:
            SettingsError: it is not positive.
        """
        if not self.delta > 0:
            raise SettingsError(f"delta={self.delta}: the size of a large residual must be positive")

    def value(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Huber's function."""
        size = (outputs - y).abs()
        return torch.where(size < self.delta, 0.5 * size**2, self.delta * (size - 0.5 * self.delta)).sum(-1)

    def derivatives(self, outputs: torch.Tensor, y: torch.Tensor) -> Derivatives:
        """Clipped residual; the curvature is that of the parabola that bounds the loss (reweighting)."""
        residual = outputs - y
        root = (self.delta / residual.abs().clamp(min=self.delta)).sqrt()
        return residual.clamp(-self.delta, self.delta), root

    def start(self, y: torch.Tensor) -> torch.Tensor:
        """Targets without their outliers."""
        middle = y.median(dim=0).values
        spread = torch.maximum((y - middle).abs().median(dim=0).values * 4, torch.tensor(self.delta))
        return middle + (y - middle).clamp(-spread, spread)

    def scaled(self, scale: float) -> "Huber":
        """Divide delta as well."""
        return Huber(self.delta / scale)

    def figure(self, mean: torch.Tensor, scale: torch.Tensor | float = 1.0) -> torch.Tensor:
        """The mean, in the units of y squared."""
        return mean * scale**2


@dataclass(frozen=True)
class Poisson(Loss):
    """Half the deviance of counts with the rate exp(output)."""

    def value(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Half the deviance."""
        return (outputs.exp() - y * outputs - y + torch.xlogy(y, y)).sum(-1)

    def derivatives(self, outputs: torch.Tensor, y: torch.Tensor) -> Derivatives:
        """Rate - y and rate."""
        return outputs.exp() - y, (0.5 * outputs).exp()

    def targets(self, y: torch.Tensor, n_out: int) -> torch.Tensor:
        """Numbers not below 0."""
        if bool((y < 0).any()):
            raise DataError("the Poisson loss needs targets that are not negative")
        return super().targets(y, n_out)

    def start(self, y: torch.Tensor) -> torch.Tensor:
        """Newton step from the mean's logarithm."""
        mean = y.mean(dim=0).clamp(min=1e-8)
        return mean.log() + (y - mean) / mean

    def predict(self, outputs: torch.Tensor) -> torch.Tensor:
        """Rates."""
        return outputs.exp()


def weighted_derivatives(
    loss: Loss, outputs: torch.Tensor, y: torch.Tensor, weight: torch.Tensor | None
) -> Derivatives:
    """Give `Loss.derivatives` of rows that count weight (N,) times."""
    gradient, root = loss.derivatives(outputs, y)
    if weight is None:
        return gradient, root
    weight = weight.unsqueeze(-1)
    if root is None:
        root = torch.ones_like(gradient)
    over_rows = weight if root.ndim == gradient.ndim else weight.unsqueeze(-1)
    return gradient * weight, root * over_rows.sqrt()


def times_root(root: torch.Tensor | None, derivative: torch.Tensor) -> torch.Tensor:
    """Multiply a Jacobian (P, N * O, n), which may be overwritten, by the root of the curvature."""
    if root is None:
        return derivative
    if root.ndim == 3:
        return derivative.mul_(root.flatten(1).unsqueeze(-1))
    return (root @ derivative.unflatten(1, root.shape[1:3])).flatten(1, 2)
