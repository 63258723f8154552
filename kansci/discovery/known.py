"""Structure that another target of the same table has: its form, and its sub-expressions as variables."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import sympy

from kansci.discovery.group_forms import free_numbers
from kansci.search.engine import Search, Step
from kansci.search.problem import TARGET, Problem
from kansci.symbolic.complexity import complexity
from kansci.symbolic.formula import Formula
from kansci.symbolic.parametric import compile_expr

__all__ = ["known_structure", "parts_of"]

DEARNESS = 0.05
"""Among the first steps: laws of one table are often of one kind."""
DOUBT = 0.1
MOST_PARTS = 8
MOST_FACTORS = 6


def known_structure(
    formulas: Sequence[Formula], names: Mapping[str, str], symbols: Sequence[sympy.Symbol]
) -> list[Step]:
    """The step that offers formulas of other targets, and searches in their sub-expressions.

    Args:
        formulas: Those of the other targets.
        names: Symbol -> column of the table.
        symbols: Its symbols as the search knows them, in the same order.

    Returns:
        A step for ``search.engine.search``, none if no formula is in the columns of the table.
    """
    ours = dict(zip(names.values(), symbols, strict=True))
    exprs = [
        formula.expr.xreplace(
            {sympy.Symbol(s): ours[column] for s, column in formula.symbols.items() if column in ours}
        )
        for formula in formulas
    ]
    exprs = [expr for expr in exprs if expr.free_symbols and expr.free_symbols <= set(symbols)]

    def run(search: Search, problem: Problem, doubt: float) -> Iterator[sympy.Expr | None]:
        for expr in exprs:
            yield from _scaled(_with_floats(expr), problem)
        parts = sorted({part for expr in exprs for part in parts_of(expr)}, key=_longest_first)
        for rank, part in enumerate(parts[:MOST_PARTS]):
            for smaller in _with_part(part, problem):
                search.add(smaller, doubt + DOUBT * (1 + rank))
            yield None

    return [Step("a form that another target has", run, DEARNESS)] if exprs else []


def parts_of(expr: sympy.Expr) -> set[sympy.Expr]:
    """Sub-expressions that may be variables of another law: no numbers alone, no single symbols, no scale."""
    found = set()
    for part in sympy.preorder_traversal(expr):
        if part.is_Mul or part.is_Add:
            args = [arg for arg in part.args if arg.free_symbols]
            found.add(_without_scale(part.func(*args)))
            if part.is_Mul and 2 < len(args) <= MOST_FACTORS:
                found |= {one * other for k, one in enumerate(args) for other in args[:k]}
        else:
            found.add(part)
    return {part for part in found if part.free_symbols and not part.is_Symbol}


def _without_scale(expr: sympy.Expr) -> sympy.Expr:
    return expr.as_independent(*expr.free_symbols, as_Add=False)[1] if expr.free_symbols else expr


def _with_part(part: sympy.Expr, problem: Problem) -> Iterator[Problem]:
    """The part in place of its symbols, and as a factor of the target."""
    column = _values(part, problem)
    if column is None or np.ptp(column) == 0:
        return
    drop = [k for k, x in enumerate(problem.exprs) if x in part.free_symbols]
    yield problem.merged(drop, column, part, f"{part} as one variable, which a target of the table has")
    if problem.size > 1 and column.all():
        step = f"{part} as a factor, which a target of the table has"
        yield problem.with_target(problem.y / column, TARGET * part, step, slope=column)


def _scaled(expr: sympy.Expr, problem: Problem) -> Iterator[sympy.Expr | None]:
    """The formula with the best scale and offset to start from, and as it is."""
    values = _values(expr, problem)
    if values is None:
        yield None
        return
    yield problem.solution(expr)
    A = np.column_stack([values, np.ones_like(values)]) * problem.weight[:, None]
    for k in (1, 2):
        number = np.linalg.lstsq(A[:, :k], problem.weight * problem.y, rcond=None)[0]
        yield problem.solution(
            sympy.Float(number[0], 17) * expr + (sympy.Float(number[1], 17) if k > 1 else 0)
        )


def _values(expr: sympy.Expr, problem: Problem) -> np.ndarray | None:
    """At the rows of the problem (N,), if it has the columns and they are finite."""
    if not expr.free_symbols <= set(problem.exprs):
        return None
    values = compile_expr(expr, problem.exprs)(*problem.columns)
    return np.array(np.broadcast_to(values, problem.y.shape)) if np.isfinite(values).all() else None


def _with_floats(expr: sympy.Expr) -> sympy.Expr:
    """Exact numbers as decimals, so that they are fitted again."""
    free, numbers = free_numbers(expr)
    return free.xreplace({symbol: sympy.Float(float(number), 17) for symbol, number in numbers.items()})


def _longest_first(expr: sympy.Expr) -> tuple[int, str]:
    return -complexity(expr), str(expr)
