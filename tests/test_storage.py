"""RUN folders: what is written comes back, a kill leaves a folder that opens, damage is named."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import sympy
import torch

from kansci.data import Dataset
from kansci.errors import RunError
from kansci.models import KAN, SymbolicFunction
from kansci.storage import create_run, is_run, json_text, open_run, update_run
from kansci.storage.model_file import model_bytes, read_model

RESULT = {
    "target": "P [yr]",
    "inputs": ["a [AU]", "lambda"],
    "symbols": {"a": "a [AU]", "lambda_": "lambda"},
    "formula": "1.5*a**(3/2) + pi*lambda_",
    "latex": "...",
    "complexity": 9,
    "constants": [{"value": 1.5, "stderr": None, "symbolic": "3/2"}],
    "front": [],
}


@pytest.fixture
def dataset():
    X = np.random.default_rng(0).uniform(1, 2, (6, 2))
    return Dataset(X, X.sum(axis=1), ("a [AU]", "lambda"), "P [yr]", {"a [AU]": "AU"}, ("a note",))


@pytest.fixture
def run(tmp_path, dataset):
    model = KAN([2, 3, 1], grid=4, k=2, seed=1).remove_edge(0, 1, 2)
    history = [{"step": 1, "train_rmse": 0.5}, {"step": 2, "train_rmse": 0.25}]
    return create_run(
        tmp_path / "run", "fit", {"seed": 0}, dataset, result=RESULT, model=model, history=history
    )


def test_everything_comes_back(run, dataset):
    again = open_run(run.path)
    np.testing.assert_array_equal(again.dataset().X, dataset.X)
    np.testing.assert_array_equal(again.dataset().y, dataset.y)
    assert again.dataset().inputs == dataset.inputs
    assert again.dataset().units == dataset.units
    assert again.config["columns"][2] == {
        "name": "P [yr]",
        "unit": "",
        "min": dataset.y.min(),
        "max": dataset.y.max(),
    }
    assert [row["step"] for row in again.history()] == [1, 2]
    assert again.formula().symbols == RESULT["symbols"]
    assert again.formula().constants[0].symbolic == "3/2"
    np.testing.assert_allclose(again.formula().predict([[4.0, 1.0]]), 12 + np.pi, rtol=1e-15)
    assert not list(run.path.glob(".*"))


def test_the_network_comes_back_to_the_bit(run):
    model = KAN([2, 3, 1], grid=4, k=2, seed=1).remove_edge(0, 1, 2)
    x = torch.linspace(-2, 2, 20, dtype=torch.float64).reshape(10, 2)
    assert torch.equal(open_run(run.path).model()(x), model(x))


def test_products_and_formulas_come_back_to_the_bit():
    model = KAN([2, [1, 2], 1], mult_arity=[[], [2, 3], []], affine_trainable=True, seed=1)
    bump = SymbolicFunction("bump", sympy.exp(-0.1234567890123456789 * sympy.Symbol("t") ** 2))
    first = model.layers[0].with_symbolic(1, 2, bump, (1.0, 0.2, 0.7, 0.1), keep_learned=True)
    model = KAN.from_layers([first, *model.layers[1:]])
    content = model_bytes(model, 3)
    again, stage = read_model(content, "here")
    x = torch.linspace(-2, 2, 20, dtype=torch.float64).reshape(10, 2)
    assert stage == 3
    assert torch.equal(again(x), model(x))
    for old, new in [(b"[1, 2]", b"[1, 9]"), (b"exp(-0.12", b"exec(-0.1"), (b"[2, 3]", b"[0, 3]")]:
        with pytest.raises(RunError):
            read_model(content.replace(old, new), "here")


@pytest.mark.parametrize("width", [[2, 1 << 19, 1], [2, [1, 1 << 19], 1], [[1, 2, 3], 1], [2, True, 1]])
def test_a_header_cannot_ask_for_a_huge_network(width):
    content = model_bytes(KAN([2, 1, 1]))
    header = content[8 : 8 + int.from_bytes(content[:8], "little")]
    wrong = header.replace(b'\\"width\\": [2, 1, 1]', b'\\"width\\": ' + json.dumps(width).encode())
    assert wrong != header
    wrong += b" " * (-len(wrong) % 8)
    with pytest.raises(RunError):
        read_model(len(wrong).to_bytes(8, "little") + wrong + content[8 + len(header) :], "here")


def test_a_new_network_removes_the_formula_of_the_old_one(run):
    update_run(run.path, model=KAN([2, 1]))
    with pytest.raises(RunError, match=r"no formula yet.*kansci simplify"):
        open_run(run.path).formula()
    assert open_run(run.path).model().width == (2, 1)


KILLED = """
import os, signal, sys
import numpy as np
from kansci.data import Dataset
from kansci.storage import create_run

rename = os.replace
def write(folder, moves):
    def replace(source, target):
        nonlocal moves
        if moves == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        moves -= 1
        rename(source, target)
    os.replace = replace
    data = Dataset(np.full((4, 1), 2.0), np.full(4, 3.0), ("new",), "y")
    result = {"target": "y", "inputs": ["new"], "symbols": {"new": "new"}, "formula": "new + 1", "latex": "",
              "complexity": 3, "constants": [], "front": []}
    create_run(folder, "discover", {}, data, result=result)

for moves, folder in enumerate(sys.argv[1:]):
    child = os.fork()
    if child == 0:
        write(folder, moves)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def killed_writes(folders):
    """Write into the k-th folder a new run whose process kills itself before the k-th rename."""
    command = [sys.executable, "-c", KILLED, *map(str, folders)]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return [int(status) for status in run.stdout.split()]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_at_any_rename_leaves_a_folder_that_opens(tmp_path, dataset):
    old = [tmp_path / f"old{k}" for k in range(4)]
    for folder in old:
        create_run(folder, "discover", {}, dataset, result=RESULT)
    assert killed_writes([*old]) == [-signal.SIGKILL] * 3 + [0]
    for k, folder in enumerate(old):
        opened = open_run(folder)
        assert opened.dataset().inputs == (("new",) if k else dataset.inputs)
        if opened.has("formula.json"):
            assert opened.formula().inputs == opened.dataset().inputs
        create_run(folder, "discover", {}, dataset, result=RESULT)
        assert open_run(folder).formula().inputs == dataset.inputs


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_killed_first_write_is_no_run_and_can_be_repeated(tmp_path, dataset):
    new = [tmp_path / f"new{k}" for k in range(4)]
    killed_writes(new)
    assert [is_run(folder) for folder in new] == [False, False, False, True]
    for folder in new:
        create_run(folder, "discover", {}, dataset)
        assert open_run(folder).dataset().inputs == dataset.inputs


def damaged(file, **changes):
    record = json.loads(file.read_text())
    record.update(changes)
    file.write_text(json.dumps({key: value for key, value in record.items() if value != "drop"}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"formula": "__import__('os').system('x')"}, r"formula.json: key 'formula'"),
        ({"formula": "a + other"}, "unknown names other"),
        ({"formula": 3}, "key 'formula' must be a text"),
        ({"symbols": {"a": 1}}, "key 'symbols' must be an object of texts"),
        ({"front": "drop"}, "key 'front' is missing"),
        ({"constants": [{"value": "1"}]}, r"constants\[0\]: key 'value' must be a number"),
    ],
)
def test_a_tampered_formula_is_an_error_that_names_the_key(run, changes, message):
    damaged(run.path / "formula.json", **changes)
    with pytest.raises(RunError, match=message):
        open_run(run.path).formula()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"format": NaN}', "NaN is no JSON number"),
        (b"[1]", "must be a JSON object, not list"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"format": 1}', "key 'version' is missing"),
        (b"x" * (17 << 20), "larger than the limit of 16 MB"),
    ],
)
def test_a_damaged_configuration_is_an_error(run, content, message):
    (run.path / "config.json").write_bytes(content)
    with pytest.raises(RunError, match=message):
        open_run(run.path)


def test_a_newer_format_says_to_update(run):
    damaged(run.path / "config.json", format=99)
    with pytest.raises(RunError, match="update kansci"):
        open_run(run.path)


class Trap:
    """Would write a file when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_pickle_in_the_table_is_refused_and_not_run(run, tmp_path):
    trap = np.array([Trap(tmp_path / "owned")], dtype=object)
    np.savez(run.path / "data.npz", X=trap, y=np.zeros(1), names=np.array("{}"))
    with pytest.raises(RunError, match="not the table of a run"):
        open_run(run.path).dataset()
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("junk", [b"", b"junk", b"PK\x03\x04" + b"\x00" * 50, bytes(range(256)) * 8])
def test_junk_files_are_errors(run, junk):
    for name, read in (("data.npz", "dataset"), ("model.safetensors", "model"), ("history.jsonl", "history")):
        (run.path / name).write_bytes(junk)
        if junk or name != "history.jsonl":
            with pytest.raises(RunError, match=name):
                getattr(open_run(run.path), read)()


def test_a_table_that_does_not_fit_its_names_is_an_error(run):
    names = json.dumps({"inputs": ["a"], "target": "y", "units": {}})
    np.savez(run.path / "data.npz", X=np.zeros((3, 2)), y=np.zeros(3), names=np.array(names))
    with pytest.raises(RunError, match="do not belong together"):
        open_run(run.path).dataset()


def test_a_decompression_bomb_is_not_unpacked(run, monkeypatch):
    monkeypatch.setattr("kansci.storage.table_file.LIMIT", 1 << 20)
    np.savez_compressed(
        run.path / "data.npz", X=np.zeros((1 << 20, 1)), y=np.zeros(1 << 20), names=np.array("")
    )
    assert (run.path / "data.npz").stat().st_size < 1 << 16
    with pytest.raises(RunError, match="unpacked, more than the 1 allowed"):
        open_run(run.path).dataset()


def test_a_network_cannot_claim_more_memory_than_its_file(run):
    file = run.path / "model.safetensors"
    content = file.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    config = json.loads(header["__metadata__"]["kan"])
    config["layers"][0]["grid"] = 10**12
    header["__metadata__"]["kan"] = json.dumps(config)
    new = json.dumps(header).encode()
    file.write_bytes(len(new).to_bytes(8, "little") + new + content[8 + size :])
    with pytest.raises(RunError, match="larger network than the file holds"):
        open_run(run.path).model()


def test_other_folders_are_left_alone(tmp_path, dataset):
    (tmp_path / "thesis.tex").write_text("important")
    with pytest.raises(RunError, match="exists and is not a RUN"):
        create_run(tmp_path, "discover", {}, dataset)
    with pytest.raises(RunError, match="no RUN folder"):
        open_run(tmp_path / "nowhere")
    with pytest.raises(RunError, match="not a RUN folder"):
        open_run(tmp_path)
    with pytest.raises(RunError, match="would lie in a file"):
        create_run(tmp_path / "thesis.tex" / "run", "discover", {}, dataset)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_json_text_is_standard_json():
    assert json.loads(json_text({"a": float("nan"), "b": (np.float64(1.5), -float("inf"))})) == {
        "a": None,
        "b": [1.5, None],
    }
