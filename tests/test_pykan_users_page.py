"""The page for pykan's users: its script runs, and it names only what there is."""

import doctest
import inspect
import re
from pathlib import Path

import torch

import kansci
from kansci import KAN
from kansci.search import hypothesis, tree
from kansci.training.fit_options import FitOptions

PAGE = Path(__file__).parents[1] / "tutorials" / "pykan_users.md"
ROWS = [
    line.split("|")[1:-1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")
]


def names(cell):
    return re.findall(r"`(\w+)`", cell)


def test_the_script_runs_as_shown():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    result = doctest.testfile(str(PAGE), module_relative=False)
    torch.set_num_threads(threads)
    assert result.attempted >= 8
    assert result.failed == 0


def test_what_is_said_to_be_missing_is_missing():
    missing = {name for title, _, ours in ROWS if title.strip() == "not there" for name in names(ours)}
    assert len(missing) > 30
    options = {*inspect.signature(KAN.__init__).parameters, *FitOptions.__dataclass_fields__}
    assert missing & options == set()
    assert [name for name in missing if hasattr(KAN, name) and not hasattr(torch.nn.Module, name)] == []


def test_what_is_named_is_there():
    topics = [name for title, *_ in ROWS for name in re.findall(r"\*\*(\w+)\*\*", title)]
    places = (KAN, kansci, hypothesis, tree)
    words = {"files", "printing", "constructor", "arrays", "precision", "thresholds", "R2", "hypothesis"}
    assert [name for name in topics if name not in words and not any(hasattr(p, name) for p in places)] == []


def test_defaults_are_as_said():
    default = {name: p.default for name, p in inspect.signature(KAN.__init__).parameters.items()}
    assert (default["grid"], default["k"], default["seed"]) == (5, 3, 0)
    prune = inspect.signature(KAN.prune).parameters
    assert [prune[name].default for name in ("node_th", "edge_th", "worse")] == [1e-2, 3e-2, 1.25]
    assert inspect.signature(KAN.auto_symbolic).parameters["r2_threshold"].default == 0.99
    assert inspect.signature(KAN.fit).parameters["opt"].default == "auto"
