"""The commands as a user runs them: exit codes, what goes to stdout, what a run leaves."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sympy
from kansci_cli.app import app
from typer.testing import CliRunner


def kansci(*arguments, stdin=None):
    result = CliRunner().invoke(app, [str(a) for a in arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    X = np.random.default_rng(0).uniform(1, 3, (60, 2))
    frame = pd.DataFrame({"m [kg]": X[:, 0], "v": X[:, 1], "K": 0.5 * X[:, 0] * X[:, 1] ** 2})
    file = tmp_path_factory.mktemp("data") / "kinetic.csv"
    frame.to_csv(file, index=False)
    return file


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "kinetic"
    result = kansci("discover", table, "--target", "K", "--out", folder, "--seconds", 10)
    assert result.exit_code == 0, result.stderr
    return folder


def test_json_is_one_object_on_stdout_and_holds_the_contract(table):
    result = kansci("discover", table, "--target", "K", "--seconds", 10, "--json")
    record = json.loads(result.stdout)
    assert {"target", "inputs", "symbols", "formula", "latex", "complexity", "exact", "rmse", "nrmse", "r2",
            "constants", "front", "seconds", "seed", "version"} <= set(record)  # fmt: skip
    assert record["symbols"] == {"m": "m [kg]", "v": "v"}
    assert record["exact"] is True
    m, v = sympy.symbols("m v")
    assert sympy.simplify(sympy.sympify(record["formula"], {"m": m, "v": v}) - m * v**2 / 2) == 0


def test_human_output_shows_formula_latex_and_where_the_run_is(table, tmp_path):
    result = kansci("discover", table, "--target", "K", "--seconds", 10, "--out", tmp_path / "run")
    for text in ("exact formula", "m*v**2", "m v^{2}", "Columns: m = 'm [kg]'", "Kept in"):
        assert text in result.stdout.replace("\n", " ")


def test_stdin_units_and_inputs(table, tmp_path):
    (tmp_path / "units.csv").write_text("name,unit\nv,m/s\nK,J\n")
    out = tmp_path / "run"
    arguments = ["--target", "K", "--inputs", "m,v", "--units", tmp_path / "units.csv", "--seconds", 10]
    result = kansci("discover", "-", *arguments, "--out", out, "--json", stdin=table.read_text())
    assert result.exit_code == 0, result.stderr
    columns = json.loads((out / "config.json").read_text())["columns"]
    assert {column["name"]: column["unit"] for column in columns} == {"m [kg]": "kg", "v": "m/s", "K": "J"}


def test_a_built_in_table_knows_its_target():
    result = kansci("discover", "kepler_planets", "--seconds", 1, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["target"] == "P"


BAD = {
    "empty": ("", "K"),
    "only a header": ("a,K\n", "K"),
    "text": ("a,K\n1,2\n2,3\nthree,4\n4,5\n", "K"),
    "missing target": ("a,b\n1,2\n2,3\n3,5\n", "K"),
    "constant target": ("a,K\n1,2\n2,2\n3,2\n", "K"),
    "doubled names": ("a,a,K\n1,2,3\n2,3,4\n4,5,6\n", "K"),
    "junk": ("\x00\x01\x02\x03" * 50, "K"),
    "no target given": ("a,K\n1,2\n2,3\n3,5\n", None),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("command", ["discover", "fit"])
def test_bad_input_is_one_line_and_exit_2(case, command, tmp_path):
    text, target = BAD[case]
    (tmp_path / "bad.csv").write_text(text)
    arguments = [] if target is None else ["--target", target]
    result = kansci(command, tmp_path / "bad.csv", *arguments, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["discover", "nowhere.csv", "--target", "y"], "nowhere.csv"),
        (["export", "nowhere", "--to", "latex"], "no RUN folder"),
        (["discover", "kepler_planets", "--seconds", "-1"], "seconds"),
        (["fit", "kepler_planets", "--width", "2;1", "--out", "x"], "--width 2;1"),
        (["fit", "kepler_planets", "--width", "3,1", "--out", "x"], "must read 1,...,1"),
        (["fit", "kepler_planets", "--basis", "wavelet", "--out", "x"], "bspline"),
        (["datasets", "show", "keppler"], "kepler_planets"),
        (["bench", "nothing"], "choose one of|checkout"),
    ],
)
def test_wrong_options_say_what_to_do(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = kansci(*arguments)
    assert result.exit_code == 2
    assert any(word in result.stderr for word in words.split("|"))
    assert result.stderr.count("\n") == 1


def test_a_wrong_usage_exits_2():
    assert kansci("discover").exit_code == 2
    assert kansci("discover", "x.csv", "--no-such-option").exit_code == 2


def test_export_writes_every_target(run, tmp_path):
    assert kansci("export", run, "--to", "latex").stdout.startswith("K = ")
    namespace = {}
    exec(kansci("export", run, "--to", "python").stdout, namespace)
    np.testing.assert_allclose(namespace["predict_K"](2.0, 3.0), 9.0, rtol=1e-9)
    assert json.loads(kansci("export", run, "--to", "json").stdout)["target"] == "K"
    kansci("export", run, "--to", "c", "--out", tmp_path / "law.c")
    assert "double predict_K(double m, double v)" in (tmp_path / "law.c").read_text()
    refused = kansci("export", run, "--to", "cobol")
    assert refused.exit_code == 2
    assert "latex, sympy, python, c, json" in refused.stderr


def test_predict_keeps_the_rows_and_warns_outside_the_data(run):
    result = kansci("predict", run, "-", stdin="v,m,name\n2,2,a\n100,2,b\n,2,c\n")
    rows = pd.read_csv(pd.io.common.StringIO(result.stdout))
    assert list(rows.columns) == ["v", "m", "name", "K"]
    np.testing.assert_allclose(rows["K"][:2], [4.0, 10000.0], rtol=1e-9)
    assert np.isnan(rows["K"][2])
    assert "1 of 3 rows lie outside" in result.stderr
    assert "1 of 3 rows lack a number" in result.stderr
    assert kansci("predict", run, "-", stdin="a,b\n1,2\n").exit_code == 2


def test_plot_writes_the_figures(run, tmp_path):
    result = kansci("plot", run, "--out", tmp_path / "figures", "--format", "svg")
    files = [Path(file) for file in result.stdout.split()]
    assert [file.name for file in files] == ["fit.svg", "front.svg"]
    assert all("<svg" in file.read_text(encoding="utf-8") for file in files)
    assert kansci("plot", run, "--format", "bmp").exit_code == 2


def test_a_run_is_not_resumed_with_other_settings(table, tmp_path):
    options = ["--target", "K", "--width", "2,2,1", "--out", tmp_path / "run", "--grid"]
    assert kansci("fit", table, *options, 3).exit_code == 0
    other = kansci("fit", table, *options, 4, "--resume")
    assert other.exit_code == 2
    assert "other settings" in other.stderr


def test_simplify_turns_a_network_into_a_formula(tmp_path):
    x = np.linspace(-1, 1, 80)
    pd.DataFrame({"x": x, "y": 3 * np.exp(2 * x)}).to_csv(tmp_path / "t.csv", index=False)
    out = tmp_path / "run"
    assert kansci("fit", tmp_path / "t.csv", "--target", "y", "--out", out).exit_code == 0
    record = json.loads(kansci("simplify", out, "--seconds", 10, "--json").stdout)
    value = sympy.sympify(record["formula"]).subs("x", 0.5)
    assert abs(float(value) - 3 * np.e) < 1e-6
    assert kansci("export", out, "--to", "sympy").stdout.strip() != ""
    assert kansci("predict", out, tmp_path / "t.csv").stdout.startswith("x,y,y predicted\n")


def test_datasets_are_listed_shown_and_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "kepler_planets" in kansci("datasets").stdout
    assert kansci("datasets", "list").stdout == kansci("datasets").stdout
    assert "target   P" in kansci("datasets", "show", "kepler_planets").stdout
    assert kansci("datasets", "write", "kepler_planets").exit_code == 0
    text = (tmp_path / "kepler_planets.csv").read_text()
    assert kansci("datasets", "write", "kepler_planets", "--out", "-").stdout == text


def test_help_and_version_start_no_heavy_library():
    code = (
        "import sys; from kansci_cli.app import app\n"
        "from typer.testing import CliRunner\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "assert CliRunner().invoke(app, ['discover', '--help']).exit_code == 0\n"
        "assert CliRunner().invoke(app, ['--version']).stdout.startswith('kansci ')\n"
        "heavy = {'numpy', 'torch', 'sympy', 'scipy', 'pandas', 'matplotlib', 'rich', 'kansci'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_bug_shows_its_traceback_and_exits_1():
    code = (
        "import kansci_cli.datasets as d, kansci_datasets\n"
        "kansci_datasets.names = lambda: 1 / 0\n"
        "import sys; sys.argv = ['kansci', 'datasets']\n"
        "from kansci_cli.app import main; main()"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "ZeroDivisionError" in run.stderr


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or os.name == "nt", reason="needs POSIX signals")
def test_ctrl_c_gives_the_best_so_far_and_130(tmp_path):
    rng = np.random.default_rng(0)
    noise = pd.DataFrame(rng.uniform(-2, 2, (200, 3)), columns=["a", "b", "c"])
    noise.assign(y=rng.normal(size=200), sample="text").to_csv(tmp_path / "t.csv", index=False)
    arguments = ["discover", "t.csv", "--target", "y", "--out", "run", "--seconds", "120", "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(
        [sys.executable, "-m", "kansci_cli", *arguments], cwd=tmp_path, text=True, **pipes
    )
    # The note on the column of texts comes just before the search.
    assert "sample" in process.stderr.readline()
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert json.loads(stdout)["interrupted"] is True
    assert "Traceback" not in stderr
    assert json.loads((tmp_path / "run" / "formula.json").read_text())["target"] == "y"
