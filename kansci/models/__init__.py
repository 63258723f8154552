"""Networks as torch modules."""

from kansci.models.importance import Importance, importance
from kansci.models.kan import KAN
from kansci.models.layer import KANLayer, edge_functions

__all__ = ["KAN", "Importance", "KANLayer", "edge_functions", "importance"]
