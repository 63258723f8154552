"""A comparison of models of one signal as one page that needs nothing else."""

import base64
import io
import math
from html import escape
from typing import Any

import matplotlib as mpl
import numpy as np
from PIL import Image

from kansci.plots.signals import plot_representation
from kansci.plots.signals_cells import ERRORS, error_size, image_values
from kansci.plots.signals_images import FINER, busiest, finer, shown_range
from kansci.plots.signals_page_chart import chart
from kansci.plots.signals_page_style import STYLE
from kansci.plots.style import styled
from kansci.representation import Representation
from kansci.representation.compare import Comparison
from kansci.signals import Signal

__all__ = ["comparison_page"]

MEASURES = {
    "psnr": ("PSNR (dB)", "{:.2f}"),
    "ssim": ("SSIM", "{:.4f}"),
    "iou": ("IoU", "{:.4f}"),
    "snr": ("SNR (dB)", "{:.2f}"),
}
"""Heading and format; of all of them more is better."""
LONGEST = 768
"""Side of a picture in the page."""
MOST_MEASURES = 2
MOST_ALIKE = 0.9995
"""Quantile of the errors at which their scale ends."""
DECADES = 3
"""Of the scale of errors."""
DOTS = 150
"""Of a figure, in dots an inch."""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
SLIDE = "this.parentNode.style.setProperty('--cut', this.value + '%')"


@styled
def comparison_page(comparison: Comparison, name: str) -> str:
    """Write a page about several models of one signal.

    Args:
        comparison: what `compare_models` gave.
        name: of the signal, for the heading; plain text.

    Returns:
        HTML with all pictures inside it. It loads nothing; its only script moves the line between the signal
        and what was decoded.
    """
    image = comparison.signal.kind == "image"
    style = STYLE + (_signal_rule(comparison.signal) if image else "")
    curves = chart(comparison.results)
    shown = _pictures(comparison) if image else _figures(comparison)
    title = escape(name)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{title}: models compared</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{_introduction(comparison)}
<div class="top"><div class="scroll">{_table(comparison)}</div>{curves}</div>
<h2>{"Pictures" if image else "Figures"}</h2>
{shown}
{_remarks(comparison)}
</main>
</body>
</html>
"""


def _introduction(comparison: Comparison) -> str:
    signal = comparison.signal
    shape = " × ".join(f"{n:,}" for n in signal.shape)
    channels = len(signal.channels)
    what = f"{signal.kind.capitalize()}, {shape} samples, {channels} channel{'s' * (channels > 1)}."
    asked = comparison.settings
    time = f"{asked.seconds:g} seconds" if asked.steps is None else f"{asked.steps:,} steps"
    budget = f"Each model has at most {asked.parameters:,} parameters, and networks train for {time}."
    stopped = " Stopped early: models may be missing or unfinished." if comparison.interrupted else ""
    return f'<p class="soft">{escape(what)} {escape(budget + stopped)}</p>'


def _table(comparison: Comparison) -> str:
    known = {key: measure for key, measure in MEASURES.items() if _known(comparison, key)}
    if len(known) > MOST_MEASURES:
        known.pop("snr", None)  # it ranks as PSNR does
    best = {key: max(r.quality.get(key) or -math.inf for r in comparison.results) for key in known}
    heads = ["model", "parameters", *(heading for heading, _ in known.values()), "seconds"]
    rows = []
    for result in comparison.ranked:
        cells = [f"<td>{escape(result.model.kind)}</td>", f"<td>{result.model.n_parameters:,}</td>"]
        for key, (_, form) in known.items():
            value = result.quality.get(key)
            mark = ' class="best"' if value is not None and value == best[key] else ""
            cells.append(f"<td{mark}>{'–' if value is None else form.format(value)}</td>")
        rows.append(f"<tr>{''.join(cells)}<td>{result.seconds:.1f}</td></tr>")
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _known(comparison: Comparison, key: str) -> bool:
    return any(result.quality.get(key) is not None for result in comparison.results)


def _remarks(comparison: Comparison) -> str:
    lines = [
        "Best values in colour. PSNR and SSIM are measured on the decoded samples, clipped to the range."
    ]
    if comparison.signal.kind != "image":
        lines[0] = "Best values in colour. All measures are of the decoded samples."
    if any(r.model.kind == "spline" for r in comparison.results):
        lines.append(
            "A spline with fewer parameters than samples keeps its largest wavelets; each counts twice, by "
            "its coefficient and by its place. It is solved for in the seconds shown."
        )
    lines += [note for result in comparison.results for note in result.notes]
    record = comparison.to_json()
    lines.append(f"Seed {record['seed']}, kansci {record['version']}. Seconds are of this machine.")
    return "<h2>Notes</h2>" + "".join(f'<p class="soft">{escape(line)}</p>' for line in dict.fromkeys(lines))


def _figures(comparison: Comparison) -> str:
    """The figure of each model, for signals that are no images."""
    rows = []
    for result in comparison.ranked:
        stream = io.BytesIO()
        plot_representation(result).savefig(stream, format="png", dpi=DOTS, bbox_inches="tight")
        image = f'<img class="whole" alt="{escape(_words(result))}" src="{_uri(stream.getvalue())}">'
        rows.append(_row(result, f'<div class="scroll">{image}</div>'))
    return "".join(rows)


def _pictures(comparison: Comparison) -> str:
    """For each model: what it decodes beside the signal, where it errs, a detail at finer resolution."""
    signal = comparison.signal
    decoded = {result.model.kind: result.decode() for result in comparison.results}
    errors = {kind: error_size(signal.values, each.values) for kind, each in decoded.items()}
    end = max(float(np.quantile(each, MOST_ALIKE)) for each in errors.values()) or 1.0
    window = busiest(image_values(signal.values, signal.peak))
    pixels = _picture(signal.values[window], signal)
    first = (
        '<div class="row"><h3>signal</h3><div class="three">'
        + _figure(_framed(_png(_picture(signal.values, signal)), "the signal"), "all of it")
        + _figure(_framed(_png(pixels), "the detail as pixels"), "the detail below, as pixels")
        + "</div></div>"
    )
    rows = [_scale(end), first]
    for result in comparison.ranked:
        kind = result.model.kind
        fine = _picture(finer(result, window), signal)
        parts = (
            _figure(
                _slider(result, decoded[kind], signal), "left of the line the signal, right of it decoded"
            ),
            _figure(_framed(_png(_coloured(errors[kind], end)), f"errors of {kind}"), "size of the error"),
            _figure(_framed(_png(fine), f"detail by {kind}"), f"detail, decoded {FINER}×"),
        )
        rows.append(_row(result, f'<div class="three">{"".join(parts)}</div>'))
    return "".join(rows)


def _row(result: Representation, content: str) -> str:
    name, _, rest = _words(result).partition(": ")
    return f'<div class="row"><h3>{escape(name)} <span>{escape(rest)}</span></h3>{content}</div>'


def _words(result: Representation) -> str:
    found = [
        f"{name} {MEASURES[key][1].format(value)}{unit}"
        for key, name, unit in (("psnr", "PSNR", " dB"), ("ssim", "SSIM", ""), ("iou", "IoU", ""))
        if (value := result.quality.get(key)) is not None
    ]
    return f"{result.model.kind}: {', '.join(found)}"


def _slider(result: Representation, decoded: Signal, signal: Signal) -> str:
    kind = escape(result.model.kind)
    source = _png(_picture(decoded.values, signal))
    return (
        f'<div class="picture" style="--cut: 50%"><img src="{source}" alt="decoded by {kind}">'
        '<div class="signal"></div><div class="cut"></div>'
        f'<input type="range" min="0" max="100" value="50" aria-label="share of the signal, {kind}" '
        f'oninput="{SLIDE}"></div>'
    )


def _framed(source: str, text: str) -> str:
    return f'<div class="picture"><img src="{source}" alt="{escape(text)}"></div>'


def _figure(content: str, caption: str) -> str:
    return f"<figure>{content}<figcaption>{escape(caption)}</figcaption></figure>"


def _scale(end: float) -> str:
    shares = np.linspace(0, 1, 9)
    colours = ", ".join(mpl.colors.to_hex(colour) for colour in mpl.colormaps[ERRORS](shares))
    bar = f'<i style="background: linear-gradient(to right, {colours})"></i>'
    low = end / 10**DECADES
    ends = f"<span>size of errors {low:.2g}</span>{bar}<span>{end:.2g}, logarithmic</span>"
    return f'<div class="scale">{ends}</div>'


def _signal_rule(signal: Signal) -> str:
    """The signal is in the page once, however often it is shown beside what was decoded."""
    return f'.signal {{ background-image: url("{_png(_picture(signal.values, signal))}"); }}'


def _picture(values: np.ndarray, signal: Signal) -> np.ndarray:
    """Bytes (H, W) or (H, W, 3 or 4) of values (H, W, C), black and white as in the signal."""
    low, high = shown_range(signal)
    return _bytes((image_values(values, signal.peak) - low) / (high - low))


def _coloured(errors: np.ndarray, end: float) -> np.ndarray:
    """On a logarithmic scale, so that models of different quality can be seen side by side."""
    shares = 1 + np.log10(np.maximum(errors / end, 10.0**-DECADES)) / DECADES
    return _bytes(mpl.colormaps[ERRORS](np.clip(shares, 0, 1))[..., :3])


def _bytes(shares: np.ndarray) -> np.ndarray:
    return np.round(255 * np.clip(shares, 0, 1)).astype(np.uint8)


def _png(pixels: np.ndarray) -> str:
    image: Any = Image.fromarray(pixels)
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, format="PNG", optimize=True)
    return _uri(stream.getvalue())


def _uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
