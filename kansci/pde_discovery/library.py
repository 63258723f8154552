"""The terms among which an equation is sought.

Every term is of a general kind: polynomials of the fields, their derivatives along space times low powers of
the fields (advection, diffusion, dispersion and their nonlinear kin), squares of gradients, functions of a
field that has an angle's range, and functions of the coordinates. Nothing in here knows an equation by name.
"""

from itertools import combinations_with_replacement, product

from kansci.pde_discovery.terms import Coordinate, Factor, Jet, Term

__all__ = ["coordinate_terms", "field_functions", "library"]


def library(fields: int, axes: int, time: int, time_order: int, space_order: int) -> list[Term]:
    """The terms of a right-hand side.

    Args:
        fields: how many there are.
        axes: how many coordinates there are, time among them.
        time: the number of the coordinate that is time.
        time_order: of the derivative on the left-hand side; with two, velocities may stand on the right.
        space_order: highest derivative along one coordinate of space.

    Returns:
        The terms, simple ones first.
    """
    zero = (0,) * axes
    values = [Jet(f, zero) for f in range(fields)]
    speeds = [Jet(f, _plus(zero, time)) for f in range(fields)] if time_order == 2 else []
    degree = 3 if len(values) <= 3 else 2
    powers = [_monomial(m) for d in range(degree + 1) for m in combinations_with_replacement(values, d)]
    terms = list(powers)
    if axes == 1:
        terms += _with_speeds(values, speeds, degree)
    else:
        terms += [Term((Factor(v),)) for v in speeds]
        terms += _with_derivatives(values, axes, time, space_order)
    return sorted(dict.fromkeys(terms), key=lambda term: term.complexity)


def _plus(orders: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return tuple(n + (i == axis) for i, n in enumerate(orders))


def _monomial(jets: tuple[Jet, ...]) -> Term:
    counts = {jet: jets.count(jet) for jet in sorted(set(jets))}
    return Term(tuple(Factor(jet, "power", n) for jet, n in counts.items()))


def _with_speeds(values: list[Jet], speeds: list[Jet], degree: int) -> list[Term]:
    """Polynomials of places and velocities."""
    atoms = values + speeds
    return [_monomial(m) for d in range(1, degree + 1) for m in combinations_with_replacement(atoms, d)]


def _with_derivatives(values: list[Jet], axes: int, time: int, space_order: int) -> list[Term]:
    """Derivatives along space, times powers of the fields, and squares of gradients."""
    space = [axis for axis in range(axes) if axis != time]
    highest = space_order if len(space) == 1 else 2
    orders = list(product(*(range(highest + 1 if a in space else 1) for a in range(axes))))
    orders = [o for o in orders if 1 <= sum(o) <= highest]
    several = len(values) > 1 or len(space) > 1
    before = [
        _monomial(m) for d in range(2 if several else 4) for m in combinations_with_replacement(values, d)
    ]
    terms = []
    for value, order in product(values, orders):
        slope = Factor(Jet(value.field, order))
        terms += [Term((*power.factors, slope)) for power in before]
    gradients = [Factor(Jet(v.field, _plus((0,) * axes, a)), "power", 2) for v in values for a in space]
    terms += [
        Term((*power.factors, g)) for g in gradients for power in (before[:2] if not several else before[:1])
    ]
    return terms


def field_functions(jets: list[Jet]) -> list[Term]:
    """Functions of fields."""
    return [Term((Factor(jet, name, 1),)) for jet in jets for name in ("sin", "cos", "exp")]


def coordinate_terms(axis: int, jets: list[Jet], wave_numbers: list[float], *, positive: bool) -> list[Term]:
    """Functions of a coordinate, alone and times fields and derivatives.

    Args:
        axis: of the coordinate.
        jets: to multiply by.
        wave_numbers: of sines and cosines.
        positive: whether the coordinate is positive everywhere, as a radius, so that it can be divided by.

    Returns:
        The terms.
    """
    x = Coordinate(axis)
    functions = [Factor(x), Factor(x, "power", 2), Factor(x, "exp", -1)]
    functions += [Factor(x, "power", -1)] if positive else []
    functions += [Factor(x, name, k) for k in wave_numbers for name in ("sin", "cos")]
    return [Term((*part, f)) for f in functions for part in [(), *((Factor(jet),) for jet in jets)]]
