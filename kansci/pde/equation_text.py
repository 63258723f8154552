"""Equations as text -> residuals as sympy expressions in unknown functions and their derivatives.

The names are looked up when the grammar meets them: `u` is the function u(x, t), `u_xx` its derivative,
`u_n` the derivative along the outward normal, `u(0, t)` its value on a face. A complex unknown h is
h_re + i h_im with real functions; its equations are split into two real ones.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real

import sympy
from sympy.core.function import AppliedUndef

from kansci.errors import FormulaError
from kansci.expressions.parser import FUNCTIONS, parse
from kansci.pde.expansion import MAX_TERMS, term_count
from kansci.pde.notation import DELTA, PRIME, candidates, plain, subscripts
from kansci.pde.operators import basis, derivative, vector_functions
from kansci.pde.problem import Field

__all__ = ["Vocabulary", "find_fields", "normal", "read", "read_constant"]

I = sympy.Dummy("i")  # noqa: E741  the imaginary unit while text is read: sympy would simplify too early
_POWERS = {"²": 2, "³": 3}


@dataclass(frozen=True)
class Vocabulary:
    """What the names in an equation mean.

    Attributes:
        coordinates: their names.
        time: the coordinate that is time, if any: it is no axis of a gradient.
        fields: the unknown functions by name, complex ones with their own name.
        complex: names of the complex fields.
        values: known constants and coefficients by name, and unknown constants as symbols.
    """

    coordinates: tuple[str, ...]
    time: str | None = None
    fields: tuple[Field, ...] = ()
    complex: frozenset[str] = frozenset()
    values: Mapping[str, sympy.Expr] = field(default_factory=dict)

    @property
    def space(self) -> tuple[str, ...]:
        """The coordinates that are not time."""
        return tuple(name for name in self.coordinates if name != self.time)

    @property
    def real_fields(self) -> tuple[Field, ...]:
        """The unknown real functions."""
        return tuple(
            Field(name, given.arguments, given.sought)
            for given in self.fields
            for name in self.parts(given.name)
        )

    def parts(self, name: str) -> tuple[str, ...]:
        """Names of the real fields that make up a field."""
        return (f"{name}_re", f"{name}_im") if name in self.complex else (name,)

    def function(self, given: Field) -> sympy.Expr:
        """The function as equations are to hold it."""
        parts = [Field(name, given.arguments).function for name in self.parts(given.name)]
        return parts[0] if len(parts) == 1 else parts[0] + I * parts[1]


def normal(axis: str) -> sympy.Symbol:
    """Component of the outward unit normal."""
    return sympy.Symbol(f"normal_{axis}", real=True)


def read(
    text: str, vocabulary: Vocabulary, *, equation: bool = True, boundary: bool = False
) -> tuple[tuple[sympy.Expr, ...], frozenset[tuple[str, sympy.Expr]]]:
    """Read an equation, a condition or an expression.

    Args:
        text: as the user wrote it.
        vocabulary: what the names mean.
        equation: whether it is ``left = right``.
        boundary: whether normal derivatives and values on a face may occur.

    Returns:
        Left minus right (the expression itself), in two real parts where complex fields occur; and the
        (coordinate, value) of every value on a face, as in u(0, t).

    Raises:
        FormulaError: The text cannot be read; the message marks the position.
    """
    names = _Names(vocabulary, boundary=boundary)
    shown = plain(text, vocabulary.coordinates, names.plain)
    if equation and "=" not in shown:
        raise FormulaError(f"'{text[:60]}' is not an equation: write left = right")
    try:
        value = parse(shown, names, functions=_Calls(names), equation=equation, exact=True)
        if value.has(*basis(vocabulary.space)):
            raise FormulaError(f"'{text[:60]}' is a vector: use div, dot or abs to make it a number")
        parts = _split(value) if vocabulary.complex else (value,)
    except FormulaError:
        raise
    except (
        AttributeError,
        NotImplementedError,
        RecursionError,
        ArithmeticError,
        TypeError,
        ValueError,
    ) as error:
        raise FormulaError(f"'{text[:60]}' cannot be read: {str(error)[:80]}") from error
    return parts, frozenset(names.faces)


def read_constant(value: str | float | int, what: str) -> sympy.Expr:
    """Read a number that may be a formula without names, such as 2*pi; decimals become fractions.

    Raises:
        FormulaError: It is no finite number.
    """
    if isinstance(value, bool) or not isinstance(value, (str, Real)):
        raise FormulaError(f"{what} must be a number or a formula such as '2*pi', not {value!r}")
    text = (
        value if isinstance(value, str) else str(int(value) if isinstance(value, Integral) else float(value))
    )
    try:
        number = parse(text, (), exact=True)
    except FormulaError as error:
        raise FormulaError(f"{what}: {error}") from None
    if not number.is_number or not number.is_finite:
        raise FormulaError(f"{what} is not a number: {text[:40]}")
    return number


def find_fields(texts: tuple[str, ...], vocabulary: Vocabulary) -> tuple[str, ...]:
    """Find the unknown functions of equations: what is differentiated or written with its coordinates."""
    known = _Names(vocabulary, boundary=False)
    taken = {*known.plain, *FUNCTIONS, *_Calls(known).operators}
    shown = [plain(text, vocabulary.coordinates, taken) for text in texts]
    found = [name for text in shown for name in candidates(text, vocabulary.coordinates)]
    return tuple(dict.fromkeys(name for name in found if name not in taken))


class _Names(Mapping[str, sympy.Expr]):
    """Meaning of every name that is not called."""

    def __init__(self, vocabulary: Vocabulary, *, boundary: bool) -> None:
        self.vocabulary, self.boundary = vocabulary, boundary
        self.faces: set[tuple[str, sympy.Expr]] = set()
        self.fields = {given.name: given for given in vocabulary.fields}
        self.plain: dict[str, sympy.Expr] = {
            name: sympy.Symbol(name, real=True) for name in vocabulary.coordinates
        }
        self.plain.update({name: vocabulary.function(given) for name, given in self.fields.items()})
        self.plain.update(vocabulary.values)
        if boundary:
            self.plain.update({f"normal_{axis}": normal(axis) for axis in vocabulary.space})
        if vocabulary.complex:
            self.plain.update({name: I for name in ("i", "I") if name not in self.plain})

    def __iter__(self) -> Iterator[str]:
        return iter(self.plain)

    def __len__(self) -> int:
        return len(self.plain)

    def __getitem__(self, name: str) -> sympy.Expr:
        if name in self.plain:
            return self.plain[name]
        if name[-1:] in _POWERS:
            return self[name[:-1]] ** _POWERS[name[-1]]
        if name.startswith(DELTA) and name[1:] in self.fields:
            function = self.plain[name[1:]]
            return sum(
                (derivative(function, *[self.plain[a]] * 2) for a in self.vocabulary.space), sympy.S.Zero
            )
        found = self.split(name)
        if found is None:
            raise KeyError(name)
        given, axes = found
        function = self.plain[given.name]
        if axes is None:
            return sum(
                (normal(a) * derivative(function, self.plain[a]) for a in self.vocabulary.space), sympy.S.Zero
            )
        return derivative(function, *(self.plain[axis] for axis in axes))

    def split(self, name: str) -> tuple[Field, tuple[str, ...] | None] | None:
        """The field and the axes of a derivative; None for the axes stands for the outward normal."""
        stem = name.rstrip(PRIME)
        if stem in self.fields:
            given = self.fields[stem]
            primes = len(name) - len(stem)
            return (given, given.arguments * primes) if primes == 0 or len(given.arguments) == 1 else None
        for given in sorted(self.fields.values(), key=lambda f: -len(f.name)):
            if name.startswith(f"{given.name}_"):
                below = name[len(given.name) + 1 :]
                axes = subscripts(below, given.arguments)
                if axes:
                    return given, axes
                if below == "n" and self.boundary:
                    return given, None
        return None


class _Calls(Mapping[str, Callable[..., sympy.Expr]]):
    """Meaning of every name that is called: operators, and fields written with their arguments."""

    def __init__(self, names: _Names) -> None:
        self.names = names
        vocabulary = names.vocabulary
        self.operators = vector_functions([sympy.Symbol(name, real=True) for name in vocabulary.space])
        if vocabulary.complex:
            self.operators.update(_complex_functions(self.operators["abs"]))

    def __iter__(self) -> Iterator[str]:
        return iter(self.operators)

    def __len__(self) -> int:
        return len(self.operators)

    def __getitem__(self, name: str) -> Callable[..., sympy.Expr]:
        found = self.names.split(name)
        if found is not None:
            return lambda *arguments: self.applied(name, found[0], arguments)
        if name in self.names.vocabulary.values:
            return lambda *arguments: self.coefficient(name, arguments)
        if name in self.operators and name not in self.names.plain:
            return self.operators[name]
        raise KeyError(name)

    def applied(self, name: str, given: Field, arguments: tuple[sympy.Expr, ...]) -> sympy.Expr:
        """A field or its derivative with arguments: its coordinates, or values where it is on a face."""
        form = f"'{name}' is a function of ({', '.join(given.arguments)})"
        if len(arguments) != len(given.arguments):
            raise FormulaError(form)
        for axis, argument in zip(given.arguments, arguments, strict=True):
            if argument == self.names.plain[axis]:
                continue
            if not argument.is_number:
                raise FormulaError(f"{form}, other arguments are not possible")
            if not self.names.boundary:
                raise FormulaError(f"{form}; its value at {axis} = {argument} can stand in conditions only")
            self.names.faces.add((axis, argument))
        return self.names[name]

    def coefficient(self, name: str, arguments: tuple[sympy.Expr, ...]) -> sympy.Expr:
        """A known function of the coordinates, written with them."""
        axes = {self.names.plain[axis] for axis in self.names.vocabulary.coordinates}
        if not set(arguments) <= axes:
            raise FormulaError(
                f"'{name}' is given as a formula: write it without arguments, or with coordinates"
            )
        return self.names.plain[name]


def _complex_functions(absolute: Callable[..., sympy.Expr]) -> dict[str, Callable[..., sympy.Expr]]:
    """Parts of complex numbers."""

    def part(index: int) -> Callable[[sympy.Expr], sympy.Expr]:
        return lambda value: _split(value)[index]

    def modulus(value: sympy.Expr) -> sympy.Expr:
        if not value.has(I):
            return absolute(value)
        real, imaginary = _split(value)
        return sympy.sqrt(real**2 + imaginary**2)

    def conjugate(value: sympy.Expr) -> sympy.Expr:
        real, imaginary = _split(value)
        return real - I * imaginary

    parts = {"re": part(0), "real": part(0), "im": part(1), "imag": part(1)}
    return {**parts, "abs": modulus, "Abs": modulus, "conj": conjugate, "conjugate": conjugate}


def _split(value: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    """Real and imaginary part, the functions and their derivatives being real.

    Raises:
        FormulaError: sympy cannot tell them apart.
    """
    if not value.has(I):
        return value, sympy.S.Zero
    if term_count(value) > MAX_TERMS:
        raise FormulaError("this complex expression is too long to be split into real and imaginary part")
    whole = value.atoms(AppliedUndef) | value.atoms(sympy.Derivative)
    names = {part: sympy.Dummy(real=True) for part in whole}
    back = {dummy: part for part, dummy in names.items()}
    expr = value.xreplace(names).xreplace({I: sympy.I})
    pieces = [_real_imaginary(piece) for piece in sympy.Add.make_args(expr.expand(power_exp=False))]
    parts = [sympy.Add(*column) for column in zip(*pieces, strict=True)]
    if any(part.has(sympy.re, sympy.im, sympy.I, sympy.arg) for part in parts):
        raise FormulaError("this complex expression cannot be split into a real and an imaginary part")
    return parts[0].xreplace(back), parts[1].xreplace(back)


def _real_imaginary(term: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    """Both parts of one term; products of several complex factors need to be multiplied out first."""
    parts = term.as_real_imag()
    if any(part.has(sympy.re, sympy.im) for part in parts):
        parts = term.expand(complex=True).as_real_imag()
    return parts
