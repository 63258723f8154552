"""Small drawings put side by side into one figure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure, SubFigure

__all__ = ["Tile", "assemble"]

WIDTH, HEIGHT = 4.0, 3.0
"""Of a tile, in inches."""


@dataclass(frozen=True)
class Tile:
    """A drawing.

    Attributes:
        draw: puts it into its part of the figure.
        wide: takes a row of its own, instead of half of one.
        stretches: takes all of the last row if nothing else is in it.
    """

    draw: Callable[[SubFigure], None]
    wide: bool = False
    stretches: bool = True


def assemble(tiles: Sequence[Tile]) -> Figure:
    """Draw tiles, two in a row."""
    rows: list[list[Tile]] = []
    for tile in tiles:
        if tile.wide or not rows or rows[-1][0].wide or len(rows[-1]) == 2:
            rows.append([])
        rows[-1].append(tile)
    columns = 1 if tiles and all(len(row) == 1 and not row[0].wide for row in rows) else 2
    figure = Figure(figsize=(columns * WIDTH, len(rows) * HEIGHT), layout="constrained")
    grid = figure.add_gridspec(len(rows), columns)
    for k, row in enumerate(rows):
        for j, tile in enumerate(row):
            alone = len(row) < columns and (tile.wide or tile.stretches)
            place = grid[k, :] if alone else grid[k, j]
            tile.draw(figure.add_subfigure(place))
    return figure
