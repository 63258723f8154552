"""Training of coordinate networks: mini-batches, error-driven sampling, several processes, resuming."""

from kansci.inr.training.rates import LEARNING_RATES
from kansci.inr.training.settings import (
    Progress,
    State,
    TrainResult,
    TrainSettings,
)
from kansci.inr.training.train import train

__all__ = [
    "LEARNING_RATES",
    "Progress",
    "State",
    "TrainResult",
    "TrainSettings",
    "train",
]
