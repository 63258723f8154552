"""The way from a table to a formula: ``discover(dataset) -> Discovery``."""

from kansci.discovery.group_result import GroupedDiscovery
from kansci.discovery.groups import discover_grouped, discover_groups
from kansci.discovery.result import Candidate, Discovery, Event
from kansci.discovery.run import discover, simplify_network
from kansci.discovery.settings import DiscoverSettings
from kansci.discovery.targets import TargetsDiscovery, discover_each, discover_targets, target_datasets

__all__ = [
    "Candidate",
    "DiscoverSettings",
    "Discovery",
    "Event",
    "GroupedDiscovery",
    "TargetsDiscovery",
    "discover",
    "discover_each",
    "discover_grouped",
    "discover_groups",
    "discover_targets",
    "simplify_network",
    "target_datasets",
]
