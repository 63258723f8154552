"""Options that say what a formula may be made of, in PySR's words, as settings of the search."""

import re
from typing import Annotated, Any

import typer

__all__ = ["Binary", "Form", "Functions", "MaxDepth", "MaxSize", "Nested", "Unary", "rules"]

Unary = Annotated[
    str | None,
    typer.Option(
        "--unary-operators",
        metavar="exp,sin,...",
        help="Functions that may occur; given alone, with + - * / beside them.",
    ),
]
Binary = Annotated[
    str | None,
    typer.Option(
        "--binary-operators",
        metavar="+,*,...",
        help="Operators that may occur; given alone, without functions.",
    ),
]
MaxSize = Annotated[int | None, typer.Option("--maxsize", help="Most nodes of the formula.")]
MaxDepth = Annotated[int | None, typer.Option("--maxdepth", help="Most levels of the formula.")]
Nested = Annotated[
    list[str] | None,
    typer.Option(
        "--nested",
        metavar="sin:sin=0,cos=0",
        help="How often others may be nested inside an operator; repeat for more.",
    ),
]
Functions = Annotated[
    list[str] | None,
    typer.Option(
        "--function",
        metavar="gauss(x)=exp(-x^2)",
        help="A function to try beside the usual ones; repeat for more.",
    ),
]
Form = Annotated[
    str | None,
    typer.Option(
        "--form",
        metavar="a*f(x)+g(z)",
        help="Required form: unknown names are constants to fit, unknown functions are to be found.",
    ),
]

_FUNCTION = re.compile(r"\s*(\w+)\s*\(\s*(\w+)\s*\)\s*=(.+)")


def rules(
    unary: str | None,
    binary: str | None,
    maxsize: int | None,
    maxdepth: int | None,
    nested: list[str] | None,
    functions: list[str] | None,
    form: str | None,
) -> dict[str, Any]:
    """The options as keyword arguments of ``DiscoverSettings``."""
    return {
        "unary_operators": _names(unary),
        "binary_operators": _names(binary),
        "maxsize": maxsize,
        "maxdepth": maxdepth,
        "nested_constraints": dict(map(_nesting, nested)) if nested else None,
        "functions": dict(map(_function, functions)) if functions else None,
        "template": form,
    }


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _nesting(text: str) -> tuple[str, dict[str, int]]:
    from kansci.errors import SettingsError

    outer, _, limits = text.partition(":")
    pairs = [limit.rpartition("=") for limit in limits.split(",")]
    if not all(inner.strip() and most.strip().isdecimal() for inner, _, most in pairs):
        raise SettingsError(f"--nested {text!r} must read like sin:sin=0,cos=0")
    return outer.strip(), {inner.strip(): int(most) for inner, _, most in pairs}


def _function(text: str) -> tuple[str, str]:
    from kansci.errors import SettingsError
    from kansci.expressions.parser import parse

    found = _FUNCTION.fullmatch(text)
    if found is None:
        raise SettingsError(f"--function {text!r} must read like gauss(x)=exp(-x^2)")
    name, variable, body = found.groups()
    parse(body, [variable])
    return name, body.strip()
