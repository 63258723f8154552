"""A required form with a cubic spline for every unknown function, fitted by Levenberg-Marquardt.

The splines' knots are laid over what their arguments are now, and laid again as these move; the
grids grow while the error on held-out rows falls. Beyond its knots a spline goes on as a line.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import sympy
from scipy.interpolate import BSpline

from kansci.search.rows import Rows
from kansci.search.template import Template, name_of
from kansci.symbolic.least_squares import levenberg_marquardt
from kansci.symbolic.parametric import Parametric

__all__ = ["FormFit", "fit_form_splines"]

STARTS = 12
FIRST_STEPS, STEPS = 15, 25
GRIDS = (3, 6, 12, 24)
ROUNDS = 2
"""Times that the knots are laid again on each grid."""
MOST_ROWS = 1000
FALLS = 0.8


@dataclass(frozen=True)
class Spline:
    """Knots and coefficients (K,) of a cubic spline."""

    knots: np.ndarray
    coefficients: np.ndarray

    def basis(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The basis functions at t (N,) and their slopes, (N, K) each."""
        inside = np.clip(t, self.knots[0], self.knots[-1])
        splines = BSpline(self.knots, np.eye(len(self.coefficients)), 3)
        slopes = splines.derivative()(inside)
        return splines(inside) + slopes * (t - inside)[:, None], slopes

    def __call__(self, t: np.ndarray) -> np.ndarray:
        """Values (N,)."""
        return self.basis(t)[0] @ self.coefficients


@dataclass(frozen=True)
class FormFit:
    """A form with values of its constants (C,) and a spline for every function."""

    template: Template
    symbols: tuple[sympy.Symbol, ...]
    constants: np.ndarray
    splines: dict[str, Spline]

    @cached_property
    def _parts(self) -> list[Parametric]:
        """The argument of every call, and the form, in the columns; constants and calls are parameters."""
        calls = self.template.calls
        stand_ins = {call: sympy.Dummy(f"u{k}", real=True) for k, call in enumerate(calls)}
        parameters = (*self.template.constants, *stand_ins.values())
        return [
            Parametric(e.xreplace(stand_ins), self.symbols, parameters, np.zeros(len(parameters)))
            for e in (*(call.args[0] for call in calls), self.template.expr)
        ]

    @property
    def parameters(self) -> np.ndarray:
        """The constants, then the coefficients of every spline: (P,)."""
        return np.concatenate([self.constants, *(s.coefficients for s in self.splines.values())])

    def with_parameters(self, p: np.ndarray) -> "FormFit":
        """The form with other values (P,)."""
        ends = np.cumsum([len(self.constants), *(len(s.coefficients) for s in self.splines.values())])
        constants, *coefficients = np.split(p, ends[:-1])
        splines = {
            name: replace(spline, coefficients=c)
            for (name, spline), c in zip(self.splines.items(), coefficients, strict=True)
        }
        return self._with(constants, splines)

    def with_spline(self, name: str, spline: Spline) -> "FormFit":
        """The form with one function given or changed."""
        return self._with(self.constants, {**self.splines, name: spline})

    def _with(self, constants: np.ndarray, splines: dict[str, Spline]) -> "FormFit":
        copy = FormFit(self.template, self.symbols, constants, splines)
        copy.__dict__["_parts"] = self._parts
        return copy

    def arguments(self, name: str, columns: Sequence[np.ndarray]) -> np.ndarray:
        """All arguments (M,) that a function is given; those in it must have splines, it need not."""
        pairs = zip(self.template.calls, self._calls(columns)[0], strict=True)
        return np.concatenate([t for call, t in pairs if name_of(call) == name])

    def predict(self, columns: Sequence[np.ndarray]) -> np.ndarray:
        """Values of the form (N,)."""
        return self._parts[-1].predict(columns, [*self.constants, *self._calls(columns)[1]])

    def jacobian(self, columns: Sequence[np.ndarray]) -> np.ndarray:
        """Derivatives of the form (N, P), forward through the calls."""
        arguments, values = self._calls(columns)
        blocks = self._blocks()
        slopes: list[np.ndarray] = []
        for k, (call, part) in enumerate(zip((*self.template.calls, None), self._parts, strict=True)):
            local = part.jacobian(columns, [*self.constants, *values])
            total = np.zeros((len(columns[0]), len(self.parameters)))
            total[:, : len(self.constants)] = local[:, : len(self.constants)]
            for j, inner in enumerate(slopes):
                total += local[:, len(self.constants) + j, None] * inner
            if call is not None:
                spline = self.splines[name_of(call)]
                basis, rise = spline.basis(arguments[k])
                total *= (rise @ spline.coefficients)[:, None]
                total[:, blocks[name_of(call)]] += basis
            slopes.append(total)
        return slopes[-1]

    def _blocks(self) -> dict[str, slice]:
        """Where each spline's coefficients are among the parameters."""
        found, start = {}, len(self.constants)
        for name, spline in self.splines.items():
            found[name] = slice(start, start + len(spline.coefficients))
            start += len(spline.coefficients)
        return found

    def _calls(self, columns: Sequence[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Argument and value of every call, (N,) each."""
        calls = self.template.calls
        arguments: list[np.ndarray] = []
        values: list = [0.0] * len(calls)  # of the calls not reached yet nothing is used
        for k, call in enumerate(calls):
            arguments.append(self._parts[k].predict(columns, [*self.constants, *values]))
            spline = self.splines.get(name_of(call))
            values[k] = np.nan if spline is None else spline(arguments[k])
        return arguments, values


def fit_form_splines(
    template: Template, symbols: Sequence[sympy.Symbol], rows: Rows, seed: int, deadline: float
) -> tuple[FormFit, float] | None:
    """The least-squares constants and splines of a form.

    Args:
        template: The form.
        symbols: Symbols of the columns.
        rows: The table; the held-out rows choose the grids.
        seed: Seed of the starts.
        deadline: Monotonic time after which no further grid is tried.

    Returns:
        The fit and its loss on held-out rows; None if the form is not finite on the rows at any start.
    """
    some = np.linspace(0, len(rows.train) - 1, min(len(rows.train), MOST_ROWS)).astype(int)
    train = replace(rows, train=rows.train[some])
    rng = np.random.default_rng(seed)
    starts = [_start(template, tuple(symbols), train, rng, k) for k in range(STARTS)]
    fits = [_fitted(start, train, FIRST_STEPS) for start in starts if start is not None]
    best = min(fits, key=lambda fit: rows.loss(fit.predict(rows.columns), train.train), default=None)
    if best is None or not np.isfinite(rows.loss(best.predict(rows.columns), train.train)):
        return None
    held = rows.loss(best.predict(rows.columns), rows.held)
    for intervals in GRIDS:
        fit = best
        size = len(fit.constants) + len(fit.splines) * (intervals + 3)
        if 3 * size > len(train.train) or time.monotonic() > deadline:
            break
        for _ in range(ROUNDS):
            fit = _fitted(_laid_again(fit, train, intervals), train, STEPS)
        loss = rows.loss(fit.predict(rows.columns), rows.held)
        if intervals > GRIDS[0] and not loss < FALLS * held:
            break
        best, held = fit, loss
    return best, held


def _columns(rows: Rows) -> list[np.ndarray]:
    return [x[rows.train] for x in rows.columns]


def _start(
    template: Template, symbols: tuple[sympy.Symbol, ...], rows: Rows, rng: np.random.Generator, number: int
) -> FormFit | None:
    """Constants of drawn sizes and straight functions, ones at first; None if that is not finite."""
    sizes = 10.0 ** rng.uniform(-1, 1, len(template.constants))
    constants = sizes * rng.choice([-1.0, 1.0], len(sizes)) if number else np.ones_like(sizes)
    fit = FormFit(template, symbols, constants, {})
    columns = _columns(rows)
    for name in template.functions:
        t = fit.arguments(name, columns)
        level, rise = rng.normal(size=2) if number else np.ones(2)
        if not np.isfinite(t).all() or np.ptp(t) == 0:
            return None
        line = level + rise * (t - t.mean()) / t.std()
        fit = fit.with_spline(name, _spline_through(t, line, GRIDS[0]))
    return fit if np.isfinite(fit.predict(columns)).all() else None


def _spline_through(t: np.ndarray, values: np.ndarray, intervals: int) -> Spline:
    """The least-squares spline with knots at quantiles of t (N,)."""
    distinct = np.unique(t)
    inner = np.unique(np.quantile(distinct, np.linspace(0, 1, min(intervals, len(distinct) - 1) + 1)))
    knots = np.concatenate([[inner[0]] * 3, inner, [inner[-1]] * 3])
    spline = Spline(knots, np.zeros(len(inner) + 2))
    return replace(spline, coefficients=np.linalg.lstsq(spline.basis(t)[0], values, rcond=1e-11)[0])


def _laid_again(fit: FormFit, rows: Rows, intervals: int) -> FormFit:
    """The same functions with knots over what their arguments are now."""
    columns = _columns(rows)
    for name in fit.template.functions:
        t = fit.arguments(name, columns)
        if np.isfinite(t).all() and np.ptp(t) > 0:
            fit = fit.with_spline(name, _spline_through(t, fit.splines[name](t), intervals))
    return fit


def _fitted(fit: FormFit, rows: Rows, steps: int) -> FormFit:
    columns, y, weight = _columns(rows), rows.y[rows.train], rows.weight[rows.train]
    found = levenberg_marquardt(
        lambda p: weight * (fit.with_parameters(p).predict(columns) - y),
        lambda p: weight[:, None] * fit.with_parameters(p).jacobian(columns),
        fit.parameters,
        steps=steps,
    )
    return fit.with_parameters(found.values)
