"""What the search for a differential equation gives."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import sympy

from kansci.pde_discovery.terms import Jet, Names, Term

__all__ = ["Equation", "EquationDiscovery", "EquationTerm", "HeldOut"]

DIGITS = 6


@dataclass(frozen=True)
class EquationTerm:
    """A term of an equation.

    Attributes:
        term: as sympy writes it.
        coefficient: its number.
        stderr: standard error of that.
        stability: share of resampled parts of the data in which the term was chosen again.
    """

    term: sympy.Expr
    coefficient: float
    stderr: float
    stability: float

    def latex_size(self, digits: int = DIGITS) -> str:
        """LaTeX of the coefficient without its sign, with its standard error, and of the term."""
        number = rf"\left({_measured(abs(self.coefficient), self.stderr, digits)}\right)"
        if self.term == 1:
            return number
        names = _latex_names(self.term)
        # a thin space keeps names of several letters apart
        product = r" \, " if any("mathrm" in name for name in names.values()) else None
        return rf"{number}\, {sympy.latex(self.term, symbol_names=names, mul_symbol=product)}"

    def to_json(self) -> dict[str, Any]:
        """In JSON's types."""
        return {
            "term": str(self.term),
            "coefficient": self.coefficient,
            "stderr": self.stderr,
            "stability": self.stability,
        }


@dataclass(frozen=True)
class Equation:
    """One equation: a derivative by time, and the terms it is the sum of."""

    left: sympy.Symbol
    terms: tuple[EquationTerm, ...]

    @property
    def right(self) -> sympy.Expr:
        """The right-hand side."""
        return sympy.Add(*(sympy.Float(t.coefficient) * t.term for t in self.terms))

    @property
    def residual(self) -> sympy.Expr:
        """Zero where the equation holds."""
        return self.left - self.right

    def __str__(self) -> str:
        return f"{self.left} = {_sum(self.terms)}"

    @property
    def latex_left(self) -> str:
        """LaTeX of the left-hand side."""
        return _latex_names(self.left)[self.left]

    def latex(self, digits: int = DIGITS) -> str:
        """LaTeX with a standard error behind each coefficient."""
        parts = [f"{'-' if t.coefficient < 0 else '+'} {t.latex_size(digits)}" for t in self.terms]
        return f"{self.latex_left} = {' '.join(parts).removeprefix('+ ') or '0'}"


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Measurements on times that were not used, and the equation solved forward.

    Attributes:
        points: shape (N, d), times ascending.
        measured: shape (N, fields).
        predicted: shape (N, fields).
    """

    points: np.ndarray
    measured: np.ndarray
    predicted: np.ndarray


@dataclass(frozen=True, eq=False)
class EquationDiscovery:
    """Differential equations found from data.

    Attributes:
        equations: one for each field.
        names: of coordinates and fields.
        symbols: symbol -> column.
        time: the coordinate that is time.
        heldout_rel_l2: error on times that were not used, of the equation solved forward, relative to the
            data in the L2 norm; None where it could not be solved or no times were kept back.
        heldout_noise: the share of the noise in that.
        noise: for each field, standard deviation of the noise relative to that of the field.
        misfit: squared residuals of the data relative to the noise, near one where the equation explains
            them.
        rows: how many rows were used.
        seconds: it took.
        seed: of the resampling.
        interrupted: whether it was stopped before its end.
        notes: what was done with the data, and what to beware of.
        heldout: what the equation says on times that were not used; None as for `heldout_rel_l2`.
    """

    equations: tuple[Equation, ...]
    names: Names
    symbols: dict[str, str]
    time: str
    heldout_rel_l2: float | None
    heldout_noise: float | None
    noise: dict[str, float]
    misfit: float
    rows: int
    seconds: float
    seed: int
    interrupted: bool
    notes: tuple[str, ...]
    heldout: HeldOut | None = None

    def __str__(self) -> str:
        return "; ".join(map(str, self.equations))

    def latex(self, digits: int = DIGITS) -> str:
        """LaTeX with standard errors, one line an equation."""
        lines = [equation.latex(digits) for equation in self.equations]
        return lines[0] if len(lines) == 1 else r" \\ ".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The contract of ``kansci discover-pde --json``."""
        listed = [[t.to_json() for t in e.terms] for e in self.equations]
        rows = [
            {"equation": str(e), "latex": e.latex(), "left": e.left.name, "terms": terms}
            for e, terms in zip(self.equations, listed, strict=True)
        ]
        several = len(rows) > 1
        terms = [
            {**({"left": e.left.name} if several else {}), **t}
            for e, ts in zip(self.equations, listed, strict=True)
            for t in ts
        ]
        return {
            "equation": str(self),
            "latex": self.latex(),
            "terms": terms,
            "equations": rows,
            "target": ", ".join(self.names.fields),
            "coordinates": list(self.names.coordinates),
            "time": self.time,
            "symbols": self.symbols,
            "heldout_rel_l2": self.heldout_rel_l2,
            "heldout_noise": self.heldout_noise,
            "noise": self.noise,
            "misfit": self.misfit,
            "rows": self.rows,
            "interrupted": self.interrupted,
            "notes": list(self.notes),
            "seconds": self.seconds,
            "seed": self.seed,
            "version": version("kansci"),
        }


def equation(
    left: Jet,
    terms: tuple[Term, ...],
    c: np.ndarray,
    errors: np.ndarray,
    stability: list[float],
    names: Names,
) -> Equation:
    """The equation of a fit, its largest derivatives last."""
    rows = zip(terms, c, errors, stability, strict=True)
    made = [EquationTerm(t.expression(names), float(a), float(s), float(p)) for t, a, s, p in rows]
    return Equation(names.symbol(left), tuple(made))


def _sum(terms: tuple[EquationTerm, ...]) -> str:
    """Coefficient times term, one after the other."""
    text = ""
    for t in terms:
        number, body = f"{abs(t.coefficient):.{DIGITS}g}", str(t.term)
        written = number if body == "1" else body if number == "1" else f"{number}*{body}"
        text += f" {'-' if t.coefficient < 0 else '+'} {written}"
    return f"-{text[3:]}" if text.startswith(" - ") else text[3:] or "0"


def _measured(value: float, error: float, digits: int) -> str:
    """A number and its error with two digits of the error."""
    if not 0 < error < np.inf:
        return f"{value:.{digits}g}"
    places = max(0, 1 - int(np.floor(np.log10(error))))
    if places > 9 or value >= 1e7:
        return rf"{value:.{digits}g} \pm {error:.1g}"
    return rf"{value:.{places}f} \pm {error:.{places}f}"


def _latex_names(expr: sympy.Expr) -> dict[sympy.Symbol, str]:
    """Subscripts in braces, u_{xx}, and words upright."""
    out: dict[sympy.Symbol, str] = {}
    for symbol in expr.free_symbols:
        name, _, rest = symbol.name.partition("_")
        base = sympy.latex(sympy.Symbol(name))
        if len(name) > 1 and name.isalpha() and not base.startswith("\\"):
            base = rf"\mathrm{{{name}}}"
        out[symbol] = f"{base}_{{{rest.replace('_', ',')}}}" if rest else base
    return out
