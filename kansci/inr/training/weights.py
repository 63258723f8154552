"""The weights, Adam's memory of them, and the best weights so far."""

import math

import torch

from kansci.inr.training.settings import State

__all__ = ["Weights"]

_ADAM = ("exp_avg", "exp_avg_sq", "step")
_LOST = 4.0
"""A loss so many times the best means that training has broken down."""


class Weights:
    """What training changes.

    Attributes:
        scale: of the learning rate, halved by each rollback.
        rollbacks: how many there were.
        best_loss: of the best weights.
    """

    def __init__(self, network: torch.nn.Module, learning_rate: float):
        """Begin at the network's weights.

        Args:
            network: its parameters are changed in place.
            learning_rate: highest rate.
        """
        self.scale, self.rollbacks, self.best_loss = 1.0, 0, math.inf
        self._rate = learning_rate
        self._named = {name: p for name, p in network.named_parameters() if p.requires_grad}
        self._adam = torch.optim.Adam(self._named.values(), lr=learning_rate, betas=(0.9, 0.99), fused=True)
        self._best = self._copied()

    def step(self, loss: torch.Tensor, factor: float) -> float:
        """Go down the gradient of a loss.

        Args:
            loss: a number.
            factor: of the highest rate.

        Returns:
            The rate.
        """
        rate = self._rate * self.scale * factor
        for group in self._adam.param_groups:
            group["lr"] = rate
        self._adam.zero_grad()
        loss.backward()
        self._adam.step()
        return rate

    def judge(self, loss: float) -> None:
        """Keep the present weights if they are the best, go back to those if these are lost.

        Args:
            loss: of the present weights.
        """
        if loss < self.best_loss:
            self.best_loss, self._best = loss, self._copied()
        elif not loss < _LOST * self.best_loss:
            self.roll_back()

    def roll_back(self) -> None:
        """Take the best weights again, with half the rate and no memory of the way."""
        self.take_best()
        self._adam.state.clear()
        self.scale /= 2
        self.rollbacks += 1

    def take_best(self) -> None:
        """Take the best weights again."""
        with torch.no_grad():
            for name, parameter in self._named.items():
                parameter.copy_(self._best[name])

    def state(self) -> State:
        """Copy everything that further steps depend on."""
        parts = {"weights": self._copied(), "best": self._best}
        for key in _ADAM:
            moved = {name: p for name, p in self._named.items() if p in self._adam.state}
            parts[f"adam/{key}"] = {name: self._adam.state[p][key] for name, p in moved.items()}
        numbers = torch.tensor([self.scale, self.rollbacks, self.best_loss], dtype=torch.float64)
        return {
            "judged": numbers,
            **{f"{part}/{name}": t.clone() for part, tensors in parts.items() for name, t in tensors.items()},
        }

    def restore(self, state: State) -> None:
        """Go on where `state` was called."""
        self.scale, rollbacks, self.best_loss = state["judged"].tolist()
        self.rollbacks = int(rollbacks)
        self._adam.state.clear()
        with torch.no_grad():
            for name, parameter in self._named.items():
                parameter.copy_(state[f"weights/{name}"])
                self._best[name] = state[f"best/{name}"].clone()
                if f"adam/step/{name}" in state:
                    self._adam.state[parameter] = {k: state[f"adam/{k}/{name}"].clone() for k in _ADAM}

    def _copied(self) -> State:
        return {name: parameter.detach().clone() for name, parameter in self._named.items()}
