"""How well a model stands for a signal."""

import numpy as np

from kansci.inr.model import CoordinateModel
from kansci.representation.goal import Goal
from kansci.signals import Signal
from kansci.signals.quality import iou, psnr, snr, ssim

__all__ = ["compare", "misfit"]


def compare(reference: Signal, decoded: Signal, known: np.ndarray | None = None) -> dict[str, float | None]:
    """Compare samples with what they should be.

    Args:
        reference: the signal.
        decoded: the same samples from a model; those of images are clipped to the range of images.
        known: compare only these, (n_1, ..., n_d); None for all.

    Returns:
        "rmse"; "psnr" in dB against the signal's peak; "snr" in dB; "ssim", None where the samples are no
        picture; for shapes "iou" of the insides.
    """
    truth, values = reference.values, decoded.values
    if reference.kind in {"image", "video"}:
        values = np.clip(values, 0, reference.peak)
    whole = known is None
    if known is not None:
        truth, values = truth[known], values[known]
    found: dict[str, float | None] = {
        "psnr": psnr(truth, values, reference.peak),
        "ssim": None,
        "snr": snr(truth, values),
        "rmse": float(np.sqrt(np.mean((truth - values) ** 2))),
    }
    if whole and reference.kind in {"image", "video", "volume"}:
        found["ssim"] = ssim(truth, values, reference.peak, frames=reference.kind == "video")
    if reference.kind == "shape":
        found["iou"] = iou(_inside(reference, truth), _inside(reference, values))
    return found


def _inside(shape: Signal, values: np.ndarray) -> np.ndarray:
    return values > 0.5 if shape.meta.get("quantity") == "occupancy" else values < 0


def misfit(goal: Goal, model: CoordinateModel) -> dict[str, float | None]:
    """Say by how much a model misses measurements that are no samples of it, relative to their size."""
    measured = goal.measured
    if measured.operator is not None:
        predicted = measured.operator @ model.means(measured.shape).reshape(measured.n_points, -1)
    else:
        points = goal.frame.unit_points()
        widths = goal.frame.half_widths
        if measured.derivative == "gradient":
            predicted = model.gradient(points)
        else:
            predicted = model.laplacian(points, widths[0] / widths)
    size = float(np.linalg.norm(measured.values)) or 1.0
    return {"misfit": float(np.linalg.norm(predicted - measured.values)) / size}
