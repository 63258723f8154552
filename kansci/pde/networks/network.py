"""What solvers ask of a network: values and derivatives at fixed points, and their slopes by the weights."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch

from kansci.pde.jets import JetPlan

__all__ = ["AtPoints", "Forward", "Network"]


@dataclass(frozen=True, eq=False)
class Forward:
    """One evaluation.

    Attributes:
        value: the output's jet, shape (C, N).
        jacobian: from weights g (C, N) of the components to the derivatives of sum_c g_cn value_cn by the
            network's weights, (N, P).
    """

    value: torch.Tensor
    jacobian: Callable[[torch.Tensor], torch.Tensor]


AtPoints = Callable[[torch.Tensor], Forward]
"""From weights (P,) to an evaluation at points that were given before."""


class Network(ABC):
    """A function of d coordinates with P weights.

    Attributes:
        linear: whether it is linear in its weights.
    """

    linear: bool = False

    @property
    @abstractmethod
    def n_weights(self) -> int:
        """Number of weights P."""

    @abstractmethod
    def initial(self, seed: int) -> torch.Tensor:
        """Give weights to start from, (P,)."""

    @abstractmethod
    def at(self, inputs: torch.Tensor, plan: JetPlan) -> AtPoints:
        """Prepare for points.

        Args:
            inputs: the coordinates' jet, shape (C, N, d).
            plan: which derivatives are wanted.

        Returns:
            The function from weights to evaluations.
        """
