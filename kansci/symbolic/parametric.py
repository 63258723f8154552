"""An expression whose numbers are free: evaluate, differentiate and refit them together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy

from kansci.errors import FormulaError
from kansci.expressions.custom import written_out
from kansci.symbolic.least_squares import Fit, levenberg_marquardt

__all__ = ["Parametric", "compile_expr"]

MODULES = ("numpy", "scipy")
CLOSE = 0.05
"""Relative difference of two fitted numbers that may be one."""
DIFFERENCE = 6e-6
"""Relative step of a central difference: the cube root of round-off."""
_MARK = sympy.Dummy("mark", real=True)
Values = np.ndarray | Sequence[Any]


def compile_expr(expr: sympy.Expr, symbols: Sequence[sympy.Symbol]) -> Callable[..., np.ndarray]:
    """Numpy function of the columns ``symbols``; where the expression is not real it gives nan.

    Args:
        expr: The expression.
        symbols: Its free symbols, in the order of the arguments.

    Returns:
        A function of ``len(symbols)`` arrays (N,) that returns (N,) float64.
    """
    real_expr, arguments = _over_the_reals(expr, symbols)
    raw = sympy.lambdify(arguments, real_expr, modules=MODULES, cse=True)

    def evaluate(*columns: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            value = np.asarray(raw(*columns))
        value = real(value)
        shape = np.broadcast_shapes(value.shape, *(np.shape(column) for column in columns))
        return np.broadcast_to(value, shape)

    return evaluate


def _over_the_reals(
    expr: sympy.Expr, symbols: Sequence[sympy.Symbol]
) -> tuple[sympy.Expr, list[sympy.Symbol]]:
    """The same with real stand-ins: ``Abs`` has a derivative then, and no column hides a function."""
    stand_ins = {s: s if s.is_real else sympy.Dummy(f"v{k}", real=True) for k, s in enumerate(symbols)}
    return written_out(expr).xreplace(stand_ins), list(stand_ins.values())


def _compiled_slopes(model: "Parametric", which: slice) -> Callable[..., list]:
    """Numpy function of the derivatives with respect to some of the variables and parameters."""
    expr, arguments = _over_the_reals(model.expr, (*model.variables, *model.parameters))
    return sympy.lambdify(arguments, [_slope(expr, a) for a in arguments[which]], modules=MODULES, cse=True)


def _slope(expr: sympy.Expr, symbol: sympy.Symbol) -> sympy.Expr:
    """The derivative almost everywhere: steps are flat.

    Raises:
        FormulaError: There is no closed form, as for the order of a Bessel function.
    """
    slope = sympy.diff(expr, symbol)
    flat = slope.atoms(sympy.DiracDelta) | {
        part
        for part in slope.atoms(sympy.Derivative, sympy.Subs)
        if part.expr.has(sympy.floor, sympy.ceiling)
    }
    slope = slope.xreplace(dict.fromkeys(flat, sympy.S.Zero))
    if slope.has(sympy.Derivative, sympy.Subs):
        raise FormulaError(f"a parameter of {expr} has no derivative in closed form: give it a value")
    return slope


def real(value: np.ndarray) -> np.ndarray:
    """The array as float64, nan where it has an imaginary part."""
    if np.iscomplexobj(value):
        value = np.where(np.abs(value.imag) <= 1e-12 * np.abs(value.real), value.real, np.nan)
    return value.astype(float)


@dataclass(frozen=True)
class Parametric:
    """``expr`` in the symbols ``variables`` and ``parameters``; ``values`` (P,) fills the latter."""

    expr: sympy.Expr
    variables: tuple[sympy.Symbol, ...]
    parameters: tuple[sympy.Symbol, ...]
    values: np.ndarray

    @classmethod
    def of(cls, expr: sympy.Expr, variables: Sequence[sympy.Symbol]) -> "Parametric":
        """Free every floating-point number of ``expr``; integers, fractions and pi are its form."""
        floats: dict[sympy.Float, sympy.Symbol] = {}
        for number in sorted(expr.atoms(sympy.Float), key=lambda f: (abs(f), f)):
            if -number in floats:
                continue
            floats[number] = sympy.Dummy(f"c{len(floats)}", real=True)
        replacement = {**floats, **{-number: -dummy for number, dummy in floats.items()}}
        free = expr.xreplace(replacement)
        return cls(free, tuple(variables), tuple(floats.values()), np.array([float(f) for f in floats]))

    @cached_property
    def _model(self) -> Callable[..., np.ndarray]:
        return compile_expr(self.expr, (*self.variables, *self.parameters))

    @cached_property
    def _derivatives(self) -> Callable[..., list]:
        return _compiled_slopes(self, slice(len(self.variables), None))

    @cached_property
    def _input_derivatives(self) -> Callable[..., list]:
        return _compiled_slopes(self, slice(len(self.variables)))

    def predict(self, columns: Sequence[np.ndarray], values: Values | None = None) -> np.ndarray:
        """Model values (N,) at the columns (one array (N,) a variable); a parameter may be an array too."""
        return self._model(*columns, *(self.values if values is None else values))

    def jacobian(self, columns: Sequence[np.ndarray], values: Values | None = None) -> np.ndarray:
        """Derivatives (N, P) with respect to the parameters."""
        J = self._slopes(self._derivatives, len(self.parameters), columns, values)
        return J if np.isfinite(J).all() else self._filled(J, columns, values)

    def _filled(self, J: np.ndarray, columns: Sequence[np.ndarray], values: Values | None) -> np.ndarray:
        """The same with central differences where the closed form is 0 times infinity, as in 0**p log 0."""
        point = list(self.values if values is None else values)
        for k in np.flatnonzero(~np.isfinite(J).all(axis=0)):
            rows = ~np.isfinite(J[:, k])
            some = [column[rows] for column in columns]
            middle = [value[rows] if np.ndim(value) else value for value in point]
            step = DIFFERENCE * np.maximum(np.abs(middle[k]), 1.0)
            ends = (self.predict(some, [*middle[:k], middle[k] + s, *middle[k + 1 :]]) for s in (step, -step))
            with np.errstate(all="ignore"):
                J[rows, k] = np.subtract(*ends) / (2 * step)
        return J

    def input_slopes(self, columns: Sequence[np.ndarray], values: Values | None = None) -> np.ndarray:
        """Derivatives (N, I) with respect to the variables."""
        return self._slopes(self._input_derivatives, len(self.variables), columns, values)

    def _slopes(
        self,
        derivatives: Callable[..., list],
        count: int,
        columns: Sequence[np.ndarray],
        values: Values | None,
    ) -> np.ndarray:
        point = self.values if values is None else values
        J = np.zeros((len(columns[0]) if len(columns) else 1, count))
        with np.errstate(all="ignore"):
            for k, slope in enumerate(derivatives(*columns, *point) if count else ()):
                J[:, k] = real(np.asarray(slope))
        return J

    def refit(
        self,
        columns: Sequence[np.ndarray],
        y: np.ndarray,
        weight: np.ndarray | None = None,
        steps: int = 200,
        free: np.ndarray | None = None,
    ) -> tuple["Parametric", Fit]:
        """All parameters together by least squares.

        Args:
            columns: One array (N,) a variable.
            y: Target (N,).
            weight: Factor of each residual (N,), 1 by default.
            steps: The most Levenberg-Marquardt steps.
            free: Indices of the parameters that may move, all by default.

        Returns:
            The refitted copy, and the fit (its ``rss`` is infinite if the model is not finite).
        """
        w = 1.0 if weight is None else weight
        moving = np.arange(len(self.values)) if free is None else free

        def point(p: np.ndarray) -> np.ndarray:
            values = self.values.copy()
            values[moving] = p
            return values

        with np.errstate(over="ignore", invalid="ignore"):  # far from the solution; the step is refused then
            fit = levenberg_marquardt(
                lambda p: w * (self.predict(columns, point(p)) - y),
                lambda p: np.reshape(w, (-1, 1)) * self.jacobian(columns, point(p))[:, moving],
                self.values[moving],
                steps=steps,
            )
        return self.with_values(point(fit.values)), fit

    def with_values(self, values: np.ndarray) -> "Parametric":
        """The same form with other values; the compiled functions are shared."""
        copy = Parametric(self.expr, self.variables, self.parameters, np.asarray(values, float))
        for name in ("_model", "_derivatives", "_input_derivatives"):
            if name in self.__dict__:
                copy.__dict__[name] = self.__dict__[name]
        return copy

    def tied(self) -> "Parametric":
        """The form with one parameter for close numbers that stand in one place of like arguments or terms.

        Such are the frequencies in ``a sin(v x) + b cos(w x)``, and the rates in ``v x - log(1 - exp(w x))``.
        """
        kept: list[int] = []
        twins: dict[sympy.Symbol, sympy.Symbol] = {}
        for k, value in enumerate(self.values):
            near = (m for m in kept if abs(value - self.values[m]) <= CLOSE * abs(value))
            twin = next((m for m in near if self._places(m) & self._places(k)), None)
            if twin is None:
                kept.append(k)
            else:
                twins[self.parameters[k]] = self.parameters[twin]
        names = tuple(self.parameters[k] for k in kept)
        return Parametric(self.expr.xreplace(twins), self.variables, names, self.values[kept])

    def _places(self, k: int) -> set[sympy.Expr]:
        """The arguments of functions and the terms that hold parameter k, with a mark in its place."""
        parameter = self.parameters[k]
        arguments = [f.args[0] for f in self.expr.atoms(sympy.Function) if f.has(parameter)]
        terms = [term for term in sympy.Add.make_args(self.expr) if term.has(parameter) and term != parameter]
        return {part.xreplace({parameter: _MARK}) for part in (*arguments, *terms)}

    def fixed(self, constants: dict[sympy.Symbol, sympy.Expr]) -> "Parametric":
        """The form with some parameters replaced by exact numbers."""
        keep = [k for k, parameter in enumerate(self.parameters) if parameter not in constants]
        return Parametric(
            self.expr.xreplace(constants),
            self.variables,
            tuple(self.parameters[k] for k in keep),
            self.values[keep],
        )

    def to_expr(self) -> sympy.Expr:
        """The expression with its numbers filled in."""
        return self.expr.xreplace(
            {p: sympy.Float(float(v), 17) for p, v in zip(self.parameters, self.values, strict=True)}
        )
