"""Rewriting keeps the values, takes no longer than it may, and never makes a formula longer."""

import gc
import operator
import signal
import threading
import time
import weakref

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from kansci.symbolic.complexity import complexity
from kansci.symbolic.merge import merge_constants
from kansci.symbolic.parametric import compile_expr
from kansci.symbolic.simplify import attempt, simplify, tidy, time_limit

X, Y = sympy.symbols("x y", positive=True)
NUMBERS = st.integers(1, 400).map(lambda n: sympy.Float(n / 100 - 2.005, 17))
SMALL = st.sampled_from([sympy.Integer(2), sympy.Integer(-3), sympy.Rational(1, 2), sympy.pi])
FUNCTIONS = [
    sympy.sin,
    sympy.tanh,
    sympy.exp,
    lambda e: sympy.log(sympy.Float(3.1) + e**2),
    lambda e: sympy.sqrt(sympy.Float(2.3) + e**2),
]
EXPRESSIONS = st.recursive(
    st.one_of(st.sampled_from([X, Y]), NUMBERS, SMALL),
    lambda inner: st.one_of(
        st.builds(operator.add, inner, inner),
        st.builds(operator.mul, inner, inner),
        st.builds(operator.mul, NUMBERS, inner),
        st.builds(operator.add, NUMBERS, inner),
        st.builds(lambda a, n: a**n, inner, st.sampled_from([2, 3, -1, sympy.Float(2.0), sympy.Float(-1.0)])),
        st.builds(lambda f, a: f(a), st.sampled_from(FUNCTIONS), inner),
    ),
    max_leaves=7,
)


def assert_same_values(one, other):
    """Equal at random points, to the accuracy that the conditioning of the first allows."""
    x, y = np.random.default_rng(1).uniform(0.3, 2.0, (2, 40))
    value, again = (compile_expr(expr, [X, Y])(x, y) for expr in (one, other))
    moved = compile_expr(one, [X, Y])(x * (1 + 1e-9), y * (1 - 1e-9))
    usable = np.isfinite(value) & np.isfinite(moved) & (np.abs(value) < 1e100)
    tolerance = 1e-9 * np.abs(value) + 100 * np.abs(moved - value) + 1e-12
    assert (np.abs(again - value)[usable] <= tolerance[usable]).all()


def constants(expr):
    return len({abs(number) for number in expr.atoms(sympy.Float)})


@settings(max_examples=200)
@given(EXPRESSIONS)
def test_merging_keeps_the_values(expr):
    if not expr.has(sympy.zoo, sympy.nan, sympy.I):
        assert_same_values(expr, merge_constants(expr))


@pytest.mark.parametrize(
    ("expr", "number"),
    [
        (2.0 * (0.5 * X + 1.3) + 0.7, 2),
        (0.3 * sympy.exp(0.7 * X + 0.2), 2),
        (0.3 * sympy.log(0.7 * X) + 0.1, 2),
        (0.3 * (0.7 * X) ** 2, 1),
        (1.1 * sympy.sqrt(0.5 * X + 0.25), 2),
        (0.4 * (-0.7 * X) ** 3, 1),
        ((0.5 * X + 2 * Y) ** 2, 1),
        (1.7 * sympy.sin(0.3 * X + 0.1), 3),
    ],
    ids=str,
)
def test_only_constants_that_the_data_determine_are_left(expr, number):
    merged = merge_constants(expr)
    assert_same_values(expr, merged)
    assert constants(merged) == number


def test_merging_stays_within_double_precision():
    for expr in ((1e200 * X + 1e200) ** 2, 1 / (1e-200 * X + 1e-200) ** 2):
        assert all(1e-300 < abs(n) < 1e300 for n in merge_constants(expr).atoms(sympy.Float))


@settings(max_examples=25)
@given(EXPRESSIONS)
def test_simplifying_keeps_the_values_and_is_never_longer(expr):
    if not expr.has(sympy.zoo, sympy.nan, sympy.I):
        short = simplify(expr, 0.3)
        assert complexity(short) <= complexity(expr)
        assert_same_values(expr, short)


@pytest.mark.parametrize(
    ("long", "short"),
    [
        (X**2 - 2 * X * Y + Y**2, (X - Y) ** 2),
        (sympy.sin(X) ** 2 + sympy.cos(X) ** 2, sympy.S.One),
        (X * Y + X * Y**2, X * Y * (Y + 1)),
        ((X**2 - Y**2) / (X - Y), X + Y),
        (X ** sympy.Float(2.0) * Y ** sympy.Float(-1.0), X**2 / Y),
    ],
    ids=str,
)
def test_known_short_forms(long, short):
    assert complexity(simplify(long)) <= complexity(short)
    assert_same_values(long, simplify(long))


def test_tidy_makes_integers_of_exponents():
    assert tidy(X ** sympy.Float(3.0)) == X**3


def endless(_):
    while True:
        time.sleep(0.001)


def stubborn(_):
    while True:
        try:
            endless(None)
        except Exception:  # noqa: BLE001
            continue


class Finalised:
    def __del__(self):
        deadline = time.monotonic() + 0.2
        while time.monotonic() < deadline:
            pass


def in_a_finalizer(_):
    """The alarm comes where Python only prints exceptions (and the test run makes that an error)."""
    Finalised()
    return endless(None)


def in_a_hook_of_the_collector(_):
    """The same for what Python calls before and after it collects garbage."""

    def hook(phase, info):
        time.sleep(0.1)

    gc.callbacks.append(hook)
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(hook)
    return endless(None)


def in_a_callback_of_a_weak_reference(_):
    """The same for what Python calls while it collects a circle of objects."""

    class Node:
        pass

    node = Node()
    node.circle = node
    reference = weakref.ref(node, lambda _: time.sleep(0.2))
    del node
    gc.collect()
    assert reference() is None
    return endless(None)


def lost(_):
    """Something on the way catches everything."""
    try:
        endless(None)
    except BaseException:  # noqa: BLE001
        return endless(None)


@pytest.mark.parametrize(
    "transformation",
    [
        endless,
        stubborn,
        in_a_finalizer,
        in_a_hook_of_the_collector,
        in_a_callback_of_a_weak_reference,
        lost,
    ],
)
def test_the_time_limit_is_kept(transformation):
    start = time.monotonic()
    assert attempt(transformation, X, 0.1) == X
    assert time.monotonic() - start < 30  # it would go on for ever; a busy machine collects garbage slowly


def test_an_inner_limit_does_not_end_the_outer_one():
    def outer(expr):
        attempt(lambda e: e, expr, 5.0)
        attempt(endless, expr, 0.05)
        return endless(expr)

    start, others = time.monotonic(), signal.getitimer(signal.ITIMER_REAL)[0]  # that of the test run
    assert attempt(outer, X, 0.3) == X
    assert 0.25 < time.monotonic() - start < 4
    assert abs(others - signal.getitimer(signal.ITIMER_REAL)[0]) < 2


def test_in_another_thread_there_is_no_limit_and_no_error():
    seen = []

    def work():
        with time_limit(0.01):
            time.sleep(0.05)
            seen.append(simplify(X + X))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [2 * X]


def test_errors_of_a_transformation_leave_the_expression():
    def divide(_):
        return 1 / 0

    assert attempt(divide, X, 1.0) == X
