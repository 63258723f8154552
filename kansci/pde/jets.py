"""Partial derivatives carried through a network in one pass forward, of any order and mixed as wanted.

A jet holds the wanted derivatives D^a of every node, one component for each multi-index a. Sums act on all
components alike; a function of one variable acts by the formula of Faa di Bruno (Hardy, Combinatorics of
partial derivatives, 2006, eq. 1: a sum over the partitions of the derivatives into blocks), a product by
Leibniz's. Only multi-indices below a wanted one are carried ("forward Laplacian": Li et al., 2024).
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

__all__ = ["Index", "JetPlan"]

Index = tuple[int, ...]


@dataclass(frozen=True)
class JetPlan:
    """Which derivatives are carried, and how functions and products act on them.

    Attributes:
        indices: multi-indices, every one below a member being a member; the value itself first.
    """

    indices: tuple[Index, ...]

    @classmethod
    def of(cls, wanted: Iterable[Index], dimensions: int) -> "JetPlan":
        """Plan for some derivatives and all that they need.

        Args:
            wanted: multi-indices of length d.
            dimensions: number d of coordinates.

        Returns:
            The plan.
        """
        below = {(0,) * dimensions}
        for index in wanted:
            below.update(itertools.product(*(range(n + 1) for n in index)))
        return cls(tuple(sorted(below, key=lambda index: (sum(index), index))))

    @property
    def order(self) -> int:
        """Highest total order."""
        return sum(self.indices[-1])

    @cached_property
    def position(self) -> dict[Index, int]:
        """Where each multi-index stands."""
        return {index: place for place, index in enumerate(self.indices)}

    @cached_property
    def _compositions(self) -> list[list[tuple[int, int, tuple[int, ...]]]]:
        """For each index the terms (how often, order m, positions): f^(m) times these components."""
        return [
            [(often, len(blocks), blocks) for blocks, often in self._blocks(index).items()]
            for index in self.indices
        ]

    def _blocks(self, index: Index) -> Counter[tuple[int, ...]]:
        directions = [axis for axis, times in enumerate(index) for _ in range(times)]
        return Counter(
            tuple(sorted(self.position[_index_of(block, directions, len(index))] for block in partition))
            for partition in _partitions(range(len(directions)))
        )

    @cached_property
    def _products(self) -> list[list[tuple[int, int, int]]]:
        """For each index the terms (how often, position of one factor, of the other)."""
        return [
            [(often, self.position[part], self.position[rest]) for part, rest, often in _splits(index)]
            for index in self.indices
        ]

    def coordinates(self, x: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        """Give the jet (C, N, d) of the coordinates scale * (x - shift), x being (N, d)."""
        jet = x.new_zeros((len(self.indices), *x.shape))
        jet[0] = (x - shift) * scale
        for axis in range(x.shape[1]):
            place = self.position.get(tuple(int(k == axis) for k in range(x.shape[1])))
            if place is not None:
                jet[place, :, axis] = scale[axis]
        return jet

    def compose(self, derivatives: Sequence[torch.Tensor], jet: torch.Tensor) -> torch.Tensor:
        """Apply functions of one variable.

        Args:
            derivatives: f, f', ..., up to the plan's order at the jet's values, each (N, M, K).
            jet: shape (C, N, M).

        Returns:
            The jet of the M times K functions, shape (C, N, M, K).
        """
        parts = jet.unsqueeze(-1)
        components = [derivatives[0]]
        for terms in self._compositions[1:]:
            total: torch.Tensor | None = None
            for often, order, places in terms:
                factor = parts[places[0]]
                for place in places[1:]:
                    factor = factor * parts[place]
                term = derivatives[order] * (factor if often == 1 else often * factor)
                total = term if total is None else total + term
            assert total is not None
            components.append(total)
        return torch.stack(components)

    def multiply(self, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """Multiply two jets, of shapes (C, ...) that broadcast."""
        components = []
        for terms in self._products:
            parts = [often * one[a] * other[b] if often > 1 else one[a] * other[b] for often, a, b in terms]
            components.append(sum(parts[1:], start=parts[0]))
        return torch.stack(components)

    def adjoint(self, one: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Give h with sum_c weights_c multiply(one, other)_c = sum_c h_c other_c; all (C, N)."""
        result = torch.zeros_like(weights)
        for place, terms in enumerate(self._products):
            for often, a, b in terms:
                result[b] += often * one[a] * weights[place]
        return result


def _partitions(items: Iterable[int]) -> Iterator[list[list[int]]]:
    """All ways to put items into blocks."""
    first, *others = [*items] or [-1]
    if first < 0:
        yield []
        return
    for partition in _partitions(others):
        yield [[first], *partition]
        for k, block in enumerate(partition):
            yield [*partition[:k], [first, *block], *partition[k + 1 :]]


def _index_of(block: Sequence[int], directions: Sequence[int], dimensions: int) -> Index:
    counts = Counter(directions[item] for item in block)
    return tuple(counts[axis] for axis in range(dimensions))


def _splits(index: Index) -> Iterator[tuple[Index, Index, int]]:
    """All ways to write a multi-index as a sum of two, and how often Leibniz's formula has each."""
    for part in itertools.product(*(range(n + 1) for n in index)):
        often = math.prod(math.comb(n, k) for n, k in zip(index, part, strict=True))
        yield part, tuple(n - k for n, k in zip(index, part, strict=True)), often
