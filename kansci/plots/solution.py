"""The figures of a solved differential equation."""

from collections.abc import Callable

from matplotlib.figure import Figure

from kansci.errors import SettingsError
from kansci.pde.numerical_solution import NumericalSolution
from kansci.plots.convergence import convergence_tiles
from kansci.plots.estimates import estimate_tiles
from kansci.plots.sampled import Sampled
from kansci.plots.solution_maps import error_tiles, map_tiles, residual_tiles
from kansci.plots.solution_profiles import curve_tiles, profile_tiles
from kansci.plots.style import styled
from kansci.plots.tiles import Tile, assemble
from kansci.solution.result import Solution

__all__ = ["KINDS", "plot_solution"]

MOST_TILES = 24


@styled
def plot_solution(solution: Solution | NumericalSolution, kind: str = "all", seconds: float = 20.0) -> Figure:
    """Draw a solution.

    Args:
        solution: what `kansci.solve` gave.
        kind: "solution" (curves, or maps with profiles), "error" (from the exact or a classical solution),
            "residual" (of the equations), "comparison" (profiles beside the reference's), "convergence",
            "estimates" (what an inverse problem found), or "all" of these that there are.
        seconds: at most so long for a classical reference, where the exact solution is not known.

    Returns:
        The figure; `kansci.plots.save_figure` writes it.

    Raises:
        SettingsError: There is no such kind, or this solution has nothing of it.
    """
    if kind not in (*KINDS, "all"):
        raise SettingsError(f"kind={kind!r}: choose one of {', '.join(KINDS)}, all")
    numerical = solution.numerical if isinstance(solution, Solution) else solution
    sampled = Sampled(numerical, seconds)
    tiles = _all(sampled) if kind == "all" else KINDS[kind](sampled)
    if not tiles:
        raise SettingsError(f"{sampled.problem.name}: nothing to draw for {kind}{_why_none(sampled, kind)}")
    if len(tiles) > MOST_TILES:
        raise SettingsError(f"{len(tiles)} drawings are too many for one figure: choose a kind")
    return assemble(tiles)


def _why_none(sampled: Sampled, kind: str) -> str:
    if kind == "estimates":
        return ": no constant or coefficient was sought"
    if kind == "convergence":
        return ": it took a single step"
    return f": {sampled.compared.reason}" if kind in {"error", "comparison"} else ""


def _solution(sampled: Sampled) -> list[Tile]:
    profiles = profile_tiles(sampled, compared=False)
    return [*curve_tiles(sampled, compared=False), *_paired(map_tiles(sampled), profiles)]


def _comparison(sampled: Sampled) -> list[Tile]:
    if not sampled.compared.values:
        return []
    return [*curve_tiles(sampled), *profile_tiles(sampled)]


def _all(sampled: Sampled) -> list[Tile]:
    return [
        *curve_tiles(sampled),
        *_paired(map_tiles(sampled), profile_tiles(sampled)),
        *estimate_tiles(sampled),
        *error_tiles(sampled),
        *residual_tiles(sampled),
        *convergence_tiles(sampled.solution.history, by_parameters=False),
    ]


def _paired(one: list[Tile], other: list[Tile]) -> list[Tile]:
    """A map and the profiles through it beside each other."""
    return [tile for pair in zip(one, other, strict=True) for tile in pair]


KINDS: dict[str, Callable[[Sampled], list[Tile]]] = {
    "solution": _solution,
    "error": error_tiles,
    "residual": residual_tiles,
    "comparison": _comparison,
    "convergence": lambda sampled: convergence_tiles(sampled.solution.history),
    "estimates": estimate_tiles,
}
