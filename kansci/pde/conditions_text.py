"""Conditions as text: on which part of the boundary, and what holds there."""

import re
from collections.abc import Mapping, Sequence

import sympy

from kansci.errors import FormulaError, SettingsError
from kansci.pde.domain import Domain
from kansci.pde.equation_text import Vocabulary, normal, read, read_constant
from kansci.pde.problem import Condition, Face
from kansci.pde.region import EXCEPT

__all__ = ["Conditions", "read_conditions"]

Conditions = Mapping[str, str | Sequence[str]] | Sequence[str]
"""Text by part of the boundary, or texts that say by themselves where: u(x, 0) = sin(x)."""
ALL, REST = "boundary", "elsewhere"
_FACE = re.compile(r"\s*([^\W\d]\w*)\s*=\s*(.+?)\s*")


def read_conditions(given: Conditions, vocabulary: Vocabulary, domain: Domain) -> tuple[Condition, ...]:
    """Read all conditions.

    Args:
        given: by part of the boundary: ``{"t = 0": ["u = 0", "u_t = 0"], "boundary": "u = 0"}``, where
            "boundary" means all of it in space and "elsewhere" what has no conditions of its own, and
            several parts stand side by side: "x = 0, x = 1". Or a list of such as ``u(x, 0) = 0``.
        vocabulary: what the names mean.
        domain: whose boundary it is.

    Returns:
        The conditions, on faces of a box one for each face.

    Raises:
        FormulaError: A text cannot be read.
        SettingsError: A part of the boundary does not exist.
    """  # noqa: DOC502  raised by what it calls
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, (Mapping, list, tuple)):
        raise SettingsError(f"conditions are texts by part of the boundary, not {given!r:.40}")
    if not isinstance(given, Mapping):
        return tuple(c for text in given for c in _by_itself(text, vocabulary, domain))
    named = {key: _faces(key, domain) for key in given if key.strip() != REST}
    taken = {face for faces in named.values() for face in faces}
    conditions: list[Condition] = []
    for key, texts in given.items():
        faces = named[key] if key in named else _rest(domain, taken)
        for text in texts if isinstance(texts, (list, tuple)) else [texts]:
            if not isinstance(text, str):
                raise SettingsError(f"condition on '{key}': write an equation as text, not {text!r}")
            conditions += [c for face in faces for c in _on_face(text, face, vocabulary, domain)]
    return tuple(conditions)


def _faces(key: str, domain: Domain) -> list[Face]:
    """The faces a key stands for."""
    if key.strip() == ALL and domain.is_box:
        return _space_faces(domain)
    return [_face(part.strip(), domain) for part in key.split(",")]


def _space_faces(domain: Domain) -> list[Face]:
    faces = [
        Face(axis, float(end), f"{axis} = {end}")
        for axis, ends in domain.limits.items()
        if axis not in {domain.time, *domain.periodic}
        for end in ends
    ]
    if not faces:
        raise SettingsError("conditions on 'boundary': the domain has none in space")
    return faces


def _rest(domain: Domain, taken: set[Face]) -> list[Face]:
    if not domain.is_box:
        names = [
            face.name if face.axis is None else f"{face.axis} = {face.value!r}"
            for face in taken
            if face.axis is None or face.axis != domain.time
        ]
        return [Face(None, 0.0, EXCEPT + ", ".join(sorted(names)) if names else ALL)]
    where = {(face.axis, face.value) for face in taken}
    return [face for face in _space_faces(domain) if (face.axis, face.value) not in where]


def _face(text: str, domain: Domain) -> Face:
    match = _FACE.fullmatch(text)
    if match is None:
        if not domain.is_box and domain.on_face(None, 0.0, text):
            return Face(None, 0.0, text)
        raise SettingsError(f"'{text}' is no part of the boundary: {_known(domain)}")
    axis, value = match.groups()
    if axis not in domain.axes:
        raise SettingsError(f"condition on '{text}': there is no coordinate '{axis}'")
    return _axis_face(axis, read_constant(value, f"condition on '{text}'"), domain)


def _axis_face(axis: str, value: sympy.Expr, domain: Domain) -> Face:
    name = f"{axis} = {value}"
    if axis in domain.periodic:
        raise SettingsError(f"condition on '{name}': {axis} is periodic and has no ends")
    if not domain.on_face(axis, float(value), name):
        raise SettingsError(f"condition on '{name}': it is not on the boundary, which has {_known(domain)}")
    ends = domain.limits.get(axis, (value,))
    exact = min(ends, key=lambda end: abs(float(end) - float(value)))
    return Face(axis, float(exact), f"{axis} = {exact}")


def _known(domain: Domain) -> str:
    return ", ".join(domain.faces()[:20])


def _by_itself(text: str, vocabulary: Vocabulary, domain: Domain) -> list[Condition]:
    """A condition that names its face by the values of arguments."""
    if not isinstance(text, str):
        raise SettingsError(f"a condition must be text such as 'u(x, 0) = 0', not {text!r}")
    _, faces = read(text, vocabulary, boundary=True)
    if len(faces) != 1:
        raise SettingsError(f"condition '{text}': say where it holds, for example {{'t = 0': 'u = 0'}}")
    axis, value = next(iter(faces))
    return _on_face(text, _axis_face(axis, value, domain), vocabulary, domain)


def _on_face(text: str, face: Face, vocabulary: Vocabulary, domain: Domain) -> list[Condition]:
    try:
        residuals, values = read(text, vocabulary, boundary=True)
    except FormulaError as error:
        raise FormulaError(f"condition on '{face.name}': {error}") from None
    for axis, value in values:
        if axis != face.axis or abs(float(value) - face.value) > 1e-9 * max(1.0, abs(face.value)):
            raise SettingsError(f"condition on '{face.name}': '{text}' speaks of {axis} = {value}")
    if face.axis is not None and face.axis in domain.limits:
        outward = 1 if face.value > float(sum(domain.limits[face.axis])) / 2 else -1
        direction = {normal(a): sympy.Integer(outward if a == face.axis else 0) for a in domain.axes}
        residuals = tuple(residual.xreplace(direction) for residual in residuals)
    kept = [residual for residual in residuals if residual != 0]
    if not kept:
        raise SettingsError(f"condition on '{face.name}': '{text}' says nothing")
    return [Condition(face, residual, text) for residual in kept]
