"""Whatever a user names, as a signal."""

from collections.abc import Sequence
from pathlib import Path

from kansci.errors import SettingsError
from kansci.representation.read_field import is_field, read_field
from kansci.signals import Signal
from kansci.signals.read import read_signal
from kansci.signals.shapes import RESOLUTION

__all__ = ["read_any"]


def read_any(
    source: str | Path,
    kind: str | None = None,
    *,
    coordinates: Sequence[str] | None = None,
    values: Sequence[str] | None = None,
    resolution: int = RESOLUTION,
    quantity: str = "distance",
) -> Signal:
    """Read a signal: a table as a field, everything else as `read_signal` does.

    Args:
        source: a file, a folder of frames, or the name of an example or of a shape.
        kind: where a file could be several.
        coordinates: columns of a table.
        values: columns of a table.
        resolution: samples along each axis of a solid.
        quantity: of a solid, "distance" or "occupancy".

    Returns:
        The signal.

    Raises:
        SettingsError: columns are named, and there is no table.
    """
    if is_field(source, kind):
        return read_field(source, coordinates, values)
    if coordinates or values:
        raise SettingsError(f"{source}: only tables have columns to name")
    return read_signal(source, kind, resolution=resolution, quantity=quantity)
