"""Derivatives as people write them, turned into names with subscripts: the grammar reads only those.

    u_{xx}  u_xx      du/dx  ∂u/∂x      u_x        Δu  ∇²u     Laplace operator
    u''     u_xx      d2u/dx2  d^2u/dxdy  u_xx     u²          square

Every change keeps the length of the text, so that columns in messages stay right.
"""

import re
from collections.abc import Collection, Iterator, Sequence

__all__ = ["DELTA", "PRIME", "candidates", "plain", "subscripts"]

MAX_ORDER = 8
"""Of a derivative."""
MAX_FRACTION_ORDER = 4
PRIME = "\u02b9"
"""A letter, unlike the apostrophe."""
DELTA = "Δ"
_CHARACTERS = str.maketrans({"−": "-", "·": "*", "×": "*", "∂": "d", "∆": DELTA})
_BRACES = re.compile(r"_\{\s*([^\W_]+)\s*\}")
_PRIMES = re.compile(r"(?<=\w)'+")
_FRACTION = re.compile(r"\bd(?:\^?(\d))?\s*([^\W\d]\w*)\s*/\s*((?:\s*d\s*[^\W\d]\w*(?:\^\d)?)+)")
_OPERATORS = "diff|Derivative|laplacian|Laplacian|grad|biharmonic"


def plain(text: str, coordinates: Sequence[str], taken: Collection[str] = ()) -> str:
    """Rewrite the notations above, except for names that are taken."""
    text = text.translate(_CHARACTERS).replace("∇²", f" {DELTA}").replace("==", "= ")
    text = _BRACES.sub(lambda match: _padded(f"_{match[1]}", match), text)
    text = _PRIMES.sub(lambda match: PRIME * len(match[0]), text)
    return _FRACTION.sub(lambda match: _fraction(match, coordinates, taken), text)


def _padded(text: str, match: re.Match[str]) -> str:
    return text.ljust(len(match[0]))


def _fraction(match: re.Match[str], coordinates: Sequence[str], taken: Collection[str]) -> str:
    """The name that stands for d^k u / dx^k."""
    order, field, below = int(match[1] or 1), match[2], re.sub(r"\s", "", match[3])
    axes = list(_below(below, coordinates))
    if len(axes) != order or order > MAX_FRACTION_ORDER or f"d{field}" in taken:
        return match[0]
    return _padded(f"{field}_{''.join(axes)}", match)


def _below(text: str, coordinates: Sequence[str]) -> Iterator[str]:
    """The coordinates below the line: dx2 and dx^2 are x, x; dxdy is x, y; empty when it is none."""
    while text:
        names = [c for c in sorted(coordinates, key=len, reverse=True) if text.startswith(f"d{c}")]
        if not names:
            yield ""
            return
        text = text[len(names[0]) + 1 :]
        power = re.match(r"\^?([1-9])", text)
        text = text[power.end() :] if power else text
        yield from [names[0]] * (int(power[1]) if power else 1)


def subscripts(text: str, coordinates: Sequence[str]) -> tuple[str, ...] | None:
    """Split the letters behind the underscore into coordinates.

    Args:
        text: for example ``xxy`` or ``x1x2``.
        coordinates: their names.

    Returns:
        The coordinates in the order written; None if the text cannot be read as such.
    """
    text = text.replace("_", "")
    if not text:
        return ()
    for name in sorted(coordinates, key=len, reverse=True):
        if text.startswith(name) and len(text) <= MAX_ORDER * max(map(len, coordinates)):
            rest = subscripts(text[len(name) :], coordinates)
            if rest is not None and len(rest) < MAX_ORDER:
                return name, *rest
    return None


def candidates(text: str, coordinates: Sequence[str]) -> list[str]:
    """Names that must be unknown functions, for they are differentiated or depend on coordinates.

    Args:
        text: an equation after `plain`.
        coordinates: their names.

    Returns:
        The names in the order of their first appearance.
    """
    axes = "|".join(map(re.escape, sorted(coordinates, key=len, reverse=True)))
    patterns = [
        rf"\b(?:{_OPERATORS})\s*\(\s*([^\W\d]\w*)",
        rf"\b([^\W\d]\w*)\s*\(\s*(?:{axes})\s*(?:,\s*(?:{axes})\s*)*\)",
        rf"\b([^\W\d]\w*?){PRIME}+",
        rf"{DELTA}([^\W\d]\w*)",
    ]
    found = {match.start(1): match[1] for pattern in patterns for match in re.finditer(pattern, text)}
    for match in re.finditer(r"[^\W\d]\w*", text):
        name, _, below = match[0].partition("_")
        for cut in [i for i, letter in enumerate(match[0]) if letter == "_"]:
            if subscripts(match[0][cut + 1 :], coordinates):
                name, below = match[0][:cut], match[0][cut + 1 :]
                break
        else:
            below = ""
        if name and below:
            found[match.start()] = name
    stems = (re.sub(f"{PRIME}+$", "", found[start]) for start in sorted(found))
    return list(dict.fromkeys(stem for stem in stems if stem not in coordinates))
