"""Methods of a network that layers above do: formulas on edges, pictures. They import when called.

Names and argument order are pykan's.
"""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from kansci.models.importance import spread_points

if TYPE_CHECKING:
    import sympy
    from matplotlib.figure import Figure

    from kansci.models.kan import KAN

Rows = torch.Tensor | np.ndarray
Range = tuple[float, float]


def fix_symbolic(  # noqa: PLR0913, PLR0917
    self: "KAN",
    l: int,  # noqa: E741
    i: int,
    j: int,
    fun_name: Any,
    fit_params_bool: bool = True,  # noqa: FBT001, FBT002
    a_range: Range | None = None,
    b_range: Range | None = None,
    x: Rows | None = None,
    lib: Mapping[str, Any] | None = None,
) -> "KAN":
    """Give the network with a formula on edge (l, i, j); see `kansci.symbolic.fix_edges.fix_symbolic`."""
    from kansci.symbolic.fix_edges import fix_symbolic

    ranges = (a_range, b_range)
    return fix_symbolic(self, (l, i, j), fun_name, fit_params=fit_params_bool, ranges=ranges, x=x, lib=lib)


def unfix_symbolic(self: "KAN", l: int, i: int, j: int) -> "KAN":  # noqa: E741
    """Give the network with the learned function back on edge (l, i, j)."""
    from kansci.symbolic.fix_edges import unfix_symbolic

    return unfix_symbolic(self, (l, i, j))


def unfix_symbolic_all(self: "KAN") -> "KAN":
    """Give the network with learned functions back on all edges."""
    from kansci.symbolic.fix_edges import unfix_symbolic_all

    return unfix_symbolic_all(self)


def suggest_symbolic(  # noqa: PLR0913, PLR0917
    self: "KAN",
    l: int,  # noqa: E741
    i: int,
    j: int,
    a_range: Range | None = None,
    b_range: Range | None = None,
    lib: Mapping[str, Any] | Sequence[Any] | None = None,
    topk: int = 5,
    weight_simple: float = 0.8,
    x: Rows | None = None,
) -> list[Any]:
    """List the functions that describe an edge best; see `kansci.symbolic.fix_edges.suggest_symbolic`."""
    from kansci.symbolic.fix_edges import suggest_symbolic

    ranges = (a_range, b_range)
    return suggest_symbolic(
        self, (l, i, j), ranges=ranges, lib=lib, topk=topk, weight_simple=weight_simple, x=x
    )


def auto_symbolic(
    self: "KAN",
    a_range: Range | None = None,
    b_range: Range | None = None,
    lib: Mapping[str, Any] | Sequence[Any] | None = None,
    weight_simple: float = 0.8,
    r2_threshold: float = 0.99,
    dataset: Any = None,
) -> "KAN":
    """Give the network with a formula on every edge that has a good one; a warning names the others.

    See `kansci.symbolic.auto_symbolic.snap_edges`, which also says what was chosen.
    """
    from kansci.symbolic.auto_symbolic import snap_edges

    snapped = snap_edges(
        self,
        dataset,
        lib=lib,
        ranges=(a_range, b_range),
        r2_threshold=r2_threshold,
        weight_simple=weight_simple,
    )
    if snapped.left:
        warnings.warn(snapped.report(), stacklevel=2)
    return snapped.model


def symbolic_formula(
    self: "KAN",
    var: "Sequence[str | sympy.Expr] | None" = None,
    normalizer: Any = None,
    output_normalizer: Any = None,
    digits: int | None = None,
) -> "tuple[list[sympy.Expr], list[sympy.Expr]]":
    """Write every output as a formula; see `kansci.symbolic.network_formula.symbolic_formula`."""
    from kansci.symbolic.network_formula import symbolic_formula

    return symbolic_formula(self, var, normalizer, output_normalizer, digits)


def plot(
    self: "KAN",
    x: Rows | None = None,
    in_vars: Sequence[str] | None = None,
    out_vars: Sequence[str] | None = None,
    title: str | None = None,
) -> "Figure":
    """Draw the network, its edges over rows x (N, I); see `kansci.plots.kan_figure`."""
    from sympy import latex

    from kansci.plots import kan_figure

    rows = np.asarray(spread_points(self) if x is None else x)
    inputs = in_vars or [f"x_{k + 1}" for k in range(self.width[0])]
    outputs = out_vars or (["y"] if self.width[-1] == 1 else [f"y_{k + 1}" for k in range(self.width[-1])])
    names = {
        (level, i, j): latex(function.expr)
        for level, layer in enumerate(self.layers)
        for i, j, function in layer.symbolic
    }
    figure = kan_figure(self, rows, inputs, outputs, names)
    if title is not None:
        figure.suptitle(title)
    return figure


def tree(
    self: "KAN",
    x: Rows | None = None,
    in_var: Sequence[str] | None = None,
    style: str = "tree",
    sym_th: float = 1e-3,
    sep_th: float = 1e-1,
    skip_sep_test: bool = False,  # noqa: FBT001, FBT002
) -> "Figure":
    """Draw how the inputs combine; see `kansci.plots.plot_tree`."""
    from kansci.plots import plot_tree

    rows = spread_points(self) if x is None else x
    return plot_tree(self, rows, in_var, style, sym_th, sep_th, skip_sep_test)


def saveckpt(self: "KAN", path: str | Path) -> None:
    """Write the network to one file, atomically: structure as JSON, weights as safetensors."""
    from kansci.storage.files import commit
    from kansci.storage.model_file import model_bytes

    commit(Path(path).parent, {Path(path).name: model_bytes(self)})


def loadckpt(path: str | Path) -> "KAN":
    """Read what `saveckpt` wrote, ours or pykan's (see `kansci.convert_pykan`); no code is run."""
    from kansci.convert_pykan import load_pykan
    from kansci.storage.files import MEGABYTE, read_bytes
    from kansci.storage.model_file import read_model

    if Path(f"{path}_config.yml").exists():
        return load_pykan(path)
    return read_model(read_bytes(Path(path), 1024 * MEGABYTE), str(path))[0]
