"""Looks at many rows at once, without learning from them."""

import math

import torch

from kansci.errors import SettingsError
from kansci.inr.training.objective import Objective
from kansci.inr.training.ranks import Ranks
from kansci.inr.training.samples import Samples
from kansci.inr.training.settings import TrainSettings

__all__ = ["Looks", "output_layer"]

_SLAB = 4096


class Looks:
    """Losses and scores of rows; the processes share the work."""

    def __init__(self, objective: Objective, samples: Samples, settings: TrainSettings, ranks: Ranks):
        """Join what is needed.

        Args:
            objective: the loss.
            samples: the rows.
            settings: says which loss and which scores.
            ranks: the processes.
        """
        self._objective, self._samples, self._settings, self._ranks = objective, samples, settings, ranks
        self._free = torch.Generator()
        self._around = samples.surroundings(settings.seed) if settings.loss == "sdf" else None

    def losses(self, rows: torch.Tensor) -> torch.Tensor:
        """Give the loss of each row, (B,)."""
        losses = torch.zeros(len(rows), device=rows.device)
        self._free.manual_seed(self._settings.seed + 1)
        free = self.free_points(len(rows), self._free)
        with torch.no_grad():
            for slab in self._ranks.part(torch.arange(len(rows), device=rows.device)).split(_SLAB):
                some = None if free is None else free[slab]
                losses[slab] = self._objective(self._samples.batch(rows[slab]), some).float()
        return self._ranks.sum(losses)

    def free_points(self, count: int, generator: torch.Generator) -> torch.Tensor | None:
        """Draw places off the surface and their signed distances, (B, d + 1), if the loss needs some."""
        return None if self._around is None else self._around.draw(count, generator).to(self._samples.targets)

    def psnr(self, loss: float) -> float:
        """Give the peak signal-to-noise ratio in dB that belongs to a mean loss."""
        if self._settings.loss != "mse":
            return math.nan
        if loss == 0:
            return math.inf
        return 10 * math.log10(self._settings.peak**2 / loss) if math.isfinite(loss) else -math.inf

    def scores(self) -> torch.Tensor:
        """Give what rows are ranked by, see `kansci.inr.training.sampling`: (N,)."""
        rows = torch.arange(self._samples.count, device=self._samples.targets.device)
        if self._settings.sampling != "nint":
            return self.losses(rows)
        inputs: list[torch.Tensor] = []
        layer = output_layer(self._objective.network)
        hook = layer.register_forward_pre_hook(lambda _, given: inputs.append(given[0].detach().float()))
        with torch.no_grad():
            errors = torch.cat(
                [self._objective(self._samples.batch(slab)).float().sqrt() for slab in rows.split(_SLAB)]
            )
        hook.remove()
        features = torch.cat([torch.nn.functional.pad(part, (0, 1), value=1.0) for part in inputs])
        return errors * tangent_norms(features)


def tangent_norms(features: torch.Tensor) -> torch.Tensor:
    """Give ||K_:,i|| of K = H H^T for H (N, F): (N,)."""
    gram = features.T @ features
    return ((features @ gram) * features).sum(1).clamp_min(0).sqrt()


def output_layer(network: torch.nn.Module) -> torch.nn.Linear:
    """Find the last layer.

    Raises:
        SettingsError: it is not linear.
    """
    layers = [module for module in network.modules() if isinstance(module, torch.nn.Linear)]
    if not layers:
        raise SettingsError(
            'sampling="nint" needs a network whose last layer is linear: choose "int" or "recent"'
        )
    return layers[-1]
