"""Which grid comes after which."""

from collections.abc import Sequence

from kansci.training.settings import TrainSettings

LEAST_FALL = 0.2


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
