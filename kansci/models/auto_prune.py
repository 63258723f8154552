"""Thresholds from the gap in the scores, and prunings that retraining has to confirm."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from kansci.errors import SettingsError

if TYPE_CHECKING:
    from kansci.models.kan import KAN

Rows = torch.Tensor | np.ndarray
Table = dict[str, torch.Tensor]

_SMALLEST_GAP = 3.0
"""Scores further apart than by this factor have a gap between them."""
_ZERO = 1e-12
"""Relative to the largest, scores below this are zero."""
_STEPS = 50


def gap_thresholds(scores: torch.Tensor) -> list[float]:
    """Find thresholds in the gaps of scores: in the widest, on a logarithmic scale, then in those below it.

    Args:
        scores: any shape, not negative.

    Returns:
        Thresholds from strong to weak; none if no two neighbours differ by a factor of 3.
    """
    sizes = scores.detach().flatten()
    if not bool((sizes > 0).any()):
        return []
    logs = sizes.clamp(min=_ZERO * float(sizes.max())).log10().sort().values
    gaps = logs.diff()
    wide = [k for k in range(len(gaps)) if gaps[k] > np.log10(_SMALLEST_GAP)]
    if not wide:
        return []
    widest = int(gaps.argmax())
    return [float(10 ** ((logs[k] + logs[k + 1]) / 2)) for k in reversed(wide) if k <= widest]


def rows_of(dataset: Any) -> Table:
    """Bring data into pykan's form, with rows to test on.

    Args:
        dataset: a dict with train_input and train_label; something with X and y; or a pair (X, y). Without
            test_input and test_label every fifth row is held out.

    Returns:
        train_input, train_label, test_input, test_label: (N, I) and (N, O).

    Raises:
        SettingsError: it is none of these.
    """
    if isinstance(dataset, dict):
        pairs = [(dataset.get(f"{part}_input"), dataset.get(f"{part}_label")) for part in ("train", "test")]
    elif hasattr(dataset, "X") and hasattr(dataset, "y"):
        pairs = [(dataset.X, dataset.y), (None, None)]
    elif isinstance(dataset, tuple | list) and len(dataset) == 2:
        pairs = [(dataset[0], dataset[1]), (None, None)]
    else:
        pairs = [(None, None)]
    if pairs[0][0] is None or pairs[0][1] is None:
        raise SettingsError("the dataset must hold train_input and train_label, have X and y, or be (X, y)")
    x, y = (_table(part) for part in pairs[0])
    if pairs[1][0] is None or pairs[1][1] is None:
        held_out = torch.arange(len(x)) % 5 == 4
        return _named(x[~held_out], y[~held_out], x[held_out], y[held_out])
    return _named(x, y, _table(pairs[1][0]), _table(pairs[1][1]))


def _table(values: Any) -> torch.Tensor:
    table = torch.tensor(np.asarray(values, dtype=float))
    return table.unsqueeze(1) if table.ndim == 1 else table


def _named(*parts: torch.Tensor) -> Table:
    return dict(zip(("train_input", "train_label", "test_input", "test_label"), parts, strict=True))


def confirmed(
    model: "KAN",
    candidates: Iterable[tuple["KAN", torch.Tensor]],
    dataset: Any,
    worse: float,
) -> "KAN":
    """Retrain prunings, the strongest first, until one is about as good on held-out rows as the whole.

    A pruning that is not gets finer grids, as long as it has no more weights than the whole.

    Args:
        model: the network as it is; it is retrained too, to compare with.
        candidates: prunings, each with the input columns it takes.
        dataset: see `rows_of`.
        worse: a pruning may have this many times the error of the whole.

    Returns:
        The first pruning that holds, retrained; else the whole network, retrained.
    """
    rows = rows_of(dataset)
    whole = _retrained(model, rows)
    limit = worse * _error(whole, rows)
    for candidate, columns in candidates:
        own = _with_columns(rows, columns)
        trained = _retrained(candidate, own)
        while _error(trained, own) > limit:
            finer = trained.refine(2 * max(layer.basis.grid_size for layer in trained.layers))
            if finer.n_parameters > whole.n_parameters:
                break
            trained = _retrained(finer, own)
        else:
            return trained
    return whole


def pruned_by(
    threshold: float | str,
    model: "KAN",
    scores: torch.Tensor,
    cut: Callable[[float], tuple["KAN", torch.Tensor]],
    dataset: Any,
    worse: float,
) -> "KAN":
    """Prune by a number, or in the widest gap of the scores, or as far as retraining confirms.

    Args:
        threshold: a number or "auto".
        model: the network.
        scores: of everything that may go.
        cut: the pruning by a number, with the input columns it takes.
        dataset: with "auto", rows to retrain on, or None to trust the widest gap.
        worse: see `confirmed`.

    Returns:
        The pruned network; with "auto" retrained if there are rows, the whole if there is no gap.

    Raises:
        SettingsError: the threshold is neither.
    """
    if not isinstance(threshold, str):
        return cut(float(threshold))[0]
    if threshold != "auto":
        raise SettingsError(f'threshold={threshold!r}: give a number or "auto"')
    thresholds = gap_thresholds(scores)
    if dataset is not None:
        return confirmed(model, (cut(limit) for limit in thresholds), dataset, worse)
    return cut(thresholds[0])[0] if thresholds else model.copy()


def _retrained(model: "KAN", rows: Table) -> "KAN":
    trained = model.copy()
    trained.fit(rows, steps=_STEPS)
    return trained


def _with_columns(rows: Table, columns: torch.Tensor) -> Table:
    return {name: part[:, columns] if name.endswith("_input") else part for name, part in rows.items()}


@torch.no_grad()
def _error(model: "KAN", rows: Table) -> float:
    residual = model(rows["test_input"]) - rows["test_label"]
    return float(residual.square().mean().sqrt())
