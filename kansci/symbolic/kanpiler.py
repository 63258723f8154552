"""Any formula as a network that computes it exactly: symbolic edges and multiplication nodes.

An expression becomes a node one level above the highest node it needs: a sum adds edges, a product multiplies
such sums, everything else is one edge. An edge c * f(a * n + b) + d does all that one function f and numbers
can do to a node n. Equal subexpressions are one node; one that is needed higher up goes there on edges "x".
All numbers stand in the edges' formulas, exact as they were, so `symbolic_formula` gives the expression back;
training moves (a, b, c, d) of each edge away from (1, 0, 1, 0).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import sympy
import torch

from kansci.basis import make_basis
from kansci.errors import FormulaError, SettingsError
from kansci.expressions.parser import parse
from kansci.expressions.primitives import X
from kansci.models import KAN, KANLayer, Nodes, SymbolicFunction

__all__ = ["kanpiler"]

IDENTITY = (1.0, 0.0, 1.0, 0.0)
MOST_NODES = 2000


@dataclass(frozen=True)
class _Edge:
    """The function `formula` (in X) of the node that computes `source`."""

    source: sympy.Expr
    formula: sympy.Expr


_Sums = tuple[tuple[_Edge, ...], ...]
"""How a node is computed: one tuple of edges for each of its factors; a single factor is a sum."""
_Level = list[tuple[sympy.Expr, _Sums]]
"""The nodes of a level, those that add first."""


def kanpiler(
    input_variables: Sequence[str | sympy.Symbol],
    expr: str | sympy.Expr | Sequence[str | sympy.Expr],
    grid: int = 5,
    k: int = 3,
) -> KAN:
    """Compile formulas into a network that computes them exactly.

    Args:
        input_variables: symbols of the inputs or their names, in the order of the columns.
        expr: a formula, or one for each output; text is read by the safe grammar of formulas.
        grid: intervals of the grids of the learned functions, which are zero until `perturb` or
            `unfix_symbolic` wakes them.
        k: their degree.

    Returns:
        The network; `symbolic_formula(var=input_variables)` gives the formulas back.

    Raises:
        SettingsError: a formula holds another symbol, or there is none.
        FormulaError: no edge can compute one of its functions, or it needs too many nodes.

    Example:
        >>> a, b = sympy.symbols("a b")
        >>> model = kanpiler([a, b], sympy.sin(5 * a) + sympy.cos(3 * a) * b)
        >>> model.structure
        ((2, 0), (1, 1), (1, 0))
        >>> model.symbolic_formula(var=[a, b])[0]
        [b*cos(3*a) + sin(5*a)]
    """  # noqa: DOC502  raised by _Plan
    symbols = [sympy.Symbol(v) if isinstance(v, str) else v for v in input_variables]
    texts = [expr] if isinstance(expr, str | sympy.Expr) else list(expr)
    names = {str(symbol): symbol for symbol in symbols}
    outputs = [parse(text, names) if isinstance(text, str) else sympy.S(text) for text in texts]
    if not outputs or not symbols or len(names) < len(input_variables):
        raise SettingsError("kanpiler needs at least one formula, and input variables of different names")
    unknown = sorted({str(s) for output in outputs for s in output.free_symbols - set(symbols)})
    if unknown:
        raise SettingsError(f"the formula holds {', '.join(unknown)}: name every symbol in input_variables")
    levels = _Plan(symbols, outputs).levels()
    inputs: _Level = [(symbol, ()) for symbol in symbols]
    return KAN.from_layers([_layer(below, level, grid, k) for below, level in pairwise([inputs, *levels])])


class _Plan:
    """Which expression is computed on which level, and how."""

    def __init__(self, symbols: Sequence[sympy.Symbol], outputs: Sequence[sympy.Expr]) -> None:
        self.first = symbols[0]
        self.outputs = outputs
        self.height: dict[sympy.Expr, int] = dict.fromkeys(symbols, 0)
        self.how: dict[sympy.Expr, _Sums] = {}
        for output in outputs:
            self._place(output)

    def levels(self) -> list[_Level]:
        """Every level above the inputs; the outputs on the last, in order."""
        top = max(1, *(self.height[output] for output in self.outputs))
        multiplies = [self.height[output] == top and len(self.how[output]) > 1 for output in self.outputs]
        if len(set(self.outputs)) < len(self.outputs) or multiplies != sorted(multiplies):
            top += 1  # nodes that multiply stand last, outputs need not
        wanted, levels = self.outputs, list[_Level]()
        for level in range(top, 0, -1):
            nodes = [(e, self.how[e] if self.height[e] == level else ((_Edge(e, X),),)) for e in wanted]
            levels.insert(0, sorted(nodes, key=lambda node: len(node[1]) > 1))
            wanted = list(dict.fromkeys(edge.source for _, how in nodes for edges in how for edge in edges))
        return levels

    def _place(self, expr: sympy.Expr) -> int:
        """The level of the node for an expression, after those for all that it needs."""
        if expr in self.height:
            return self.height[expr]
        if len(self.height) > MOST_NODES:
            raise FormulaError(f"the formula needs more than {MOST_NODES} nodes")
        how = self._sums(expr)
        self.height[expr] = 1 + max(self._place(edge.source) for edges in how for edge in edges)
        self.how[expr] = how
        return self.height[expr]

    def _sums(self, expr: sympy.Expr) -> _Sums:
        if expr.is_Add:
            return (self._terms(expr),)
        number, rest = expr.as_independent(*expr.free_symbols, as_Add=False)
        if expr.is_Mul and rest.is_Mul:
            factors = list(rest.args)
            plain = next((k for k, factor in enumerate(factors) if not factor.is_Add), None)
            if number == 1 or plain is not None:
                if plain is not None:
                    factors[plain] = number * factors[plain]
                return tuple(self._terms(f) if f.is_Add else (self._edge(f),) for f in factors)
        return ((self._edge(expr),),)

    def _terms(self, expr: sympy.Add) -> tuple[_Edge, ...]:
        """One edge for each term; terms that start at the same node cannot share an edge."""
        number, rest = expr.as_independent(*expr.free_symbols, as_Add=True)
        edges: dict[sympy.Expr, _Edge] = {}
        for term in sympy.Add.make_args(rest):
            edge = self._edge(term)
            if edge.source in edges:
                edge = _Edge(term, X)
            edges[edge.source] = edge
        first = next(iter(edges.values()))
        edges[first.source] = _Edge(first.source, first.formula + number)
        return tuple(edges.values())

    def _edge(self, expr: sympy.Expr) -> _Edge:
        """Peel numbers, one function and numbers off an expression, down to the node it is a function of."""
        if not expr.free_symbols:
            return _Edge(self.first, expr)
        source, outer = _peeled(expr)
        if source.is_Symbol or source.is_Mul or source.is_Add:
            return _Edge(source, outer)
        argument, function = _argument(source)
        node, inner = _peeled(argument)
        return _Edge(node, outer.xreplace({X: function.xreplace({X: inner})}))


def _peeled(expr: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    """Split c * e + d into e and the formula c * X + d."""
    symbols = expr.free_symbols
    number, rest = expr.as_independent(*symbols, as_Add=True)
    if rest.is_Add:
        return expr, X
    factor, core = rest.as_independent(*symbols, as_Add=False)
    return core, factor * X + number


def _argument(expr: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    """The one argument of a function that holds symbols, and the function in X."""
    if expr.is_Pow and expr.exp.free_symbols and expr.base.free_symbols:
        return expr.exp * sympy.log(expr.base), sympy.exp(X)
    varying = [k for k, argument in enumerate(expr.args) if argument.free_symbols]
    if len(varying) != 1:
        raise FormulaError(f"{expr}: no edge can compute {expr.func.__name__} of several expressions")
    arguments = list(expr.args)
    arguments[varying[0]] = X
    return expr.args[varying[0]], expr.func(*arguments)


def _layer(below: _Level, level: _Level, grid: int, k: int) -> KANLayer:
    columns = {expr: i for i, (expr, _) in enumerate(below)}
    sums = [edges for _, how in level for edges in how]
    arities = [len(how) for _, how in level if len(how) > 1]
    nodes = Nodes(len(level) - len(arities), arities)
    symbolic = [
        (columns[edge.source], j, SymbolicFunction(str(edge.formula), edge.formula))
        for j, edges in enumerate(sums)
        for edge in edges
    ]
    domain = torch.tensor([[-1.0, 1.0]] * len(below), dtype=torch.float64)
    basis = make_basis("bspline", grid, k, domain)
    return KANLayer(
        basis,
        "zero",
        torch.zeros((len(sums), len(below), basis.size), dtype=torch.float64),
        torch.zeros((len(sums), len(below)), dtype=torch.float64),
        nodes,
        symbolic,
        torch.tensor([IDENTITY] * len(symbolic), dtype=torch.float64).reshape(-1, 4),
    )
