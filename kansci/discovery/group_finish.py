"""The last steps for a form with constants per group: exact numbers, the shortest writing, names, errors."""

import string
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np
import sympy

from kansci.data.names import RESERVED
from kansci.discovery.group_fit import Joint, fit_jointly, nodes_of
from kansci.discovery.group_forms import free_numbers
from kansci.discovery.group_rows import GroupRows
from kansci.discovery.group_writing import write_short
from kansci.search.finish import Finished
from kansci.search.grammar import Grammar
from kansci.search.pool import EXACT
from kansci.symbolic.complexity import complexity
from kansci.symbolic.constants import Constant, exact_numbers
from kansci.symbolic.grouped import GroupedModel
from kansci.symbolic.parametric import Parametric

__all__ = ["GroupFinished", "finish_groups", "readable"]

CONFUSING = frozenset("eijlo") | RESERVED


@dataclass(frozen=True)
class GroupFinished:
    """A form as it is published, and the constants it has in each group.

    ``finished.expr`` is in the columns and in the symbols ``names``. ``values``, ``stderr`` (G, len(names)).
    """

    finished: Finished
    names: tuple[str, ...]
    values: np.ndarray
    stderr: np.ndarray

    def in_group(self, group: int) -> sympy.Expr:
        """The formula with the constants of one group filled in."""
        numbers = dict(zip(self.names, self.values[group], strict=True))
        symbols = {s: sympy.Float(float(numbers[s.name]), 17) for s in self.finished.expr.free_symbols
                   if s.name in numbers}  # fmt: skip
        return self.finished.expr.xreplace(symbols)


def finish_groups(
    fit: Joint,
    trail: tuple[str, ...],
    data: GroupRows,
    everything: GroupRows,
    grammar: Grammar,
    deadline: float,
    taken: Collection[str],
) -> GroupFinished:
    """Make a joint fit ready to publish.

    Args:
        fit: From ``share_constants``.
        trail: How the form was found.
        data: The rows of the search; the held-out ones judge.
        everything: All rows of the table; the constants are fitted to them.
        grammar: What the form may be made of.
        deadline: Monotonic time after which the form is only named.
        taken: Names that constants must not have, those of the columns.

    Returns:
        The finished form; its errors are those of constants fitted without the held-out rows.
    """
    if time.monotonic() < deadline:
        n, fits = len(data.rows.train), (_with_free_numbers(fit, data), fit)
        exact = [_with_exact_numbers(trial, data) for trial in fits if trial is not None]
        fit = min(exact, key=lambda trial: trial.description_length(n))
    if time.monotonic() < deadline:
        short = write_short(fit, data)
        fit = short if grammar.allows(readable(short.model)) else fit
    model = _named(_positive(fit.model), taken)
    final, result = model.refit(*everything.train, steps=100)
    final = final if np.isfinite(result.rss) else model
    stderr = final.stderr(*everything.train)[final.slots]
    expr, own = readable(final), np.flatnonzero(~final.shared)
    predicted = fit.model.predict(data.rows.columns, data.index)
    finished = Finished(
        expr=expr,
        constants=_constants(final, stderr),
        complexity=complexity(expr),
        parameters=len(final.values),
        train=fit.train,
        held=fit.held,
        nrmse=data.rows.nrmse(predicted, data.rows.held),
        exact=max(fit.train, fit.held) < EXACT,
        trail=trail,
    )
    names = tuple(final.form.parameters[p].name for p in own)
    return GroupFinished(finished, names, final.table[:, own], stderr[:, own])


def _constants(model: GroupedModel, stderr: np.ndarray) -> tuple[Constant, ...]:
    """The shared ones: fitted, then exact."""
    fitted = [
        Constant(float(model.table[0, p]), float(stderr[0, p]), None) for p in np.flatnonzero(model.shared)
    ]
    expr = model.form.expr
    exact = [*expr.atoms(sympy.Float), *free_numbers(expr)[1].values()]
    texts = {
        sympy.sstr(number, full_prec=False): float(number) for number in exact if number not in (0, 1, -1)
    }
    return (*fitted, *(Constant(value, 0.0, text) for text, value in texts.items()))


def _with_free_numbers(fit: Joint, data: GroupRows) -> Joint | None:
    """The exact numbers of the form as shared constants: all groups together say what they are.

    Some may then turn out to be idle: ``a/(3 + 2/x)`` is ``a/(c + 1/x)``.
    """
    model = fit.model
    expr, numbers = free_numbers(model.form.expr)
    freed = Parametric.of(expr, model.form.variables)
    if not freed.parameters and not numbers:
        return None
    values = [*freed.values, *map(float, numbers.values())]
    names = (*model.form.parameters, *freed.parameters, *numbers)
    table = np.column_stack([model.table, np.tile(values, (len(model.table), 1))])
    form = Parametric(freed.expr, freed.variables, names, table[0])
    shared = np.concatenate([model.shared, np.ones(len(values), bool)])
    return fit_jointly(GroupedModel.of(form, table, shared), data, fit.nodes, fit.price)


def _with_exact_numbers(fit: Joint, data: GroupRows) -> Joint:
    """Shared constants replaced by exact numbers where the data of all groups support them."""
    columns, index, y, weight = data.train
    model = fit.model
    groups = [(index == g).astype(float) for g in range(data.groups)]
    snapped, numbers = exact_numbers(model.with_groups_as_columns(), [*columns, *groups], y, weight)
    fixed: dict[sympy.Symbol, sympy.Expr] = {}
    for parameter, slots in zip(model.form.parameters, model.slots.T, strict=True):
        found = [numbers.get(int(slot)) for slot in slots]
        if found[0] is not None and all(number == found[0] for number in found):
            fixed[parameter] = found[0]
    if not fixed:
        return fit
    keep = [p for p, parameter in enumerate(model.form.parameters) if parameter not in fixed]
    table = snapped.values[model.slots][:, keep]
    exact = GroupedModel.of(model.form.fixed(fixed), table, model.shared[keep])
    return fit_jointly(exact, data, nodes_of(exact.form.expr), fit.price) or fit


def _positive(model: GroupedModel) -> GroupedModel:
    """Shared constants positive, their signs in the form, where a reader expects them."""
    negative = model.shared & (model.table[0] < 0)
    signs = {p: -p for p, is_negative in zip(model.form.parameters, negative, strict=True) if is_negative}
    form = replace(model.form, expr=model.form.expr.xreplace(signs))
    return GroupedModel.of(form, np.where(negative, -model.table, model.table), model.shared)


def _named(model: GroupedModel, taken: Collection[str]) -> GroupedModel:
    """Constants per group are called a, b, c, ... in the order in which they stand in the formula."""
    names = (n for n in _letters() if n not in taken and n not in CONFUSING)
    own = [p for p, shared in enumerate(model.shared) if not shared]
    written = sympy.sstr(
        model.form.expr.xreplace({model.form.parameters[p]: sympy.Symbol(f"own{p}_") for p in own})
    )
    own.sort(key=lambda p: written.find(f"own{p}_"))
    symbols = dict(
        zip(
            (model.form.parameters[p] for p in own), (sympy.Symbol(n, real=True) for n in names), strict=False
        )
    )
    form = Parametric(
        model.form.expr.xreplace(symbols),
        model.form.variables,
        tuple(symbols.get(p, p) for p in model.form.parameters),
        model.form.values,
    )
    return replace(model, form=form)


def readable(model: GroupedModel) -> sympy.Expr:
    """The form with shared constants as numbers, and the others under their names."""
    named = zip(model.form.parameters, model.shared, model.table[0], strict=True)
    return model.form.expr.xreplace({name: sympy.Float(float(v), 17) for name, shared, v in named if shared})


def _letters() -> Iterator[str]:
    yield from string.ascii_lowercase
    number = 1
    while True:
        yield f"c{number}"
        number += 1
