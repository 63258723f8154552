"""Views of the target are undone by their inverse, whatever the target's sign."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kansci.search.problem import TARGET, Problem, views

SIGNS = {"positive": (0.01, 40), "negative": (-40, -0.01), "mixed": (-40, 40), "small": (-0.99, 0.99)}


@pytest.mark.parametrize("signs", SIGNS)
@given(data=st.data())
def test_the_inverse_of_a_view_gives_the_target(signs, data):
    y = data.draw(arrays(float, 12, elements=st.floats(*SIGNS[signs]), unique=True))
    found = views(y)
    assert found[0].name == "y"
    assert found[0].values is y
    for view in found:
        back = sympy.lambdify([TARGET], view.inverse)(view.values)
        # a view may map far values close to each other: then its inverse has lost digits
        slope = np.abs(sympy.lambdify([TARGET], sympy.diff(view.inverse, TARGET))(view.values))
        lost = 1e-14 * (slope * np.abs(view.values) + np.abs(y))
        assert (np.abs(back - y) <= 4 * lost).all(), view.name


def test_views_by_sign():
    targets = {"+": [1.0, 2.0], "-": [-1.0, -2.0], "±": [-2.0, 60.0], "zero": [0.0, 60.0]}
    names = {key: {v.name for v in views(np.array(y))} for key, y in targets.items()}
    assert {"log(y)", "y^2", "1/y", "sqrt(y)", "1/y^2", "exp(y)"} <= names["+"]
    assert {"log(-y)", "y^2", "1/y"} <= names["-"]
    assert names["±"] == names["zero"] == {"y"}


def test_steps_are_undone_in_their_order():
    a, b = sympy.symbols("a b", positive=True)
    columns = np.array([[1.0, 2.0, 3.0], [2.0, 5.0, 4.0]])
    p = Problem(tuple(columns), (a, b), columns[0] * (columns[1] ** 2 - 3))
    p = p.without([0], "first").with_target(p.y / columns[0], TARGET * a, "second")
    p = p.with_target(p.y + 3, TARGET - 3).merged([0], columns[1] ** 2, b**2, "third")
    assert p.exprs == (b**2,)
    assert p.solution(b**2) == a * (b**2 - 3)
    assert p.trail == ("first", "second", "third")
    np.testing.assert_array_equal(p.y, p.columns[0])
