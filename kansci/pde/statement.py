"""A differential equation as a scientist writes it -> `Problem`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import sympy

from kansci.errors import SettingsError
from kansci.pde.box import Box
from kansci.pde.checks import check, corner_notes
from kansci.pde.conditions_text import Conditions, read_conditions
from kansci.pde.domain import Domain
from kansci.pde.equation_text import Vocabulary, find_fields, read, read_constant
from kansci.pde.observations import from_table
from kansci.pde.problem import Field, Observations, Problem, UnknownConstant
from kansci.pde.region_text import read_region

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["problem"]

Number = str | float | int
_NAME = re.compile(r"[^\W\d]\w*")
TIMES = ("t", "time")
"""Coordinates that are time unless something else is said."""


def problem(  # noqa: PLR0913  one argument for each part of a statement
    equations: str | Sequence[str],
    domain: Mapping[str, Sequence[Number]],
    conditions: Conditions = (),
    *,
    name: str = "problem",
    fields: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
    complex: Sequence[str] = (),
    periodic: Sequence[str] = (),
    time: str | None = None,
    region: str | None = None,
    space: Sequence[str] | None = None,
    faces: Mapping[str, str] | None = None,
    parameters: Mapping[str, Number] | None = None,
    unknowns: Mapping[str, Number] | None = None,
    sought: Mapping[str, Sequence[str]] | None = None,
    data: "pd.DataFrame | Sequence[Observations] | None" = None,
    sigma: float | None = None,
    exact: Mapping[str, Number] | None = None,
    title: str = "",
    source: str = "",
) -> Problem:
    """State a differential equation.

    Args:
        equations: one or several, for example ``"u_t + u*u_x = nu*u_xx"``.
        domain: coordinate -> interval; with a region only time stands here. Ends may be formulas: "2*pi".
        conditions: by part of the boundary, or a list of such as "u(x, 0) = 0"; see `read_conditions`.
        name: of the problem.
        fields: the unknown functions, with the coordinates they depend on if these are not all. Found
            in the equations where it is left out.
        complex: fields with a real and an imaginary part.
        periodic: coordinates whose two ends are one.
        time: the coordinate that is time; "t" or "time" are without being named.
        region: a shape in space, for example "box(0,1,0,1) - disc(0.5,0.5,0.2)".
        space: names of the region's coordinates; x, y, z or x1, x2, ... where left out.
        faces: names for parts of the region's boundary, by the shape they lie on.
        parameters: known constants and coefficients; formulas in the coordinates and in earlier ones.
        unknowns: constants that are to be found, with the value the search starts from.
        sought: coefficient that is to be found -> the coordinates it depends on.
        data: measurements: a table whose columns are the coordinates and at least one field.
        sigma: standard deviation of the measured values.
        exact: the solution where it is known, by field (and by unknown constant).
        title: one line for a human.
        source: where the problem comes from.

    Returns:
        The problem.

    Raises:
        SettingsError: Something does not fit together; one line says what.
        FormulaError: A text cannot be read; the position is marked.
        DataError: The table cannot be used.
    """  # noqa: DOC502  raised by what it calls
    _check_tables(
        domain=domain, faces=faces, parameters=parameters, unknowns=unknowns, sought=sought, exact=exact
    )
    texts = tuple(_texts(equations, "equations"))
    if not texts:
        raise SettingsError("no equation is given")
    complex, periodic = _texts(complex, "complex"), _texts(periodic, "periodic")
    where = _domain(domain, periodic, time, region, space, faces)
    vocabulary = _vocabulary(texts, where, fields, complex, parameters, unknowns, sought)
    starts = unknowns or {}
    stated = Problem(
        name=name,
        coordinates=where.axes,
        time=where.time,
        fields=vocabulary.real_fields,
        equations=tuple(part for text in texts for part in read(text, vocabulary)[0] if part != 0),
        texts=texts,
        domain=where,
        conditions=read_conditions(conditions, vocabulary, where),
        parameters={key: vocabulary.values[key] for key in parameters or {}},
        unknowns=tuple(UnknownConstant(key, float(read_constant(starts[key], key))) for key in starts),
        observations=from_table(data, vocabulary.real_fields, where, sigma),
        exact=_exact(exact or {}, vocabulary),
        title=title,
        source=source,
    )
    check(stated)
    return replace(stated, notes=corner_notes(stated))


def _check_tables(**given: object) -> None:
    for name, value in given.items():
        if value is not None and not isinstance(value, Mapping):
            raise SettingsError(
                f"{name}: a value for each name is needed, {{name: value}}, not {value!r:.40}"
            )


def _domain(
    limits: Mapping[str, Sequence[Number]],
    periodic: Sequence[str],
    time: str | None,
    region: str | None,
    space: Sequence[str] | None,
    faces: Mapping[str, str] | None,
) -> Domain:
    """The set of points all coordinates run over."""
    exact = {axis: _interval(axis, ends) for axis, ends in limits.items()}
    time = time or next((axis for axis in TIMES if axis in exact), None)
    if time is not None and time not in exact:
        raise SettingsError(f"the domain has no interval for the time {time}")
    if region is not None:
        if set(exact) - {time} or periodic:
            raise SettingsError("a region replaces the intervals of space: give time alone, no periodic axes")
        return read_region(region, space, {time: exact[time]} if time else {}, faces or {})
    if not exact:
        raise SettingsError("the domain is empty: give an interval for each coordinate")
    if faces or space:
        raise SettingsError("faces and space belong to a region, and none is given")
    for axis in periodic:
        if axis not in exact:
            raise SettingsError(f"there is no coordinate '{axis}' that could be periodic")
    return Box(exact, periodic, time)


def _interval(axis: str, ends: Sequence[Number]) -> tuple[sympy.Expr, sympy.Expr]:
    if not _NAME.fullmatch(axis) or axis in {"pi", "E"}:
        raise SettingsError(f"'{axis}' cannot be the name of a coordinate: use a letter such as x")
    if isinstance(ends, str) or not hasattr(ends, "__len__") or len(ends) != 2:
        raise SettingsError(f"the interval of {axis} has two ends, [0, 1] for example, not {ends!r}")
    low, high = (read_constant(end, f"the interval of {axis}") for end in ends)
    return low, high


def _vocabulary(
    texts: tuple[str, ...],
    domain: Domain,
    fields: Sequence[str] | Mapping[str, Sequence[str]] | None,
    complex_fields: Sequence[str],
    parameters: Mapping[str, Number] | None,
    unknowns: Mapping[str, Number] | None,
    sought: Mapping[str, Sequence[str]] | None,
) -> Vocabulary:
    """What every name means, known coefficients first since they may use each other."""
    values: dict[str, sympy.Expr] = {name: sympy.Symbol(name, real=True) for name in unknowns or {}}
    for name, text in (parameters or {}).items():
        values[name] = _coefficient(name, text, Vocabulary(domain.axes, domain.time, values=dict(values)))
    extra = tuple(
        Field(name, _arguments(name, axes, domain), sought=True) for name, axes in (sought or {}).items()
    )
    known = Vocabulary(domain.axes, domain.time, extra, values=values)
    names = fields if fields is not None else [*complex_fields, *find_fields(texts, known)]
    if not isinstance(names, Mapping):
        names = dict.fromkeys(_texts(names, "fields"), domain.axes)
    if not names:
        raise SettingsError(
            f"no unknown function with a derivative in '{texts[0][:60]}': name it with fields"
        )
    solved = tuple(Field(name, _arguments(name, axes, domain)) for name, axes in names.items())
    for name in complex_fields:
        if name not in names:
            raise SettingsError(f"'{name}' is called complex but is no field")
    every = [*domain.axes, *values, *(f.name for f in (*solved, *extra))]
    for name in every:
        if every.count(name) > 1 or not _NAME.fullmatch(name):
            reason = "stands for two things" if every.count(name) > 1 else "is no name"
            raise SettingsError(f"'{name}' {reason}: coordinates, fields, parameters and unknowns need names")
    return Vocabulary(domain.axes, domain.time, (*solved, *extra), frozenset(complex_fields), values)


def _arguments(name: str, axes: Sequence[str], domain: Domain) -> tuple[str, ...]:
    """Coordinates a field depends on, in the order of the problem's."""
    axes = _texts(axes, f"the coordinates of '{name}'")
    for axis in axes:
        if axis not in domain.axes:
            raise SettingsError(f"'{name}' is to depend on '{axis}', which is no coordinate")
    if not axes:
        raise SettingsError(f"'{name}' depends on no coordinate: a constant belongs to unknowns")
    return tuple(axis for axis in domain.axes if axis in axes)


def _texts(given: str | Sequence[str], what: str) -> Sequence[str]:
    """One text or several, as several."""
    several = [given] if isinstance(given, str) else given
    if not isinstance(several, (list, tuple)) or not all(isinstance(text, str) for text in several):
        raise SettingsError(f"{what}: a list of texts is needed, not {given!r:.40}")
    return several


def _coefficient(name: str, value: Number, vocabulary: Vocabulary) -> sympy.Expr:
    if not isinstance(value, str):
        return read_constant(value, name)
    return read(value, vocabulary, equation=False)[0][0]


def _exact(given: Mapping[str, Number], vocabulary: Vocabulary) -> dict[str, sympy.Expr]:
    """The known solution, by real field."""
    alone = Vocabulary(vocabulary.coordinates, vocabulary.time, (), vocabulary.complex, vocabulary.values)
    fields = {f.name for f in vocabulary.fields}
    exact: dict[str, sympy.Expr] = {}
    for name, text in given.items():
        if name not in fields and name not in vocabulary.values:
            raise SettingsError(
                f"exact solution for '{name}', which is no field: {', '.join(sorted(fields))}"
            )
        parts = (
            read(text, alone, equation=False)[0] if isinstance(text, str) else (read_constant(text, name),)
        )
        exact.update(zip(vocabulary.parts(name), (*parts, sympy.S.Zero), strict=False))
    return exact
