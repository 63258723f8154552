"""A differential equation with its domain and conditions, as sympy expressions.

Unknown functions are applied sympy functions u(x, t), derivatives are `sympy.Derivative` of them; everything
a network needs to know is in `Problem`, and everything a proof needs too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import sympy

from kansci.pde.domain import Domain

__all__ = ["Condition", "Face", "Field", "Observations", "Problem", "UnknownConstant"]


@dataclass(frozen=True)
class Field:
    """An unknown real function of some of the coordinates.

    Attributes:
        name: as the equations write it.
        arguments: names of its coordinates, in the order of the problem's.
        sought: False for a function that is solved for, True for a coefficient that is to be found from data.
    """

    name: str
    arguments: tuple[str, ...]
    sought: bool = False

    @property
    def function(self) -> sympy.Expr:
        """The function applied to its coordinates."""
        return sympy.Function(self.name)(*(sympy.Symbol(a, real=True) for a in self.arguments))


@dataclass(frozen=True)
class Face:
    """A part of the boundary where a condition holds.

    Attributes:
        axis: coordinate that is constant there; None for the boundary of a shape in space.
        value: of that coordinate.
        name: as the user wrote it: "t = 0", "x = -1", "boundary", "hole".
    """

    axis: str | None
    value: float
    name: str


@dataclass(frozen=True)
class Condition:
    """An equation on a part of the boundary.

    Attributes:
        face: where.
        residual: zero there; in the fields, their derivatives and the coordinates. The derivative along the
            outward normal n is sum_i n_i du/dx_i with the symbols `normal_x`, `normal_y`, ....
        text: as the user wrote it.
    """

    face: Face
    residual: sympy.Expr
    text: str


@dataclass(frozen=True)
class UnknownConstant:
    """A constant that is to be found from data, with the value the search starts from."""

    name: str
    start: float


@dataclass(frozen=True, eq=False)
class Observations:
    """Measured values of a field.

    Attributes:
        field: name.
        points: shape (N, d), in the order of the problem's coordinates.
        values: shape (N,).
        sigma: standard deviation of the values; None where it is not known.
    """

    field: str
    points: np.ndarray
    values: np.ndarray
    sigma: float | None = None


@dataclass(frozen=True, eq=False)
class Problem:
    """What is to be solved.

    Attributes:
        name: of the problem.
        coordinates: names, in the order of every array of points.
        time: the coordinate that is time, if there is one (it has conditions at one end only).
        fields: the unknown functions.
        equations: residuals, zero inside the domain; known constants are already put in.
        texts: the equations as the user wrote them.
        domain: of all coordinates, time included.
        conditions: on its boundary; a periodic axis has none.
        parameters: known constants by name, for the report.
        unknowns: constants that are to be found.
        observations: data for an inverse problem.
        exact: the solution by field name where it is known; empty otherwise.
        title: one line for a human.
        source: where the problem comes from.
        notes: what a user should know, such as conditions that do not meet in a corner.
    """

    name: str
    coordinates: tuple[str, ...]
    time: str | None
    fields: tuple[Field, ...]
    equations: tuple[sympy.Expr, ...]
    texts: tuple[str, ...]
    domain: Domain
    conditions: tuple[Condition, ...]
    parameters: Mapping[str, sympy.Expr] = field(default_factory=dict)
    unknowns: tuple[UnknownConstant, ...] = ()
    observations: tuple[Observations, ...] = ()
    exact: Mapping[str, sympy.Expr] = field(default_factory=dict)
    title: str = ""
    source: str = ""
    notes: tuple[str, ...] = ()

    @property
    def symbols(self) -> tuple[sympy.Symbol, ...]:
        """The coordinates as sympy symbols."""
        return tuple(sympy.Symbol(name, real=True) for name in self.coordinates)
