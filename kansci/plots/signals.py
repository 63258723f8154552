"""The figure of a represented signal, by its kind."""

from collections.abc import Callable

from matplotlib.figure import Figure

from kansci.plots.signals_audio import audio_figure
from kansci.plots.signals_fields import field_figure
from kansci.plots.signals_images import image_figure, video_figure, volume_figure
from kansci.plots.signals_shapes import shape_figure
from kansci.plots.style import styled
from kansci.representation import Representation

__all__ = ["plot_representation"]

DRAWN: dict[str, Callable[[Representation], Figure]] = {
    "image": image_figure,
    "audio": audio_figure,
    "video": video_figure,
    "volume": volume_figure,
    "field": field_figure,
    "shape": shape_figure,
}


@styled
def plot_representation(result: Representation) -> Figure:
    """Draw a represented signal: data, decoded samples, errors, and what is typical of its kind.

    Args:
        result: what `kansci.represent` gave.

    Returns:
        The figure; `kansci.plots.save_figure` writes it.
    """
    return DRAWN[result.frame.kind](result)
