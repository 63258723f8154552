"""``kansci represent``, ``decode`` and ``compress`` as a user types them."""

import json
import os
import signal
import threading
import time

import numpy as np
import pytest
from kansci_cli.app import app
from PIL import Image
from typer.testing import CliRunner


@pytest.fixture
def photo(tmp_path):
    y, x = np.mgrid[:40, :48] / 40
    values = np.stack([x / 1.2, 0.5 + 0.4 * np.sin(5 * x * y), 0.8 * (x + y > 1)], axis=-1)
    file = tmp_path / "photo.png"
    Image.fromarray(np.round(values * 255).astype(np.uint8)).save(file)
    return file


def pixels(file):
    with Image.open(file) as image:
        return np.asarray(image, dtype=float)


def run(*arguments, code=0):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def test_there_and_back(photo, tmp_path):
    folder, again = tmp_path / "run", tmp_path / "again.png"
    record = json.loads(run("represent", photo, "--out", folder, "--json").stdout)
    assert record["model"] == "spline"
    assert record["parameters"] == 40 * 48 * 3
    assert record["psnr"] > 250
    assert record["ssim"] == pytest.approx(1)
    run("decode", folder, again)
    np.testing.assert_array_equal(pixels(again), pixels(photo))
    run("decode", folder, again, "--scale", 2)
    assert pixels(again).shape[:2] == (80, 96)
    run("decode", folder, again, "--shape", "20,24")
    halves = pixels(photo).reshape(20, 2, 24, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(pixels(again), halves, atol=0.51)


def test_exact_derivatives(photo, tmp_path):
    run("represent", photo, "--out", tmp_path / "run", "--json")
    run("decode", tmp_path / "run", tmp_path / "slopes.npz", "--what", "gradient")
    with np.load(tmp_path / "slopes.npz") as stored:
        slopes = stored["dred/dx"]
        across = stored["dred/dy"]
    assert slopes[20, 10:40] == pytest.approx(1 / 48, abs=4e-3)  # red rises by one over 48 pixels, rounded
    assert np.abs(across[5:35, 10:40]).max() < 1e-6
    run("decode", tmp_path / "run", tmp_path / "bends.csv", "--what", "laplacian")
    assert "laplacian of red" in (tmp_path / "bends.csv").read_text().splitlines()[0]


def test_a_solid(tmp_path):
    options = ("--resolution", 24, "--decode", tmp_path / "s.ply", "--json")
    record = json.loads(run("represent", "sphere", *options).stdout)
    assert record["shape"] == [24, 24, 24]
    assert (tmp_path / "s.ply").stat().st_size > 1000
    inside = json.loads(run("represent", "sphere", "--resolution", 24, "--occupancy", "--json").stdout)
    assert inside["iou"] == 1


def test_a_network_in_steps_is_the_same_twice(photo):
    options = ("represent", photo, "--model", "siren", "--parameters", 800, "--steps", 30, "--json")
    one, two = (json.loads(run(*options).stdout) for _ in range(2))
    assert one["psnr"] == two["psnr"]
    assert one["parameters"] <= 800


def test_a_small_file(photo, tmp_path):
    file, back = tmp_path / "photo.ksf", tmp_path / "back.png"
    record = json.loads(run("compress", photo, file, "--psnr", 36, "--json").stdout)
    assert record["bytes"] == file.stat().st_size
    run("decode", file, back)
    error = (pixels(back) - pixels(photo)) / 255
    assert -10 * np.log10(np.mean(error**2)) >= 35.9  # pixels of 8 bits are rounded once more
    coarse = json.loads(run("compress", photo, file, "--psnr", 25, "--json").stdout)
    assert coarse["bytes"] < record["bytes"]


def test_a_network_in_a_small_file(photo, tmp_path):
    folder, file, back = tmp_path / "run", tmp_path / "net.ksf", tmp_path / "back.png"
    options = ("--model", "siren", "--parameters", 800, "--steps", 100, "--out", folder, "--json")
    whole = json.loads(run("represent", photo, *options).stdout)
    record = json.loads(run("compress", folder, file, "--bits", 16, "--json").stdout)
    assert record["bytes"] < 2 * 800 + 1200
    assert record["psnr"] == pytest.approx(whole["psnr"], abs=0.3)
    run("decode", file, back, "--scale", 3)
    assert pixels(back).shape[:2] == (120, 144)


def test_missing_pixels_and_a_reference(photo, tmp_path):
    mask, out = tmp_path / "mask.png", tmp_path / "out.png"
    known = np.random.default_rng(0).random((40, 48)) < 0.5
    Image.fromarray((255 * known).astype(np.uint8)).save(mask)
    options = ("--task", "inpaint", "--mask", mask, "--reference", photo, "--decode", out, "--json")
    record = json.loads(run("represent", photo, *options).stdout)
    assert record["psnr"] > 24
    assert pixels(out).shape[:2] == (40, 48)
    smaller = json.loads(
        run("represent", photo, "--task", "inpaint", "--mask", mask, "--size", 24, "--json").stdout
    )
    assert smaller["shape"] == [20, 24]
    assert any("known" in note for note in smaller["notes"])


def test_sound_and_fields(tmp_path):
    from scipy.io import wavfile

    wave = (12000 * np.sin(np.arange(4000) * 0.05)).astype(np.int16)
    wavfile.write(tmp_path / "tone.wav", 8000, wave)
    run(
        "represent",
        tmp_path / "tone.wav",
        "--out",
        tmp_path / "tone",
        "--decode",
        tmp_path / "fine.wav",
        "--scale",
        2,
    )
    rate, fine = wavfile.read(tmp_path / "fine.wav")
    assert rate == 16000
    assert fine.dtype == np.int16
    x = np.linspace(0, 2, 60)
    rows = ["x,u", *(f"{a},{np.exp(-a)}" for a in x)]
    (tmp_path / "field.csv").write_text("\n".join(rows))
    record = json.loads(run("represent", tmp_path / "field.csv", "--json").stdout)
    assert record["kind"] == "field"
    assert record["rmse"] < 1e-12


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("represent", "none.png"), "none.png"),
        (("represent", "camera", "--model", "sirren"), "choose one of spline, siren"),
        (("represent", "camera", "--size", "a,b"), "--size a,b: give rows and columns"),
        (("represent", "camera", "--size", "64", "--task", "inpaint"), "--mask FILE"),
        (("represent", "camera", "--size", "64", "--out", __file__), "not a RUN folder"),
        (("decode", "none.ksf", "out.png"), "none.ksf"),
        (("compress", "camera", "out.ksf", "--size", "64", "--psnr", "30", "--bits", "1"), "give one of"),
    ],
)
def test_one_line_says_what_is_wrong(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments, code=2)
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_ctrl_c_gives_the_best_so_far(photo, tmp_path):
    usual = signal.getsignal(signal.SIGINT)

    def press():
        while signal.getsignal(signal.SIGINT) is usual:  # until the command listens
            time.sleep(0.05)
        time.sleep(1)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    options = ("--model", "siren", "--parameters", 800, "--seconds", 600, "--out", tmp_path / "run", "--json")
    record = json.loads(run("represent", photo, *options, code=130).stdout)
    assert record["interrupted"] is True
    assert signal.getsignal(signal.SIGINT) is usual
    back = json.loads((tmp_path / "run" / "representation.json").read_text())
    assert back["psnr"] == record["psnr"]
