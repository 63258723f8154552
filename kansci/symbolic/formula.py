"""A formula that a scientist can use: evaluate it, print it, fit its constants to a table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import sympy

from kansci.data.names import split_unit
from kansci.errors import FormulaError
from kansci.expressions.parser import parse
from kansci.symbolic.complexity import complexity
from kansci.symbolic.constants import Constant
from kansci.symbolic.least_squares import covariance
from kansci.symbolic.parametric import Parametric, compile_expr

__all__ = ["FittedFormula", "Formula"]


@dataclass(frozen=True)
class Formula:
    """An expression for ``target`` in named columns.

    Args:
        expr: Text (read by the safe grammar of ``kansci.expressions.parser``) or a sympy expression.
        symbols: Symbol name -> column name; a sequence of names stands for itself. Free symbols
            that are not listed are parameters, to be fitted by ``fit``.
        target: Name of what the formula gives.
        constants: What is known of its numbers.

    >>> Formula("a*exp(-b*x)", ["x"]).parameters
    ('a', 'b')
    """

    expr: Any
    symbols: Mapping[str, str] = field(default_factory=dict)
    target: str = "y"
    constants: tuple[Constant, ...] = ()

    def __post_init__(self) -> None:
        names = self.symbols if isinstance(self.symbols, Mapping) else {name: name for name in self.symbols}
        object.__setattr__(self, "symbols", dict(names))
        if isinstance(self.expr, str):
            object.__setattr__(self, "expr", parse(self.expr, list(names), parameters=True))

    @property
    def inputs(self) -> tuple[str, ...]:
        """Column names, in the order of the columns of an array given to ``predict``."""
        return tuple(self.symbols.values())

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the free symbols that are no columns, in alphabetical order."""
        return tuple(
            sorted(str(symbol) for symbol in self.expr.free_symbols if str(symbol) not in self.symbols)
        )

    @property
    def complexity(self) -> int:
        """Number of nodes of the written expression."""
        return complexity(self.expr)

    @property
    def text(self) -> str:
        """The right-hand side as text that sympy and ``parse`` read back."""
        return sympy.sstr(_shortest(self.expr), full_prec=False)

    @cached_property
    def _function(self) -> Callable[..., np.ndarray]:
        if self.parameters:
            raise FormulaError(
                f"the formula has free parameters: {', '.join(self.parameters)}; fit them first"
            )
        return compile_expr(self.expr, [sympy.Symbol(name) for name in self.symbols])

    def predict(self, X: Any) -> np.ndarray:
        """Evaluate at the rows of ``X``.

        Args:
            X: Array (N, I) in the order of ``inputs``, or a table (DataFrame, dict of columns,
                Dataset) that holds these columns.

        Returns:
            Values (N,); nan where the formula is not real.

        Raises:
            FormulaError: A column is missing, or parameters are still free.
        """  # noqa: DOC502  raised by _columns and _function
        columns = _columns(X, self.inputs)
        n = len(columns[0]) if columns else len(X)
        return np.array(np.broadcast_to(self._function(*columns), (n,)))

    def latex(self, digits: int | None = None) -> str:
        """LaTeX of ``target = formula``, numbers to ``digits`` significant digits if given."""
        return f"{_latex_name(split_unit(self.target)[0])} = {self.latex_rhs(digits)}"

    def latex_rhs(self, digits: int | None = None) -> str:
        """LaTeX of the right-hand side alone."""
        expr = _shortest(self.expr) if digits is None else _rounded(self.expr, digits)
        names = {sympy.Symbol(name): _latex_name(name.rstrip("_") or name) for name in self.symbols}
        # a thin space keeps a number apart from a name of several letters
        product = r" \, " if any("mathrm" in name for name in names.values()) else None
        return sympy.latex(expr, symbol_names=names, fold_frac_powers=True, mul_symbol=product)

    def fit(
        self,
        data: Any,
        y: Any = None,
        start: Mapping[str, float] | None = None,
        sigma: Any = None,
        seed: int = 0,
    ) -> "FittedFormula":
        """Least-squares values of the parameters, to round-off, with their standard errors.

        Args:
            data: A Dataset, or the inputs as in ``predict``; a table may hold the target too.
            y: Target (N,), unless ``data`` holds it.
            start: First values of some or all parameters. Without them several starts are
                tried, drawn from ``seed``.
            sigma: Standard deviation of each measurement (N,), for a weighted fit.
            seed: Seed of the further starts.

        Returns:
            The formula with its parameters filled in, and their covariance.

        Raises:
            FormulaError: No start gives a finite model, a start names no parameter, or there are
                fewer rows than parameters.
        """  # noqa: DOC502  raised by fit_form
        from kansci.symbolic.form_fit import Measurements, fit_form

        columns, target = _columns(data, self.inputs), _target(data, y, self.target)
        weight = None if sigma is None else 1 / np.broadcast_to(np.asarray(sigma, float), target.shape)
        return fit_form(self, Measurements(columns, target, weight), start or {}, seed)

    def __str__(self) -> str:
        return f"{self.target} = {self.text}"


@dataclass(frozen=True)
class FittedFormula:
    """A formula with fitted parameters.

    ``formula``: parameters filled in. ``parameters``, ``stderr``: by name. ``covariance`` (P, P):
    in the order of ``parameters``. ``rss``: residual sum of squares; ``residual_std``: its root
    per degree of freedom.
    """

    formula: Formula
    parameters: dict[str, float]
    stderr: dict[str, float]
    covariance: np.ndarray
    rss: float
    degrees_of_freedom: int

    @property
    def residual_std(self) -> float:
        """``sqrt(rss / degrees_of_freedom)``."""
        return float(np.sqrt(self.rss / max(self.degrees_of_freedom, 1)))

    def predict(self, X: Any) -> np.ndarray:
        """Values (N,) of the fitted formula."""
        return self.formula.predict(X)

    @classmethod
    def build(
        cls,
        form: Formula,
        model: Parametric,
        columns: Sequence[np.ndarray],
        rss: float,
        weight: np.ndarray | None = None,
    ) -> "FittedFormula":
        """Standard errors at the solution ``model``, whose parameters are named as in ``form``.

        Args:
            form: The form that was fitted.
            model: The same with the best values.
            columns: One array (N,) a column of the form.
            rss: Residual sum of squares, weighted as in the fit.
            weight: Factor of each residual (N,), 1 by default.

        Returns:
            The fitted formula.
        """
        J = model.jacobian(columns) * (1.0 if weight is None else np.reshape(weight, (-1, 1)))
        matrix = covariance(J, rss)
        names = [str(parameter) for parameter in model.parameters]
        errors = np.sqrt(np.diag(matrix))
        constants = tuple(
            Constant(float(v), float(e), None) for v, e in zip(model.values, errors, strict=True)
        )
        formula = Formula(model.to_expr(), form.symbols, form.target, constants)
        values = dict(zip(names, map(float, model.values), strict=True))
        stderr = dict(zip(names, map(float, errors), strict=True))
        return cls(formula, values, stderr, matrix, rss, J.shape[0] - J.shape[1])


def _columns(X: Any, names: Sequence[str]) -> list[np.ndarray]:
    """The columns (N,) called ``names``, from an array in that order or from a table."""
    if hasattr(X, "inputs") and hasattr(X, "X"):
        X = {name: X.X[:, k] for k, name in enumerate(X.inputs)}
    if hasattr(X, "columns") or isinstance(X, Mapping):
        missing = [name for name in names if name not in X]
        if missing:
            raise FormulaError(f"the data have no column {missing[0]!r} (columns: {', '.join(map(str, X))})")
        return [np.asarray(X[name], float) for name in names]
    array = np.asarray(X, float)
    array = array[:, None] if array.ndim == 1 and len(names) == 1 else array
    if array.ndim != 2 or array.shape[1] != len(names):
        raise FormulaError(
            f"expected an array with {len(names)} columns ({', '.join(names)}), got shape {array.shape}"
        )
    return list(array.T)


def _target(data: Any, y: Any, name: str) -> np.ndarray:
    if y is None and hasattr(data, "inputs") and hasattr(data, "y"):
        y = data.y
    if y is None and (hasattr(data, "columns") or isinstance(data, Mapping)) and name in data:
        y = data[name]
    if y is None:
        raise FormulaError(f"no values of {name!r} to fit: pass y, or a table with that column")
    return np.asarray(y, float)


def _shortest(expr: sympy.Expr) -> sympy.Expr:
    """Every number with the fewest digits that read back as the same double."""
    forms = {}
    for number in expr.atoms(sympy.Float):
        shorter = (sympy.Float(number, digits) for digits in (15, 16))
        forms[number] = next((f for f in shorter if _reads_back(f, float(number))), number)
    return expr.xreplace(forms)


def _reads_back(number: sympy.Float, value: float) -> bool:
    text = sympy.sstr(number)
    return float(text) == value and float(sympy.Float(text)) == value


def _rounded(expr: sympy.Expr, digits: int) -> sympy.Expr:
    return expr.xreplace({number: sympy.Float(number, digits) for number in expr.atoms(sympy.Float)})


def _latex_name(name: str) -> str:
    """A column name as LaTeX: one letter and Greek as such, words upright, the part after ``_`` as index."""
    head, _, index = name.partition("_")
    if not head.isalnum() or not (index or "a").replace("_", "a").isalnum():
        return rf"\text{{{_escaped(name)}}}"
    plain = sympy.latex(sympy.Symbol(head))
    if len(head) > 1 and head.isalpha() and not plain.startswith("\\"):
        plain = rf"\mathrm{{{head}}}"
    if not index:
        return plain
    plain = f"{{{plain}}}" if "_" in plain or "^" in plain else plain  # LaTeX refuses a double index
    return rf"{plain}_{{{_escaped(index)}}}"


def _escaped(text: str) -> str:
    """Text with LaTeX's special characters escaped."""
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(special.get(c, rf"\{c}" if c in "_%$#&{}" else c) for c in text)
