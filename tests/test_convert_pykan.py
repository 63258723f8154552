"""Checkpoints of pykan 0.2.8, written by itself (pykan_checkpoint/make.py), with its own predictions."""

import io
import os
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import sympy
import torch

from kansci.convert_pykan import load_pykan
from kansci.errors import DataError, ExtrapolationWarning
from kansci.models import KAN
from kansci.torch_state import read_state

MIXED = Path(__file__).parent / "models" / "pykan_checkpoint" / "mixed"

pytestmark = pytest.mark.filterwarnings(f"ignore::{ExtrapolationWarning.__module__}.ExtrapolationWarning")


@pytest.fixture
def copied(tmp_path):
    for suffix in ("_config.yml", "_state"):
        shutil.copy(f"{MIXED}{suffix}", tmp_path / f"mixed{suffix}")
    return tmp_path / "mixed"


def test_predictions_are_pykans_inside_the_grids():
    expected = np.load(f"{MIXED}_predictions.npz")
    inside = expected["inside"]
    assert inside.sum() >= 50
    predicted = load_pykan(MIXED).predict(expected["x"])
    np.testing.assert_allclose(predicted[inside], expected["y"][inside], rtol=0, atol=1e-13)
    assert np.abs(predicted - expected["y"]).max() > 1e-4  # outside, where pykan's splines fall to zero


def test_structure_and_formulas_come_over():
    model = load_pykan(MIXED)
    assert model.structure == ((2, 0), (2, 1), (1, 0))
    assert (0, 1, 0) not in model.edges()
    assert model.mode(0, 0, 3) == "s"
    assert {f.name: str(f.expr) for _, _, f in model.layers[1].symbolic}["x^2"] == "x**2"
    again = KAN.loadckpt(MIXED)
    x = torch.zeros(3, 2, dtype=torch.float64)
    assert torch.equal(again(x), model(x))
    assert torch.equal(KAN.from_config(model.to_config(), model.state_dict())(x), model(x))


def test_it_trains_on():
    expected = np.load(f"{MIXED}_predictions.npz")
    x = torch.tensor(expected["x"])
    y = torch.sin(3 * x[:, [0]]) * x[:, [1]] + x[:, [1]] ** 2
    model = load_pykan(MIXED)
    before = float((model(x) - y).square().mean().sqrt().detach())
    after = model.fit((x, y), steps=10)["train_loss"][-1]
    assert after < 0.5 * before


def test_the_tensors_are_torchs_own():
    state, expected = read_state(f"{MIXED}_state"), torch.load(f"{MIXED}_state", weights_only=True)
    assert list(state) == list(expected)
    assert all(torch.equal(state[name], expected[name]) for name in state)
    assert not expected["act_fun.0.coef"].is_contiguous()  # a view with strides of its own


def test_nothing_in_a_state_file_is_executed(copied, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'executed'}",)

    for content in (Evil(), {"a": Evil()}, [1, 2], {"a": 3}):
        with zipfile.ZipFile(f"{copied}_state", "w") as archive:
            archive.writestr("evil/data.pkl", pickle.dumps(content, protocol=2))
        with pytest.raises(DataError):
            load_pykan(copied)
    assert not (tmp_path / "executed").exists()


def test_a_yaml_that_names_objects_is_refused(copied):
    Path(f"{copied}_config.yml").write_text("width: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(DataError, match="plain YAML"):
        load_pykan(copied)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sin", "bessel_of_my_own"),
        ("silu", "gelu"),
        ("  - 1\n- - 1", "  - 3\n- - 1"),
        ("mult_arity: 2", "mult_arity: [1, 2]"),
        ("width:", "with:"),
    ],
)
def test_what_cannot_be_read_is_said(copied, old, new):
    file = Path(f"{copied}_config.yml")
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(DataError):
        load_pykan(copied)


def test_formulas_of_added_functions_are_given(copied):
    file = Path(f"{copied}_config.yml")
    file.write_text(file.read_text().replace("sin", "mine"))
    x = sympy.Symbol("x", real=True)
    model = load_pykan(copied, lib={"mine": "sin(x)"})
    assert sympy.sin(x) in {f.expr for _, _, f in model.layers[0].symbolic}


def test_damaged_files_are_refused(copied):
    whole = Path(f"{copied}_state").read_bytes()
    for cut in (0, 100, len(whole) // 2, len(whole) - 30):
        Path(f"{copied}_state").write_bytes(whole[:cut])
        with pytest.raises(DataError):
            load_pykan(copied)
    Path(f"{copied}_state").unlink()
    with pytest.raises(DataError, match="cannot read"):
        load_pykan(copied)


def test_a_state_may_not_reach_beyond_its_storage(tmp_path):
    buffer = io.BytesIO()
    torch.save({"a": torch.zeros(4, dtype=torch.float64)}, buffer)
    with zipfile.ZipFile(buffer) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = next(name for name in parts if name.endswith("data.pkl"))
    parts[name] = parts[name].replace(b"K\x00K\x04\x85", b"K\x00K\xff\x85")  # size (4,) becomes (255,)
    with zipfile.ZipFile(tmp_path / "state", "w") as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    with pytest.raises(DataError, match="storage"):
        read_state(tmp_path / "state")
