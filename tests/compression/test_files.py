"""Compressed files: what is written is read, and nothing a stranger writes does harm."""

import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
from skimage import data

from kansci.compression.file import (
    CompressedNetwork,
    read_compressed,
    signal_bytes,
    signal_from_bytes,
    write_compressed_network,
    write_compressed_signal,
)
from kansci.compression.frame import START, pack, unpack
from kansci.compression.network import compress_network, decompress_network, sensitivities
from kansci.errors import DataError, SettingsError
from kansci.signals.make import audio_signal, field_signal, image_signal

IMAGE = image_signal(data.chelsea()[100:164, 150:214])


def network(seed=0):
    random = np.random.default_rng(seed)
    return {
        "layers.0.weight": random.uniform(-30, 30, (64, 2)),
        "layers.1.weight": random.normal(0, 0.02, (64, 64)),
        "layers.2.weight": random.laplace(0, 0.1, (3, 64)),
        "gain": np.array(3.0),
    }


def test_an_image_comes_back_as_a_signal(tmp_path):
    path = tmp_path / "cat.ksf"
    size = write_compressed_signal(path, IMAGE, psnr=38)
    assert size == path.stat().st_size
    read = read_compressed(path)
    assert read.header() == IMAGE.header()
    for axis, own in zip(read.axes, IMAGE.axes, strict=True):
        np.testing.assert_array_equal(axis, own)
    assert 10 * np.log10(1 / np.mean((read.values - IMAGE.values) ** 2)) >= 38


def test_the_header_is_within_the_size_that_was_asked():
    assert 8 * len(signal_bytes(IMAGE, bits_per_sample=1.0)) <= IMAGE.size
    with pytest.raises(SettingsError, match="header"):
        signal_bytes(IMAGE, bits_per_sample=1e-3)


def test_sound_and_irregular_fields_keep_their_positions():
    sound = audio_signal(np.sin(np.arange(4000) / 9), 8000.0)
    x = np.sort(np.random.default_rng(0).uniform(0, 1, 40))
    points = np.stack(np.meshgrid(x, x**2, indexing="ij"), axis=-1).reshape(-1, 2)
    field = field_signal(points, np.sin(points.sum(axis=1)), ("x", "t"), ("u",))
    for signal in (sound, field):
        read = signal_from_bytes(signal_bytes(signal, psnr=60))
        assert read.header() == signal.header()
        for axis, own in zip(read.axes, signal.axes, strict=True):
            np.testing.assert_allclose(axis, own, rtol=0, atol=1e-9)
        assert np.ptp(read.values - signal.values) < 0.02


def test_a_network_comes_back_within_tolerance_and_on_its_steps(tmp_path):
    path, tensors = tmp_path / "network.ksf", network()
    write_compressed_network(path, tensors, tolerance=0.01, description={"model": "siren", "omega": 30.0})
    read = read_compressed(path)
    assert isinstance(read, CompressedNetwork)
    assert read.description == {"model": "siren", "omega": 30.0}
    for name, tensor in tensors.items():
        assert read.tensors[name].shape == tensor.shape
        assert np.abs(read.tensors[name] - tensor).max() <= 0.01 * (np.std(tensor) or 3.0) * (1 + 1e-6)
    again = compress_network(read.tensors, tolerance=0.01)  # decoding is exact: quantised twice is once
    assert decompress_network(again)[0].keys() == tensors.keys()


def test_bits_of_a_network_are_kept_and_near_the_bound_of_theory():
    tensors = {"w": np.random.default_rng(1).standard_normal(50_000)}
    content = compress_network(tensors, bits=5)
    decoded = decompress_network(content)[0]["w"]
    bits = 8 * len(content) / 50_000
    bound = -0.5 * np.log2(np.mean((decoded - tensors["w"]) ** 2))  # Gaussian rate-distortion function
    assert 4.95 < bits <= 5
    assert bound < bits < bound + 0.29  # a uniform quantiser is 0.254 above it


def test_sensitivities_give_the_same_size_a_smaller_error():
    tensors = {"big": np.random.default_rng(2).standard_normal(3000), "small": np.ones(3000)}
    tensors["small"] = np.random.default_rng(3).standard_normal(3000)

    def output(found):
        return np.concatenate([20 * found["big"], 0.1 * found["small"]])

    found = sensitivities(tensors, output)
    assert found["big"] == pytest.approx(200, rel=0.1)
    assert found["small"] == pytest.approx(0.005, rel=0.1)
    contents = [compress_network(tensors, bits=4, sensitivity=s) for s in (None, found)]
    decoded = [output(decompress_network(content)[0]) for content in contents]
    errors = [np.mean((values - output(tensors)) ** 2) for values in decoded]
    assert errors[1] < 0.2 * errors[0]


@pytest.mark.parametrize("content", [signal_bytes(IMAGE, quality=30), compress_network(network(), bits=6)])
def test_damaged_files_are_one_clear_line(tmp_path, content):
    path, random = tmp_path / "damaged.ksf", np.random.default_rng(4)
    for cut in (1, 5, 10, 40, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:cut])
        with pytest.raises(DataError, match=r"damaged\.ksf"):
            read_compressed(path)
    for place in random.integers(0, len(content), 20):
        changed = bytearray(content)
        changed[place] ^= 1 << random.integers(8)
        path.write_bytes(bytes(changed))
        with pytest.raises(DataError, match=r"damaged\.ksf"):
            read_compressed(path)
    with pytest.raises(DataError, match="no such file"):
        read_compressed(tmp_path / "missing.ksf")


@pytest.mark.parametrize("content", [signal_bytes(IMAGE, quality=30), compress_network(network(), bits=6)])
def test_forged_files_with_a_right_checksum_do_no_harm(content):
    """Any byte may be changed and the checksum be made to fit: a value or a DataError, nothing else."""
    random = np.random.default_rng(5)
    for _ in range(60):
        changed = bytearray(content[:-4])
        for place in random.integers(0, min(len(changed), 150), random.integers(1, 3)):
            changed[place] = random.integers(256)
        forged = bytes(changed) + struct.pack("<I", zlib.crc32(bytes(changed)))
        for read in (signal_from_bytes, decompress_network):
            with suppress(DataError):
                read(forged)


def test_forged_headers_are_refused():
    header, body = unpack(signal_bytes(IMAGE, quality=30), "x")
    wrong = [
        {"peak": -1.0}, {"peak": True}, {"shape": [64, 65]}, {"box": [[0, 1]]}, {"axes": [[1.0], [2.0]]},
        {"kind": "poem"}, {"channels": ["red"]}, {"meta": []}, {"codec": "network"},
        {"box": [[0, "x"], [0, 1]]},
        {"coordinates": ["y"]}, {"axes": [[0.0, 1.0]]},
    ]  # fmt: skip
    for change in wrong:
        with pytest.raises(DataError):
            signal_from_bytes(pack(header | change, body))
    entry = {"name": "w", "shape": [1 << 20, 1 << 20], "step": 1.0, "mean": 1}
    for change in ({}, {"shape": [2], "step": 0.0}, {"shape": [2], "mean": -1}, {"shape": 3}, {"name": 1}):
        forged = pack({"codec": "network", "tensors": [entry | change], "description": {}}, b"")
        with pytest.raises(DataError):
            decompress_network(forged)


def test_other_formats_are_named():
    content = bytearray(signal_bytes(IMAGE, quality=10))
    content[4] = 9
    with pytest.raises(DataError, match="format 9"):
        unpack(bytes(content), "x")
    with pytest.raises(DataError, match="not a compressed signal"):
        unpack(b"\x89PNG" + bytes(START.size + 9), "x")
    with pytest.raises(SettingsError, match="either"):
        compress_network(network())


def test_channels_of_a_field_have_units_of_their_own():
    x, y = np.mgrid[:20, :24].reshape(2, -1) / 20
    values = np.stack([1e-3 * np.sin(6 * x + y), 1e5 + 1e4 * np.cos(5 * x * y)], axis=1)
    field = field_signal(np.stack([x, y], axis=1), values, ["x", "y"], ["u", "p"])
    read = signal_from_bytes(signal_bytes(field, psnr=50))
    errors = np.sqrt(np.mean((read.values - field.values) ** 2, axis=(0, 1)))
    assert np.all(errors < 0.006 * np.ptp(values, axis=0))
    header, body = unpack(signal_bytes(field, psnr=50), "a")
    for scales in ([1.0], [1e308, 1e308], "x"):
        with pytest.raises(DataError):
            signal_from_bytes(pack(header | {"scales": scales}, body))
