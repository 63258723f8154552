"""Losses of classes: cross-entropies, and targets that keep the outputs finite."""

from dataclasses import dataclass

import torch

from kansci.errors import DataError
from kansci.training.losses import Derivatives, Loss


@dataclass(frozen=True)
class Logistic(Loss):
    """Cross-entropy of probabilities 1 / (1 + exp(-output)), one for each output.

    Attributes:
        counts: training rows with target 0 and with target 1, for each output, where targets are smoothed.
    """

    of_classes = True
    counts: tuple[tuple[float, float], ...] | None = None

    def value(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Negative log-likelihood."""
        return (torch.nn.functional.softplus(outputs) - y * outputs).sum(-1)

    def derivatives(self, outputs: torch.Tensor, y: torch.Tensor) -> Derivatives:
        """The chance minus y; chance times its complement."""
        chance = outputs.sigmoid()
        return chance - y, (chance * (-outputs).sigmoid()).sqrt()

    def targets(self, y: torch.Tensor, n_out: int) -> torch.Tensor:
        """Probabilities from 0 to 1."""
        if bool(((y < 0) | (y > 1)).any()):
            raise DataError("the logistic loss needs targets from 0 to 1")
        y = super().targets(y, n_out)
        if self.counts is None:
            return y
        zeros, ones = y.new_tensor(self.counts).unbind(-1)
        return _seen_once_more(y, torch.where(y == 1, ones, zeros), 2)

    def smoothed(self, ones: torch.Tensor | None, n_rows: int) -> "Logistic":
        """See `Loss.smoothed`."""
        if ones is None:
            return self
        return Logistic(tuple((n_rows - count, count) for count in ones.tolist()))

    def start(self, y: torch.Tensor) -> torch.Tensor:
        """Newton step from the mean's logit."""
        mean = _inside(y.mean(dim=0))
        return mean.logit() + (y - mean) / (mean * (1 - mean))

    def predict(self, outputs: torch.Tensor) -> torch.Tensor:
        """Probabilities."""
        return outputs.sigmoid()


@dataclass(frozen=True)
class Softmax(Loss):
    """Cross-entropy of the probabilities exp(output) / sum(exp(outputs)) of O classes.

    Attributes:
        counts: training rows of each class, where targets are smoothed.
    """

    separable = False
    of_classes = True
    counts: tuple[float, ...] | None = None

    def value(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Negative log-likelihood."""
        return -(y * outputs.log_softmax(-1)).sum(-1)

    def derivatives(self, outputs: torch.Tensor, y: torch.Tensor) -> Derivatives:
        """Chances p minus y; diag(p) - pp' = R'R with R = diag(sqrt p) (1 - 1p')."""
        chance = outputs.softmax(-1)
        unit = torch.eye(outputs.shape[-1], dtype=outputs.dtype, device=outputs.device)
        return chance - y, chance.sqrt().unsqueeze(-1) * (unit - chance.unsqueeze(-2))

    def targets(self, y: torch.Tensor, n_out: int) -> torch.Tensor:
        """Probabilities (N, O), or the number of the class (N, 1)."""
        if y.shape[1] == 1 and n_out > 1:
            classes = y[:, 0]
            if bool(((classes != classes.round()) | (classes < 0) | (classes >= n_out)).any()):
                raise DataError(f"the softmax loss needs classes 0 to {n_out - 1}, or a column for each")
            y = torch.nn.functional.one_hot(classes.long(), n_out).to(y.dtype)
        y = super().targets(y, n_out)
        if bool((y < 0).any()) or not torch.allclose(y.sum(-1), torch.ones_like(y[:, 0])):
            raise DataError("the softmax loss needs classes, or probabilities that add up to 1 in every row")
        if self.counts is None:
            return y
        own = y == 1
        count = own.to(y.dtype) @ y.new_tensor(self.counts)
        return torch.where(own.any(-1, keepdim=True), _seen_once_more(y, count.unsqueeze(-1), n_out), y)

    def smoothed(self, ones: torch.Tensor | None, n_rows: int) -> "Softmax":
        """See `Loss.smoothed`."""
        return self if ones is None else Softmax(tuple(ones.tolist()))

    def start(self, y: torch.Tensor) -> torch.Tensor:
        """Newton step from the classes' shares."""
        mean = _inside(y.mean(dim=0))
        return mean.log() + (y - mean) / mean

    def predict(self, outputs: torch.Tensor) -> torch.Tensor:
        """Probabilities."""
        return outputs.softmax(-1)


def count_ones(y: torch.Tensor) -> torch.Tensor | None:
    """Count the targets (N, O) that are 1, (O,); None where some are probabilities, neither 0 nor 1."""
    hard = bool(((y == 0) | (y == 1)).all())
    return y.sum(0) if hard else None


def _seen_once_more(y: torch.Tensor, count: torch.Tensor, n_classes: int) -> torch.Tensor:
    """Give targets (N, O) as if every class had been seen once more (Platt 1999).

    With 0 and 1 themselves, classes that a network can tell apart drive its outputs to infinity.

    Args:
        y: 0 or 1; what lies between is left alone, so that doing this twice is doing it once.
        count: of the training rows of the same class as each, broadcast to (N, O).
        n_classes: C.

    Returns:
        (count + 1) / (count + C) and 1 / (count + C).
    """
    return torch.where((y == 0) | (y == 1), (y * count + 1) / (count + n_classes), y)


def _inside(share: torch.Tensor) -> torch.Tensor:
    return share.clamp(1e-4, 1 - 1e-4)
