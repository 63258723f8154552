"""Networks of coordinates: SIREN, FKAN and their successors, and KANs, on the same functions."""

from kansci.inr.networks.kinds import KINDS
from kansci.inr.networks.make import make_network
from kansci.inr.networks.network import CoordinateNetwork
from kansci.inr.networks.spectrum import band, suggested_frequency
from kansci.inr.networks.variance import variances

__all__ = ["KINDS", "CoordinateNetwork", "band", "make_network", "suggested_frequency", "variances"]
