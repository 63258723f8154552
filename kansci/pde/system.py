"""A problem made ready for networks: residuals compiled, conditions met exactly or left to them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import sympy

from kansci.pde.compiled import Residual, compile_residual
from kansci.pde.field_model import FieldModel, Known
from kansci.pde.hard_conditions import ansatz
from kansci.pde.networks.network import Network
from kansci.pde.problem import Condition, Problem

__all__ = ["System", "prepare"]


@dataclass(frozen=True, eq=False)
class System:
    """What the solvers work with.

    Attributes:
        problem: as stated.
        equations: compiled residuals of the equations.
        soft: conditions that enter the least squares, with their compiled residuals.
        particular: by field, g of u = g + phi N.
        factor: by field, phi.
        time_order: by field, its highest derivative by time.
    """

    problem: Problem
    equations: tuple[Residual, ...]
    soft: tuple[tuple[Condition, Residual], ...]
    particular: Mapping[str, sympy.Expr]
    factor: Mapping[str, sympy.Expr]
    time_order: Mapping[str, int]

    @property
    def linear(self) -> bool:
        """Whether every residual is linear in the fields and no constant is sought."""
        return all(r.linear for r in (*self.equations, *(r for _, r in self.soft)))

    @property
    def bounds(self) -> np.ndarray:
        """Ends of the coordinates, (d, 2)."""
        return self.problem.domain.bounds

    @property
    def constants(self) -> tuple[str, ...]:
        """Names of the unknown constants."""
        return tuple(c.name for c in self.problem.unknowns)

    def is_periodic(self, coordinate: int) -> bool:
        """Say whether the ends of a coordinate are one."""
        return self.problem.coordinates[coordinate] in self.problem.domain.periodic

    def model(self, name: str, network: Network) -> FieldModel:
        """Give a field on the whole domain, with a network and what meets its conditions."""
        own = self.axes_of(name)
        symbols = [self.problem.symbols[k] for k in own]
        known = (Known(self.particular[name], symbols), Known(self.factor[name], symbols))
        return FieldModel(network, own, self.bounds[list(own)], *known)

    def axes_of(self, name: str) -> tuple[int, ...]:
        """Say which coordinates are a field's arguments."""
        field = next(f for f in self.problem.fields if f.name == name)
        return tuple(self.problem.coordinates.index(a) for a in field.arguments)


def prepare(problem: Problem) -> System:
    """Compile a problem's residuals and find what meets its conditions exactly."""
    unknown = {sympy.Symbol(c.name, real=True): c.name for c in problem.unknowns}
    normals = tuple(sympy.Symbol(f"normal_{axis}", real=True) for axis in problem.coordinates)
    exact = ansatz(problem, smooth_only=True)
    equations = tuple(compile_residual(e, problem.symbols, unknown) for e in problem.equations)
    soft = tuple((c, compile_residual(c.residual, (*problem.symbols, *normals), unknown)) for c in exact.soft)
    return System(problem, equations, soft, exact.particular, exact.factor, _time_orders(problem, equations))


def _time_orders(problem: Problem, equations: tuple[Residual, ...]) -> dict[str, int]:
    orders = {field.name: 0 for field in problem.fields}
    for field in problem.fields:
        if problem.time not in field.arguments:
            continue
        place = field.arguments.index(problem.time)
        found = [index[place] for r in equations for name, index in r.components if name == field.name]
        orders[field.name] = max(found, default=0)
    return orders
