"""The shortest of several equal ways to write an expression, within limits of size and time."""

import gc
import signal
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import sympy

from kansci.symbolic.complexity import complexity

__all__ = ["simplify", "tidy", "time_limit"]

AGAIN, ONCE_MORE = 0.005, 0.1
"""Seconds after which an alarm is repeated that came at a bad moment, or whose exception got lost."""
LARGE = 120
"""Expressions with more nodes than this get only the transformations of linear cost."""


class _TimeUpError(BaseException):
    """The time for one transformation is over; no ``except Exception`` on the way may keep it."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise ``_TimeUpError`` in the block after ``seconds``; without effect outside the main thread.

    Limits nest: the outer one goes on after the inner block, and rings there if it has run out.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    collecting = over = False

    def note(phase: str, _: dict[str, int]) -> None:
        nonlocal collecting
        collecting = phase == "start"

    def ring(_: int, frame: FrameType | None) -> None:
        if over:
            return
        if collecting or _ignores_exceptions(frame):
            signal.setitimer(signal.ITIMER_REAL, AGAIN)
        else:  # C code that calls Python may still ignore what is raised there
            signal.setitimer(signal.ITIMER_REAL, ONCE_MORE)
            raise _TimeUpError

    start = time.monotonic()
    outer = signal.getitimer(signal.ITIMER_REAL)[0]
    gc.callbacks.append(note)
    previous = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, min(seconds, outer) if outer else seconds)
    try:
        try:
            yield
        finally:
            over = True
    finally:  # also where the alarm rang before the line above
        over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        gc.callbacks.remove(note)
        if outer:
            signal.setitimer(signal.ITIMER_REAL, max(outer - (time.monotonic() - start), 1e-3))


def _ignores_exceptions(frame: FrameType | None) -> bool:
    """Whether Python is in a finalizer or a collector's hook, where it would only print what is raised."""
    hooks = {getattr(hook, "__code__", None) for hook in gc.callbacks}
    while frame is not None:
        code = frame.f_code
        if code.co_name == "__del__" or code.co_filename == weakref.__file__ or code in hooks:
            return True
        frame = frame.f_back
    return False


def attempt(
    transformation: Callable[[sympy.Expr], sympy.Expr], expr: sympy.Expr, seconds: float
) -> sympy.Expr:
    """The transformed expression, or the expression itself when sympy fails or takes too long."""
    try:
        with time_limit(seconds):
            return transformation(expr)
    except (_TimeUpError, ArithmeticError, AttributeError, NotImplementedError, RecursionError, TypeError,
            ValueError, sympy.PolynomialError):  # fmt: skip
        return expr


def tidy(expr: sympy.Expr) -> sympy.Expr:
    """Cheap clean-up: integer-valued floats in exponents become integers, powers are collected."""
    replaced = expr.replace(
        lambda e: e.is_Pow and e.exp.is_Float and abs(e.exp - round(e.exp)) < 1e-12,
        lambda e: e.base ** sympy.Integer(round(e.exp)),
    )
    return attempt(sympy.powsimp, replaced, 1.0)


def simplify(expr: sympy.Expr, seconds: float = 2.0, *, thorough: bool = True) -> sympy.Expr:
    """The variant with the fewest nodes among factored, expanded, cancelled and simplified forms.

    Args:
        expr: An expression whose symbols carry what is known of their sign.
        seconds: The most time for one transformation.
        thorough: Whether to try the dear transformations.

    Returns:
        An equal expression (where both are real); ``expr`` itself if nothing is shorter.
    """
    start = tidy(expr)
    transformations: list[Callable[[sympy.Expr], sympy.Expr]] = [
        sympy.factor_terms,
        lambda e: sympy.powdenest(e, force=False),
        lambda e: sympy.expand_log(e, force=False),
        lambda e: sympy.logcombine(e, force=False),
    ]
    if thorough and complexity(start) <= LARGE:
        transformations += [
            sympy.together,
            sympy.cancel,
            sympy.factor,
            sympy.expand,
            sympy.radsimp,
            lambda e: sympy.sqrtdenest(sympy.factor(e)),
            _factor_inside,
            lambda e: _factor_inside(sympy.together(e)),
        ]
        if not start.has(sympy.Float) or complexity(start) <= LARGE // 3:
            transformations += [sympy.trigsimp, lambda e: sympy.simplify(e, rational=False)]
    forms = [start, expr]
    for transformation in transformations:
        form = attempt(transformation, start, seconds)
        forms.append(form)
        if complexity(form) < complexity(start):
            forms.append(attempt(_factor_inside, form, seconds))
    finite = [form for form in forms if not form.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I)]
    return min(finite or [expr], key=lambda form: (complexity(form), sympy.count_ops(form), str(form)))


def _factor_groups(expr: sympy.Add) -> sympy.Expr:
    """Factor the terms that share symbols together: x^2 - 2xy + y^2 + z^2 = (x - y)^2 + z^2."""
    groups: list[tuple[set[sympy.Symbol], list[sympy.Expr]]] = []
    for term in expr.args:
        symbols, terms = set(term.free_symbols), [term]
        for group in [g for g in groups if g[0] & symbols]:
            symbols, terms = symbols | group[0], terms + group[1]
            groups.remove(group)
        groups.append((symbols, terms))
    return sympy.Add(*(sympy.factor(sympy.Add(*terms)) for _, terms in groups), evaluate=True)


def _factor_inside(expr: sympy.Expr) -> sympy.Expr:
    """Cancel common factors inside every function and root, innermost first."""
    if expr.is_Atom:
        return expr
    inside = expr.func(*(_factor_inside(arg) for arg in expr.args))
    if inside.is_Add:
        forms = (inside, sympy.factor_terms(inside), sympy.cancel(inside), _factor_groups(inside))
        return min(forms, key=lambda form: (complexity(form), str(form)))
    return sympy.powsimp(inside)
