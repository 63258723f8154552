"""``kansci compare`` and ``kansci plot`` of a signal: a table, JSON, a page that needs nothing else."""

import base64
import io
import json
import re

import numpy as np
import pytest
from kansci_cli.app import app
from PIL import Image
from typer.testing import CliRunner

from kansci.plots import comparison_page
from kansci.representation import compare_models, represent
from kansci.representation.store import save_representation
from kansci.signals import audio_signal, image_signal

PICTURE = np.round(255 * (0.5 + 0.4 * np.sin(np.add.outer(np.arange(24), 2 * np.arange(32)) / 6)))


@pytest.fixture
def photo(tmp_path):
    file = tmp_path / "<b>photo & co.png"
    Image.fromarray(PICTURE.astype(np.uint8)).save(file)
    return file


def run(*words):
    return CliRunner().invoke(app, [*map(str, words)])


def test_page_and_table(photo, tmp_path):
    page = tmp_path / "page.html"
    words = ("--models", "spline,siren", "--parameters", 300, "--steps", 40, "--out", page)
    done = run("compare", photo, *words)
    assert done.exit_code == 0, done.output
    assert "siren" in done.output
    text = page.read_text(encoding="utf-8")
    assert "<b>photo" not in text
    assert "&lt;b&gt;photo &amp; co.png" in text
    loaded = re.findall(r'(?:src|href|url)\s*[=(]\s*"?([^"\s)]{1,60})', text)
    assert loaded
    assert all(source.startswith("data:image/png;base64,") for source in loaded)
    first = re.search(r'alt="the signal"', text)
    source = re.findall(r'src="data:image/png;base64,([^"]+)"', text[: first.start()])[-1]
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(source)))), PICTURE)


def test_json_says_the_means_and_what_came_out(photo):
    words = ("--models", "siren,spline", "--parameters", 300, "--steps", 40, "--json")
    done = run("compare", photo, *words)
    record = json.loads(done.stdout)
    assert record["shape"] == [24, 32]
    assert record["budget"]["parameters"] == 300
    assert [model["model"] for model in record["models"]] == ["siren", "spline"]
    assert all(model["parameters"] <= 300 for model in record["models"])
    alone = represent(PICTURE.astype(np.uint8), "siren", parameters=300, steps=40)
    assert record["models"][0]["psnr"] == alone.quality["psnr"]


def test_other_kinds_get_their_figures_and_names_stay_text():
    sound = audio_signal(np.sin(np.arange(600) ** 1.3 / 9), 8000)
    text = comparison_page(compare_models(sound, ["spline"], parameters=100), 'a"<script>alert(1)</script>')
    assert text.count("<script") == 0
    assert len(re.findall(r'<img class="whole"', text)) == 1


def test_stopped_early_it_gives_the_models_so_far():
    asked = iter([False, False, *[True] * 100])
    signal = image_signal(PICTURE.astype(np.uint8))
    found = compare_models(signal, ("spline", "siren", "fkan"), seconds=60, cancelled=lambda: next(asked))
    assert found.interrupted
    assert [result.model.kind for result in found.results] == ["spline", "siren"]
    assert "Stopped early" in comparison_page(found, "picture")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--models", "spline,sirene"), "no model 'sirene'"),
        (("--models", "spline,spline"), "name each model once"),
        (("--out", "page.pdf"), "name it *.html"),
        (("--out", "nowhere/page.html"), "there is no folder nowhere"),
        (("--parameters", 0), "give a number above zero"),
    ],
)
def test_wrong_words_are_said(photo, words, reason):
    done = run("compare", photo, *words)
    assert done.exit_code == 2
    assert reason in done.output


def test_plot_of_a_run(tmp_path):
    save_representation(represent(PICTURE / 255, parameters=200), tmp_path / "run")
    done = run("plot", tmp_path / "run", "--format", "png")
    assert (done.exit_code, done.output.split()) == (0, [str(tmp_path / "run" / "plots" / "overview.png")])
    assert run("plot", tmp_path / "run", "--what", "error").exit_code == 2
