"""What all figures share: fonts, colours that colour-blind readers can tell apart, labels, saving."""

import re
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text

from kansci.data.names import split_unit
from kansci.errors import SettingsError

__all__ = [
    "BLUE",
    "FORMATS",
    "GREY",
    "ORANGE",
    "label",
    "math_text",
    "point_style",
    "save_figure",
    "scale_for",
    "shrink",
    "spaced",
    "styled",
    "symbol",
]

# Okabe & Ito, Color Universal Design (2008).
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#767676"
FORMATS = (".pdf", ".svg", ".png")
STYLE: dict[str, Any] = {
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "font.size": 11,
    "axes.labelsize": 12,
    "axes.titlesize": 12,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.use_mathtext": True,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "pdf.fonttype": 42,
    "svg.hashsalt": "kansci",
}
MANY_POINTS = 4000
"""Above this, points are drawn as one picture inside the vector file."""

_GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi "
    "chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega".split()
)
P = ParamSpec("P")
T = TypeVar("T")


def styled(draw: Callable[P, T]) -> Callable[P, T]:
    """Run a drawing function with the style of this package, leaving matplotlib's settings as they were."""

    @wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        with mpl.rc_context():
            mpl.rcParams.update(STYLE)
            return draw(*args, **kwargs)

    return wrapper


@styled
def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure as PDF, SVG or PNG, chosen by the suffix; the same figure gives the same bytes.

    Args:
        figure: What to write.
        path: Where to.

    Raises:
        SettingsError: The suffix is another one, or the file cannot be written.
    """
    file = Path(path)
    if file.suffix.lower() not in FORMATS:
        raise SettingsError(f"cannot draw {file.name}: name it *.pdf, *.svg or *.png")
    dates = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".png": {}}
    try:
        figure.savefig(
            file, dpi=200, metadata=dates[file.suffix.lower()], bbox_inches="tight", pad_inches=0.05
        )
    except OSError as error:
        raise SettingsError(f"cannot write {file}: {error.strerror or error}") from error


def label(column: str, units: Mapping[str, str] | None = None) -> str:
    """Axis label of a column: its name, and its unit in brackets."""
    name, unit = split_unit(column)
    unit = (units or {}).get(column, "") or unit
    raised = re.sub(r"(?:\^|\*\*)([-+]?\d+)", r"$^{\1}$", unit)
    return f"{symbol(name)} ({raised})" if unit else symbol(name)


def symbol(name: str) -> str:
    """Single letters and Greek names in italics, what follows ``_`` as an index, other names as they are."""
    head, _, index = name.partition("_")
    plain = re.fullmatch(r"[A-Za-z]\d*", head)
    if (not plain and head not in _GREEK) or not re.fullmatch(r"\w*", index, re.ASCII):
        return name.replace("$", r"\$")
    number = head[1:] if plain else ""
    letter = head[0] if plain else rf"\{head}"
    below = ",".join(part for part in (number, index.replace("_", r"\ ")) if part)
    return rf"${letter}_{{\mathrm{{{below}}}}}$" if below else f"${letter}$"


def math_text(latex: str, plain: str = "") -> str:
    """LaTeX between dollar signs if matplotlib can set it, else the plain text."""
    text = f"${spaced(latex)}$"
    try:
        MathTextParser("path").parse(text)
    except (ValueError, RuntimeError):
        return plain.replace("$", r"\$")
    return text


def spaced(latex: str) -> str:
    """A thin space before names of several letters: 2 conc, not 2conc."""
    return re.sub(r"(?<=[\w})]) (?=\\mathrm)", r"\\, ", latex)


def scale_for(values: np.ndarray, ratio: float = 100.0) -> str:
    """``"log"`` for positive values with largest >= ratio * smallest, else ``"linear"``."""
    finite = values[np.isfinite(values)]
    wide = finite.size > 0 and finite.min() > 0 and finite.max() >= ratio * finite.min()
    return "log" if wide else "linear"


def shrink(text: Text, width: float, smallest: float = 7.0) -> bool:
    """Make a text at most ``width`` inches wide by a smaller font; False if ``smallest`` is not enough."""
    figure = cast(Figure, text.get_figure(root=True))
    extent = text.get_window_extent(FigureCanvasAgg(figure).get_renderer())
    inches = extent.width / figure.dpi
    if inches <= width:
        return True
    size = float(text.get_fontsize()) * width / inches
    text.set_fontsize(max(size, smallest))
    return size >= smallest


def point_style(n: int) -> dict[str, Any]:
    """Markers for ``n`` points: open circles for few, small translucent dots for many."""
    if n <= 200:
        return {"s": 26, "facecolor": "white", "edgecolor": "black", "linewidth": 0.9, "zorder": 3}
    alpha = max(0.15, min(0.6, 30 / n**0.5))
    return {
        "s": 7,
        "color": "black",
        "alpha": alpha,
        "linewidth": 0,
        "zorder": 1,
        "rasterized": n > MANY_POINTS,
    }
