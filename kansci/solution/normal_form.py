"""Elementary expressions as rational functions of generators: zero only if the numerator is, written out.

Exponentials of different monomials are algebraically independent, and so are sines and cosines of different
angles but for sin^2 + cos^2 = 1 (the structure theorem of Risch, 1979, for what occurs here): with hyperbolic
functions written as exponentials, equal terms look alike.
"""

from collections import defaultdict
from math import lcm

import sympy

__all__ = ["numerator_in_generators"]

HYPERBOLIC = (sympy.sinh, sympy.cosh, sympy.tanh, sympy.coth, sympy.sech, sympy.csch)


def numerator_in_generators(expr: sympy.Expr) -> sympy.Expr:
    """Write an expression over one denominator and give the numerator, multiplied out and reduced.

    Args:
        expr: any.

    Returns:
        Zero only if the expression is; no equal of the expression otherwise.
    """
    expr = expr.rewrite(HYPERBOLIC, sympy.exp)
    expr = expr.replace(sympy.tan, lambda a: sympy.sin(a) / sympy.cos(a))
    expr = expr.replace(_is_root_of_sum, lambda root: sympy.factor_terms(root.base) ** root.exp)
    expr = expr.xreplace(_exponentials(expr))
    waves = {w: w.func(sympy.expand(w.args[0])) for w in expr.atoms(sympy.sin, sympy.cos)}
    numerator = sympy.expand(sympy.fraction(sympy.together(expr.xreplace(waves)))[0])
    for angle in sorted({w.args[0] for w in numerator.atoms(sympy.sin, sympy.cos)}, key=str):
        numerator = _reduced(numerator, angle)
    return numerator


def _is_root_of_sum(expr: sympy.Expr) -> bool:
    return bool(expr.is_Pow and expr.exp.is_Rational and not expr.exp.is_Integer and expr.base.is_Add)


def _exponentials(expr: sympy.Expr) -> dict[sympy.Expr, sympy.Expr]:
    """Every exponential as a product of powers of generators, one for each monomial of the exponents."""
    parts = {e: _monomials(e.args[0]) for e in expr.atoms(sympy.exp) if not e.args[0].has(sympy.exp)}
    denominators: dict[sympy.Expr, int] = defaultdict(lambda: 1)
    for monomials in parts.values():
        for monomial, factor in monomials.items():
            denominators[monomial] = lcm(denominators[monomial], int(factor.q))
    generators = {m: sympy.Dummy(f"e{k}", positive=True) for k, m in enumerate(denominators)}
    return {
        e: sympy.Mul(*(generators[m] ** (factor * denominators[m]) for m, factor in monomials.items()))
        for e, monomials in parts.items()
    }


def _monomials(exponent: sympy.Expr) -> dict[sympy.Expr, sympy.Rational]:
    """Monomial -> rational factor."""
    found: dict[sympy.Expr, sympy.Rational] = {}
    for term in sympy.Add.make_args(sympy.expand(exponent)):
        factor, monomial = term.as_coeff_Mul(rational=True)
        found[monomial] = found.get(monomial, sympy.S.Zero) + factor
    return found


def _reduced(expr: sympy.Expr, angle: sympy.Expr) -> sympy.Expr:
    """A polynomial in sine and cosine of an angle, the sine to the first power at most."""
    sine, cosine = sympy.Dummy("s"), sympy.Dummy("c")
    whole = sympy.expand(expr.xreplace({sympy.sin(angle): sine, sympy.cos(angle): cosine}))
    powers = sympy.collect(whole, sine, evaluate=False)
    reduced = []
    for power, part in powers.items():
        n = int(sympy.degree(power, sine))
        reduced.append(part * (1 - cosine**2) ** (n // 2) * sine ** (n % 2))
    return sympy.expand(sympy.Add(*reduced)).xreplace({sine: sympy.sin(angle), cosine: sympy.cos(angle)})
