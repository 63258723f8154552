"""A curve of one coordinate as a formula: polynomials, exponentials and waves, known functions."""

from collections.abc import Callable, Iterator

import numpy as np
import sympy

from kansci.solution.field_view import View
from kansci.symbolic.complexity import complexity
from kansci.symbolic.match import match

__all__ = ["curve_formulas", "exponents", "polynomial"]

POINTS = 161
FEW, MOST_DEGREE = 5, 10
"""Degrees of a polynomial that is tried first, and last."""
MOST_EXPONENTS = 4
FIT = 30.0
"""Times the accuracy, which a formula may be off relative to the curve's size."""
LONG = 16
"""Nodes of a formula beyond which known functions are tried as well."""
LARGEST_RATIO = 1e6
POWERS = tuple(map(sympy.Integer, (0, 1, 2, -1)))
INNERS = tuple(map(sympy.Integer, (1, 2)))
"""Powers of the coordinate before and inside of a known function."""
SLACK = 1e-11
"""Relative misfit that is round-off whatever the accuracy."""


def curve_formulas(view: View) -> Iterator[sympy.Expr]:
    """Give formulas that agree with a curve to its accuracy, with fitted numbers.

    Args:
        view: of one coordinate.

    Yields:
        Formulas in its symbol, the plainest first.
    """
    x = np.linspace(view.bounds[0, 0], view.bounds[0, 1], POINTS)
    y, symbol = view(x[:, None]), view.symbols[0]
    if not np.isfinite(y).all():
        return
    allowed = max(FIT * view.accuracy, SLACK)
    found = list(_plain(x, y, symbol, allowed))
    for back, forth in TRANSFORMED:
        with np.errstate(all="ignore"):
            seen = forth(y)
        if np.isfinite(seen).all() and np.abs(seen).max() < LARGEST_RATIO * np.abs(seen).min():
            found += [back(expr) for expr in _plain(x, seen, symbol, allowed)]
    if min(map(complexity, found), default=LONG) >= LONG:
        matches = match(x, y, POWERS, INNERS, top=4)
        found += [m.expr(symbol) for m in matches if m.nrmse <= allowed]
    if not found:
        found = [long for long in (polynomial(x, y, symbol, allowed, MOST_DEGREE),) if long is not None]
    yield from sorted(found, key=complexity)


def _plain(x: np.ndarray, y: np.ndarray, symbol: sympy.Symbol, allowed: float) -> Iterator[sympy.Expr]:
    for found in (polynomial(x, y, symbol, allowed, FEW), exponents(x, y, symbol, allowed)):
        if found is not None:
            yield found


TRANSFORMED: tuple[tuple[Callable[[sympy.Expr], sympy.Expr], Callable[[np.ndarray], np.ndarray]], ...] = (
    (lambda e: e**-2, lambda y: np.where(y > 0, y, np.nan) ** -0.5),
    (lambda e: 1 / e, lambda y: 1 / y),
    (sympy.sqrt, lambda y: np.where(y > 0, y**2, np.nan)),
    (lambda e: 1 / sympy.sqrt(e), lambda y: np.where(y > 0, y, np.nan) ** -2.0),
    (lambda e: e**2, lambda y: np.where(y > 0, y, np.nan) ** 0.5),
    (sympy.exp, lambda y: np.log(np.where(y > 0, y, np.nan))),
)
"""The way back and forth between a function and another one that may be plainer."""


def polynomial(
    x: np.ndarray, y: np.ndarray, symbol: sympy.Symbol, allowed: float, most: int
) -> sympy.Expr | None:
    """Fit the polynomial of the lowest degree that agrees with the curve (x, y)."""
    size = float(np.abs(y).max())
    if size == 0:
        return sympy.S.Zero
    for degree in range(most + 1):
        fit = np.polynomial.Chebyshev.fit(x, y, degree)
        if float(np.abs(fit(x) - y).max()) > allowed * size:
            continue
        coefficients = fit.convert(kind=np.polynomial.Polynomial, domain=[-1, 1], window=[-1, 1]).coef
        reach = float(np.abs(x).max())
        terms = [
            sympy.Float(c, 17) * symbol**k
            for k, c in enumerate(coefficients.tolist())
            if abs(c) * reach**k > 10 * allowed * size
        ]
        return sympy.Add(*terms)
    return None


def exponents(x: np.ndarray, y: np.ndarray, symbol: sympy.Symbol, allowed: float) -> sympy.Expr | None:
    """Fit a sum of few exponentials and waves to an evenly sampled curve.

    The exponents are the eigenvalues of the shift in the space of the samples' delayed copies (ESPRIT: Roy
    and Kailath, IEEE Trans. ASSP 37, 1989).
    """
    size, step = float(np.abs(y).max()), float(x[1] - x[0])
    half = len(y) // 2
    delayed = np.lib.stride_tricks.sliding_window_view(y, half)
    left, singular, _ = np.linalg.svd(delayed.T, full_matrices=False)
    rank = int((singular > max(allowed, 1e-13) * singular[0]).sum())
    for count in range(1, min(rank, MOST_EXPONENTS) + 1):
        space = left[:, :count]
        shift = np.linalg.lstsq(space[:-1], space[1:], rcond=None)[0]
        with np.errstate(all="ignore"):
            rates = np.log(np.linalg.eigvals(shift).astype(complex)) / step
        if not np.isfinite(rates).all():
            continue
        terms = _terms(rates, x, symbol)
        design = np.stack([f for f, _ in terms], axis=1)
        if not np.isfinite(design).all():
            continue
        weights = np.linalg.lstsq(design, y, rcond=None)[0]
        if float(np.abs(design @ weights - y).max()) <= allowed * size:
            parts = [
                sympy.Float(w, 17) * e
                for w, (f, e) in zip(weights, terms, strict=True)
                if np.abs(w * f).max() > 10 * allowed * size
            ]
            return sympy.Add(*parts)
    return None


def _terms(rates: np.ndarray, x: np.ndarray, symbol: sympy.Symbol) -> list[tuple[np.ndarray, sympy.Expr]]:
    """Real functions for complex rates: values (N,) and expressions."""
    width = float(np.ptp(x))
    terms = []
    for rate in rates:
        growth, wave = float(rate.real), float(rate.imag)
        still = abs(growth) * width < 1e-7
        envelope = np.ones_like(x) if still else np.exp(growth * x)
        factor = sympy.S.One if still else sympy.exp(sympy.Float(growth, 17) * symbol)
        if abs(wave) * width < 1e-7:
            terms.append((envelope, factor))
        elif wave > 0:
            inner = sympy.Float(wave, 17) * symbol
            terms.append((envelope * np.cos(wave * x), factor * sympy.cos(inner)))
            terms.append((envelope * np.sin(wave * x), factor * sympy.sin(inner)))
    return terms
