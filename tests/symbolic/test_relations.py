"""Relations between constants: found where the law has them, to the errors of a fit by scipy, else not."""

import numpy as np
import pytest
import sympy
from scipy.optimize import curve_fit

from kansci.symbolic.parametric import Parametric
from kansci.symbolic.relations import in_numbers, relate_constants

x = sympy.Symbol("x", positive=True)
X = np.linspace(0.2, 4, 200)
A = 1.234567


def noisy(values, share=0.001):
    return values + share * values.std() * np.random.default_rng(3).normal(size=len(values))


@pytest.mark.parametrize(
    ("start", "values", "form"),
    [
        (1.2 * x + sympy.Float(1.5), A * X + A**2, (2, 1)),
        (1.2 * sympy.exp(-1.3 * x), A * np.exp(-A * X), (1, 1)),
        (1.2 * sympy.exp(-2.3 * x) + 3.3, A * np.exp(-2 * A * X) + 3.3, (1, 2)),
    ],
)
def test_a_relation_of_the_law_is_found(start, values, form):
    y = noisy(values)
    model, relations = relate_constants(Parametric.of(start, [x]), [X], y)
    (relation,) = relations
    assert (relation.power, abs(relation.factor)) == form
    (text,) = in_numbers([relation], model)
    one, other = map(float, text.replace("2*", "").replace("**2", "").split(" = "))
    assert [one, other] == pytest.approx([form[1] * A ** form[0], A], rel=1e-3)
    assert len(model.parameters) == len(start.atoms(sympy.Float)) - 1


def test_the_related_constants_are_the_least_squares_ones():
    y = noisy(A * X + A**2)
    model, _ = relate_constants(Parametric.of(1.2 * x + sympy.Float(1.5), [x]), [X], y)
    expected, _ = curve_fit(lambda x, a: a * x + a**2, X, y, p0=[1.0], xtol=1e-14)
    assert model.values == pytest.approx(expected, rel=1e-8)


def test_constants_without_a_relation_are_left():
    y = noisy(A * np.exp(-0.777 * X) + 3.3)
    model, relations = relate_constants(Parametric.of(1.2 * sympy.exp(-0.8 * x) + 3.0, [x]), [X], y)
    assert relations == ()
    assert len(model.parameters) == 3


def test_chance_relations_are_rare():
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(60):
        a, b, c = rng.uniform(0.3, 3, 3)
        y = noisy(a * np.exp(-b * X) + c)
        start = Parametric.of(a * sympy.exp(-sympy.Float(b) * x) + sympy.Float(c), [x])
        found += bool(relate_constants(start, [X], y)[1])
    assert found <= 3
