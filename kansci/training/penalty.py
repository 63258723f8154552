"""Penalties that are quadratic in each edge's weights: group sparsity and smoothness.

The norm of an edge is the standard deviation of its function over the data, sqrt(w' C w) with C the
covariance of the functions, so the group lasso, reweighted at every step, is a small quadratic form for each
edge.
"""

from dataclasses import dataclass

import torch

from kansci.training.dual import RowEquations
from kansci.training.normal_equations import NormalEquations
from kansci.training.population import Population

_SCALE = 0.03  # importances well above it are hardly penalised further
_FLOOR = 1e-3  # importances below it are penalised quadratically


@dataclass(frozen=True, eq=False)
class Penalty:
    """0.5 w' Q w for every edge; Q of each layer, shape (P, J, I, F, F)."""

    forms: list[torch.Tensor]

    def value(self, population: Population) -> torch.Tensor:
        """Evaluate the penalty of every member, (P,)."""
        total = torch.zeros(population.size, dtype=torch.float64, device=population.layers[0].weight.device)
        for form, layer in zip(self.forms, population.layers, strict=True):
            total += 0.5 * (_times(form, layer.weight) * layer.weight).sum((1, 2, 3))
        return total

    def add_to(self, equations: NormalEquations | RowEquations, population: Population) -> None:
        """Add gradient and Hessian to the equations, in place."""
        equations.add(self.forms, population)

    def members(self, index: torch.Tensor) -> "Penalty":
        """Give the penalties of some members."""
        return Penalty([form[index] for form in self.forms])


def _times(form: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return (form @ weight.unsqueeze(-1)).squeeze(-1)


def group_sparsity(population: Population, equations: NormalEquations, lamb: float) -> Penalty:
    """Bound lamb * sum of log(1 + a / scale) over the edges from above by a quadratic that touches it here.

    The importance a = sensitivity * sqrt(w' C w) is an edge's deviation in units of the output, so it does
    not change when a hidden node is rescaled. The logarithm drives small edges to zero and leaves large ones
    alone. Iteratively reweighted least squares: Candes, Wakin and Boyd 2008; Daubechies, DeVore, Fornasier
    and Gunturk 2010.

    Args:
        population: P networks.
        equations: with statistics.
        lamb: weight of the penalty.

    Returns:
        The quadratic forms.
    """
    forms = []
    for layer, covariance, sensitivity in zip(
        population.layers, equations.covariance, equations.sensitivity, strict=True
    ):
        per_output = sensitivity.square()[..., None, None, None] * covariance.unsqueeze(-4)  # (P, J, I, F, F)
        importance = (_times(per_output, layer.weight) * layer.weight).sum(-1).clamp(min=0).sqrt()
        reweighting = lamb * _SCALE / ((importance + _FLOOR) * (importance + _SCALE))
        forms.append(per_output * reweighting[..., None, None])
    return Penalty(forms)


def smoothness(population: Population, weight: float | torch.Tensor) -> Penalty:
    """Penalise every edge's curvature.

    Args:
        population: P networks.
        weight: of the penalty, one or one for each member (P,).

    Returns:
        The quadratic forms.
    """
    forms = []
    weight = torch.as_tensor(weight, dtype=torch.float64).expand(population.size)[:, None, None, None, None]
    for layer in population.layers:
        size = layer.weight.shape[-1]
        form = torch.zeros((size, size), dtype=torch.float64, device=layer.weight.device)
        form[layer.n_base :, layer.n_base :] = layer.basis.roughness()
        forms.append(weight.to(form) * form.expand(*layer.weight.shape[:3], size, size))
    return Penalty(forms)


def combined(penalties: list[Penalty]) -> Penalty | None:
    """Add up penalties; None for none."""
    if not penalties:
        return None
    return Penalty(
        [sum(forms[1:], start=forms[0]) for forms in zip(*(p.forms for p in penalties), strict=True)]
    )
