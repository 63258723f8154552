"""What a user states is what is solved; what does not fit together is said in one line."""

import numpy as np
import pandas as pd
import pytest
import sympy

from kansci.errors import DataError, KansciError, SettingsError
from kansci.pde.statement import problem
from kansci.pde.toml_file import read_problem

X, T = sympy.Symbol("x", real=True), sympy.Symbol("t", real=True)
LINE = {"x": (-1, 1), "t": (0, 1)}
SQUARE = {"x": (0, 1), "y": (0, 1)}
HEAT = "u_t = u_xx"


def test_three_ways_to_write_conditions():
    by_face = problem(HEAT, LINE, {"t = 0": "u = sin(pi*x)", "x = -1": "u = 0", "x = 1.0": "u_n = t"})
    together = problem(HEAT, LINE, {"elsewhere": "u = 0", "t=0": ["u = sin(pi*x)"], "x = 1": "u_x = t"})
    alone = problem(HEAT, LINE, ["u(x, 0) = sin(pi*x)", "u(-1, t) = 0", "u_x(1, t) = t"])
    as_set = {(c.face, c.residual) for c in by_face.conditions}
    assert as_set == {(c.face, c.residual) for c in alone.conditions}
    assert as_set == {(c.face, c.residual) for c in together.conditions}
    left = problem("u_t = u_xx + u", LINE, {"t = 0": "u = 0", "x = -1": "u_n = 1", "x = 1": "u = 0"})
    u = sympy.Function("u")(X, T)
    assert left.conditions[1].residual == -u.diff(X) - 1


def test_everything_has_a_place():
    stated = problem(
        "c*u_t = div(a*grad(u)) + f",
        {"x": (0, "2*pi"), "t": (0, 1)},
        {"t = 0": "u = sin(x)", "x = 0, x = 2*pi": "u_n + h*u = 0"},
        parameters={"c": 0.5, "f": "c*x"},
        unknowns={"h": 1},
        sought={"a": "x"},
        data=pd.DataFrame({"t": [0.5, 0.5], "x": [1.0, 2.0], "u": [0.1, np.nan]}),
        sigma=0.1,
        exact={"u": "c*sin(x)", "h": 2},
    )
    assert [(f.name, f.arguments, f.sought) for f in stated.fields] == [
        ("u", ("x", "t"), False),
        ("a", ("x",), True),
    ]
    assert stated.time == "t"
    assert stated.unknowns[0].name == "h"
    assert stated.parameters["f"] == X / 2
    assert stated.domain.limits["x"] == (0, 2 * sympy.pi)
    assert [c.face.name for c in stated.conditions] == ["t = 0", "x = 0", "x = 2*pi"]
    assert np.array_equal(stated.observations[0].points, [[1.0, 0.5]])
    assert stated.exact == {"u": sympy.sin(X) / 2, "h": 2}
    assert sympy.Symbol("h", real=True) in stated.conditions[1].residual.free_symbols


@pytest.mark.parametrize(
    ("arguments", "options", "says"),
    [
        ((HEAT, {"x": (1, 1), "t": (0, 1)}), {}, "no volume: x goes from 1 to 1"),
        ((HEAT, {"x": (0, "inf"), "t": (0, 1)}), {}, "interval of x"),
        ((HEAT, {"x": 1, "t": (0, 1)}), {}, "interval of x has two ends"),
        ((HEAT, LINE), {}, "order 2 in x: 2 conditions at the ends of x needed, none is given"),
        ((HEAT, LINE, {"boundary": "u = 0"}), {}, "order 1 in t"),
        (("u_tt = u_xx", LINE, {"boundary": "u = 0", "t = 0": "u = 0"}), {}, "order 2 in t"),
        (("u_xx + u_yy = 1", SQUARE, {"boundary": "u_n = 0"}), {}, "open up to a constant"),
        (("y'' = -y", {"t": (0, 1)}, {"t = 0": "y = 1"}), {}, "2 conditions are needed"),
        ((HEAT, LINE, {"t = 0": ["u = 0", "u = x"], "boundary": "u = 0"}), {}, "contradict: 'u = 0' and"),
        ((HEAT, LINE, {"t = 0.5": "u = 0"}), {}, "not on the boundary"),
        ((HEAT, LINE, {"y = 0": "u = 0"}), {}, "no coordinate 'y'"),
        ((HEAT, LINE, {"hole": "u = 0"}), {}, "no part of the boundary"),
        ((HEAT, LINE, {"x = 1": "u = 0"}), {"periodic": ["x"]}, "periodic and has no ends"),
        ((HEAT, LINE, {"t = 0": "u = q"}), {}, "condition on 't = 0': .*unknown name 'q'.* column 5"),
        ((HEAT, LINE, {"t = 0": 0}), {}, "write an equation as text"),
        ((HEAT, LINE, ["u = 0"]), {}, "say where it holds"),
        ((HEAT, LINE, {"t = 0": "u(1, t) = 0"}), {}, "speaks of x = 1"),
        ((HEAT, LINE), {"parameters": {"x": 1}}, "stands for two things"),
        ((HEAT, LINE), {"sought": {"a": ["z"]}}, "no coordinate"),
        ((HEAT, LINE), {"region": "disc(0,0,1)"}, "replaces the intervals"),
        ((HEAT, {"t": (0, 1)}), {"region": "box(0,1,0,1)*disc(9,9,1)"}, "nothing is left"),
        (("u_t = D_x*u_xx", LINE), {}, r"2 unknown functions \(u, D\)"),
        (("u_x^2 + u_y^2 = u", SQUARE), {}, "no condition is given"),
        (("x = 1", LINE), {}, "no unknown function"),
        (([], LINE), {}, "no equation"),
    ],
)
def test_what_does_not_fit_is_said(arguments, options, says):
    with pytest.raises(KansciError, match=says):
        problem(*arguments, **options)


def test_a_corner_that_jumps_is_allowed_but_noted():
    stated = problem(HEAT, LINE, {"t = 0": "u = 1", "x = -1": "u = 0", "x = 1": "u = 1"})
    assert stated.notes == ("'u = 1' on t = 0 and 'u = 0' on x = -1 differ by 1",)


def test_data_outside_the_domain():
    for frame, says in [
        (
            {"x": [0.0, 3.0], "t": [0.5, 0.5], "u": [1, 2]},
            "1 observations of 'u' lie outside .* x = 3, t = 0.5",
        ),
        ({"x": [0.0], "u": [1]}, "no column 't'"),
        ({"x": [0.0], "t": [0.1], "w": [1]}, "no column of the data is called u"),
        ({"x": ["a"], "t": [0.1], "u": [1]}, "text that is no number"),
    ]:
        with pytest.raises(DataError, match=says):
            problem(HEAT, LINE, {"t = 0": "u = 0"}, data=pd.DataFrame(frame))


FILE = """
equation = "u_t = k*u_xx"
data = "measured.csv"
sigma = 0.01
[domain]
x = [-1, 1]
t = [0, 1]
[unknowns]
k = 0.5
[conditions]
"t = 0" = "u = sin(pi*x)"
boundary = "u = 0"
[exact]
u = "exp(-pi^2*t)*sin(pi*x)"
[observations]
field = "u"
count = 20
noise = 0.5
seed = 3
"""


def test_a_file_with_data(tmp_path):
    (tmp_path / "rod.toml").write_text(FILE)
    (tmp_path / "measured.csv").write_text("x,t,u\n0.5,0.1,0.3\n-0.5,0.1,-0.3\n")
    stated = read_problem(tmp_path / "rod.toml")
    assert stated.name == "rod"
    measured, made = stated.observations
    assert (measured.sigma, made.sigma) == (0.01, 0.5)
    assert np.array_equal(measured.values, [0.3, -0.3])
    again = read_problem(tmp_path / "rod.toml").observations[1]
    assert np.array_equal(made.values, again.values)
    x, t = made.points.T
    assert np.std(made.values - np.exp(-(np.pi**2) * t) * np.sin(np.pi * x)) == pytest.approx(0.5, rel=0.5)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("equation =", "equatoin ="), "unknown key 'equatoin'.*equation"),
        (("seed = 3", ""), "has no 'seed'"),
        (("seed = 3", "seed = 3\nsed = 2"), "unknown key 'sed' in"),
        (("sigma = 0.01", "sigma = -1"), "positive number"),
        (("[domain]", "[domain"), "not valid TOML"),
        (('equation = "u_t = k*u_xx"', "equation = 1"), "must be one text"),
        (('equation = "u_t = k*u_xx"', "equations = 'u_t = 1'"), "list of texts"),
        (('equation = "u_t = k*u_xx"', ""), "give the equation"),
        (('data = "measured.csv"', "data = 3"), "must be text"),
        (("k = 0.5", "k = 'x'"), "unknown name 'x'"),
    ],
)
def test_a_bad_file_is_named(tmp_path, change, says):
    (tmp_path / "measured.csv").write_text("x,t,u\n0.5,0.1,0.3\n")
    (tmp_path / "rod.toml").write_text(FILE.replace(*change))
    with pytest.raises(KansciError, match=says):
        read_problem(tmp_path / "rod.toml")


def test_no_file(tmp_path):
    with pytest.raises(SettingsError, match=r"none\.toml"):
        read_problem(tmp_path / "none.toml")


def test_conditions_need_finite_values():
    with pytest.raises(
        SettingsError, match=r"the condition 'u = log.x.' on 't = 0' has no finite value at x = -"
    ):
        problem(
            "u_t = u_xx",
            {"x": [-1, 1], "t": [0, 1]},
            {"t = 0": "u = log(x)", "x = -1": "u = 1", "x = 1": "u = 1"},
        )


def test_tables_are_mappings():
    with pytest.raises(SettingsError, match="domain: a value for each name is needed"):
        problem("u_x = u", [0, 1], {"x = 0": "u = 1"})
