"""``--group`` and several targets on the command line: what is printed, kept, predicted and drawn."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from kansci_cli.app import app
from typer.testing import CliRunner


def kansci(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    x = np.tile(np.linspace(1, 9, 15), 3)
    material = np.repeat(["cu", "fe", "w"], 15)
    ohm = np.repeat([2.0, 3.3, 7.1], 15)
    frame = pd.DataFrame({"U [V]": x, "I": x / ohm, "P": x**2 / ohm, "material": material})
    file = tmp_path_factory.mktemp("data") / "ohm.csv"
    frame.to_csv(file, index=False)
    return file


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "ohm"
    arguments = ("--target", "I", "--inputs", "U", "--group", "material", "--seconds", 10)
    result = kansci("discover", table, *arguments, "--out", folder, "--json")
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    assert record["symbols"] == {"U": "U [V]"}
    assert [row["group"] for row in record["groups"]] == ["cu", "fe", "w"]
    return folder


def test_a_run_of_groups_predicts_and_draws_and_says_what_it_cannot(run, tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("U,material\n4.0,cu\n7.1,w\n1.0,gold\n")
    result = kansci("predict", run, rows)
    predicted = pd.read_csv(io.StringIO(result.stdout))["I"].to_numpy()
    np.testing.assert_allclose(predicted[:2], [2.0, 1.0])
    assert np.isnan(predicted[2])
    assert "1 of 3 rows belong to no group" in result.stderr
    drawn = kansci("plot", run, "--format", "png", "--out", tmp_path / "plots")
    assert drawn.exit_code == 0
    assert {file.name for file in (tmp_path / "plots").iterdir()} == {"fit.png", "front.png"}
    refused = kansci("export", run, "--to", "latex")
    assert refused.exit_code == 2
    assert "constants for each material" in refused.stderr


def test_what_a_person_reads(table):
    result = kansci(
        "discover", table, "--target", "I", "--inputs", "U", "--group", "material", "--seconds", 10
    )
    for text in ("exact formula", "I = U*a", "material", "a ± standard error", "cu", "0.5 ±"):
        assert text in result.stdout.replace("\n", " ").replace("a*U", "U*a")


def test_several_targets_make_several_runs(table, tmp_path):
    result = kansci(
        "discover", table, "--target", "I,P", "--seconds", 6, "--out", tmp_path / "both", "--json"
    )
    record = json.loads(result.stdout)
    assert [row["target"] for row in record["targets"]] == ["I", "P"]
    assert "shared" in record
    assert {folder.name for folder in (tmp_path / "both").iterdir()} == {"I", "P"}
    assert kansci("predict", tmp_path / "both" / "P", table).exit_code == 0


def test_a_comma_may_stand_in_the_name_of_a_column(tmp_path):
    x = np.linspace(1, 5, 40)
    table = tmp_path / "odd.csv"
    pd.DataFrame({"x": x, "Int, a.u.": 3 * x**2, "b": 2 * x + 1}).to_csv(table, index=False)
    record = json.loads(kansci("discover", table, "--target", "Int, a.u.", "--seconds", 3, "--json").stdout)
    assert record["target"] == "Int, a.u."
    arguments = ("--target", "b", "--inputs", "Int, a.u.,x", "--seconds", 3, "--json")
    assert json.loads(kansci("discover", table, *arguments).stdout)["inputs"] == ["Int, a.u.", "x"]
    arguments = ("--target", "b,Int, a.u.", "--seconds", 3, "--json")
    record = json.loads(kansci("discover", table, *arguments).stdout)
    assert [row["target"] for row in record["targets"]] == ["b", "Int, a.u."]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--target", "I", "--group", "metal"), "there is no group column 'metal': did you mean 'material'?"),
        (
            ("--target", "I", "--inputs", "U,material"),
            "'material' holds text: leave it out (--group material",
        ),
        (("--target", "I,V"), "there is no target column 'V'"),
        (("--target", ","), "--target ',' names 0 columns"),
        (("--target", "I,P", "--group", "material"), "--target 'I,P' names 2 columns: name one"),
        (("--target", "I,P", "--sigma", "U"), "--sigma and --input-sigma belong to one target"),
    ],
)
def test_mistakes_get_one_line(table, arguments, complaint):
    result = kansci("discover", table, *arguments, "--seconds", 5)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert result.stderr.count("\n") == 1
