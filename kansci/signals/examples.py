"""Signals to try things on, which come with scikit-image."""

from kansci.errors import SettingsError
from kansci.signals.make import image_signal
from kansci.signals.resize import resized
from kansci.signals.signal import Signal

__all__ = ["EXAMPLES", "example_signal"]

EXAMPLES = {
    "astronaut": "Eileen Collins, RGB",
    "brick": "texture of a wall, grey",
    "camera": "photographer, grey",
    "cell": "phase microscopy, grey",
    "chelsea": "cat, RGB",
    "coffee": "cup, RGB",
    "coins": "grey",
    "colorwheel": "RGB",
    "grass": "texture, grey",
    "gravel": "texture, grey",
    "hubble_deep_field": "galaxies, RGB",
    "immunohistochemistry": "stained tissue, RGB",
    "logo": "of scikit-image, RGBA",
    "microaneurysms": "part of a retina, grey",
    "moon": "surface, grey",
    "page": "scanned text, grey",
    "retina": "RGB",
    "rocket": "RGB",
    "shepp_logan_phantom": "of computed tomography, grey",
    "text": "photographed text, grey",
}
"""Name -> what it shows."""


def example_signal(name: str, size: int | None = None, *, square: bool = False) -> Signal:
    """Give an image that comes with scikit-image.

    Args:
        name: a key of `EXAMPLES`, such as "camera" or "skimage:camera".
        size: pixels of the longer side, or None for the image as it is; see `resized`.
        square: cut out the middle square first.

    Returns:
        The image.

    Raises:
        SettingsError: There is none of this name.
    """
    import skimage.data

    name = name.removeprefix("skimage:")
    if name not in EXAMPLES:
        raise SettingsError(f"no example '{name}': there are {', '.join(EXAMPLES)}")
    array = getattr(skimage.data, name)()
    if square:
        side = min(array.shape[:2])
        top, left = (array.shape[0] - side) // 2, (array.shape[1] - side) // 2
        array = array[top : top + side, left : left + side]
    signal = image_signal(array, {"source": f"skimage:{name}"})
    return signal if size is None else resized(signal, size)
