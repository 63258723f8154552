"""What the laws of several targets have in common: forms, sub-expressions, equal constants."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sympy

from kansci.discovery.group_forms import free_numbers
from kansci.discovery.known import parts_of
from kansci.discovery.result import Discovery
from kansci.symbolic.complexity import complexity
from kansci.symbolic.formula import Formula
from kansci.symbolic.parametric import Parametric

__all__ = ["Shared", "shared_structure"]

SAME = 2.0
"""Standard errors within which two constants are equal."""
KNOWN = 0.1
"""Relative standard error above which a constant agrees with too much."""
ROUND_OFF = 1e-9


@dataclass(frozen=True)
class Shared:
    """Structure in the laws of ``targets``.

    ``expression``: in the columns; constants that are equal in all of them as numbers (also in
    ``constants``, as value and standard error), others named c1, c2, ... ``whole``: whether it is the whole
    law but for a factor.
    """

    targets: tuple[str, ...]
    expression: str
    constants: tuple[tuple[float, float], ...]
    whole: bool


@dataclass(frozen=True)
class _Part:
    target: str
    form: sympy.Expr
    numbers: tuple[float, ...]
    stderr: tuple[float, ...]
    whole: bool


def shared_structure(discoveries: Sequence[Discovery]) -> tuple[Shared, ...]:
    """The longest structures that two or more laws have in common.

    Args:
        discoveries: Of the targets of one table.

    Returns:
        The longest first; none is a part of another that the same targets share.
    """
    kinds: dict[str, list[_Part]] = {}
    for discovery in discoveries:
        for part in _parts(discovery.formula):
            alike = kinds.setdefault(_kind(part.form), [])
            if all(part.target != other.target for other in alike):
                alike.append(part)
    common = [alike for alike in kinds.values() if len(alike) > 1]
    common.sort(key=lambda alike: (-complexity(alike[0].form), str(alike[0].form)))
    return tuple(_described(alike) for alike in common if not any(_inside(alike, other) for other in common))


def _inside(alike: list[_Part], other: list[_Part]) -> bool:
    """Whether a structure is a part of another one that the same targets share."""
    targets, more = ({part.target for part in parts} for parts in (alike, other))
    return alike is not other and targets <= more and _kind(alike[0].form) in _kinds_in(other[0].form)


def _parts(formula: Formula) -> list[_Part]:
    law = formula.expr.as_independent(*formula.expr.free_symbols, as_Add=False)[1]
    known = {abs(c.value): c.stderr for c in formula.constants}
    found = []
    for expr in sorted({law} | parts_of(formula.expr), key=lambda e: (-complexity(e), str(e))):
        if expr.free_symbols and not expr.is_Symbol:
            form, numbers = _numbered(expr)
            values = tuple(float(number) for number in numbers)
            stderr = tuple(
                known.get(abs(v), np.inf) if number.is_Float else 0.0
                for number, v in zip(numbers, values, strict=True)
            )
            found.append(_Part(formula.target, form, values, stderr, expr == law))
    return found


def _numbered(expr: sympy.Expr) -> tuple[sympy.Expr, tuple[sympy.Expr, ...]]:
    """The expression with #1, #2, ... for its numbers, in an order that does not depend on them."""
    free, numbers = free_numbers(expr)
    model = Parametric.of(free, sorted(expr.free_symbols, key=str))
    fitted = dict(zip(model.parameters, (sympy.Float(float(v), 17) for v in model.values), strict=True))
    numbers = {**fitted, **numbers}
    nameless = dict.fromkeys(numbers, sympy.Symbol("#"))
    order = sorted(
        numbers, key=lambda symbol: str(model.expr.xreplace({**nameless, symbol: sympy.Symbol("#this")}))
    )
    names = {symbol: _name(k) for k, symbol in enumerate(order)}
    return model.expr.xreplace(names), tuple(numbers[symbol] for symbol in order)


def _name(k: int) -> sympy.Symbol:
    """No column can be called like this."""
    return sympy.Symbol(f"#{k + 1}")


def _kind(form: sympy.Expr) -> str:
    return sympy.srepr(form)


def _kinds_in(form: sympy.Expr) -> set[str]:
    return {_kind(_numbered(part)[0]) for part in parts_of(form)}


def _described(alike: list[_Part]) -> Shared:
    """With the constants that agree in all targets at their weighted mean."""
    form, constants = alike[0].form, []
    columns = {symbol.name for symbol in form.free_symbols}
    for k in range(len(alike[0].numbers)):
        agreed = _agreed(*np.array([(part.numbers[k], part.stderr[k]) for part in alike]).T)
        name = f"c{k + 1}" if f"c{k + 1}" not in columns else f"c{k + 1}_"
        if agreed is not None:
            constants.append(agreed)
        number = sympy.Symbol(name) if agreed is None else _short(agreed[0])
        form = form.xreplace({_name(k): number})
    targets = tuple(part.target for part in alike)
    text = sympy.sstr(form, full_prec=False)
    return Shared(targets, text, tuple(constants), all(part.whole for part in alike))


def _short(value: float) -> sympy.Expr:
    return sympy.Integer(int(value)) if value.is_integer() else sympy.Float(f"{value:.6g}")


def _agreed(values: np.ndarray, errors: np.ndarray) -> tuple[float, float] | None:
    """The weighted mean of values that are equal within their errors, and its standard error."""
    if not errors.any() and (values == values[0]).all():
        return float(values[0]), 0.0
    errors = np.maximum(errors, ROUND_OFF * np.abs(values))
    if not (errors < KNOWN * np.abs(values)).all():
        return None
    apart = np.abs(values[:, None] - values) > SAME * np.hypot(errors[:, None], errors)
    if apart.any():
        return None
    weights = errors**-2
    return float(np.sum(weights * values) / weights.sum()), float(weights.sum() ** -0.5)
