"""All edges of a network to formulas, each chosen by what it does to the whole.

Edge after edge, the clearest first, the best few functions are put in its place; after a short joint refit
of everything the one stays that leaves the best balance of the network's own error and length (in-context
choice; arXiv:2603.15250). An edge that no function fits, or that spoils the network, stays learned.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from kansci.models import KAN
from kansci.models.auto_prune import Table, rows_of
from kansci.models.importance import spread_points
from kansci.symbolic.edge_fit import EdgeFit, Range
from kansci.symbolic.fix_edges import NO_ERROR, SHORT_LIST, Edge, Suggestion, suggest_symbolic, with_formula
from kansci.symbolic.library import Library, chosen_functions

__all__ = ["Snapped", "snap_edges"]

TRIED = 3
"""Functions tried in the place of an edge."""
MOST_ROWS = 2000
SHORT, LONG = 8, 60
"""Levenberg-Marquardt steps after each choice, and at the end."""
WORSE = 2.0
"""Where the network's R2 is below the threshold anyway, its squared error may grow by this factor."""


@dataclass(frozen=True)
class Snapped:
    """A network whose edges were turned into formulas.

    Attributes:
        model: the network, refitted.
        chosen: the function of each edge that has one now.
        left: for each edge that stayed learned the best function there was, None if there was none.
        nrmse: error of the network on held-out rows, relative to the deviation of the target.
    """

    model: KAN
    chosen: dict[Edge, Suggestion] = field(default_factory=dict)
    left: dict[Edge, Suggestion | None] = field(default_factory=dict)
    nrmse: float = 0.0

    def report(self) -> str:
        """Say in one line which edges stayed learned, empty if none did."""
        if not self.left:
            return ""
        parts = [
            f"{edge} (best: {best.name}, R2 = {best.r2:.4f})" if best else f"{edge}"
            for edge, best in self.left.items()
        ]
        return f"{len(parts)} edges have no good formula and stay learned: {', '.join(parts)}"


def snap_edges(
    model: KAN,
    dataset: Any = None,
    *,
    lib: Library | Sequence[Any] | None = None,
    ranges: tuple[Range | None, Range | None] = (None, None),
    r2_threshold: float = 0.99,
    weight_simple: float = 0.8,
) -> Snapped:
    """Turn every learned edge that has a good formula into it.

    Args:
        model: the network, trained and pruned.
        dataset: rows to refit on and to judge by, as in `fit`; without them the network's own outputs at
            points spread over the inputs' grids.
        lib: the functions to try, a library or a list of names and formulas.
        ranges: where a and b may lie, None for no bounds.
        r2_threshold: a function must reach it on its edge, and the network with it as a whole, unless the
            network was below it before.
        weight_simple: from 0, the error alone, to 1, the length alone.

    Returns:
        The network and what was chosen.
    """
    table = _few(_own_rows(model) if dataset is None else rows_of(dataset))
    model = model.copy().train()
    settings = _Settings(chosen_functions(lib), ranges, r2_threshold, weight_simple)
    pending = [edge for edge in model.edges() if "n" in model.mode(*edge)]
    clarity = {edge: _best_r2(_suggestions(model, edge, table, settings)) for edge in pending}
    chosen: dict[Edge, Suggestion] = {}
    left: dict[Edge, Suggestion | None] = {}
    error = _error(model, table)
    for edge in sorted(pending, key=lambda edge: -clarity[edge]):
        suggestions = _suggestions(model, edge, table, settings)
        trials = [
            _Trial(_refitted(with_formula(model, edge, _fit(s, settings)), table, SHORT), s)
            for s in [s for s in suggestions if s.r2 >= r2_threshold][:TRIED]
        ]
        allowed = max(1 - r2_threshold, WORSE * error)
        good = [(trial, e) for trial in trials if (e := _error(trial.model, table)) <= allowed]
        if not good:
            left[edge] = max(suggestions, key=lambda s: s.r2, default=None)
            continue
        trial, error = min(good, key=lambda pair: _score(pair[0], pair[1], weight_simple))
        model, chosen[edge] = trial.model, trial.suggestion
    final = _refitted(model.copy(), table, LONG)
    model = final if _error(final, table) <= error else model
    return Snapped(model, chosen, left, _error(model, table) ** 0.5)


@dataclass(frozen=True)
class _Settings:
    functions: tuple[Any, ...]
    ranges: tuple[Range | None, Range | None]
    r2_threshold: float
    weight_simple: float


@dataclass(frozen=True)
class _Trial:
    model: KAN
    suggestion: Suggestion


def _suggestions(model: KAN, edge: Edge, table: Table, settings: _Settings) -> list[Suggestion]:
    return suggest_symbolic(
        model,
        edge,
        ranges=settings.ranges,
        lib=settings.functions,
        topk=SHORT_LIST,
        weight_simple=settings.weight_simple,
        x=table["train_input"],
    )


def _best_r2(suggestions: Sequence[Suggestion]) -> float:
    return max((s.r2 for s in suggestions), default=-np.inf)


def _fit(suggestion: Suggestion, settings: _Settings) -> EdgeFit:
    primitive = next(p for p in settings.functions if p.name == suggestion.name)
    return EdgeFit(primitive, suggestion.params, suggestion.r2)


def _score(trial: _Trial, error: float, weight_simple: float) -> float:
    """As for an edge alone, but with the squared error of the whole network."""
    bits = float(np.log2(error + NO_ERROR))
    return weight_simple * trial.suggestion.complexity + (1 - weight_simple) * bits


def _own_rows(model: KAN) -> Table:
    x = spread_points(model)
    with torch.no_grad():
        y = model(x)
    held_out = torch.arange(len(x)) % 5 == 4
    return {
        "train_input": x[~held_out],
        "train_label": y[~held_out],
        "test_input": x[held_out],
        "test_label": y[held_out],
    }


def _few(table: Table) -> Table:
    """At most MOST_ROWS rows of each kind, evenly chosen."""
    return {name: part[:: -(-len(part) // MOST_ROWS)] for name, part in table.items()}


def _refitted(model: KAN, table: Table, steps: int) -> KAN:
    model.fit(table, opt="LM", steps=steps, update_grid=False)
    return model


def _error(model: KAN, table: Table) -> float:
    """Mean squared error on held-out rows, relative to the variance of the target; infinite if not finite."""
    y = table["test_label"].numpy()
    with torch.no_grad():
        residual = model(table["test_input"]).numpy() - y
    error = float((residual**2).mean() / (y.var(axis=0).mean() or 1.0))
    return error if np.isfinite(error) else np.inf
