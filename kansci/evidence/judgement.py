"""What the evidence for a formula amounts to, in plain words."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kansci.evidence.trust import Trust

__all__ = ["judgement"]

NULL_DOUBTS = {
    "too few": "too few permuted targets were tried to exclude chance",
    "too short": "the searches of the null test were too short to find the formula",
}
OFTEN = 0.5
"""Share of the repeats in which a form has to return."""
FAR = 3.0
"""An error outside that is so many times that inside is no sign of a law."""


def judgement(trust: "Trust") -> tuple[str, str]:
    """Whether the evidence supports the formula: "yes", "partly", "no" or "unknown", and why.

    Args:
        trust: The evidence.

    Returns:
        The judgement, and the text of the verdict.
    """
    against, doubts = _against(trust), _doubts(trust)
    known = trust.null is not None and trust.null.outcome != "untested"
    known &= trust.stability is not None and bool(trust.stability.repeats)
    if against:
        supported, head = "no", f"Not supported: {', '.join(against)}."
    elif doubts:
        supported, head = "partly", f"Supported in part: {', '.join(doubts)}."
    elif not known:
        supported, head = "unknown", "Nothing speaks against it, but not all was tested."
    else:
        supported, head = "yes", "Supported."
    return supported, head + _facts(trust)


def _against(trust: "Trust") -> list[str]:
    found = []
    if not trust.formula.expr.free_symbols:
        found.append("the formula has no inputs")
    elif trust.law_found is False:
        found.append("the search itself found no law")
    if trust.null is not None and trust.null.outcome == "chance":
        found.append("chance gives as much")
    if trust.units is not None and trust.units.startswith("inconsistent"):
        found.append("the units do not allow it")
    return found


def _doubts(trust: "Trust") -> list[str]:
    found = []
    repeats = trust.stability
    if repeats is not None and repeats.returned < OFTEN * len(repeats.repeats):
        found.append("the form seldom returns")
    if trust.null is not None and trust.null.outcome in NULL_DOUBTS:
        found.append(NULL_DOUBTS[trust.null.outcome])
    if trust.constants is not None and not all(known.determined for known in trust.constants.fitted):
        found.append("the data do not determine all its constants")
    outside = trust.extrapolation
    if outside is not None and _is_beaten_outside(outside.formulas, outside.chosen):
        found.append("it fails outside the rows it is fitted to")
    if trust.domain is not None and any(f.serious for f in trust.domain.inside):
        found.append("it is singular or not real somewhere inside the data box")
    return found


def _is_beaten_outside(formulas: tuple, chosen: int) -> bool:
    """Whether the formula errs far more outside than inside, and a shorter one errs less there."""
    own = formulas[chosen]
    if own.ratio is None or own.ratio <= FAR:
        return False
    return any(
        f.outside is not None and f.outside < own.outside for f in formulas if f.complexity < own.complexity
    )


def _facts(trust: "Trust") -> str:
    """The numbers that count, in a sentence."""
    facts = []
    if trust.stability is not None and trust.stability.repeats:
        returned, repeats = trust.stability.returned, len(trust.stability.repeats)
        facts.append(f"the form returned in {returned} of {repeats} repeated searches")
    null = trust.null
    if null is not None and null.p_value is not None:
        count = f"{null.as_good or 'none'} of {len(null.null_gains)} permuted targets"
        facts.append(f"{count} gave one as good (p <= {null.p_value:.2g})")
    if trust.constants is not None and trust.constants.fitted:
        facts.append(f"constants: {trust.constants.sentence}")
    text = "; ".join(facts)
    return f" {text[0].upper()}{text[1:]}." if text else ""
