"""Residuals of equations and conditions as numpy functions of jets, with their slopes by every component."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from kansci.errors import FormulaError
from kansci.pde.jets import Index

__all__ = ["Component", "Residual", "compile_residual", "misfit"]

Component = tuple[str, Index]
"""A field's name and the derivative, by the field's own arguments."""


@dataclass(frozen=True, eq=False)
class Residual:
    """A residual as a function of points, field components and unknown constants.

    Attributes:
        components: the fields' derivatives that occur.
        constants: names of the unknown constants that occur.
        value: (columns of everything, each (N,)) -> (N,).
        slopes: the same -> derivatives by each component, then each constant; each broadcasts to (N,).
        linear: whether it is linear in the components and holds no unknown constant.
        n_columns: number of known columns that come first.
    """

    components: tuple[Component, ...]
    constants: tuple[str, ...]
    value: Callable[..., np.ndarray]
    slopes: Callable[..., list[np.ndarray]]
    linear: bool
    n_columns: int = 0


def compile_residual(
    expr: sympy.Expr, places: Sequence[sympy.Symbol], constants: Mapping[sympy.Symbol, str]
) -> Residual:
    """Compile a residual.

    Args:
        expr: in applied functions, their derivatives, the places and the constants.
        places: symbols of known columns: coordinates, and normals on a boundary.
        constants: unknown constants.

    Returns:
        The residual; its functions take the places' columns, then the components', then the constants.

    Raises:
        FormulaError: the expression holds another symbol.
    """
    expr = expr.doit()
    atoms = sorted(expr.atoms(sympy.Derivative), key=str) + sorted(expr.atoms(AppliedUndef), key=str)
    stand_ins = {atom: sympy.Dummy(f"c{k}", real=True) for k, atom in enumerate(atoms)}
    plain = expr.xreplace(stand_ins)
    used = {atom: dummy for atom, dummy in stand_ins.items() if plain.has(dummy)}
    unknown = [symbol for symbol in constants if plain.has(symbol)]
    strange = plain.free_symbols - {*places, *used.values(), *unknown}
    if strange:
        names = ", ".join(sorted(str(s) for s in strange))
        raise FormulaError(f"{expr}: unknown name {names}")
    arguments = [*places, *used.values(), *unknown]
    slopes = [sympy.diff(plain, symbol) for symbol in arguments[len(places) :]]
    free = {*used.values(), *unknown}
    return Residual(
        tuple(_component(atom) for atom in used),
        tuple(constants[symbol] for symbol in unknown),
        sympy.lambdify(arguments, plain, modules=["scipy", "numpy"], cse=True),
        sympy.lambdify(arguments, slopes, modules=["scipy", "numpy"], cse=True),
        not unknown and not any(slope.free_symbols & free for slope in slopes),
        len(places),
    )


def misfit(field: str, n_arguments: int) -> Residual:
    """Give a field minus measured values, which are the last of the known columns."""
    return Residual(
        ((field, (0,) * n_arguments),),
        (),
        lambda *columns: columns[-1] - columns[-2],
        lambda *columns: [np.ones(())],
        linear=True,
    )


def _component(atom: sympy.Expr) -> Component:
    function = atom.expr if isinstance(atom, sympy.Derivative) else atom
    if not isinstance(function, AppliedUndef):
        raise FormulaError(f"{atom}: only derivatives of the unknown functions can be taken")
    orders = dict(atom.variable_count) if isinstance(atom, sympy.Derivative) else {}
    return function.func.__name__, tuple(int(orders.get(a, 0)) for a in function.args)
