"""Numerics on plain tensors: what a network, an equation and a signal all stand on."""

from kansci.kernels.bspline import bspline_jet, bspline_values, insertion_matrix
from kansci.kernels.dispatch import use_kernels
from kansci.kernels.edge_sum import to_coef, to_inputs, to_outputs
from kansci.kernels.functions import Functions
from kansci.kernels.reference import edge_values, sum_edges

__all__ = [
    "Functions",
    "bspline_jet",
    "bspline_values",
    "edge_values",
    "insertion_matrix",
    "sum_edges",
    "to_coef",
    "to_inputs",
    "to_outputs",
    "use_kernels",
]
