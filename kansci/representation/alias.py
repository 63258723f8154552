"""Waves that evenly spaced samples cannot tell apart."""

from collections.abc import Mapping

import numpy as np
import sympy

__all__ = ["unaliased"]

_EVEN = 1e-6


def unaliased(expr: sympy.Expr, axes: Mapping[sympy.Symbol, np.ndarray]) -> sympy.Expr:
    """Replace sines and cosines beyond Nyquist's frequency by the slow ones with the same samples.

    At x = x0 + n h a phase w x + c is, but for whole turns, (w - 2 pi m / h) x + c + 2 pi m x0 / h.

    Args:
        expr: in the symbols of the axes.
        axes: by symbol, positions of the samples; where they are not evenly spaced, all waves stay.

    Returns:
        The expression; its values at the samples are the same.
    """
    for symbol, positions in axes.items():
        step = float(np.mean(np.diff(positions)))
        if np.allclose(np.diff(positions), step, rtol=_EVEN, atol=0):
            expr = _along(expr, symbol, float(positions[0]), step)
    return expr


def _along(expr: sympy.Expr, symbol: sympy.Symbol, start: float, step: float) -> sympy.Expr:
    slower = {}
    for wave in expr.atoms(sympy.sin, sympy.cos):
        phase = wave.args[0]
        rate = sympy.diff(phase, symbol)
        if rate.free_symbols or not rate.is_number:
            continue
        turns = round(float(rate) * step / (2 * np.pi))
        if turns:
            constant = phase.subs(symbol, 0) + 2 * np.pi * turns * start / step
            slower[wave] = wave.func((float(rate) - 2 * np.pi * turns / step) * symbol + constant)
    return expr.xreplace(slower)
