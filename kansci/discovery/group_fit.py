"""Which constants of a form do the groups share? Joint fits to all groups, judged by description length.

A constant has a value of its own in each group only where that shortens the description of the
residuals by more than the further numbers cost; every set of shared constants one step away is tried
until none is better (stepwise selection in both directions, Efroymson 1960, with the criterion of
Rissanen 1978). Two constants that differ between the groups may do so together: for 1/(a + b/x) with
a = 1/V, b = K/V it is b/a that is shared, so ratios and products of constants are tried as well.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import sympy
from scipy.special import chdtri

from kansci.discovery.group_rows import GroupRows
from kansci.search.judge import description_length, surprise
from kansci.search.pool import EXACT
from kansci.symbolic.complexity import complexity
from kansci.symbolic.grouped import GroupedModel
from kansci.symbolic.least_squares import covariance
from kansci.symbolic.parametric import Parametric

__all__ = ["Joint", "fit_apart", "fit_jointly", "nodes_of", "share_constants"]

STEPS = 60
FEW_STEPS = 6
DRAWS = 8
"""Further starts in a group where the constants of another one lead nowhere."""
POOR = 2.0
"""Ratio of errors from which on they do."""
POWERS = {1: 0.0, -1: np.log(2), 2: 1.5 * np.log(2), -2: 2.5 * np.log(2)}
"""Exponent of the other constant in a relation of two, and what it costs, in nats."""
SURELY_NOT = 1e-4
"""Chance below which a relation is not even tried."""
RELATIONS = 4
"""Relations that are tried at once, each with a form of its own."""


@dataclass(frozen=True)
class Joint:
    """A model fitted to all groups: its losses on the rows it was and was not fitted to.

    ``nodes``: of the form before its constants were related, with its ``judge.surprise``. ``price``: nats for
    the relations.
    """

    model: GroupedModel
    train: float
    held: float
    nodes: float
    price: float = 0.0

    def description_length(self, rows: int, *, held: bool = True) -> float:
        """See ``judge.description_length``; without the held-out rows to compare sets of shared constants."""
        train = max(self.train, EXACT)
        worst = max(train, self.held) if held else train
        return self.price + description_length(train, worst, len(self.model.values), self.nodes, rows)


def nodes_of(expr: sympy.Expr) -> float:
    """Length of a form: its nodes, and what it is longer by for being unusual."""
    return complexity(expr) + surprise(expr, possible=True)


def fit_jointly(model: GroupedModel, data: GroupRows, nodes: float, price: float = 0.0) -> Joint | None:
    """Refit a model to all groups; None if it is not finite there, or has too many numbers for the rows."""
    if len(model.values) >= len(data.rows.train):
        return None
    fitted, fit = model.refit(*data.train, steps=STEPS)
    if not np.isfinite(fit.rss):
        return None
    values = fitted.predict(data.rows.columns, data.index)
    train, held = (data.rows.loss(values, rows) for rows in (data.rows.train, data.rows.held))
    return Joint(fitted, train, held, nodes, price)


def fit_apart(
    form: Parametric, data: GroupRows, seed: int, table: np.ndarray | None = None
) -> np.ndarray | None:
    """Values of the parameters in each group, as if there were no other (G, P).

    A group starts from the form's own values and from those of the group before it; where these lead to an
    error much larger than elsewhere, also from some drawn around them.

    Args:
        form: The form with its values in one of the groups, or for all.
        data: The rows.
        seed: Of the draws.
        table: Values (G, P) to start from, if the form has been fitted before.

    Returns:
        The values, or None if a group has a row in which the form is not finite.
    """
    columns, index, y, weight = data.train
    rng = np.random.default_rng(seed)
    found: list[np.ndarray] = []
    errors: list[float] = []
    for g in range(data.groups):
        at = index == g
        rows = [c[at] for c in columns], y[at], weight[at]
        scale = float(np.linalg.norm(rows[2] * rows[1])) or 1.0
        starts = [form.values, *found[-1:]] if table is None else [table[g]]
        fits = [form.with_values(v).refit(*rows, steps=FEW_STEPS) for v in starts]
        if errors and min(fit.rss for _, fit in fits) > (POOR * max(np.median(errors), EXACT) * scale) ** 2:
            factors = 10.0 ** rng.uniform(-1, 1, (DRAWS, len(form.values)))
            fits += [form.with_values(form.values * f).refit(*rows, steps=FEW_STEPS) for f in factors]
        model, fit = min(fits, key=lambda pair: pair[1].rss)[0].refit(*rows, steps=STEPS)
        if not np.isfinite(fit.rss):
            return None
        found.append(model.values)
        errors.append(float(np.sqrt(fit.rss)) / scale)
    return np.array(found).reshape(data.groups, len(form.values))


def share_constants(
    form: Parametric, table: np.ndarray | None, data: GroupRows, deadline: float
) -> Joint | None:
    """The set of shared constants with the shortest description.

    Args:
        form: The form.
        table: Its values in each group (G, P), if they are known.
        data: The rows.
        deadline: Monotonic time after which no further step is begun.

    Returns:
        The fit, or None if none is finite.
    """
    found, nodes = [], nodes_of(form.expr)
    for values, shared in ((table, False), (np.tile(form.values, (data.groups, 1)), True)):
        if values is not None:
            model = GroupedModel.of(form, values, np.full(len(form.parameters), shared))
            start = fit_jointly(model, data, nodes)
            if start is not None:
                found.append(_stepwise(start, data, deadline))
    return min(found, key=lambda j: _length(j, data), default=None)


def _length(fit: Joint, data: GroupRows) -> float:
    return fit.description_length(len(data.rows.train), held=False)


def _stepwise(fit: Joint, data: GroupRows, deadline: float) -> Joint:
    while True:
        better = _best(_one_away(fit.model), fit, data, deadline) or _best(
            _relations(fit.model, data), fit, data, deadline
        )
        if better is None:
            return fit
        fit = better


def _best(
    models: Iterable[tuple[GroupedModel, float]], fit: Joint, data: GroupRows, deadline: float
) -> Joint | None:
    """The best of some models with their prices, if it is better than ``fit``."""
    best = fit
    for model, price in models:
        if time.monotonic() > deadline:
            break
        trial = fit_jointly(model, data, fit.nodes, fit.price + price)
        if trial is not None and _length(trial, data) < _length(best, data):
            best = trial
    return None if best is fit else best


def _one_away(model: GroupedModel) -> Iterator[tuple[GroupedModel, float]]:
    """Models with one constant more or one less shared."""
    for p, is_shared in enumerate(model.shared):
        other = model.shared.copy()
        other[p] = not is_shared
        yield GroupedModel.of(model.form, model.table, other), 0.0


def _relations(model: GroupedModel, data: GroupRows) -> Iterator[tuple[GroupedModel, float]]:
    """Models with one relation between two constants that differ between the groups: the likeliest."""
    own = [int(p) for p in np.flatnonzero(~model.shared)]
    matrix = _covariance(model, data) if len(own) > 1 else None
    if matrix is None:
        return
    found = []
    for p, q in permutations(own, 2):
        for power, price in POWERS.items():
            against = _against(model, matrix, p, q, power)
            if against < chdtri(data.groups - 1, SURELY_NOT):
                found.append((price + against / 2, p, q, power, price))
    for _, p, q, power, price in sorted(found)[:RELATIONS]:
        yield _with_relation(model, p, q, power), price


def _covariance(model: GroupedModel, data: GroupRows) -> np.ndarray | None:
    """Of the free numbers (K, K), errors not below round-off; None if the model has no finite slopes."""
    columns, index, y, weight = data.train
    J = weight[:, None] * model.jacobian(columns, index)
    rss = model.rss(*data.train)
    floor = (EXACT * float(np.linalg.norm(weight * y))) ** 2
    return covariance(J, max(rss, floor)) if np.isfinite(J).all() else None


def _against(model: GroupedModel, matrix: np.ndarray, p: int, q: int, power: int) -> float:
    """Wald's chi-square against ``p / q**power`` being one number in all groups, from its logarithms.

    Infinite where the ratio is not of one sign, or is not known to a factor of two.
    """
    one, other = model.table[:, p], model.table[:, q]
    with np.errstate(all="ignore"):
        ratio = one / other**power
    if not np.isfinite(ratio).all() or not ((ratio > 0).all() or (ratio < 0).all()):
        return float("inf")
    P, Q = model.slots[:, p], model.slots[:, q]
    with np.errstate(all="ignore"):
        variance = matrix[P, P] / one**2 + power**2 * matrix[Q, Q] / other**2
        variance = variance - 2 * power * matrix[P, Q] / (one * other)
    if not (variance < np.log(2) ** 2).all():
        return float("inf")
    variance, logs = np.maximum(variance, (100 * EXACT) ** 2), np.log(np.abs(ratio))
    mean = float(np.sum(logs / variance) / np.sum(1 / variance))
    return float(np.sum((logs - mean) ** 2 / variance))


def _with_relation(model: GroupedModel, p: int, q: int, power: int) -> GroupedModel:
    """The model in which parameter p stands for the shared ``p / q**power``."""
    form, table = model.form, model.table.copy()
    P, Q = form.parameters[p], form.parameters[q]
    related = Parametric(form.expr.xreplace({P: P * Q**power}), form.variables, form.parameters, form.values)
    table[:, p] /= table[:, q] ** power
    shared = model.shared.copy()
    shared[p] = True
    return GroupedModel.of(related, table, shared)
