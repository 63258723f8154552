"""How far a formula can be trusted: each kind of evidence alone, and all of it together."""

from kansci.evidence.domain import DomainReport, domain_report
from kansci.evidence.extrapolation import Extrapolation, extrapolation
from kansci.evidence.fidelity import Fidelity, fidelity
from kansci.evidence.model_choice import ModelChoice, model_choice
from kansci.evidence.null_test import NullTest, null_test
from kansci.evidence.stability import Stability, stability
from kansci.evidence.trust import SECTIONS, Trust, trust

__all__ = [
    "SECTIONS",
    "DomainReport",
    "Extrapolation",
    "Fidelity",
    "ModelChoice",
    "NullTest",
    "Stability",
    "Trust",
    "domain_report",
    "extrapolation",
    "fidelity",
    "model_choice",
    "null_test",
    "stability",
    "trust",
]
