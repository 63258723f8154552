"""How long to search for a formula, from which seed, and for what form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kansci.errors import SettingsError
from kansci.search.grammar import Grammar

__all__ = ["DiscoverSettings"]


@dataclass(frozen=True)
class DiscoverSettings:
    """How long to search, from which seed, and for formulas of what form.

    ``seconds``: wall clock; an exact formula ends the search earlier. ``seed``: of the rows held
    out and of the networks' starts. ``jobs``: processes among which networks are shared out.
    What a formula may be made of is said in PySR's words: see ``search.grammar``. ``template``: a
    required form such as ``a*f(x) + g(z)``, see ``search.template``.
    """

    seconds: float = 60.0
    seed: int = 0
    jobs: int = 1
    unary_operators: Sequence[str] | None = None
    binary_operators: Sequence[str] | None = None
    maxsize: int | None = None
    maxdepth: int | None = None
    nested_constraints: Mapping[str, Mapping[str, int]] | None = None
    functions: Mapping[str, str] | None = None
    template: str | None = None

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise SettingsError(f"seconds={self.seconds} must be positive")
        if self.jobs < 1:
            raise SettingsError(f"jobs={self.jobs} must be at least 1")
        if not (self.template is None or isinstance(self.template, str)):
            raise SettingsError(f"template={self.template!r}: give a form as text, such as 'a*f(x) + b'")
        _ = self.grammar

    @property
    def grammar(self) -> Grammar:
        """What a formula may be made of."""
        return Grammar(
            self.unary_operators,
            self.binary_operators,
            self.maxsize,
            self.maxdepth,
            self.nested_constraints,
            self.functions,
        )
