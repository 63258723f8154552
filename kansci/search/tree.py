"""How the inputs of a function combine, step by step: the tree behind it, from its symmetries.

Names and results as in pykan's `hypothesis.py` (Liu et al., KAN 2.0, 2024). A molecule is a group of inputs
that enters through one function of it; molecules join larger ones until all inputs are together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import sympy

from kansci.errors import SettingsError
from kansci.search.derivatives import Derivatives, Function, Rows
from kansci.search.hypothesis import separability_score, test_general_separability

__all__ = ["Tree", "find_tree", "get_molecule", "get_tree_node"]

Molecule = list[int]
Levels = list[list[Molecule]]

_MOST_SUBSETS = 4000
_SIGNS = {"Add": "+", "Mul": "*", "GS": "F(+)", "Id": "", "": "?"}


@dataclass(frozen=True)
class Tree:
    """The levels of a function's structure.

    Attributes:
        levels: molecules of each level, single inputs first, all inputs last.
        arities: for each level above the first, how many molecules of the level below each one holds.
        properties: for the same molecules "Add" (a sum of functions of its parts), "Mul" (a product), "GS" (a
            function of such a sum), "Id" (one part) or "" (none found).
        names: of the inputs.
    """

    levels: Levels
    arities: list[list[int]]
    properties: list[list[str]]
    names: tuple[str, ...]

    def parts(self, level: int, index: int) -> list[int]:
        """Indices, on the level below, of what molecule `index` of a level >= 1 is made of."""
        start = sum(self.arities[level - 1][:index])
        return list(range(start, start + self.arities[level - 1][index]))

    def __str__(self) -> str:
        """Draw the tree in characters, the outputs' level first."""
        lines: list[str] = []
        self._write(lines, len(self.levels) - 1, 0, "", "")
        return "\n".join(lines)

    def _write(self, lines: list[str], level: int, index: int, first: str, rest: str) -> None:
        while level and self.arities[level - 1][index] == 1:  # nothing happens on this level
            level, index = level - 1, self.parts(level, index)[0]
        members = ", ".join(self.names[i] for i in self.levels[level][index])
        sign = f" {_SIGNS[self.properties[level - 1][index]]}" if level else ""
        lines.append(f"{first}{members}{'  :' + sign if sign else ''}")
        below = self.parts(level, index) if level else []
        for part in below:
            last = part == below[-1]
            branch, gap = ("└─ ", "   ") if last else ("├─ ", "│  ")
            self._write(lines, level - 1, part, rest + branch, rest + gap)


def find_tree(
    model: Function,
    x: Rows,
    in_var: Sequence[str | sympy.Symbol] | None = None,
    sym_th: float = 1e-3,
    sep_th: float = 1e-1,
    *,
    skip_sep_test: bool = False,
) -> Tree:
    """Find the tree of a network or of any function.

    Args:
        model: the function, (N, I) to (N, 1).
        x: rows (N, I).
        in_var: names of the inputs.
        sym_th: threshold of the symmetry tests.
        sep_th: threshold of the separability tests.
        skip_sep_test: look for groups only, not for sums and products.

    Returns:
        The tree; `str` draws it, `kansci.plots.tree_figure` makes a picture.

    Raises:
        SettingsError: there are not as many names as inputs.

    Example:
        >>> import torch
        >>> x = torch.rand(200, 3, generator=torch.Generator().manual_seed(0)) + 1
        >>> print(find_tree(lambda x: x[:, [2]] * (x[:, [0]] ** 2 + x[:, [1]] ** 2), x, ["a", "b", "c"]))
        a, b, c  : *
        ├─ a, b  : F(+)
        │  ├─ a
        │  └─ b
        └─ c
    """
    levels = get_molecule(model, x, sym_th)
    n_inputs = len(levels[0])
    names = [str(name) for name in in_var] if in_var is not None else [f"x_{k + 1}" for k in range(n_inputs)]
    if len(names) != n_inputs:
        raise SettingsError(f"in_var has {len(names)} names for {n_inputs} inputs")
    arities, properties = get_tree_node(model, x, levels, sep_th, skip_test=skip_sep_test)
    return Tree(levels, arities, properties, tuple(names))


def get_molecule(model: Function, x: Rows, sym_th: float = 1e-3) -> Levels:
    """Find which inputs combine, and which of their combinations do in turn.

    Args:
        model: the function, (N, I) to (N, 1).
        x: rows (N, I).
        sym_th: threshold of the symmetry tests.

    Returns:
        The molecules of each level: [[[0], [1], [2], [3]], [[0, 1], [2, 3]], [[0, 1, 2, 3]]].
    """
    found = Derivatives(model, x)
    n_inputs = found.gradient.shape[1]
    levels: Levels = [[[i] for i in range(n_inputs)]]
    while len(levels[-1]) > 1:
        joined = _joined(found, levels[-1], sym_th)
        levels.append(joined if len(joined) < len(levels[-1]) else [_flat(levels[-1])])
    for k in range(len(levels) - 1, 0, -1):  # parts in the order in which the level above names them
        levels[k - 1] = [part for whole in levels[k] for part in levels[k - 1] if set(part) <= set(whole)]
        levels[k] = [
            _flat([part for part in levels[k - 1] if set(part) <= set(whole)]) for whole in levels[k]
        ]
    return levels


def _joined(found: Derivatives, molecules: list[Molecule], threshold: float) -> list[Molecule]:
    """Join molecules into symmetric groups, the smallest first, each as far as it goes."""
    free, tests, size = list(molecules), 0, 2
    joined: list[Molecule] = []
    while size <= len(free):
        for parts in combinations(free, size):
            tests += 1
            if tests > _MOST_SUBSETS:
                return sorted([*joined, *free])
            if _new_symmetry(found, parts, (), threshold):
                group = list(parts)
                for other in [m for m in free if m not in parts]:
                    if _new_symmetry(found, group, (other,), threshold):
                        group.append(other)
                joined.append(_flat(group))
                free = [m for m in free if m not in group]
                break
        else:
            size += 1
    return sorted([*joined, *free])


def _new_symmetry(
    found: Derivatives, parts: Sequence[Molecule], more: Sequence[Molecule], threshold: float
) -> bool:
    """Whether molecules form a group; one that is added to others must also form one with the last alone."""
    group = _flat([*parts, *more])
    if not more and len(group) == found.gradient.shape[1]:
        return False  # all inputs always do
    alike = not more or found.symmetric(_flat([parts[-1], *more]), threshold)
    return alike and found.symmetric(group, threshold)


def get_tree_node(
    model: Function, x: Rows, moleculess: Levels, sep_th: float = 1e-2, *, skip_test: bool = True
) -> tuple[list[list[int]], list[list[str]]]:
    """Say of each molecule how many parts it has and how they come together.

    Args:
        model: the function, (N, I) to (N, 1).
        x: rows (N, I).
        moleculess: what `get_molecule` found.
        sep_th: threshold of the separability tests.
        skip_test: leave the tests out.

    Returns:
        arities and properties of every level above the first, as in `Tree`.
    """
    arities: list[list[int]] = []
    properties: list[list[str]] = []
    for below, above in pairwise(moleculess):
        parts = [[part for part in below if set(part) <= set(whole)] for whole in above]
        arities.append([len(groups) for groups in parts])
        top = len(above) == 1
        properties.append(
            [_property(model, x, groups, None if skip_test else sep_th, top=top) for groups in parts]
        )
    return arities, properties


def _property(model: Function, x: Rows, groups: list[Molecule], threshold: float | None, *, top: bool) -> str:
    if len(groups) == 1:
        return "Id"
    if threshold is None:
        return ""
    if top:
        scores = {
            "Add": separability_score(model, x, groups),
            "Mul": separability_score(model, x, groups, "mul"),
        }
        best = min(scores, key=lambda name: scores[name])
        if scores[best] < threshold:
            return best
    return "GS" if test_general_separability(model, x, groups, threshold) else ""


def _flat(groups: Sequence[Molecule]) -> Molecule:
    return [i for group in groups for i in group]
