"""Signals as functions: from samples to a model, its quality, and back to samples of any resolution."""

from kansci.representation.compare import Comparison, compare_models
from kansci.representation.formula import SignalFormula, find_formula
from kansci.representation.represent import represent
from kansci.representation.representation import Representation
from kansci.representation.settings import MODELS, TASKS, RepresentSettings

__all__ = [
    "MODELS",
    "TASKS",
    "Comparison",
    "RepresentSettings",
    "Representation",
    "SignalFormula",
    "compare_models",
    "find_formula",
    "represent",
]
