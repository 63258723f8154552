"""Parts of a boundary, each as coordinates that a few free symbols give exactly."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import sympy

from kansci.pde.polygon import Polygon
from kansci.pde.problem import Face, Problem
from kansci.pde.region import Region
from kansci.pde.shapes import Ball, BoxShape, Combined, Shape

__all__ = ["Patch", "patches"]

TOUCHES = 1e-5
"""How near a patch a point of the boundary is that lies on it, of the domain's size."""
SAMPLES = 256
SIDE = sympy.Symbol("share", real=True)
"""Runs from 0 to 1 along an edge."""


@dataclass(frozen=True)
class Patch:
    """A smooth part of the boundary.

    Attributes:
        values: what is put for some of the coordinates.
        normals: the outward normal, by coordinate.
        name: in words.
    """

    values: Mapping[sympy.Symbol, sympy.Expr]
    normals: Mapping[str, sympy.Expr]
    name: str

    def put_into(self, expr: sympy.Expr) -> sympy.Expr:
        """The expression on the patch, 0 for the components of the normal that are not named."""
        symbols = {s for s in expr.free_symbols if s.name.startswith("normal_")}
        components = {s: self.normals.get(s.name.removeprefix("normal_"), sympy.S.Zero) for s in symbols}
        return expr.subs(components).subs(self.values, simultaneous=True)


def patches(problem: Problem, face: Face) -> list[Patch] | None:
    """Cut a part of the boundary into patches; None for a kind of shape that is not known."""
    domain = problem.domain
    if face.axis is not None and face.axis in domain.limits:
        return [_end(problem, face.axis, face.value)]
    if domain.is_box:
        axes = [a for a in problem.coordinates if a != problem.time and a not in domain.periodic]
        return [_end(problem, axis, float(end)) for axis in axes for end in domain.limits[axis]]
    if not isinstance(domain, Region):
        return None
    symbols = [sympy.Symbol(a, real=True) for a in domain.axes if a != domain.time]
    points, normals = domain.sample_face(face.axis, face.value, face.name, SAMPLES, np.random.default_rng(0))
    size = float(np.ptp(domain.bounds, axis=1).max())
    found = []
    for patch, distance in _pieces(domain.shape, symbols):
        away = np.abs(sympy.lambdify(symbols, distance)(*points.T[: len(symbols)])) * np.ones(len(points))
        near = np.flatnonzero(away < TOUCHES * size)
        if len(near):
            found.append(_outward(patch, points[near[0]], normals[near[0]], symbols))
    return found or None


def _end(problem: Problem, axis: str, value: float) -> Patch:
    low, high = problem.domain.limits[axis]
    at_low = abs(float(low) - value) < abs(float(high) - value)
    end = low if at_low else high
    symbol = sympy.Symbol(axis, real=True)
    normals = {axis: sympy.Integer(-1 if at_low else 1)}
    return Patch({symbol: end}, normals, f"{axis} = {end}")


def _outward(patch: Patch, point: np.ndarray, normal: np.ndarray, symbols: list[sympy.Symbol]) -> Patch:
    """The patch with its normal turned as it is at a point."""
    numbers = dict(zip(symbols, point, strict=False))
    sign = sum(float(patch.normals[s.name].subs(numbers)) * n for s, n in zip(symbols, normal, strict=False))
    turned = {name: (component if sign > 0 else -component) for name, component in patch.normals.items()}
    return Patch(patch.values, turned, patch.name)


def _pieces(shape: Shape, symbols: list[sympy.Symbol]) -> Iterator[tuple[Patch, sympy.Expr]]:
    """The patches of a shape's boundary, and what is zero on each, with slope 1."""
    if isinstance(shape, Combined):
        yield from _pieces(shape.left, symbols)
        yield from _pieces(shape.right, symbols)
    elif isinstance(shape, Ball):
        yield from _sphere(shape, symbols)
    elif isinstance(shape, BoxShape):
        for symbol, ends in zip(symbols, shape.limits, strict=True):
            for end in ends:
                normals = {s.name: sympy.Integer(s == symbol) for s in symbols}
                yield Patch({symbol: end}, normals, f"{symbol} = {end}"), symbol - end
    elif isinstance(shape, Polygon):
        for start, end in zip(shape.exact, [*shape.exact[1:], shape.exact[0]], strict=True):
            along = [b - a for a, b in zip(start, end, strict=True)]
            length = sympy.sqrt(along[0] ** 2 + along[1] ** 2)
            normals = {symbols[0].name: along[1] / length, symbols[1].name: -along[0] / length}
            values = {s: a + SIDE * d for s, a, d in zip(symbols, start, along, strict=True)}
            across = sum((s - a) * normals[s.name] for s, a in zip(symbols, start, strict=True))
            beyond = [
                sum((s - p) * d for s, p, d in zip(symbols, at, along, strict=True)) for at in (start, end)
            ]
            outside = sympy.Max(0, -beyond[0] / length) + sympy.Max(0, beyond[1] / length)
            yield Patch(values, normals, f"the edge from {start} to {end}"), sympy.Abs(across) + outside


def _sphere(ball: Ball, symbols: list[sympy.Symbol]) -> Iterator[tuple[Patch, sympy.Expr]]:
    """The two halves of a sphere, by all coordinates but the first."""
    centre, radius = ball.exact
    offsets = [s - c for s, c in zip(symbols, centre, strict=True)]
    distance = sympy.sqrt(sum(offset**2 for offset in offsets)) - radius
    normals = {s.name: offset / radius for s, offset in zip(symbols, offsets, strict=True)}
    height = sympy.sqrt(radius**2 - sum((offset**2 for offset in offsets[1:]), sympy.S.Zero))
    for sign in (1, -1):
        values = {symbols[0]: centre[0] + sign * height}
        yield Patch(values, normals, f"the sphere of radius {radius}"), distance
