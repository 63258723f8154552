"""Exact numbers for a formula's fitted ones: those of the problem first, then fractions, roots, pi."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import sympy

from kansci.pde.numeric import evaluate
from kansci.pde.problem import Problem
from kansci.solution.zero import exact_numbers
from kansci.symbolic.constants import recognise
from kansci.symbolic.least_squares import covariance
from kansci.symbolic.parametric import Parametric

__all__ = ["exact_forms", "numbers_of"]

MOST_NUMBERS = 24
"""Numbers of a problem that are looked at."""
OWN_BITS, ROOT_BITS = 2.0, 4.0
"""Cost of a number of the problem in an exact one, per factor, and of a square root."""
DEVIATIONS = 10.0
FINEST = 1e-11
"""Relative precision beyond which a fitted number is not trusted."""
COARSEST = 1e-3
MOST_FORMS = 4
NEGLIGIBLE = 1e-9
"""Share of a formula's size below which a term is taken away."""


def exact_forms(
    expr: sympy.Expr, problem: Problem, points: np.ndarray, values: np.ndarray, accuracy: float
) -> list[sympy.Expr]:
    """Give a formula with its numbers replaced by exact ones.

    Args:
        expr: in the coordinates; its decimal numbers are free.
        problem: whose numbers are likely.
        points: shape (N, d).
        values: of the field there, (N,), to which the numbers are fitted first.
        accuracy: relative, of the values.

    Returns:
        The likeliest forms, at most a few; numbers that no exact one was found for stay decimal.
    """
    if not expr.atoms(sympy.Float):
        return [expr]
    columns = list(points.T)
    model = Parametric.of(_without_negligible(expr, problem, points, values, accuracy), problem.symbols)
    fitted, fit = model.refit(columns, values, steps=60)
    if not np.isfinite(fit.rss):
        return []
    floor = len(values) * (accuracy * np.std(values)) ** 2
    errors = np.sqrt(np.diag(covariance(fitted.jacobian(columns), max(fit.rss, floor))))
    own = list(numbers_of(problem))
    choices = []
    for value, error in zip(fitted.values, errors, strict=True):
        width = float(np.clip(DEVIATIONS * error, FINEST * abs(value), COARSEST * abs(value)))
        found = _candidates(float(value), width, own)
        choices.append(found or [sympy.Float(float(value), 17)])
    forms = []
    for chosen in itertools.islice(_best_first(choices), MOST_FORMS):
        forms.append(exact_numbers_in(fitted.fixed(dict(zip(fitted.parameters, chosen, strict=True))).expr))
    return forms


def exact_numbers_in(expr: sympy.Expr) -> sympy.Expr:
    """Short decimals as fractions; fitted numbers with all their digits stay decimal."""
    short = {f: r for f in expr.atoms(sympy.Float) if (r := sympy.Rational(repr(float(f)))).q <= 10**7}
    return expr.xreplace(short)


def _best_first(choices: Sequence[Sequence[sympy.Expr]]) -> Iterator[tuple[sympy.Expr, ...]]:
    """The likeliest of each, then all with one of them second."""
    first = tuple(c[0] for c in choices)
    yield first
    for k, others in enumerate(choices):
        for other in others[1:]:
            yield (*first[:k], other, *first[k + 1 :])


def _without_negligible(
    expr: sympy.Expr, problem: Problem, points: np.ndarray, values: np.ndarray, accuracy: float
) -> sympy.Expr:
    """The sum without the terms that do nothing."""
    if not expr.is_Add:
        return expr
    size = float(np.abs(values).max())
    kept = [
        term
        for term in expr.args
        if np.abs(evaluate(term, problem.coordinates, points)).max() > max(NEGLIGIBLE, 10 * accuracy) * size
    ]
    return sympy.Add(*kept) if kept else expr


def numbers_of(problem: Problem) -> Iterator[tuple[sympy.Expr, float, float]]:
    """The numbers that a problem's text holds with their products: (exact, value, bits)."""
    yield sympy.S.One, 1.0, 0.0
    found: dict[sympy.Expr, float] = {}
    exprs = [*problem.parameters.values(), *problem.equations, *(c.residual for c in problem.conditions)]
    for expr in exprs:
        for part in _constant_parts(exact_numbers(expr)):
            value = abs(float(part))
            known = any(abs(value - other) <= 1e-14 * value for other in (1.0, *found.values()))
            if not known and 1e-12 < value < 1e12 and len(found) < MOST_NUMBERS:
                found[abs(part)] = value
    simple = [(part, value) for part, value in found.items() if not part.is_Integer or part > 9]
    for part, value in simple:
        for power in (1, -1, sympy.S.Half, -sympy.S.Half, 2):
            yield part**power, value ** float(power), OWN_BITS * (1 + (power != 1))
    for (one, a), (other, b) in itertools.combinations(simple[:8], 2):
        yield one * other, a * b, 3 * OWN_BITS
        yield one / other, a / b, 3 * OWN_BITS
        yield other / one, b / a, 3 * OWN_BITS


def _constant_parts(expr: sympy.Expr) -> Iterator[sympy.Expr]:
    """The largest parts without symbols, and the parts of these."""
    for part in sympy.preorder_traversal(expr):
        if part.is_Mul and part.free_symbols:
            number = part.as_independent(*part.free_symbols)[0]
            if number.is_number and number.is_real and number != 0:
                yield number
        elif part.is_number and part.is_real and part != 0 and part.is_finite:
            yield part


def _candidates(
    value: float, width: float, own: Sequence[tuple[sympy.Expr, float, float]]
) -> list[sympy.Expr]:
    """Exact numbers near a value, the shortest first."""
    found: dict[sympy.Expr, float] = {}
    for exact, size, bits in own:
        named = recognise(value / size, width / size)
        if named is None:
            continue
        number = exact_numbers(named[0]) * exact
        saved = named[1] - bits
        if saved > 0:
            found[number] = max(found.get(number, 0.0), saved)
    named = recognise(value**2, 2 * abs(value) * width)
    if named is not None and exact_numbers(named[0]).is_Rational and named[1] > ROOT_BITS:
        root = sympy.sqrt(exact_numbers(named[0])) * int(np.sign(value))
        found[root] = max(found.get(root, 0.0), named[1] - ROOT_BITS)
    return sorted(found, key=lambda n: -found[n])[:2]
