"""When two formulas found on different rows are the same: the form, whatever the numbers in it.

A number, fitted or made exact, is written ``#`` (which no column can be called): ``2.01*x + 1`` and
``1.99*x - 0.98`` are both ``#*x + #``. An exponent is part of the form; a fitted one within 5 % of a
whole, half or third number counts as that number, and is ``#`` otherwise.
"""

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

import sympy

from kansci.expressions.custom import written_out
from kansci.symbolic.merge import merge_constants
from kansci.symbolic.parametric import CLOSE
from kansci.symbolic.simplify import attempt

__all__ = ["Structure", "form", "parts", "structure", "with_floats"]

NUMBER = "#"
SECONDS = 0.5
DENOMINATORS = (1, 2, 3)
"""Of the fractions that a fitted exponent may stand for."""


@dataclass(frozen=True)
class Structure:
    """``inputs``: which occur. ``groups``: products and sums of inputs, such as ``v/c`` and ``x - y``."""

    inputs: tuple[str, ...]
    groups: tuple[str, ...]

    def __str__(self) -> str:
        names = ", ".join(self.inputs) or "none"
        return f"{names}; together: {', '.join(self.groups)}" if self.groups else names


def form(expr: sympy.Expr, positive: Collection[str] = ()) -> str:
    """The formula with every number that is no exponent written ``#``.

    Args:
        expr: A formula in the symbols of a table.
        positive: Names of inputs that are, for which ``sqrt(a**3)`` is ``a**(3/2)``.

    Returns:
        The text; equal for formulas that differ in the values of their constants only.

    >>> x = sympy.Symbol("x")
    >>> form(2.01 * x**2 + 3), form(sympy.exp(-x / 2 + 1) - 4)
    ('#*x**2 + #', '#*exp(#*x) + #')
    """
    return _sum(_numbers_free(expr, positive))


def parts(expr: sympy.Expr, positive: Collection[str] = ()) -> tuple[str, ...]:
    """Forms of the terms of a formula, and of the functions and powers of sums inside it."""
    free = _numbers_free(expr, positive)
    found = {_bare(term) for term in sympy.Add.make_args(free) if term.free_symbols}
    for part in sympy.preorder_traversal(free):
        if part.free_symbols and (part.is_Function or (part.is_Pow and not part.base.is_Symbol)):
            found.add(_bare(part))
    return tuple(sorted(found))


def structure(expr: sympy.Expr, positive: Collection[str] = ()) -> Structure:
    """The inputs of a formula, and the products and linear sums in which several act together."""
    free = _numbers_free(expr, positive)
    inputs = tuple(sorted(symbol.name for symbol in free.free_symbols))
    found = {_product_group(part) for part in sympy.preorder_traversal(free) if part.is_Mul}
    found |= {_sum_group(part) for part in sympy.preorder_traversal(free) if part.is_Add}
    return Structure(inputs, tuple(sorted(group for group in found if group is not None)))


def _numbers_free(expr: sympy.Expr, positive: Collection[str]) -> sympy.Expr:
    """The formula multiplied out, its numbers as floats and each only once."""
    plain = written_out(expr)
    signs = {
        s: sympy.Symbol(s.name, positive=True if s.name in positive else None) for s in plain.free_symbols
    }
    plain = plain.xreplace(signs)
    merged = attempt(merge_constants, with_floats(plain), SECONDS)
    return attempt(sympy.expand_mul, merged, SECONDS)


def with_floats(expr: sympy.Expr) -> sympy.Expr:
    """The formula with every number that is no exponent as a decimal, as if it were fitted."""
    if expr.is_number:
        return sympy.Float(expr.evalf(17), 17) if expr.is_real and expr.is_finite else expr
    if expr.is_Pow and expr.exp.is_number:
        return with_floats(expr.base) ** expr.exp
    return expr if expr.is_Atom else expr.func(*map(with_floats, expr.args))


def _sum(expr: sympy.Expr) -> str:
    """A sum, each term with its number, the constant last."""
    terms = sympy.Add.make_args(expr)
    texts = sorted(_with_number(term) for term in terms if term.free_symbols)
    return " + ".join(texts + [NUMBER] * (len(texts) < len(terms)))


def _with_number(term: sympy.Expr) -> str:
    text = _bare(term)
    return f"{NUMBER}{text[1:]}" if text.startswith("1/") else f"{NUMBER}*{text}"


def _bare(term: sympy.Expr) -> str:
    """A term without its number."""
    above: list[str] = []
    below: list[str] = []
    for factor in sympy.Mul.make_args(term):
        if factor.free_symbols:
            text, power = _factor(factor)
            inverse = power.startswith("-")
            power = power.lstrip("-")
            (below if inverse else above).append(_power(text, power))
    top, bottom = (sorted(texts, key=lambda text: ("(" in text, text)) for texts in (above, below))
    return ("*".join(top) or "1") + "".join(f"/{text}" for text in bottom)


def _power(base: str, exponent: str) -> str:
    if exponent == "(1/2)":
        return f"sqrt{base}" if base.startswith("(") else f"sqrt({base})"
    return base if exponent == "1" else f"{base}**{exponent}"


def _factor(factor: sympy.Expr) -> tuple[str, str]:
    """The text of a base and of its exponent."""
    if factor.is_Symbol:
        return factor.name, "1"
    if factor.is_Pow and factor.exp.is_number:
        base = factor.base.name if factor.base.is_Symbol else f"({_sum(factor.base)})"
        return base, _exponent(factor.exp)
    if factor.is_Pow and factor.base.is_number:
        return f"exp({_sum(factor.exp)})", "1"
    if factor.is_Pow:
        return f"({_sum(factor.base)})**({_sum(factor.exp)})", "1"
    if factor.is_Add:
        return f"({_sum(factor)})", "1"
    return f"{factor.func.__name__}({', '.join(map(_sum, factor.args))})", "1"


def _exponent(number: sympy.Expr) -> str:
    power = _fraction(number)
    if power is None:
        return f"-{NUMBER}" if number < 0 else NUMBER
    text = str(abs(power)) if power.denominator == 1 else f"({abs(power)})"
    return f"-{text}" if power < 0 else text


def _fraction(number: sympy.Expr) -> Fraction | None:
    """The fraction that an exponent is or stands for."""
    if number.is_Rational:
        return Fraction(int(number.p), int(number.q))
    value = float(number)
    near = min((Fraction(round(value * q), q) for q in DENOMINATORS), key=lambda f: abs(f - value))
    return near if near and abs(near - value) <= CLOSE * abs(near) else None


def _product_group(product: sympy.Expr) -> str | None:
    """``v/c`` for ``1.2*v**2*sin(x)/c**2``; None with fewer than two bare inputs."""
    powers = {base: exp for base, exp in product.as_powers_dict().items() if base.is_Symbol and exp.is_number}
    if len(powers) < 2:
        return None
    known = {base: fraction for base, exp in powers.items() if (fraction := _fraction(exp)) is not None}
    if len(known) < len(powers):
        return _bare(sympy.Mul(*(base**exp for base, exp in powers.items())))
    scale = _common(list(known.values()))
    if 2 * sum(power < 0 for power in known.values()) > len(known):
        scale = -scale
    return _bare(sympy.Mul(*(base ** sympy.Integer(int(power / scale)) for base, power in known.items())))


def _common(powers: list[Fraction]) -> Fraction:
    """The largest number of which all powers are whole multiples."""
    total = abs(powers[0])
    for power in powers[1:]:
        other = abs(power)
        while other:
            total, other = other, total % other
    return total


def _sum_group(total: sympy.Expr) -> str | None:
    """``x - y`` for ``2*x - 2*y + 1``; None if it is no linear sum of two or more inputs."""
    terms = [term.as_coeff_Mul() for term in total.args if term.free_symbols]
    if len(terms) < 2 or not all(rest.is_Symbol for _, rest in terms):
        return None
    terms.sort(key=lambda term: term[1].name)
    first = terms[0][0]
    text = terms[0][1].name
    for number, rest in terms[1:]:
        ratio = float(number / first)
        known = abs(abs(ratio) - 1) <= CLOSE
        text += f" {'-' if ratio < 0 else '+'} {'' if known else f'{NUMBER}*'}{rest.name}"
    return text
