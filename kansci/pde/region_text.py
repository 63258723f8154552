"""Regions as text: "box(0,1,0,1) - disc(0.5,0.5,0.2)" -> shapes.

region := term (("+" | "-") term)*        union, difference
term   := atom ("*" atom)*                intersection
atom   := name "(" number, ... ")" | "(" region ")"
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

import sympy

from kansci.errors import FormulaError, SettingsError
from kansci.pde.equation_text import read_constant
from kansci.pde.polygon import Polygon
from kansci.pde.region import Region
from kansci.pde.shapes import Ball, BoxShape, Shape

__all__ = ["read_region", "read_shape"]

MAX_LENGTH = 20_000
MAX_DEPTH = 30
MAX_SHAPES = 100
_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[^\W\d]\w*")


def read_region(
    text: str,
    space: Sequence[str] | None,
    time: Mapping[str, tuple[sympy.Expr, sympy.Expr]],
    faces: Mapping[str, str],
) -> Region:
    """Read a region of space.

    Args:
        text: of the shape.
        space: names of the coordinates; x, y, z (or x1, x2, ...) where left out.
        time: name and limits of the time, or empty.
        faces: names of parts of the boundary -> text of a shape whose boundary they lie on.

    Returns:
        The domain.

    Raises:
        FormulaError: A text cannot be read.
        SettingsError: The names do not fit, or the region has no volume.
    """  # noqa: DOC502  raised by what it calls
    shape = read_shape(text)
    d = shape.dimension
    axes = (
        tuple(space)
        if space is not None
        else ("x", "y", "z")[:d]
        if d <= 3
        else tuple(f"x{i + 1}" for i in range(d))
    )
    if len(axes) != d or len({*axes, *time}) != d + len(time):
        raise SettingsError(
            f"the region has {d} dimensions and needs as many names of coordinates, not {axes}"
        )
    for name in faces:
        if not _NAME.fullmatch(name) or name in {"boundary", "elsewhere"}:
            raise SettingsError(f"'{name}' cannot be the name of a part of the boundary")
    return Region(shape, axes, time, {name: read_shape(part) for name, part in faces.items()})


def read_shape(text: str) -> Shape:
    """Read a shape.

    Raises:
        FormulaError: The text cannot be read; the position is marked.
    """
    if not isinstance(text, str):
        raise FormulaError(f"a region is a text such as 'disc(0, 0, 1)', not {text!r:.40}")
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"region has {len(text)} characters, more than the {MAX_LENGTH} allowed")
    return _Parser(text).parse()


class _Parser:
    """Recursive descent over the characters of one region."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth, self.count = text, 0, 0, 0

    def _error(self, what: str, position: int | None = None) -> FormulaError:
        position = self.at if position is None else position
        near = self.text[position : position + 12] or "the end"
        return FormulaError(f"region {self.text[:60]!r}: {what} at column {position + 1}, near {near!r}")

    def _peek(self) -> str:
        self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]  # matches always
        return self.text[self.at : self.at + 1]

    def parse(self) -> Shape:
        shape = self._region()
        if self._peek():
            raise self._error("unexpected text")
        return shape

    def _region(self) -> Shape:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._error(f"nested deeper than {MAX_DEPTH}")
        shape = self._term()
        while (operator := self._peek()) in {"+", "-"}:
            position = self.at
            self.at += 1
            term = self._term()
            shape = self._joined(operator, shape, term, position)
        self.depth -= 1
        return shape

    def _term(self) -> Shape:
        shape = self._atom()
        while self._peek() == "*":
            position = self.at
            self.at += 1
            shape = self._joined("*", shape, self._atom(), position)
        return shape

    def _joined(self, operator: str, left: Shape, right: Shape, position: int) -> Shape:
        try:
            return left + right if operator == "+" else left - right if operator == "-" else left * right
        except SettingsError as error:
            raise self._error(str(error), position) from None

    def _atom(self) -> Shape:
        if self._peek() == "(":
            self.at += 1
            shape = self._region()
            if self._peek() != ")":
                raise self._error("expected ')'")
            self.at += 1
            return shape
        position, name = self.at, _NAME.match(self.text, self.at)
        if name is None or name[0] not in SHAPES:
            raise self._error(f"expected a shape ({', '.join(SHAPES)}) or '('")
        self.count += 1
        if self.count > MAX_SHAPES:
            raise self._error(f"more than {MAX_SHAPES} shapes")
        self.at = name.end()
        numbers = self._numbers(name[0])
        try:
            return SHAPES[name[0]](numbers)
        except SettingsError as error:
            raise self._error(str(error), position) from None

    def _numbers(self, name: str) -> list[sympy.Expr]:
        """The arguments, each a formula without names."""
        if self._peek() != "(":
            raise self._error("expected '('")
        start, level, cuts = self.at, 0, [self.at]
        for position in range(start, len(self.text)):
            letter = self.text[position]
            level += (letter == "(") - (letter == ")")
            if level == 0 or (level == 1 and letter == ","):
                cuts.append(position)
            if level == 0:
                break
        else:
            raise self._error("expected ')'", len(self.text))
        self.at = cuts[-1] + 1
        try:
            return [read_constant(self.text[a + 1 : b], name) for a, b in pairwise(cuts)]
        except FormulaError as error:
            raise self._error(str(error), start) from None


def _box(numbers: list[sympy.Expr]) -> Shape:
    if len(numbers) % 2:
        raise SettingsError("box takes the two ends of every axis: box(0, 1, 0, 1)")
    return BoxShape(list(zip(numbers[::2], numbers[1::2], strict=True)))


def _ball(numbers: list[sympy.Expr]) -> Shape:
    if len(numbers) < 3:
        raise SettingsError("ball takes a centre of two coordinates or more, and a radius: ball(0, 0, 0, 1)")
    return Ball(numbers[:-1], numbers[-1])


def _disc(numbers: list[sympy.Expr]) -> Shape:
    if len(numbers) != 3:
        raise SettingsError("disc takes a centre and a radius: disc(0, 0, 1)")
    return Ball(numbers[:-1], numbers[-1])


def _polygon(numbers: list[sympy.Expr]) -> Shape:
    if len(numbers) % 2:
        raise SettingsError("polygon takes two coordinates for every corner: polygon(0,0, 1,0, 0,1)")
    return Polygon(list(zip(numbers[::2], numbers[1::2], strict=True)))


SHAPES = {"box": _box, "disc": _disc, "ball": _ball, "polygon": _polygon}
