"""The mean loss of one network as a function of all its weights, by automatic differentiation in chunks."""

from collections.abc import Iterator

import torch

from kansci.models import KAN
from kansci.training.edge_penalty import EdgePenalty
from kansci.training.losses import Loss
from kansci.training.rows import Sample

# Values of functions in a chunk of rows: enough to keep the processor busy, few enough for the memory.
_CHUNK_ENTRIES = 1 << 21


class Objective:
    """Mean loss plus penalty, with its gradient by the flat weights."""

    def __init__(self, model: KAN, sample: Sample, loss: Loss, penalty: EdgePenalty | None = None):
        """Take over a network, whose weights every call sets.

        Args:
            model: the network.
            sample: training rows.
            loss: of the rows.
            penalty: added to it.
        """
        self._model, self._sample, self._loss, self._penalty = model, sample, loss, penalty
        self._parameters = trainable(model)

    def __call__(self, weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Give value and gradient (n,) at weights (n,)."""
        torch.nn.utils.vector_to_parameters(weights, self._parameters)
        self._model.zero_grad(set_to_none=True)
        with torch.enable_grad():
            value = self._loss_backward()
            if self._penalty is not None:
                extra = self._penalty.value(self._model, self._sample.x)
                extra.backward()
                value = value + extra.detach()
        gradient = [torch.zeros_like(p) if p.grad is None else p.grad for p in self._parameters]
        return value, torch.cat([part.flatten() for part in gradient])

    def _loss_backward(self) -> torch.Tensor:
        count = self._loss.count(self._sample.y, self._sample.weight)
        parts = list(chunks(self._sample, rows_at_once(self._model)))
        if len(parts) > 1 and not self._loss.by_row and self._sample.weight is None:
            return self._loss_of_all(parts, count)
        total = self._sample.y.new_zeros(())
        for part in parts:
            value = self._loss.total(self._model(part.x), part.y, part.weight) / count
            value.backward()
            total += value.detach()
        return total

    def _loss_of_all(self, parts: list[Sample], count: torch.Tensor | int) -> torch.Tensor:
        """Differentiate a loss that needs all outputs at once: first by them, then chunk by chunk."""
        outputs = evaluate(self._model, self._sample.x).requires_grad_()
        value = self._loss.total(outputs, self._sample.y) / count
        value.backward()
        assert outputs.grad is not None
        start = 0
        for part in parts:
            self._model(part.x).backward(outputs.grad[start : start + len(part.x)])
            start += len(part.x)
        return value.detach()


def trainable(model: torch.nn.Module) -> list[torch.nn.Parameter]:
    """List the parameters that gradient methods train."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def rows_at_once(model: KAN) -> int:
    """Say how many rows to evaluate together, to bound the memory."""
    widest = max(layer.weight.shape[1:].numel() + layer.weight.shape[0] for layer in model.layers)
    return max(64, _CHUNK_ENTRIES // widest)


def chunks(sample: Sample, length: int) -> Iterator[Sample]:
    """Cut rows into chunks."""
    for start in range(0, len(sample.x), length):
        part = slice(start, start + length)
        weight = None if sample.weight is None else sample.weight[part]
        yield Sample(sample.x[part], sample.y[part], weight)


@torch.no_grad()
def evaluate(model: KAN, x: torch.Tensor) -> torch.Tensor:
    """Map rows x (N, I) to outputs (N, O) in chunks."""
    return torch.cat([model(part) for part in x.split(rows_at_once(model))])


@torch.no_grad()
def mean_loss_of(model: KAN, sample: Sample, loss: Loss) -> torch.Tensor:
    """Average the loss of a network over rows."""
    return loss.mean(evaluate(model, sample.x), sample.y, sample.weight)
