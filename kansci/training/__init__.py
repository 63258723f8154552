"""Training of KANs by Levenberg-Marquardt, many restarts at once."""

from kansci.models.importance import Importance, importance
from kansci.training.fit import fit_population, train_population
from kansci.training.fit_model import fit_model
from kansci.training.settings import FitInterrupted, StepEvent, Trained, TrainSettings
from kansci.training.sparsify import fit_sparse, prune_and_refit, sparsify_and_prune

__all__ = [
    "FitInterrupted",
    "Importance",
    "StepEvent",
    "TrainSettings",
    "Trained",
    "fit_model",
    "fit_population",
    "fit_sparse",
    "importance",
    "prune_and_refit",
    "sparsify_and_prune",
    "train_population",
]
