"""Video as animations, as folders of frames, and through ffmpeg."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kansci.errors import DataError
from kansci.signals.files import write_bytes
from kansci.signals.read_video import ffmpeg

__all__ = ["animation_bytes", "write_folder", "write_video"]


def animation_bytes(frames: np.ndarray, frame_rate: float, form: str) -> bytes:
    """Give the file of an animation.

    Args:
        frames: (F, H, W, C), uint8.
        frame_rate: frames a second.
        form: "GIF" (256 colours a frame, hundredths of a second) or "PNG".

    Returns:
        Its bytes.
    """
    from PIL import Image

    images = [Image.fromarray(frame[..., 0] if frame.shape[-1] == 1 else frame) for frame in frames]
    content = io.BytesIO()
    options = {"save_all": True, "append_images": images[1:], "duration": 1000 / frame_rate, "loop": 0}
    images[0].save(content, format=form, **options)
    return content.getvalue()


def write_folder(frames: np.ndarray, folder: Path, encode: Callable[[np.ndarray], bytes]) -> None:
    """Write frames (F, H, W, C) as numbered PNG files into a folder that is new or empty.

    Raises:
        DataError: The folder holds something already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder}: is there already; name a new folder for the frames")
    digits = len(str(len(frames)))
    for number, frame in enumerate(frames, start=1):
        write_bytes(folder / f"frame_{number:0{digits}d}.png", encode(frame))


def write_video(frames: np.ndarray, frame_rate: float, path: Path) -> None:
    """Write frames (F, H, W, 1 or 3), uint8, as a video file; odd sides get one pixel more.

    Raises:
        DataError: ffmpeg cannot write it.
    """
    frames = np.broadcast_to(frames, (*frames.shape[:3], 3))
    frames = np.pad(frames, [(0, 0), *((0, n % 2) for n in frames.shape[1:3]), (0, 0)], mode="edge")
    height, width = frames.shape[1:3]
    writer = ffmpeg().write_frames(
        str(path), (width, height), fps=frame_rate, quality=9, macro_block_size=1, ffmpeg_log_level="quiet"
    )
    try:
        writer.send(None)
        for frame in frames:
            writer.send(np.ascontiguousarray(frame))
    except (OSError, RuntimeError) as error:
        raise DataError(f"ffmpeg cannot write {path.suffix} files here: {error}") from error
    finally:
        writer.close()
