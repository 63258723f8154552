"""Signals from files and back, against the libraries that made the files."""

import gc
import io
import subprocess
import sys
import wave

import imageio_ffmpeg
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageSequence
from scipy.io import wavfile

from kansci.errors import DataError, SettingsError
from kansci.signals import example_signal, read_signal, write_signal
from kansci.signals.files import MOST_NUMBERS
from kansci.signals.make import audio_signal, field_signal, image_signal, video_signal, volume_signal
from kansci.signals.png16 import deep_colour_bytes, read_deep_colour

RANDOM = np.random.default_rng(0)
BYTES = RANDOM.integers(0, 256, (12, 17, 4), dtype=np.uint8)
WORDS = RANDOM.integers(0, 65536, (12, 17, 4), dtype=np.uint16)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".webp"])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_8_bits_go_through_files_unchanged(tmp_path, suffix, channels):
    array = BYTES[..., 0] if channels == 1 else BYTES[..., :3]
    file = tmp_path / f"a{suffix}"
    Image.fromarray(array).save(file, **({"lossless": True} if suffix == ".webp" else {}))
    image = read_signal(file)
    expected = np.repeat(array[..., None], 3, -1) if suffix == ".webp" and channels == 1 else array
    np.testing.assert_array_equal(np.rint(image.values.squeeze() * 255), expected)
    write_signal(image, tmp_path / f"b{suffix}")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / f"b{suffix}")), expected)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_images_of_16_bits_lose_nothing(tmp_path, suffix, channels):
    image = image_signal(WORDS[..., :channels])
    write_signal(image, tmp_path / f"a{suffix}")
    again = read_signal(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(again.values, image.values)
    assert again.meta["dtype"] == "uint16"
    if channels > 1 and suffix == ".png":  # Pillow keeps the upper 8 bits
        upper = np.asarray(Image.open(tmp_path / "a.png"))
        np.testing.assert_array_equal(upper, WORDS[..., :channels] >> 8)


def test_all_filters_of_deep_png_are_undone(tmp_path):
    frame = np.cumsum(WORDS[..., :3], axis=1, dtype=np.uint16)  # smooth enough for ffmpeg to use them
    tall = np.concatenate([frame, WORDS[..., :3], frame[::-1], frame // 2])
    command = imageio_ffmpeg.get_ffmpeg_exe()
    for method in ("none", "sub", "up", "avg", "paeth", "mixed"):
        shape = f"{tall.shape[1]}x{tall.shape[0]}"
        source = ["-f", "rawvideo", "-pix_fmt", "rgb48le", "-s", shape, "-i", "-"]
        target = ["-frames:v", "1", "-pred", method, "-pix_fmt", "rgb48be", str(tmp_path / f"{method}.png")]
        subprocess.run([command, "-v", "error", *source, *target], input=tall.tobytes(), check=True)
        np.testing.assert_array_equal(read_deep_colour(tmp_path / f"{method}.png"), tall)
    (tmp_path / "cut.png").write_bytes(deep_colour_bytes(tall)[:400])
    with pytest.raises(DataError, match=r"cut\.png"):
        read_signal(tmp_path / "cut.png")


def test_transparency_is_kept_where_there_is_some(tmp_path):
    Image.fromarray(BYTES).save(tmp_path / "a.png")
    image = read_signal(tmp_path / "a.png")
    assert image.channels == ("red", "green", "blue", "alpha")
    assert "alpha" in image.notes[0]
    opaque = BYTES.copy()
    opaque[..., 3] = 255
    Image.fromarray(opaque).save(tmp_path / "b.png")
    assert read_signal(tmp_path / "b.png").channels == ("red", "green", "blue")


def test_palettes_other_colours_and_rotated_photographs(tmp_path):
    picture = Image.fromarray(BYTES[..., :3])
    palette = picture.quantize(16)
    palette.save(tmp_path / "p.png")
    expected = np.asarray(palette.convert("RGB"))
    np.testing.assert_array_equal(np.rint(read_signal(tmp_path / "p.png").values * 255), expected)
    for compression in ("tiff_lzw", "jpeg", "tiff_adobe_deflate"):
        picture.save(tmp_path / "l.tif", compression=compression)
        with Image.open(tmp_path / "l.tif") as image:
            np.testing.assert_array_equal(np.rint(read_signal(tmp_path / "l.tif").values * 255), image)
    pages = [Image.fromarray(WORDS[..., c]) for c in range(4)]
    pages[0].save(tmp_path / "s.tif", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    stack = read_signal(tmp_path / "s.tif")
    assert stack.kind == "volume"
    np.testing.assert_array_equal(np.rint(stack.values[..., 0] * 65535), np.moveaxis(WORDS, -1, 0))
    picture.convert("CMYK").save(tmp_path / "c.tif")
    assert read_signal(tmp_path / "c.tif").shape == (12, 17)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    picture.save(tmp_path / "r.png", exif=exif)
    assert read_signal(tmp_path / "r.png").shape == (17, 12)
    tifffile.imwrite(tmp_path / "o.tif", WORDS[..., :3], byteorder=">", photometric="rgb")
    np.testing.assert_array_equal(np.rint(read_signal(tmp_path / "o.tif").values * 65535), WORDS[..., :3])
    floats = RANDOM.normal(size=(6, 7)).astype(np.float32)
    tifffile.imwrite(tmp_path / "f.tif", floats)
    np.testing.assert_array_equal(read_signal(tmp_path / "f.tif").values[..., 0], floats)
    write_signal(read_signal(tmp_path / "f.tif"), tmp_path / "g.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "g.tif"), floats)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int24", "int32", "float32"])
@pytest.mark.parametrize("channels", [1, 2])
def test_sound_keeps_bits_rate_and_every_sample(tmp_path, dtype, channels):
    file = tmp_path / "a.wav"
    if dtype == "int24":
        numbers = RANDOM.integers(-(2**23), 2**23, (200, channels))
        with wave.open(str(file), "wb") as sound:
            sound.setparams((channels, 3, 11025, 0, "NONE", ""))
            sound.writeframes(b"".join(int(n).to_bytes(3, "little", signed=True) for n in numbers.ravel()))
        expected = numbers / 2**23
    else:
        span = np.iinfo(dtype) if dtype != "float32" else None
        numbers = (
            RANDOM.uniform(-1, 1, (200, channels)).astype(dtype)
            if span is None
            else RANDOM.integers(span.min, span.max, (200, channels), dtype=dtype)
        )
        wavfile.write(file, 11025, numbers)
        expected = {"uint8": (numbers - 128.0) / 128, "float32": numbers}.get(
            dtype, numbers / 2.0 ** (8 * numbers.itemsize - 1)
        )
    sound = read_signal(file)
    np.testing.assert_array_equal(sound.values, expected)
    assert sound.meta["dtype"] == dtype
    np.testing.assert_allclose(sound.axes[0], np.arange(200) / 11025)
    write_signal(sound, tmp_path / "b.wav")
    rate, again = wavfile.read(tmp_path / "b.wav")
    assert rate == 11025
    np.testing.assert_array_equal(again, wavfile.read(file)[1])
    finer = sound.with_values(np.zeros((399, channels)), sound.axes_at((399,)))
    write_signal(finer, tmp_path / "c.wav")
    assert wavfile.read(tmp_path / "c.wav")[0] == 22050


def frames(count=5):
    y, x = np.mgrid[:16, :24]
    red = [127 + 120 * np.sin(0.3 * x + 0.2 * y + f) for f in range(count)]
    return np.stack([np.stack([r, r[::-1], r[:, ::-1]], axis=-1) for r in red]).astype(np.uint8)


def test_animations_folders_and_stacks_are_video(tmp_path):
    video = video_signal(frames(), 10)
    write_signal(video, tmp_path / "a.apng")
    again = read_signal(tmp_path / "a.apng")
    np.testing.assert_array_equal(again.values, video.values)
    assert again.meta["frame_rate"] == pytest.approx(10)
    assert read_signal(tmp_path / "a.apng", "image").shape == (16, 24)

    write_signal(video, tmp_path / "folder")
    np.testing.assert_array_equal(read_signal(tmp_path / "folder").values, video.values)
    with pytest.raises(DataError, match="is there already"):
        write_signal(video, tmp_path / "folder")

    grey = video_signal(frames()[..., :1], 20)
    write_signal(grey, tmp_path / "a.gif")
    read = read_signal(tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as animation:
        seen = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(animation)]
    np.testing.assert_array_equal(np.rint(read.values[..., 0] * 255), seen)
    assert (read.channels, read.meta["frame_rate"]) == (("grey",), pytest.approx(20))

    write_signal(video, tmp_path / "a.tif")
    stack = read_signal(tmp_path / "a.tif")
    assert stack.kind == "video"  # the file says that its pages are times
    np.testing.assert_array_equal(stack.values, video.values)


def test_video_files_go_through_ffmpeg(tmp_path):
    video = video_signal(frames(8), 12)
    write_signal(video.with_values(video.values[:, 1:], video.axes_at((8, 15, 24))), tmp_path / "a.mp4")
    assert read_signal(tmp_path / "a.mp4").shape == (8, 16, 24)  # an odd side gets one row more
    write_signal(video, tmp_path / "a.mp4")
    again = read_signal(tmp_path / "a.mp4")
    assert again.shape == (8, 16, 24)
    assert again.meta["frame_rate"] == pytest.approx(12)
    assert np.abs(again.values - video.values).mean() < 0.05  # colour is coded at half the resolution
    slower = video.with_values(np.repeat(video.values, 2, axis=0), video.axes_at((16, 16, 24)))
    write_signal(slower, tmp_path / "b.mp4")
    assert read_signal(tmp_path / "b.mp4").meta["frame_rate"] == pytest.approx(24)  # as long as before


@pytest.mark.filterwarnings("ignore")  # imageio-ffmpeg leaves pipes open when it fails
def test_a_damaged_video_is_refused(tmp_path):
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(DataError, match=r"text\.mp4: cannot be read as a video"):
        read_signal(tmp_path / "text.mp4")
    gc.collect()


def test_without_ffmpeg_the_way_to_install_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(SettingsError, match=r"pip install 'kansci\[signals\]'"):
        read_signal(tmp_path / "a.mp4")


def test_volumes_and_arrays(tmp_path):
    array = WORDS[..., 0].reshape(3, 4, 17)
    np.save(tmp_path / "a.npy", array)
    volume = read_signal(tmp_path / "a.npy")
    assert (volume.kind, volume.shape, volume.coordinates) == ("volume", (3, 4, 17), ("z", "y", "x"))
    for suffix in (".npy", ".npz", ".tif"):
        write_signal(volume, tmp_path / f"b{suffix}")
        np.testing.assert_array_equal(read_signal(tmp_path / f"b{suffix}").values, volume.values)
    assert np.load(tmp_path / "b.npy").dtype == np.uint16
    assert read_signal(tmp_path / "a.npy", "video").kind == "video"
    assert read_signal(tmp_path / "a.npy", "field").values.max() == array.max()
    np.save(tmp_path / "c.npy", BYTES[..., 0])
    assert read_signal(tmp_path / "c.npy").kind == "image"


def test_names_are_shapes_and_examples(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_signal("sphere", resolution=12).shape == (12, 12, 12)
    assert set(np.unique(read_signal("torus", resolution=12, quantity="occupancy").values)) == {0, 1}
    assert read_signal("camera").shape == (512, 512)
    assert example_signal("chelsea", 64, square=True).shape == (64, 64)
    write_signal(image_signal(BYTES), tmp_path / "camera.png")
    (tmp_path / "camera.png").rename("camera")
    with pytest.raises(DataError, match="without ending"):  # a file goes before an example
        read_signal("camera")


def bad_files(folder):
    content = io.BytesIO()
    Image.fromarray(np.repeat(BYTES, 20, axis=0)).save(content, "PNG")
    wavfile.write(folder / "silent.wav", 8000, np.zeros(100, np.int16))
    wavfile.write(folder / "cut.wav", 8000, RANDOM.integers(-9, 9, 4000).astype(np.int16))
    (folder / "cut.wav").write_bytes((folder / "cut.wav").read_bytes()[:2000])
    (folder / "cut.png").write_bytes(content.getvalue()[:400])
    (folder / "text.png").write_text("not an image")
    (folder / "text.tif").write_text("not an image")
    (folder / "text.wav").write_text("not a sound")
    (folder / "text.npy").write_text("not an array")
    (folder / "text.npz").write_text("not an archive")
    (folder / "empty.png").touch()
    (folder / "a.xyz").write_text("1 2 3")
    Image.fromarray(np.full((5, 5), 7, np.uint8)).save(folder / "flat.png")
    Image.fromarray(BYTES[:1, :1]).save(folder / "pixel.png")
    np.save(folder / "objects.npy", np.array([{}]))
    np.save(folder / "nan.npy", np.full((4, 4), np.nan))
    np.save(folder / "complex.npy", np.ones((4, 4)) * 1j)
    np.savez(folder / "two.npz", a=np.ones(3), b=np.ones((3, 3)))
    Image.new("1", (MOST_NUMBERS // 1000 + 1, 1000)).save(folder / "huge.png")
    Image.new("1", (20_000, 10_000)).save(folder / "bomb.png")
    tifffile.imwrite(folder / "cut.tif", np.repeat(BYTES, 20, axis=0))
    (folder / "cut.tif").write_bytes((folder / "cut.tif").read_bytes()[:3000])
    (folder / "none").mkdir()
    (folder / "mixed").mkdir()
    Image.fromarray(BYTES).save(folder / "mixed" / "1.png")
    Image.fromarray(BYTES[:5]).save(folder / "mixed" / "2.png")


def test_every_unusable_file_is_refused_in_one_line(tmp_path):
    bad_files(tmp_path)
    expected = {
        "missing.png": "no such file", "missing": "no such file, shape or example", "empty.png": "is empty",
        "text.png": "cannot be read as an image", "cut.png": "cannot be read as an image",
        "text.tif": "cannot be read as a TIFF", "cut.tif": "as a TIFF", "text.wav": "cannot be read as a WAV",
        "cut.wav": "truncated", "silent.wav": "silent", "flat.png": "constant", "pixel.png": "at least 2",
        "text.npy": "not a NumPy file",
        "text.npz": "not a NumPy file", "objects.npy": "NumPy", "nan.npy": "missing or infinite",
        "complex.npy": "real numbers", "two.npz": "2 arrays", "a.xyz": "images (.png",
        "huge.png": "limit of 50 million", "bomb.png": "limit of 50 million",
        "none": "no frames", "mixed": "must be alike",
    }  # fmt: skip
    for name, text in expected.items():
        with pytest.raises(DataError) as caught:
            read_signal(tmp_path / name)
        assert text in str(caught.value), name
        assert str(caught.value).startswith(str(tmp_path / name))
        assert "\n" not in str(caught.value), name
    Image.fromarray(BYTES).save(tmp_path / "a.png")
    with pytest.raises(DataError, match="this is an image, not a video"):
        read_signal(tmp_path / "a.png", "video")
    with pytest.raises(SettingsError, match="choose among"):
        read_signal(tmp_path / "a.png", "picture")


def test_files_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    sound = audio_signal(RANDOM.uniform(-1, 1, 50), 8000)
    with pytest.raises(SettingsError, match=r"audio can be written to \.wav"):
        write_signal(sound, tmp_path / "a.png")
    write_signal(sound, tmp_path / "a.wav")
    before = (tmp_path / "a.wav").read_bytes()
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "disk full")))
    with pytest.raises(DataError, match="disk full"):
        write_signal(audio_signal(RANDOM.uniform(-1, 1, 50), 8000), tmp_path / "a.wav")
    assert (tmp_path / "a.wav").read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.wav"]
    uneven = field_signal(np.array([0, 1, 3.0]), np.arange(3.0))
    with pytest.raises(DataError, match="cannot write"):
        write_signal(uneven, tmp_path / "a.wav" / "b.csv")


def test_a_shape_without_surface_is_no_mesh(tmp_path):
    signal = read_signal("sphere", resolution=8)
    with pytest.raises(DataError, match="no surface"):
        write_signal(signal.with_values(np.ones_like(signal.values)), tmp_path / "a.ply")
    assert volume_signal(np.arange(27.0).reshape(3, 3, 3)).peak == 26


def test_numbers_of_another_range_are_stretched_in_pictures(tmp_path):
    heights = np.linspace(200.0, 3000.0, 48).reshape(6, 8)
    write_signal(image_signal(heights), tmp_path / "a.png")
    expected = np.rint((heights - 200) / 2800 * 255)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), expected)
    with pytest.raises(DataError, match="another unit"):
        image_signal(1e200 * heights)
