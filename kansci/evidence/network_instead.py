"""Where no formula is found: a network that can be used in its place, and what kept it from being one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kansci.discovery import Discovery
from kansci.evidence.resisting import EdgeReport, resisting_edges
from kansci.fit_network import FitSettings, fit_network

if TYPE_CHECKING:
    from kansci.models import KAN

__all__ = ["NetworkInstead", "network_instead"]

BETTER = 0.9
"""Share of the best formula's error that a network has to stay below to be worth keeping."""
FEWEST_ROWS = 20


@dataclass(frozen=True)
class NetworkInstead:
    """A trained network, its RMSE / std on held-out rows, and its learned edges, the most resistant first."""

    model: "KAN"
    nrmse: float
    edges: tuple[EdgeReport, ...]

    def to_json(self) -> dict[str, Any]:
        """The result as plain data."""
        resisting = [str(edge) for edge in self.edges if edge.resists]
        return {"width": list(self.model.width), "nrmse": self.nrmse, "resisting_edges": resisting}


def network_instead(discovery: Discovery, seconds: float) -> NetworkInstead | None:
    """Train a network where no law was found.

    Args:
        discovery: What was found.
        seconds: Time to train.

    Returns:
        The network, or None if a law was found, rows are few, or the network predicts no better.
    """
    dataset = discovery.dataset
    if discovery.verdict.law_found or len(dataset) < FEWEST_ROWS:
        return None
    fit = fit_network(dataset, FitSettings(seed=discovery.settings.seed), seconds=seconds)
    if not fit.held_out or fit.nrmse > BETTER * min(discovery.nrmse, 1.0):
        return None
    return NetworkInstead(fit.model, fit.nrmse, resisting_edges(fit.model, dataset))
