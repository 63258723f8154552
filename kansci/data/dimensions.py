"""Units of measurement: from the text behind a column's name to powers of base dimensions.

Names are looked up in pint's registry. What is understood beside them: a number in front
(``1000 d``), exponents without a mark (``m s-1``, ``m/s2``), two words (``solar mass``), and
logarithms (``log10(d)``, ``dBm``), which are pure numbers, as are ``%``, ``ppm``, ``mag`` and ``1``.
A temperature that does not count from absolute zero (``degC``) is taken as a difference of
temperatures: degrees and differences may be added, and a fitted number beside them shifts the zero;
a note says so, since ratios and powers of it mean nothing. What stands in brackets behind a name
may be a remark as well as a unit, so text that is no unit is not refused: the dimension of that
column is unknown, which any formula may use, and a note says so.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any

from kansci.errors import DataError

__all__ = ["ONE", "Powers", "Unit", "name_parts", "parse_unit", "parse_units"]

LONGEST = 60
NO_SIZE = 1e-9
"""Logarithm of the size of a unit that is 1 but for round-off."""
_NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")
_LOGARITHM = re.compile(r"(?:ln|lg|log|log2|log10)\s*\(.*\)|dex")
_FACTOR = re.compile(r"\A[-+]?\d[\d.,]*(?:[eE][-+]?\d+)?\s*\*?\s*(?=[^\W\d])")
_PURE = frozenset({"", "1", "-", "none", "dimensionless", "unitless"})
_ARBITRARY = re.compile(r"(?:a|arb)\. ?u(?:\.|nits?)?", re.IGNORECASE)
"""What pint takes for years times atomic mass units."""
_MORE = (
    "solar_mass = 1.98841e30 kg = M_sun",
    "solar_radius = 6.957e8 m = R_sun",
    "solar_luminosity = 3.828e26 W = L_sun",
    "earth_mass = 5.9722e24 kg = M_earth",
    "earth_radius = 6.3781e6 m = R_earth",
    "jupiter_mass = 1.89813e27 kg = M_jup",
    "mag = []",
)
"""Units of astronomers that pint lacks; magnitudes are logarithms."""


@dataclass(frozen=True)
class Powers:
    """A product of powers of named things: ``items`` are pairs of name and exponent, sorted, none zero."""

    items: tuple[tuple[str, Fraction], ...] = ()

    @classmethod
    def of(cls, powers: Mapping[str, Fraction]) -> "Powers":
        """Without the names whose exponent is 0."""
        return cls(tuple(sorted((name, power) for name, power in powers.items() if power != 0)))

    def __mul__(self, other: "Powers") -> "Powers":
        total = dict(self.items)
        for name, power in other.items:
            total[name] = total.get(name, Fraction(0)) + power
        return Powers.of(total)

    def __pow__(self, exponent: Fraction | int) -> "Powers":
        return Powers.of({name: power * exponent for name, power in self.items})

    def __str__(self) -> str:
        above = [_power(name, power) for name, power in self.items if power > 0]
        below = [_power(name, -power) for name, power in self.items if power < 0]
        text = "*".join(above) or "1"
        if not below:
            return text
        return f"{text}/{below[0]}" if len(below) == 1 else f"{text}/({'*'.join(below)})"


@dataclass(frozen=True)
class Unit:
    """A unit as it is written (``names``, to show) and its dimension (``base``, to compare).

    ``log_size``: natural logarithm of the unit in base units (products of many units would overflow).
    """

    names: Powers = Powers()
    base: Powers = Powers()
    log_size: float = field(default=0.0, compare=False)

    def __mul__(self, other: "Unit") -> "Unit":
        return Unit(self.names * other.names, self.base * other.base, self.log_size + other.log_size)

    def __pow__(self, exponent: Fraction | int) -> "Unit":
        return Unit(self.names**exponent, self.base**exponent, self.log_size * float(exponent))

    @property
    def is_one(self) -> bool:
        """Whether this is the unit of a pure number."""
        return not self.base.items

    @property
    def shown(self) -> str:
        """The unit as text; "1" for names that cancel, such as J/(N*m), but 1/deg and m/km stay."""
        return "1" if self.is_one and abs(self.log_size) < NO_SIZE else str(self.names)

    def __str__(self) -> str:
        return str(self.names)


ONE = Unit()


def parse_units(units: Mapping[str, str]) -> tuple[dict[str, Unit], tuple[str, ...]]:
    """Read the units of a table.

    Args:
        units: Column name -> text of its unit.

    Returns:
        Column name -> unit, for the texts that are units; a note for every one that is not, and for
        temperatures that do not count from absolute zero.
    """
    found, notes = {}, []
    for column, text in units.items():
        try:
            unit = found[column] = parse_unit(text, column)
        except DataError as error:
            notes.append(f"{error}; its dimension is left open")
            continue
        name, power = unit.names.items[0] if len(unit.names.items) == 1 else ("", Fraction(0))
        kind = _kind(name) if power == 1 and not name.startswith("(") else LINEAR
        if kind == SHIFTED:
            notes.append(
                f"column '{column}' is in {text}, which does not count from absolute zero: it is taken as "
                "a difference of temperatures; give it in kelvin for a law in absolute temperature"
            )
        elif kind == LOGARITHMIC and not _dimension(name).is_one:
            notes.append(f"column '{column}' is in {text}, a logarithm: it is taken as a pure number")
    return found, tuple(notes)


@lru_cache(maxsize=1024)
def parse_unit(text: str, column: str = "") -> Unit:
    """Read the text of a unit.

    Args:
        text: Such as ``"kg*m/s^2"``.
        column: The column it belongs to, for the message.

    Returns:
        The unit.

    Raises:
        DataError: The text is no unit.

    >>> force = parse_unit("kg m s-2")
    >>> str(force), str(force.base), parse_unit("log10(d)").is_one
    ('kg*m/s^2', 'length*mass/time^2', True)
    """
    text = " ".join(text.split())
    if text.lower() in _PURE or _LOGARITHM.fullmatch(text):
        return ONE
    readable = len(text) <= LONGEST and not _ARBITRARY.fullmatch(text)
    for written in _spellings(text) if readable else ():
        unit = _looked_up(written)
        if unit is not None:
            factor = None if text.startswith("1/") else _FACTOR.match(text)
            return unit if factor is None else _scaled(unit, text, factor.group(), column)
    raise DataError(f"the unit '{text[:LONGEST]}' of column '{column}' is not understood")


def _scaled(unit: Unit, text: str, factor: str, column: str) -> Unit:
    """A unit behind a number, which is a unit of its own."""
    try:
        number = abs(float(factor.strip(" *").replace(",", "")))
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise DataError(f"the unit '{text}' of column '{column}' is not understood")
    return Unit(Powers(((f"({text})", Fraction(1)),)), unit.base, unit.log_size + math.log(number))


def _spellings(text: str) -> list[str]:
    """The text without its factor: as it is, with marked exponents, and with two words made one."""
    plain = _FACTOR.sub("", text, count=1).replace("%", " percent ")
    marked = re.sub(r"(?<=[^\W\d_])([-+]?\d+)(?![\w.])", r"^(\1)", plain)
    return [plain, marked, re.sub(r"(?<=[^\W\d_]) (?=[^\W\d_])", "_", plain)]


def _looked_up(text: str) -> Unit | None:
    # whole numbers would be raised to powers without bound: floats overflow and are refused
    text = _NUMBER.sub(r"\g<0>.0", text)
    try:
        product = _pint()[1](text)
        names = Powers.of({name: _fraction(power) for name, power in product.items()})
        size = math.log(product.scale)  # of a number within, such as m/(2 s)
        unit = ONE
        for name, power in names.items:
            unit *= (ONE if _kind(name) == LOGARITHMIC else _dimension(name)) ** power
    except Exception:  # noqa: BLE001  pint answers text that is no unit with every kind of exception
        return None
    names = names if size == 0 else Powers(((f"({text})", Fraction(1)),))
    return Unit(names, unit.base, unit.log_size + size)


def name_parts(name: str) -> tuple[str, str, str]:
    """The prefix of one of pint's units, its name without, and its symbol without: kilo, meter, m for km.

    Raises:
        DataError: Pint has no such unit.
    """
    registry = _pint()[0]
    found = registry.parse_unit_name(name)
    if not found:
        raise DataError(f"there is no unit '{name}'")
    prefix, root, _ = found[0]
    return prefix, root, registry.get_symbol(root)


def _dimension(name: str) -> Unit:
    """The dimension and the size of one of pint's units, without its name."""
    registry = _pint()[0]
    dimension = registry.get_dimensionality({name: 1}).items()
    base = Powers.of({key.strip("[]"): _fraction(value) for key, value in dimension})
    return Unit(base=base, log_size=math.log(registry.get_root_units(name)[0]))


LINEAR, SHIFTED, LOGARITHMIC = "linear", "shifted", "logarithmic"


@lru_cache(maxsize=1024)
def _kind(name: str) -> str:
    """How one of pint's units counts: by its size, from another zero (degC), or by a logarithm (dBm)."""
    registry = _pint()[0]
    zero, one, two = (registry.Quantity(float(k), name).to_root_units().magnitude for k in range(3))
    if not math.isclose(two - one, one - zero, rel_tol=1e-6):
        return LOGARITHMIC
    return LINEAR if zero == 0 else SHIFTED


@lru_cache(maxsize=1)
def _pint() -> tuple[Any, Callable[[str], Any]]:
    """Pint's registry, and the function that splits a text into names and powers."""
    import pint
    from pint.util import ParserHelper

    registry: Any = pint.UnitRegistry()
    for definition in _MORE:
        registry.define(definition)
    return registry, ParserHelper.from_string


def _fraction(power: float) -> Fraction:
    """0.333 is a third, 1.73 is not 19/11."""
    simple = Fraction(float(power)).limit_denominator(24)
    return simple if abs(simple - power) < 5e-4 else Fraction(float(power)).limit_denominator(1000)


def _power(name: str, power: Fraction) -> str:
    if power == 1:
        return name
    if power.denominator == 1:
        return f"{name}^{power}"
    return f"{name}^({power})" if power.denominator <= 24 else f"{name}^{float(power):.4g}"
