"""A formula that a scientist can use: evaluate it, print it, fit its constants to a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count, islice
from typing import Any

import numpy as np
import sympy

from kansci.data.names import split_unit
from kansci.errors import FormulaError
from kansci.expressions.parser import parse
from kansci.symbolic.columns import columns_of, measurements_of
from kansci.symbolic.complexity import complexity
from kansci.symbolic.constants import Constant
from kansci.symbolic.fitted import FittedFormula
from kansci.symbolic.parametric import Parametric, compile_expr

__all__ = ["FittedFormula", "Formula", "latex_text", "rounded"]

DOUBLE = 53
"""Bits of a double's mantissa."""

_UNFITTED = "the formula has free parameters: {}; fit them first"


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
            raise FormulaError(_UNFITTED.format(", ".join(self.parameters)))
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
        """  # noqa: DOC502  raised by columns_of and _function
        columns = columns_of(X, self.inputs)
        n = len(columns[0]) if columns else len(X)
        return np.array(np.broadcast_to(self._function(*columns), (n,)))

    def latex(self, digits: int | None = None) -> str:
        """LaTeX of ``target = formula``, numbers to ``digits`` significant digits if given."""
        return f"{self.latex_target} = {self.latex_rhs(digits)}"

    @property
    def latex_target(self) -> str:
        """LaTeX of the target's name, without its unit."""
        return _latex_name(split_unit(self.target)[0])

    @property
    def latex_names(self) -> dict[sympy.Symbol, str]:
        """LaTeX of every column's symbol."""
        return {sympy.Symbol(name): _latex_name(name.rstrip("_") or name) for name in self.symbols}

    def latex_rhs(self, digits: int | None = None) -> str:
        """LaTeX of the right-hand side alone."""
        expr = _shortest(self.expr) if digits is None else rounded(self.expr, digits)
        names = self.latex_names
        # a thin space keeps a number apart from a name of several letters
        product = r" \, " if any("mathrm" in name for name in names.values()) else None
        return sympy.latex(expr, symbol_names=names, fold_frac_powers=True, mul_symbol=product)

    def fit(  # noqa: PLR0913
        self,
        data: Any,
        y: Any = None,
        start: Mapping[str, float] | None = None,
        sigma: Any = None,
        seed: int = 0,
        *,
        loss: str = "least_squares",
        covariance: str = "classical",
        input_sigma: Mapping[str, Any] | None = None,
        absolute_sigma: bool = False,
    ) -> FittedFormula:
        """Best values of the parameters, to round-off, with their standard errors.

        Args:
            data: A Dataset, or the inputs as in ``predict``; a table may hold the target too.
            y: Target (N,), unless ``data`` holds it.
            start: First values of some or all parameters. Without them several starts are
                tried, drawn from ``seed``.
            sigma: Standard deviation of each measurement (N,), for a weighted fit; that of the
                Dataset by default.
            seed: Seed of the further starts, and of the bootstrap.
            loss: "least_squares", or "huber" where some rows may be outliers.
            covariance: "classical"; "robust" where the variance of the errors may change from row to
                row; "bootstrap" where few rows or strong curvature make both doubtful.
            input_sigma: Input -> standard deviations (N,), for orthogonal distance regression; those of
                the Dataset by default.
            absolute_sigma: Take the standard deviations as they are; else only their ratios count, and
                their size is estimated from the residuals.

        Returns:
            The formula with its parameters filled in, and their covariance.

        Raises:
            FormulaError: No start gives a finite model, a start names no parameter, there are
                fewer rows than parameters, or a setting is unknown.
            DataError: A standard deviation is not positive.
        """  # noqa: DOC502  raised by form_fit and measurements_of
        from kansci.symbolic.form_fit import best_of_starts, estimate, estimation_of

        rows = measurements_of(self, data, y, sigma, input_sigma)
        estimation = estimation_of(rows, loss, absolute=absolute_sigma)
        model = best_of_starts(self, rows, start or {}, seed)
        return estimate(self, estimation, model, covariance, seed)

    def refit(  # noqa: PLR0913
        self,
        data: Any,
        y: Any = None,
        sigma: Any = None,
        seed: int = 0,
        *,
        loss: str = "least_squares",
        covariance: str = "classical",
        input_sigma: Mapping[str, Any] | None = None,
        absolute_sigma: bool = False,
    ) -> FittedFormula:
        """The decimals of the formula fitted again, as parameters c0, c1, ... in order of their size.

        Whole numbers, fractions and constants such as pi are the form and stay. The fit begins at the
        present values; the arguments are those of ``fit``.

        Raises:
            FormulaError: The formula has parameters already, or as in ``fit``.
        """
        from kansci.symbolic.form_fit import estimate, estimation_of, model_of

        if self.parameters:
            raise FormulaError(_UNFITTED.format(", ".join(self.parameters)))
        form, start = self.freed()
        rows = measurements_of(form, data, y, sigma, input_sigma)
        estimation = estimation_of(rows, loss, absolute=absolute_sigma)
        return estimate(form, estimation, model_of(form, start), covariance, seed)

    def freed(self) -> "tuple[Formula, dict[str, float]]":
        """The form with parameters c0, c1, ... in the place of decimals, and their values.

        >>> str(Formula("2.5*x**2 - 0.5", ["x"]).freed()[0])
        'y = c0 + c1*x**2'
        """
        model = Parametric.of(self.expr, [sympy.Symbol(name) for name in self.symbols])
        taken = {*self.symbols, *self.parameters, self.target}
        numbered = (f"c{k}" for k in count())
        names = list(islice((name for name in numbered if name not in taken), len(model.parameters)))
        expr = model.expr.xreplace(dict(zip(model.parameters, map(sympy.Symbol, names), strict=True)))
        values = dict(zip(names, map(float, model.values), strict=True))
        return Formula(expr, self.symbols, self.target), values

    def __str__(self) -> str:
        return f"{self.target} = {self.text}"


def _shortest(expr: sympy.Expr) -> sympy.Expr:
    """Every number with the fewest digits that read back as the same double; rounded ones as they are."""
    forms = {}
    for number in (f for f in expr.atoms(sympy.Float) if f._prec >= DOUBLE):
        shorter = (sympy.Float(number, digits) for digits in (15, 16))
        forms[number] = next((f for f in shorter if _reads_back(f, float(number))), number)
    return expr.xreplace(forms)


def _reads_back(number: sympy.Float, value: float) -> bool:
    text = sympy.sstr(number)
    return float(text) == value and float(sympy.Float(text)) == value


def rounded(expr: sympy.Expr, digits: int) -> sympy.Expr:
    """The expression with its numbers rounded in decimal; sympy alone would round in binary."""
    numbers = expr.atoms(sympy.Float)
    return expr.xreplace({f: sympy.Float(f"{float(f):.{digits - 1}e}", digits) for f in numbers})


def _latex_name(name: str) -> str:
    """A column name as LaTeX: one letter and Greek as such, words upright, the part after ``_`` as index."""
    head, _, index = name.partition("_")
    if not head.isalnum() or not (index or "a").replace("_", "a").isalnum():
        return rf"\text{{{latex_text(name)}}}"
    plain = sympy.latex(sympy.Symbol(head))
    if len(head) > 1 and head.isalpha() and not plain.startswith("\\"):
        plain = rf"\mathrm{{{head}}}"
    if not index:
        return plain
    plain = f"{{{plain}}}" if "_" in plain or "^" in plain else plain  # LaTeX refuses a double index
    return rf"{plain}_{{{latex_text(index)}}}"


def latex_text(text: str) -> str:
    """Text with LaTeX's special characters escaped."""
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(special.get(c, rf"\{c}" if c in "_%$#&{}" else c) for c in text)
