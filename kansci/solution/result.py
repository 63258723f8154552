"""What solving a differential equation gives: the fields, a closed form with its proof, errors and times."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from kansci._version import __version__
from kansci.errors import SettingsError
from kansci.pde.jets import Index
from kansci.pde.problem import Problem
from kansci.pde.solver import NumericalSolution, SolveSettings
from kansci.solution.bounds import Bound
from kansci.solution.compare import Comparison
from kansci.solution.prove import Proof
from kansci.symbolic.formula import Formula

__all__ = ["Estimated", "Solution"]

DEVIATIONS_95 = 1.959963984540054
"""Half the width of a 95 % interval of a normal distribution, in standard deviations."""
ROUGH = 1e-3
"""Relative residual above which a solution needs to be confirmed."""


@dataclass(frozen=True)
class Estimated:
    """An unknown constant as the data have it.

    Attributes:
        name: of the constant.
        value: the best estimate.
        stderr: its standard error; nan where there is none.
        exact: the true value, where the problem states it.
    """

    name: str
    value: float
    stderr: float
    exact: float | None = None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval."""
        half = DEVIATIONS_95 * self.stderr
        return self.value - half, self.value + half

    def to_json(self) -> dict[str, Any]:
        """The constant as plain data."""
        return {
            "name": self.name,
            "value": self.value,
            "stderr": self.stderr,
            "interval": list(self.interval),
            "exact": self.exact,
        }


@dataclass(frozen=True, eq=False)
class Solution:
    """A solved differential equation.

    Attributes:
        problem: as stated.
        settings: how it was solved.
        numerical: the fields everywhere, as networks.
        formulas: the closed form by field, in the problem's coordinates; None where none was found.
        proof: of the closed form; None where there is none.
        reference: how far the fields are from the exact solution or a classical one; None if not compared.
        bound: of the largest error, where theory gives one; None if not asked for.
        seconds: of all parts together; those of the numerical part are `numerical.seconds`.
        statement: the settings of a TOML file that state the problem; None if it was given ready-made.
        interrupted: whether it was stopped from outside.
    """

    problem: Problem
    settings: SolveSettings
    numerical: NumericalSolution
    formulas: Mapping[str, sympy.Expr] | None = None
    proof: Proof | None = None
    reference: Comparison | None = None
    bound: Bound | None = None
    seconds: float = 0.0
    statement: Mapping[str, Any] | None = None
    interrupted: bool = False

    @property
    def proved(self) -> bool:
        """Whether the closed form is proved to solve the problem."""
        return self.proof is not None and self.proof.proved

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields, those that were sought included."""
        return tuple(field.name for field in self.problem.fields)

    @property
    def constants(self) -> tuple[Estimated, ...]:
        """The unknown constants, from data."""
        truth = {n: float(e) for n, e in self.problem.exact.items() if not e.free_symbols}
        found = self.numerical.constants().items()
        return tuple(Estimated(name, value, error, truth.get(name)) for name, (value, error) in found)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know."""
        return (*self.problem.notes, *self._own_notes())

    def _own_notes(self) -> Iterator[str]:
        if self.reference is not None and self.reference.reason:
            yield f"no reference solution: {self.reference.reason}"
        if self.formulas is not None and not self.proved:
            yield "the closed form agrees with the numerical solution, but is not proved"
        confirmed = self.proved or (self.reference is not None and bool(self.reference.rms))
        if self.numerical.residual > ROUGH and not confirmed:
            yield (
                f"the equations are met to a share of {self.numerical.residual:.2g} only, and nothing "
                "confirms the solution: there may be none, or it needs more --seconds"
            )
        if any(math.isnan(constant.stderr) for constant in self.constants):
            yield "no standard errors: there are no more values than parameters, the fit is arbitrary"

    def evaluate(self, name: str, points: np.ndarray, index: Index | None = None) -> np.ndarray:
        """Evaluate a field of the numerical solution, or a derivative of it.

        Args:
            name: of the field.
            points: shape (N, d), the problem's coordinates.
            index: order of the derivative by each of the field's own arguments.

        Returns:
            Shape (N,).

        Raises:
            SettingsError: there is no such field, or the points have other coordinates.
        """
        if name not in self.fields:
            raise SettingsError(f"there is no field '{name}': choose one of {', '.join(self.fields)}")
        points = np.asarray(points, dtype=np.float64)
        wanted = len(self.problem.coordinates)
        if points.ndim != 2 or points.shape[1] != wanted:
            names = ", ".join(self.problem.coordinates)
            raise SettingsError(f"points of shape {points.shape}: give (N, {wanted}), columns {names}")
        return self.numerical.evaluate(name, points, index)

    def predict(self, points: np.ndarray) -> dict[str, np.ndarray]:
        """Evaluate all fields at points (N, d): by the closed form where it is proved, else numerically.

        Args:
            points: shape (N, d), the problem's coordinates.

        Returns:
            Field -> values (N,).
        """
        if self.proved:
            names = {name: name for name in self.problem.coordinates}
            return {name: Formula(self.plain(name), names, name).predict(points) for name in self.fields}
        return {name: self.evaluate(name, points) for name in self.fields}

    def plain(self, name: str) -> sympy.Expr:
        """The closed form of a field in symbols without assumptions, as formulas of this package have them.

        Raises:
            SettingsError: there is no closed form.
        """
        if self.formulas is None or name not in self.formulas:
            raise SettingsError(f"{self.problem.name}: there is no closed form of {name}")
        expr = self.formulas[name]
        return expr.xreplace({s: sympy.Symbol(s.name) for s in expr.free_symbols})

    def formula(self, name: str | None = None) -> Formula:
        """The closed form of a field, the first by default, ready to be evaluated and exported."""
        name = name or self.fields[0]
        arguments = next(f.arguments for f in self.problem.fields if f.name == name)
        return Formula(self.plain(name), {a: a for a in arguments}, name)

    def latex(self) -> str | None:
        """LaTeX of the closed form, one line a field; None if there is none."""
        if self.formulas is None:
            return None
        return " \\\\\n".join(self.formula(name).latex() for name in self.formulas)

    def to_json(self) -> dict[str, Any]:
        """The result as plain data; ``json_text`` of `kansci.storage` writes it without NaN."""
        first, reference = self.fields[0], self.reference
        compared = reference is not None and bool(reference.rms)
        fields = {name: self._field_json(name) for name in self.fields}
        return {
            "problem": self.problem.name,
            "title": self.problem.title,
            "equations": list(self.problem.texts),
            "formula": fields[first]["formula"],
            "latex": fields[first]["latex"],
            "proved": self.proved,
            "proof": None if self.proof is None else self.proof.sentence,
            "fields": fields,
            "method": self.numerical.method,
            "residual": self.numerical.residual,
            "change": self.numerical.change,
            "rmse": max(reference.rms.values()) if reference is not None and compared else None,
            "rel_l2": max(reference.rel_l2.values()) if reference is not None and compared else None,
            "reference": reference.against if reference is not None and compared else None,
            "reference_method": None if reference is None else reference.classical or None,
            "reference_seconds": None if reference is None else reference.seconds,
            "reference_error": None if reference is None else reference.error,
            "bound": None if self.bound is None else self.bound.value,
            "bound_how": None if self.bound is None else self.bound.how,
            "bound_rigorous": None if self.bound is None else self.bound.rigorous,
            "constants": [constant.to_json() for constant in self.constants],
            "parameters": self.numerical.n_parameters,
            "notes": list(self.notes),
            "interrupted": self.interrupted,
            "seconds": round(self.numerical.seconds, 3),
            "total_seconds": round(self.seconds, 3),
            "seed": self.settings.seed,
            "version": __version__,
        }

    def _field_json(self, name: str) -> dict[str, Any]:
        formula = None if self.formulas is None or name not in self.formulas else self.formula(name)
        reference = self.reference
        return {
            "formula": None if formula is None else formula.text,
            "latex": None if formula is None else formula.latex(),
            "rmse": None if reference is None else reference.rms.get(name),
            "rel_l2": None if reference is None else reference.rel_l2.get(name),
        }
