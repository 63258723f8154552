"""The verdict of a proof as plain data, and back."""

from collections.abc import Mapping
from typing import Any

from kansci.solution.prove import Proof

__all__ = ["proof_from", "proof_record"]


def proof_record(proof: Proof | None) -> dict[str, Any] | None:
    """The verdict as plain data."""
    if proof is None:
        return None
    return {"proved": proof.proved, "sup_norm": proof.sup_norm, "obstacles": list(proof.obstacles)}


def proof_from(record: Mapping[str, Any] | None) -> Proof | None:
    """The verdict back, without the single checks."""
    if record is None:
        return None
    size = float("nan") if record["sup_norm"] is None else float(record["sup_norm"])
    return Proof(bool(record["proved"]), (), (), size, tuple(map(str, record["obstacles"])))
