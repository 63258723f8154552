"""Rows sampled from a function, in the form pykan's users know: four tensors in a dict."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from kansci.errors import DataError, SettingsError

__all__ = ["create_dataset", "create_dataset_from_data"]

Table = dict[str, torch.Tensor]
Ranges = Sequence[float] | Sequence[Sequence[float]] | np.ndarray


def create_dataset(  # noqa: PLR0913, PLR0917 (pykan's signature)
    f: Callable[[torch.Tensor], torch.Tensor],
    n_var: int = 2,
    f_mode: str = "col",
    ranges: Ranges = (-1.0, 1.0),
    train_num: int = 1000,
    test_num: int = 1000,
    normalize_input: bool = False,  # noqa: FBT001, FBT002
    normalize_label: bool = False,  # noqa: FBT001, FBT002
    seed: int = 0,
) -> Table:
    """Sample a function at uniformly random rows.

    The generator is this call's own; its rows are those of pykan 0.2.8 under torch's default dtype float64.

    Args:
        f: maps rows (N, I) to labels (N,) or (N, O) if f_mode is "col", columns (I, N) to (N,) if "row".
        n_var: number of inputs I.
        f_mode: "col" or "row".
        ranges: low and high end, one pair or one for each input.
        train_num: rows to train on.
        test_num: rows to test on.
        normalize_input: bring the inputs to mean 0 and deviation 1, measured on the training rows.
        normalize_label: the same for the labels.
        seed: of the rows.

    Returns:
        train_input, train_label, test_input, test_label: (N, I) and (N, O), float64.

    Raises:
        SettingsError: an option is none of those above.

    Example:
        >>> table = create_dataset(lambda x: x[:, [0]] * x[:, [1]], train_num=100)
        >>> table["train_input"].shape, table["train_label"].shape
        (torch.Size([100, 2]), torch.Size([100, 1]))
    """
    if f_mode not in {"col", "row"}:
        raise SettingsError(f'f_mode={f_mode!r}: choose "col" or "row"')
    ends = np.asarray(ranges, dtype=float)
    if ends.shape not in {(2,), (n_var, 2)}:
        raise SettingsError(f"ranges has shape {ends.shape}: give (low, high) or one pair for each input")
    generator = torch.Generator().manual_seed(seed)
    sizes = {"train": train_num, "test": test_num}
    columns: dict[str, list[torch.Tensor]] = {"train": [], "test": []}
    for low, high in np.broadcast_to(ends, (n_var, 2)).tolist():
        for part, size in sizes.items():
            unit = torch.rand(size, generator=generator, dtype=torch.float64)
            columns[part].append(unit * (high - low) + low)
    table = {f"{part}_input": torch.stack(columns[part], dim=1) for part in sizes}
    for part in sizes:
        x = table[f"{part}_input"]
        table[f"{part}_label"] = _labels(f(x if f_mode == "col" else x.T), len(x))
    if normalize_input:
        _normalise(table, "input")
    if normalize_label:
        _normalise(table, "label")
    return table


def create_dataset_from_data(
    inputs: torch.Tensor | np.ndarray,
    labels: torch.Tensor | np.ndarray,
    train_ratio: float = 0.8,
    seed: int = 0,
) -> Table:
    """Split rows at random.

    Args:
        inputs: rows (N, I).
        labels: (N,) or (N, O).
        train_ratio: share of the rows to train on.
        seed: of the split.

    Returns:
        train_input, train_label, test_input, test_label, float64.

    Raises:
        SettingsError: no row would be left on one side.
    """
    x = torch.as_tensor(inputs, dtype=torch.float64).detach()
    y = _labels(torch.as_tensor(labels).detach(), len(x))
    count = int(len(x) * train_ratio)
    if not 0 < count < len(x):
        raise SettingsError(f"train_ratio={train_ratio} of {len(x)} rows leaves one side without a row")
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    train, test = order[:count], order[count:].sort().values
    return {"train_input": x[train], "train_label": y[train], "test_input": x[test], "test_label": y[test]}


def _labels(y: torch.Tensor, count: int) -> torch.Tensor:
    y = torch.as_tensor(y, dtype=torch.float64)
    y = y.unsqueeze(1) if y.ndim == 1 else y
    if y.ndim != 2 or len(y) != count:
        raise DataError(f"labels of shape {tuple(y.shape)} for {count} rows: need one row of labels each")
    return y


def _normalise(table: Table, what: str) -> None:
    train = table[f"train_{what}"]
    mean, deviation = train.mean(dim=0, keepdim=True), train.std(dim=0, keepdim=True)
    for part in ("train", "test"):
        table[f"{part}_{what}"] = (table[f"{part}_{what}"] - mean) / deviation
