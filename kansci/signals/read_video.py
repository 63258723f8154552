"""Video from folders of frames, and from files through ffmpeg."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from kansci.errors import DataError, SettingsError
from kansci.signals.files import check_size, existing, readable
from kansci.signals.make import video_signal
from kansci.signals.read_image import FRAME_RATE, read_image
from kansci.signals.signal import Signal

__all__ = ["ffmpeg", "read_folder", "read_video"]

FRAME_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}


def ffmpeg() -> Any:
    """Give the module that runs ffmpeg.

    Raises:
        SettingsError: It is not installed.
    """
    try:
        import imageio_ffmpeg
    except ImportError:
        raise SettingsError(
            "video files need ffmpeg: pip install 'kansci[signals]'; frames in a folder or a GIF need nothing"
        ) from None
    return imageio_ffmpeg


def read_folder(folder: Path) -> Signal:
    """Read a video from the images in a folder, in the order of the numbers in their names.

    Raises:
        DataError: There is no image in it, or they differ in size or channels.
    """
    files = [file for file in folder.iterdir() if file.suffix.lower() in FRAME_SUFFIXES]
    if not files:
        raise DataError(f"{folder}: no frames: {', '.join(sorted(FRAME_SUFFIXES))} are looked for")
    files.sort(key=lambda file: [int(t) if t.isdigit() else t for t in re.split(r"(\d+)", file.name)])
    frames: list[np.ndarray] = []
    for file in files:
        image = read_image(file)
        if frames and image.values.shape != frames[0].shape:
            raise DataError(
                f"{file}: {image.values.shape} samples and channels, where {files[0].name} has "
                f"{frames[0].shape}: frames must be alike"
            )
        frames.append(image.values)
        check_size(folder, (len(files), *image.values.shape))
    meta = {"dtype": image.meta["dtype"], "notes": [f"{FRAME_RATE:g} frames a second assumed"]}
    return video_signal(np.stack(frames), FRAME_RATE, meta)


def read_video(path: Path) -> Signal:
    """Read a video file (.mp4, .avi, .mov, ...) as RGB frames of 8 bits.

    Raises:
        DataError: The file is missing, damaged or too large.
    """  # noqa: DOC502  raised by the calls below
    module = ffmpeg()
    existing(path)
    frames = []
    with readable(path, "a video"):
        stream = module.read_frames(str(path))
        try:
            about = next(stream)
            width, height = about["size"]
            for content in stream:
                frames.append(np.frombuffer(content, np.uint8).reshape(height, width, 3))
                check_size(path, (len(frames), height, width, 3))
        finally:
            stream.close()
        return video_signal(np.stack(frames), float(about["fps"]))
