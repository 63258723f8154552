"""Networks as torch modules."""

from kansci.models.importance import Importance, importance
from kansci.models.kan import KAN
from kansci.models.layer import KANLayer, edge_functions
from kansci.models.nodes import Nodes
from kansci.models.symbolic_edge import SymbolicFunction

__all__ = ["KAN", "Importance", "KANLayer", "Nodes", "SymbolicFunction", "edge_functions", "importance"]
