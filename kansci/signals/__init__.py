"""Images, sound, video, volumes, fields and shapes as samples of functions."""

from kansci.signals.examples import EXAMPLES, example_signal
from kansci.signals.make import audio_signal, field_signal, image_signal, video_signal, volume_signal
from kansci.signals.quality import chamfer, iou, psnr, snr, ssim
from kansci.signals.read import is_shape, read_shape, read_signal
from kansci.signals.resize import resized
from kansci.signals.shapes import SHAPES, Shape, analytic_shape, shape_signal
from kansci.signals.signal import Signal
from kansci.signals.surface import Mesh, iso_surface, signal_surface
from kansci.signals.write import write_signal

__all__ = [
    "EXAMPLES",
    "SHAPES",
    "Mesh",
    "Shape",
    "Signal",
    "analytic_shape",
    "audio_signal",
    "chamfer",
    "example_signal",
    "field_signal",
    "image_signal",
    "iou",
    "is_shape",
    "iso_surface",
    "psnr",
    "read_shape",
    "read_signal",
    "resized",
    "shape_signal",
    "signal_surface",
    "snr",
    "ssim",
    "video_signal",
    "volume_signal",
    "write_signal",
]
