"""The way from a table to a formula: ``discover(dataset) -> Discovery``."""

from kansci.discovery.result import Candidate, Discovery, Event
from kansci.discovery.run import discover, simplify_network
from kansci.discovery.settings import DiscoverSettings

__all__ = ["Candidate", "DiscoverSettings", "Discovery", "Event", "discover", "simplify_network"]
