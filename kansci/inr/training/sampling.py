"""Which rows make the next batch.

"uniform"  all rows in random order, anew in each epoch.
"int"      the rows of largest error, found by a look at all of them: Zhang et al., "Nonparametric teaching of
           implicit neural representations" (INT), ICML 2024. Their share grows from 20 % to all in ten
           stages, the number of steps between two looks with it.
"nint"     as "int", ranked by |e_i| ||K_:,i||, K being the neural tangent kernel, here that of the output
           layer alone: K_ij = h_i . h_j + 1 with the inputs h of that layer. Then ||K_:,i||^2 is
           h_i^T (H^T H) h_i, which needs no N x N matrix.
"recent"   without a look: half of the rows, drawn for each epoch in proportion to the error each had when it
           was last in a batch. Nothing is weighted to make up for that, so the fit is not quite that of least
           squares: it comes sooner to a given error, not always to a lower one in the end.

Against mini-batches that are uniform "int" and "nint" need more steps to equal error, not fewer; their
savings are over steps that take all rows.
"""

from collections.abc import Callable

import torch

from kansci.inr.training.settings import State

__all__ = ["Errors", "Sampler", "make_sampler", "top_rows"]

Errors = Callable[[], torch.Tensor]
"""Looks at all rows: a score of each, (N,)."""

_FIRST_SHARE, _STAGES = 0.2, 10
_KEPT, _LEAST = 0.5, 0.1


class Sampler:
    """All rows in random order, anew in each epoch.

    Attributes:
        generator: where chance comes from.
    """

    def __init__(self, count: int, batch: int, seed: int):
        """Begin.

        Args:
            count: number of rows N.
            batch: rows in a batch, at most all.
            seed: of the order.
        """
        self.count, self.batch = count, min(batch, count)
        self.generator = torch.Generator().manual_seed(seed)
        self._order, self._at = torch.empty(0, dtype=torch.int64), 0

    def next(self, fraction: float) -> torch.Tensor:
        """Draw the rows of the next batch, (B,).

        Args:
            fraction: of training that is done.
        """
        if self._at >= len(self._order):
            rows = self._pool(fraction)
            self._order = rows[torch.randperm(len(rows), generator=self.generator)]
            self._at = 0
        parts = -(-len(self._order) // self.batch)  # about equal ones, lest a last one be small
        drawn = self._order[self._at : self._at - (-len(self._order) // parts)]
        self._at += len(drawn)
        return drawn

    def learn(self, rows: torch.Tensor, errors: torch.Tensor) -> None:
        """Take note of the errors (B,) of a batch."""

    def state(self) -> State:
        """Copy what the next batches depend on."""
        return {
            "order": self._order.clone(),
            "at": torch.tensor([self._at]),
            "generator": self.generator.get_state(),
        }

    def restore(self, state: State) -> None:
        """Go on where `state` was called."""
        self._order, self._at = state["order"], int(state["at"])
        self.generator.set_state(state["generator"])

    def _pool(self, fraction: float) -> torch.Tensor:
        """Say which rows the next epoch goes through."""
        return torch.arange(self.count)


class Teaching(Sampler):
    """The rows of largest error, of a share that grows."""

    def __init__(self, count: int, batch: int, seed: int, errors: Errors):
        """Begin; `errors` gives the scores of all rows."""
        super().__init__(count, batch, seed)
        self._errors = errors

    def _pool(self, fraction: float) -> torch.Tensor:
        stage = min(int(fraction * _STAGES), _STAGES - 1)
        share = _FIRST_SHARE + (1 - _FIRST_SHARE) * stage / (_STAGES - 1)
        return top_rows(self._errors(), max(self.batch, round(share * self.count)))


class Recent(Sampler):
    """Rows drawn in proportion to the error they had last."""

    def __init__(self, count: int, batch: int, seed: int):
        """Begin with all rows."""
        super().__init__(count, batch, seed)
        self._last = torch.full((count,), torch.inf)

    def learn(self, rows: torch.Tensor, errors: torch.Tensor) -> None:
        """Remember."""
        self._last[rows] = errors

    def state(self) -> State:
        """Copy what the next batches depend on."""
        return {**super().state(), "last": self._last.clone()}

    def restore(self, state: State) -> None:
        """Go on where `state` was called."""
        super().restore(state)
        self._last = state["last"].clone()

    def _pool(self, fraction: float) -> torch.Tensor:
        if not bool(torch.isfinite(self._last).all()):  # a row was never seen
            return super()._pool(fraction)
        chance = _chances(self._last.sqrt())
        drawn = torch.rand(self.count, generator=self.generator) < chance
        return drawn.nonzero()[:, 0] if bool(drawn.any()) else super()._pool(fraction)


def _chances(errors: torch.Tensor) -> torch.Tensor:
    """Probabilities in proportion to the errors, between limits, of mean `_KEPT`."""
    chance = errors / errors.mean().clamp_min(1e-30)
    for _ in range(8):
        chance = (chance * (_KEPT / chance.mean().clamp_min(1e-30))).clamp(_LEAST * _KEPT, 1.0)
    return chance


def top_rows(scores: torch.Tensor, count: int) -> torch.Tensor:
    """Give the numbers of the `count` largest scores, in rising order."""
    return scores.topk(min(count, len(scores))).indices.sort().values


def make_sampler(kind: str, count: int, batch: int, seed: int, errors: Errors) -> Sampler:
    """Make a sampler of a kind, see above; `errors` is called by "int" and "nint" only."""
    if kind == "uniform":
        return Sampler(count, batch, seed)
    if kind == "recent":
        return Recent(count, batch, seed)
    return Teaching(count, batch, seed, errors)
