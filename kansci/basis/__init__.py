"""Families of one-variable functions, independent of any network."""

from kansci.basis.base import Basis
from kansci.basis.base_functions import BASE_FUNCTIONS, base_curvature, base_function
from kansci.basis.bspline import BSpline
from kansci.basis.chebyshev import Chebyshev
from kansci.basis.fourier import Fourier
from kansci.basis.make import BASES, BasisSpec, basis_names, layer_specs, make_basis
from kansci.basis.moments import glorot_deviation, moments
from kansci.basis.rational import Rational
from kansci.basis.rbf import GaussianRBF
from kansci.basis.sine import Sine

__all__ = [
    "BASES",
    "BASE_FUNCTIONS",
    "BSpline",
    "Basis",
    "BasisSpec",
    "Chebyshev",
    "Fourier",
    "GaussianRBF",
    "Rational",
    "Sine",
    "base_curvature",
    "base_function",
    "basis_names",
    "glorot_deviation",
    "layer_specs",
    "make_basis",
    "moments",
]
