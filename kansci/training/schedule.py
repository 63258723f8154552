"""Which grid comes after which."""

from collections.abc import Sequence

import torch

from kansci.training.settings import TrainSettings

LEAST_FALL = 0.2
_WINDOW, _SLOW = 5, 0.75
"""A coarse grid is left where the error is above this share of what it was so many steps ago."""
_IDLE, _NO_FALL = 20, 0.99
_ROWS_TO_HURRY = 6
_HOPEFUL = 10.0


class Schedule:
    """The grid sizes of a run.

    A fixed list is gone through. An automatic one doubles the grid until more than `patience` extensions in a
    row did not make the validation error fall by a fifth, or until the network would have more parameters
    than there are rows; it ends with the last grid that brought such a fall.

    Attributes:
        past: grid size and validation error of each stage so far.
    """

    def __init__(self, settings: TrainSettings, n_rows: int, past: Sequence[tuple[int, float]] = ()):
        """Begin, or go on.

        Args:
            settings: says which grids.
            n_rows: rows that are trained on.
            past: see above.
        """
        self.past = [(int(size), float(error)) for size, error in past]
        self._settings, self._n_rows = settings, n_rows

    def next(self, size: int, error: float, n_parameters: int) -> int | None:
        """Say which grid comes next.

        Args:
            size: of the grid that has just been trained.
            error: its validation error.
            n_parameters: of the network.

        Returns:
            The next size, or None at the end.
        """
        self.past.append((size, error))
        if self._settings.grids != "auto":
            finer = [later for later in self._settings.grids if later > size]
            return finer[0] if finer else None
        idle = len(self.past) - 1 - self.best
        if idle > self._settings.patience or 2 * n_parameters > self._n_rows:
            return None
        return 2 * size

    def leaves(self, errors: Sequence[float], n_parameters: int) -> bool:
        """Say whether to leave a grid of an automatic schedule before all its steps are done.

        Any grid is left when the validation error stands still. One whose finer successor has rows enough for
        its weights is left as soon as the error falls slowly, once it has brought what is asked of an
        extension: a finer grid then brings more, for less work.

        Args:
            errors: lowest validation error after each step on this grid.
            n_parameters: of the network.
        """
        if self._settings.grids != "auto" or self._settings.lamb > 0:
            return False
        if not errors:
            return False
        if len(errors) > _IDLE and errors[-1] > _NO_FALL * errors[-1 - _IDLE]:
            return True
        earned = not self.past or errors[-1] < (1 - LEAST_FALL) * self.past[self.best][1]
        hurries = earned and _ROWS_TO_HURRY * n_parameters <= self._n_rows
        return hurries and len(errors) > _WINDOW and errors[-1] > _SLOW * errors[-1 - _WINDOW]

    def go_on(self, errors: torch.Tensor) -> torch.Tensor:
        """Say which members, of validation errors (P,), a finer grid of an automatic schedule trains on."""
        if self._settings.grids != "auto":
            return torch.ones_like(errors, dtype=torch.bool)
        return errors <= _HOPEFUL * errors.min()

    @property
    def best(self) -> int:
        """Number of the stage to keep: the last one of an automatic schedule that brought enough."""
        if self._settings.grids != "auto":
            return len(self.past) - 1
        best = 0
        for number, (_, error) in enumerate(self.past):
            if error < (1 - LEAST_FALL) * self.past[best][1]:
                best = number
        return best
