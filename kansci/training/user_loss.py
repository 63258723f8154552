"""Losses by name, and a user's own function as a loss."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from kansci.errors import SettingsError
from kansci.training.class_losses import Logistic, Softmax
from kansci.training.losses import Derivatives, Huber, LeastSquares, Loss, Poisson

UserFunction = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

LOSSES: Mapping[str, type[Loss]] = {
    "least_squares": LeastSquares,
    "huber": Huber,
    "logistic": Logistic,
    "softmax": Softmax,
    "poisson": Poisson,
}
# Torch's own in their default form: the same losses, whose curvature is known.
_OF_TORCH: Mapping[type, type[Loss]] = {
    torch.nn.MSELoss: LeastSquares,
    torch.nn.CrossEntropyLoss: Softmax,
    torch.nn.BCEWithLogitsLoss: Logistic,
}
_SAME = 1e-9
_NO_CURVATURE = 1e-12


class UserLoss(Loss):
    """A function of predictions and targets, differentiated automatically.

    It is called with predictions (n, O) and targets (n, O') of some rows and returns their mean loss, or
    the loss of each; where single rows are asked for, with one row at a time. The curvature is the Hessian of
    each row by the outputs with its negative eigenvalues set to zero.
    """

    separable = False
    by_row = False

    def __init__(self, function: UserFunction):
        """Take over a function."""
        self._function = function

    def targets(self, y: torch.Tensor, n_out: int) -> torch.Tensor:
        """Whatever the function takes."""
        return y

    def total(
        self, outputs: torch.Tensor, y: torch.Tensor, weight: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Call the function with all rows at once if none has a weight: it need not be a mean over rows."""
        if weight is not None:
            return super().total(outputs, y, weight)
        leading = outputs.shape[:-2]
        means = [self._function(rows, y).mean() for rows in outputs.reshape(-1, *outputs.shape[-2:])]
        return torch.stack(means).reshape(leading) * len(y)

    def value(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Call the function row by row."""
        return self._by_row(self._one, outputs, y)

    def derivatives(self, outputs: torch.Tensor, y: torch.Tensor) -> Derivatives:
        """Gradient, and the root of the Hessian's positive part."""
        gradient = self._by_row(torch.func.grad(self._one), outputs, y)
        hessian = self._by_row(torch.func.jacrev(torch.func.grad(self._one)), outputs, y)
        values, vectors = torch.linalg.eigh(hessian)
        return gradient, values.clamp(min=0).sqrt().unsqueeze(-1) * vectors.mT

    def has_curvature(self, outputs: torch.Tensor, y: torch.Tensor) -> bool:
        """Say whether the loss is a mean over rows, and curved, so that Gauss-Newton steps make sense.

        Args:
            outputs: of a network, (N, O).
            y: targets (N, O').

        Returns:
            False too where the function cannot be called with a single row or differentiated twice.
        """
        try:
            by_row, together = self.value(outputs, y).sum(-1), self.total(outputs, y)
            gradient, root = self.derivatives(outputs, y)
        except (RuntimeError, ValueError, IndexError, TypeError):
            return False
        assert root is not None
        same = bool((by_row - together).abs() <= _SAME * together.abs().clamp(min=_SAME))
        slope = float(gradient.square().mean())
        return same and float(root.square().mean()) > _NO_CURVATURE * max(slope, _NO_CURVATURE)

    def _one(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self._function(outputs.unsqueeze(0), y.unsqueeze(0)).mean()

    @staticmethod
    def _by_row(
        function: Callable[..., torch.Tensor], outputs: torch.Tensor, y: torch.Tensor
    ) -> torch.Tensor:
        leading = outputs.shape[:-1]
        rows = y.expand(*leading, y.shape[-1]).flatten(0, -2)
        return torch.func.vmap(function)(outputs.flatten(0, -2), rows).unflatten(0, leading)


def as_loss(loss: Any) -> Loss:
    """Understand what a user may give as a loss.

    Args:
        loss: a `Loss`, a name, a function (predictions, targets) -> mean loss, or None for least squares.

    Returns:
        The loss.

    Raises:
        SettingsError: it is none of them.
    """
    if loss is None:
        return LeastSquares()
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str) and loss in LOSSES:
        return LOSSES[loss]()
    known = _OF_TORCH.get(type(loss))
    if known is not None and _is_default(loss):
        return known()
    if callable(loss):
        return UserLoss(loss)
    raise SettingsError(f"loss {loss!r}: choose among {', '.join(LOSSES)}, or give a function")


def _is_default(loss: torch.nn.Module) -> bool:
    fresh = type(loss)()
    options = ("reduction", "label_smoothing", "ignore_index")
    plain = all(getattr(loss, name, None) == getattr(fresh, name, None) for name in options)
    return plain and not dict(loss.named_buffers())
