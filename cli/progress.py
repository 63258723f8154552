"""What is seen of a training run while it goes on."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

if TYPE_CHECKING:
    import numpy as np

__all__ = ["fit_progress"]

REFRESH = 0.2
ROWS_FOR_EDGES = 200
LIVE = 3e-2
"""Edges with a score above it count as live, as in pruning."""

Show = Callable[[str, Any], None]


@contextmanager
def fit_progress(X: "np.ndarray") -> Iterator[Show]:
    """A small table on stderr that follows the steps; silent when stderr is no terminal.

    Args:
        X: Rows (N, I) of the data, some of which tell which edges are live.

    Yields:
        To be called after each step with the name of the stage and the event.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda stage, event: None
        return
    begin, shown = time.monotonic(), [0.0]
    with Live(console=console, transient=True, auto_refresh=False) as live:

        def show(stage: str, event: Any) -> None:
            now = time.monotonic()
            if now - shown[0] >= REFRESH:
                shown[0] = now
                live.update(_table(stage, event, now - begin, X[:ROWS_FOR_EDGES]), refresh=True)

        yield show


def _table(stage: str, event: Any, seconds: float, X: "np.ndarray") -> Table:
    from kansci.models import importance

    model = event.best()
    live = sum(int((score > LIVE).sum()) for score in importance(model, X).edges)
    cells = {
        "stage": stage,
        "step": str(event.step),
        "grid": str(event.grid),
        "loss": f"{event.train_rmse:.3g}",
        "held-out": f"{event.validation_rmse:.3g}",
        "live edges": f"{live} of {len(model.edges())}",
        "training": str(event.active),
        "elapsed": f"{seconds:.0f} s",
    }
    table = Table(*cells, box=None, pad_edge=False)
    table.add_row(*cells.values())
    return table
