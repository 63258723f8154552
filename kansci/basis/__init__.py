"""Families of one-variable functions, independent of any network."""

from kansci.basis.base import Basis
from kansci.basis.base_functions import BASE_FUNCTIONS, base_function
from kansci.basis.bspline import BSpline

__all__ = ["BASE_FUNCTIONS", "BSpline", "Basis", "base_function"]
