"""``kansci plot`` of a solved equation: figures, an animation, clear words where nothing is to be drawn."""

import pytest
from kansci_cli.app import app
from typer.testing import CliRunner

from kansci.solution.solve import solve
from kansci.solution.store import save_solution


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "heat"
    save_solution(solve("heat", seconds=20, closed_form=False, reference=False), folder)
    return folder


def plotted(*words):
    return CliRunner().invoke(app, ["plot", *map(str, words)])


def test_figures_and_animation_are_written(run, tmp_path):
    done = plotted(run, "--what", "residual", "--format", "png", "--out", tmp_path)
    assert (done.exit_code, done.output.split()) == (0, [str(tmp_path / "residual.png")])
    assert (tmp_path / "residual.png").read_bytes().startswith(b"\x89PNG")
    assert plotted(run, "--animate", tmp_path / "heat.gif").exit_code == 0
    assert (tmp_path / "heat.gif").read_bytes().startswith(b"GIF89a")


def test_what_cannot_be_drawn_is_said(run):
    for words, reason in (("estimates", "no constant or coefficient was sought"), ("eror", "choose one of")):
        done = plotted(run, "--what", words)
        assert done.exit_code == 2
        assert reason in done.output
