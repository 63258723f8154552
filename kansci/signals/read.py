"""From a file, a folder or a name to a signal."""

from collections.abc import Callable
from pathlib import Path

from kansci.errors import DataError, SettingsError
from kansci.signals.examples import EXAMPLES, example_signal
from kansci.signals.mesh_shape import read_mesh
from kansci.signals.read_array import read_array
from kansci.signals.read_audio import read_audio
from kansci.signals.read_image import frame_count, read_frames, read_image, read_tiff
from kansci.signals.read_video import read_folder, read_video
from kansci.signals.shapes import RESOLUTION, SHAPES, Shape, analytic_shape, shape_signal
from kansci.signals.signal import KINDS, Signal

__all__ = ["READABLE", "is_shape", "read_shape", "read_signal"]

_IMAGES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".apng", ".jfif", ".ppm", ".pgm", ".tga"}
_TIFF = {".tif", ".tiff"}
_VIDEOS = {".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg"}
_MESHES = {".ply", ".obj", ".stl"}
_ARRAYS = {".npy", ".npz"}
_TABLES = {".csv", ".tsv", ".txt", ".parquet", ".xlsx"}
READABLE = (
    "images (.png .jpg .tif .bmp .webp .gif), sound (.wav), video (.gif .mp4 .avi, frames in a folder), "
    "volumes (.npy .npz .tif), fields (.csv .npz), meshes (.ply .obj .stl), "
    f"shapes ({', '.join(SHAPES)}) and examples (camera, astronaut, ...)"
)


def read_signal(
    path: str | Path, kind: str | None = None, *, resolution: int = RESOLUTION, quantity: str = "distance"
) -> Signal:
    """Read a signal.

    Args:
        path: a file, a folder of frames, or, where there is none of the name, a name of `SHAPES` or
            `EXAMPLES`.
        kind: one of `KINDS`, where a file could be several; None chooses.
        resolution: of shapes, see `shape_signal`.
        quantity: of shapes.

    Returns:
        The signal, which is not the same everywhere.

    Raises:
        DataError: The file is missing, damaged, too large, empty, of a format that cannot be read, or of
            another kind; one line says which.
        SettingsError: The kind does not exist.
    """
    if kind is not None and kind not in KINDS:
        raise SettingsError(f"--kind {kind}: choose among {', '.join(KINDS)}")
    try:
        if is_shape(path):
            signal = shape_signal(read_shape(path), resolution, quantity)
        elif not Path(path).exists() and str(path).removeprefix("skimage:") in EXAMPLES:
            signal = example_signal(str(path))
        else:
            signal = _read_file(Path(path), kind)
    except DataError as error:
        raise DataError(str(error) if str(error).startswith(str(path)) else f"{path}: {error}") from None
    if kind is not None and signal.kind != kind:
        raise DataError(f"{path}: this is {_an(signal.kind)}, not {_an(kind)}")
    return signal.require_variation(str(path))


def is_shape(path: str | Path) -> bool:
    """Whether this is a mesh or the name of an analytic shape, which `read_shape` gives as such."""
    file, name = Path(path), str(path)
    known = name.removeprefix("shape:").replace("_", "-") in SHAPES
    return (known and not file.exists()) or name.startswith("shape:") or file.suffix.lower() in _MESHES


def read_shape(path: str | Path) -> Shape:
    """Give a shape: a mesh from a file, or an analytic one by its name.

    Raises:
        DataError: The file is missing, damaged or no mesh.
        SettingsError: There is no shape of this name.
    """  # noqa: DOC502  raised by the calls below
    file = Path(path)
    return read_mesh(file) if file.suffix.lower() in _MESHES else analytic_shape(str(path))


def _read_file(file: Path, kind: str | None) -> Signal:
    if file.is_dir():
        return read_folder(file)
    suffix = file.suffix.lower()
    readers: list[tuple[set[str], Callable[[], Signal]]] = [
        (_IMAGES, lambda: _read_image_or_frames(file, kind)),
        (_TIFF, lambda: read_tiff(file, kind)),
        ({".wav", ".wave"}, lambda: read_audio(file)),
        (_VIDEOS, lambda: read_video(file)),
        (_ARRAYS, lambda: read_array(file, kind)),
    ]
    for suffixes, read in readers:
        if suffix in suffixes:
            return read()
    if suffix in _TABLES:
        raise DataError(f"{file}: a table is read as a field: name its coordinates")
    if not file.exists():
        raise DataError(f"{file}: no such file, shape or example; what can be read: {READABLE}")
    raise DataError(f"{file}: files {suffix or 'without ending'} cannot be read; what can be: {READABLE}")


def _read_image_or_frames(file: Path, kind: str | None) -> Signal:
    many = kind != "image" and frame_count(file) > 1
    return read_frames(file) if many else read_image(file)


def _an(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
