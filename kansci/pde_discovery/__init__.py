"""From measured fields to their differential equation: ``discover_equation(Measurements)``."""

from kansci.pde_discovery.measurements import Measurements
from kansci.pde_discovery.reading import read_fields
from kansci.pde_discovery.result import Equation, EquationDiscovery, EquationTerm
from kansci.pde_discovery.run import Event, discover_equation
from kansci.pde_discovery.settings import Settings

__all__ = [
    "Equation",
    "EquationDiscovery",
    "EquationTerm",
    "Event",
    "Measurements",
    "Settings",
    "discover_equation",
    "read_fields",
]
