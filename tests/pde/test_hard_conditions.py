"""Substituted with sympy, u = g + phi N meets the conditions that are not soft, whatever N is."""

import numpy as np
import pytest
import sympy

from kansci.pde.hard_conditions import ansatz
from kansci.pde.library import load, names
from kansci.pde.numeric import evaluate
from kansci.pde.region import Region
from kansci.pde.statement import problem

BOXES = [name for name in names() if not isinstance(load(name).domain, Region)]
LINE = {"x": (0, 2), "t": (0, 1)}


def proves(stated):
    """Put g + phi N into every condition that is not soft; N is an undefined function."""
    found = ansatz(stated)
    network = {
        f.function: found.particular[f.name]
        + found.factor[f.name] * sympy.Function(f"N_{f.name}")(*f.function.args)
        for f in stated.fields
    }
    met = [c for c in stated.conditions if c not in found.soft]
    for condition in met:
        axis = sympy.Symbol(condition.face.axis, real=True)
        end = min(stated.domain.limits[axis.name], key=lambda e: abs(float(e) - condition.face.value))
        left = condition.residual.subs(network).doit().subs(axis, end).doit()
        assert sympy.simplify(sympy.expand(left)) == 0
    return found, len(met)


@pytest.mark.parametrize("name", BOXES)
def test_conditions_on_boxes_hold_identically(name):
    stated = load(name)
    found, met = proves(stated)
    assert met + len(found.soft) == len(stated.conditions)
    assert found.soft == () or name == "allen_cahn"  # its initial value is not smooth across the period
    for factor in found.factor.values():
        values = evaluate(factor, stated.coordinates, stated.domain.sample(512, np.random.default_rng(0)))
        assert values.min() >= 0
        assert values.max() <= 1 + 1e-12


@pytest.mark.parametrize(
    ("equation", "conditions", "soft"),
    [
        ("u_t = u_xx", {"t = 0": "u = 1", "boundary": "u = 0"}, ["t = 0"]),
        ("u_t = u_xx", {"t = 0": "u = x", "x = 0": "u = sin(t)", "x = 2": "u_n = 0"}, ["x = 2"]),
        ("u_t = u_xx", {"t = 0": "u = abs(x - 1)", "boundary": "u = 1"}, ["t = 0"]),
        ("u_tt = u_xx", {"t = 0": ["u = x", "u_t = x^2"], "x = 0": "u = 0", "x = 2": "u = 2 + 4*t"}, []),
        ("u_tt = u_xx", {"t = 0": ["u = x", "u_t = 1"], "x = 0": "u = 0", "x = 2": "u = 2 + t"}, ["x = 0"]),
        ("u_tt = -u_xxxx", {"t = 0": ["u = 0", "u_t = 0"], "boundary": ["u = 0", "u_x = t^2"]}, []),
        ("u_t = u_xx", {"t = 0": "u = 0", "x = 0": "u + u_x = 1", "x = 2": "u = k*t"}, ["x = 0", "x = 2"]),
        ("u_t + u_x = 0", {"t = 0": "u = cos(x)", "x = 0": "u = cos(t)"}, []),
    ],
)
def test_the_rest_is_soft(equation, conditions, soft):
    found, _ = proves(problem(equation, LINE, conditions, unknowns={"k": 1}))
    assert [c.face.name for c in found.soft] == soft


@pytest.mark.parametrize(
    "region",
    ["disc(1, 0, 2)", "polygon(0,0, 4,0, 4,3, 3,3, 3,1, 1,1, 1,3, 0,3)", "box(0,2,0,1) - disc(1,1/2,1/4)"],
)
def test_values_on_the_whole_boundary_of_a_shape(region):

    stated = problem(
        "u_t = laplacian(u)",
        {"t": (0, 1)},
        {"t = 0": "u = x", "boundary": "u = x + t*y"},
        region=region,
    )
    found = ansatz(stated)
    assert found.soft == ()
    rng = np.random.default_rng(0)
    for condition in stated.conditions:
        face = condition.face
        points, _ = stated.domain.sample_face(face.axis, face.value, face.name, 500, rng)
        g = evaluate(found.particular["u"], stated.coordinates, points)
        wanted = points[:, 0] + points[:, 2] * points[:, 1]
        assert abs(g - wanted).max() < 1e-12
        assert abs(evaluate(found.factor["u"], stated.coordinates, points)).max() < 1e-9
    inside = evaluate(found.factor["u"], stated.coordinates, stated.domain.sample(2000, rng))
    assert inside.min() > 0
    assert 0.5 < inside.max() < 1.2


def test_a_shared_side_or_different_values_stay_soft():
    halves = problem("laplacian(u) = 1", {}, {"boundary": "u = 0"}, region="box(0,1,0,1) + box(1,2,0,1)")
    assert len(ansatz(halves).soft) == 1
    ring = {"region": "disc(0,0,2) - disc(0,0,1)", "faces": {"hole": "disc(0,0,1)"}}
    two = problem("laplacian(u) = 1", {}, {"hole": "u = 0", "elsewhere": "u = 1"}, **ring)
    assert len(ansatz(two).soft) == 2
    same = problem("laplacian(u) = 1", {}, {"hole": "u = 0", "elsewhere": "u = 0"}, **ring)
    assert ansatz(same).soft == ()
