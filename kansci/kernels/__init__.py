"""Numerics on plain tensors: what a network, an equation and a signal all stand on."""

from kansci.kernels.bspline import bspline_jet, bspline_values, insertion_matrix
from kansci.kernels.reference import edge_sum, edge_sum_slopes

__all__ = ["bspline_jet", "bspline_values", "edge_sum", "edge_sum_slopes", "insertion_matrix"]
