"""Every exported network is run by its own interpreter, compiler or runtime and compared with the network."""

import json
import shutil
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import sympy
import torch
from kansci_cli.app import app
from typer.testing import CliRunner

from kansci.basis import BASES
from kansci.data import Dataset
from kansci.errors import ExtrapolationWarning, FormulaError, SettingsError
from kansci.export_network import export_network
from kansci.fit_network import FitSettings, fit_network
from kansci.models import KAN, SymbolicFunction
from kansci.storage import create_run
from kansci.training.user_loss import LOSSES

X = sympy.Symbol("x")
RANGES = [(1.0, 3.0), (-2.0, 5.0)]
ROWS = np.random.default_rng(0).uniform([-1, -9], [6, 12], (300, 2))  # mostly outside the grids
INPUTS = ["a [m]", "int"]


def uneven():
    rows = torch.as_tensor(np.random.default_rng(0).uniform(1, 2.9, (200, 2)) ** 2 - 1.5)
    return KAN([2, 3, 1], grid=6, grid_range=RANGES).update_grid_from_samples(rows, grid_eps=0.0)


def symbolic(*functions):
    """The first layer's edges (0, 1), (1, 0), ... are formulas; one has its learned function beside it."""
    model = KAN([2, 2, 1], grid=4, grid_range=RANGES)
    layer = model.layers[0]
    for number, expr in enumerate(functions):
        function = SymbolicFunction(f"f{number}", sympy.S(expr))
        row = (0.3, 0.2, 1.3, -0.4)
        layer = layer.with_symbolic(number % 2, 1 - number // 2, function, row, keep_learned=not number)
    return KAN.from_layers([layer, *model.layers[1:]])


def trained(model):
    """Other tensors than the initial ones, and a pruned edge."""
    generator = torch.Generator().manual_seed(7)
    for parameter in model.parameters():
        noise = torch.rand(parameter.shape, generator=generator, dtype=torch.float64)
        parameter.data = parameter.data * (0.5 + noise) + 0.05 * noise
    return model.remove_edge(0, 1, 0)


NETWORKS = {
    **{name: lambda name=name: trained(KAN([2, 3, 1], basis=name, grid_range=RANGES)) for name in BASES},
    "hat": lambda: trained(KAN([2, 3, 1], basis="hat", grid_range=RANGES)),
    "one interval": lambda: trained(KAN([2, 2, 1], grid=1, grid_range=RANGES)),
    "steps": lambda: trained(KAN([2, 2, 1], k=0, base_fun="identity", grid_range=RANGES)),
    "uneven knots": lambda: trained(uneven()),
    "grouped rational": lambda: trained(
        KAN([2, 3, 1], basis={"basis": "rational", "groups": 1, "degree": 3}, grid_range=RANGES)
    ),
    "deep": lambda: trained(
        KAN([2, 4, 3, 1], grid=9, k=5, base_fun=["tanh", "zero", "silu"], grid_range=RANGES)
    ),
    "products": lambda: trained(
        KAN([2, [2, 2], [0, 1]], mult_arity=[[], [2, 3], [2]], affine_trainable=True, grid_range=RANGES)
    ),
    "symbolic": lambda: symbolic("exp(-x**2) + sin(x)", "1/(1 + x**2) + tan(x/9)", "Abs(x) + sinh(x/5)"),
    "several outputs": lambda: trained(KAN([2, 3, 3], grid_range=RANGES)),
}


def predictions(model, loss="least_squares"):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        return LOSSES[loss]().predict(torch.as_tensor(model.predict(ROWS))).numpy()


def agree(values, expected):
    np.testing.assert_allclose(np.reshape(values, expected.shape), expected, rtol=1e-12, atol=1e-12)


def run_python(source, folder):
    (folder / "law.py").write_text(source, encoding="utf-8")
    script = f"import json, law; print(json.dumps(law.predict_y(*{ROWS.T.tolist()}).tolist()))"
    command = [sys.executable, "-W", "error", "-c", script]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def run_c(source, n_out, folder):
    several = n_out > 1
    main = ["#include <stdio.h>", "int main(void) {", "  double a, b;"]
    main += [f"  double y[{n_out}];", '  while (scanf("%lf %lf", &a, &b) == 2) {']
    main += ["    predict_y(a, b, y);" if several else "    y[0] = predict_y(a, b);"]
    main += [f'    for (int k = 0; k < {n_out}; k++) printf("%.17g ", y[k]);', "  }", "  return 0;", "}", ""]
    (folder / "law.c").write_text(source + "\n".join(main), encoding="utf-8")
    flags = ["-std=c99", "-pedantic-errors", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["cc", *flags, "law.c", "-o", "law", "-lm"], cwd=folder, check=True)
    rows = "\n".join(f"{a!r} {b!r}" for a, b in ROWS.tolist())
    run = subprocess.run([folder / "law"], input=rows, capture_output=True, text=True, check=True)
    return [float(word) for word in run.stdout.split()]


def run_onnx(content, rows=ROWS):
    """By the standard's reference evaluator and, if it is there, ONNX Runtime."""
    onnx = pytest.importorskip("onnx")
    from onnx.reference import ReferenceEvaluator

    results = [ReferenceEvaluator(onnx.load_from_string(content)).run(None, {"X": rows})[0]]
    try:
        import onnxruntime
    except ImportError:
        return results
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return [*results, session.run(None, {"X": rows})[0]]


@pytest.mark.parametrize("name", NETWORKS)
def test_python_needs_numpy_only_and_gives_the_same(name, tmp_path):
    model = NETWORKS[name]()
    source = export_network(model, INPUTS, "y", "python")
    assert [line for line in source.splitlines() if line.startswith("import")] == ["import numpy"]
    agree(run_python(source, tmp_path), predictions(model))


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
@pytest.mark.parametrize("name", NETWORKS)
def test_c_compiles_strictly_and_gives_the_same(name, tmp_path):
    model = NETWORKS[name]()
    source = export_network(model, INPUTS, "y", "c")
    agree(run_c(source, model.width[-1], tmp_path), predictions(model))


@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_gives_the_same(name):
    pytest.importorskip("onnx")
    model = NETWORKS[name]()
    for values in run_onnx(export_network(model, INPUTS, "y", "onnx")):
        assert values.dtype == np.float64
        agree(values, predictions(model))


@pytest.mark.parametrize("loss", ["logistic", "poisson", "softmax"])
def test_predictions_of_other_losses(loss, tmp_path):
    model = NETWORKS["several outputs" if loss == "softmax" else "bspline"]()
    expected = predictions(model, loss)
    agree(run_python(export_network(model, INPUTS, "y", "python", loss), tmp_path), expected)
    if shutil.which("cc"):
        agree(run_c(export_network(model, INPUTS, "y", "c", loss), model.width[-1], tmp_path), expected)
    pytest.importorskip("onnx")
    for values in run_onnx(export_network(model, INPUTS, "y", "onnx", loss)):
        agree(values, expected)


FUNCTIONS = (
    "tan(x) cot(x) sec(x) csc(x) coth(x) sinh(x) cosh(x) tanh(x) asinh(x) acosh(x+4) atanh(x/3) asin(x/3) "
    "acos(x/3) atan(x) erf(x) erfc(x) sinc(x) Abs(x) sign(x) floor(x) ceiling(x) Heaviside(x) Max(x,1) "
    "Min(x,1) x**3 x**(-2) sqrt(x+3) (x+3)**(-3/2) (x+3)**0.3 exp(x) log(x+3)"
).split()


def test_every_function_of_onnx_agrees_with_sympy():
    pytest.importorskip("onnx")
    from kansci.expressions.parser import parse
    from kansci.network_source.onnx_operators import Graph
    from kansci.network_source.onnx_symbolic import add_expression

    points = np.append(np.random.default_rng(2).uniform(-2.9, 2.9, 30), 0.0)
    for text in FUNCTIONS:
        graph, expr = Graph(), parse(text, {"x": X})
        content = graph.to_bytes(add_expression(graph, expr, {X: "X"}), {"x": "x"}, "y")
        rows = points if not text.startswith(("cot", "csc", "coth", "x**(-2)")) else points[:-1]
        truth = [float(expr.subs(X, sympy.Float(p, 30)).evalf(30)) for p in rows]
        with np.errstate(all="ignore"):  # both branches of a case are computed
            for values in run_onnx(content, rows[:, None]):
                np.testing.assert_allclose(values[:, 0], truth, rtol=1e-12, atol=1e-13, err_msg=text)


def test_refusals(monkeypatch):
    model = symbolic("besselj(0, x)")
    with pytest.raises(SettingsError, match=r"ONNX has no function for besselj"):
        export_network(model, INPUTS, "y", "onnx")
    with pytest.raises(FormulaError, match=r"C99 has no function for besselj"):
        export_network(model, INPUTS, "y", "c")
    assert "import scipy.special" in export_network(model, INPUTS, "y", "python")
    with pytest.raises(SettingsError, match="choose one of python, c, onnx"):
        export_network(model, INPUTS, "y", "latex")
    with pytest.raises(SettingsError, match="1 names of inputs for a network of 2"):
        export_network(model, ["a"], "y", "c")
    with pytest.raises(SettingsError, match="loss 'mine'"):
        export_network(model, INPUTS, "y", "c", "mine")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(SettingsError, match=r"pip install 'kansci\[onnx\]'"):
        export_network(model, INPUTS, "y", "onnx")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of `kansci fit` on a table in other units than standard ones, and its table."""
    generator = np.random.default_rng(1)
    frame = pd.DataFrame({"a [m]": generator.uniform(100, 300, 400), "int": generator.uniform(0, 0.01, 400)})
    dataset = Dataset.from_frame(frame.assign(y=frame["a [m]"] ** 2 * np.exp(50 * frame["int"])), "y")
    settings = FitSettings(width=(2, 2, 1), restarts=2, steps=10, grid=4)
    folder = tmp_path_factory.mktemp("runs") / "fitted"
    create_run(folder, "fit", {"loss": "least_squares"}, dataset, model=fit_network(dataset, settings).model)
    return folder, dataset


def cli(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_run_without_a_formula_gives_its_network(run, tmp_path):
    folder, dataset = run
    namespace = {}
    exec(cli("export", folder, "--to", "python").stdout, namespace)
    predicted = pd.read_csv(cli_predict(folder, dataset, tmp_path))["y"]
    np.testing.assert_allclose(namespace["predict_y"](*dataset.X.T), predicted, rtol=1e-12)
    assert "double predict_y(double a, double int_)" in cli("export", folder, "--to", "c").stdout
    refused = cli("export", folder, "--to", "latex")
    assert refused.exit_code == 2
    assert "kansci simplify" in refused.stderr
    assert "for formulas as text" in cli("export", folder, "--to", "c", "--digits", 3).stderr
    pytest.importorskip("onnx")
    file = tmp_path / "law.onnx"
    assert cli("export", folder, "--to", "onnx", "--out", file).exit_code == 0
    assert cli("export", folder, "--to", "onnx").stdout_bytes == file.read_bytes()


def test_a_formula_as_onnx(tmp_path):
    onnx = pytest.importorskip("onnx")
    formula = {"formula": "1.5*a*exp(-int_/3) + 2", "symbols": {"a": "a [m]", "int_": "int"}, "target": "y"}
    dataset = Dataset.from_arrays(ROWS, ROWS[:, 0], INPUTS)
    record = {**formula, "inputs": INPUTS, "constants": [], "front": [], "complexity": 9, "latex": ""}
    create_run(tmp_path / "run", "discover", {}, dataset, result=record)
    content = cli("export", tmp_path / "run", "--to", "onnx").stdout_bytes
    properties = {entry.key: entry.value for entry in onnx.load_from_string(content).metadata_props}
    assert (json.loads(properties["inputs"]), properties["target"]) == (INPUTS, "y")
    for values in run_onnx(content):
        np.testing.assert_allclose(values[:, 0], 1.5 * ROWS[:, 0] * np.exp(-ROWS[:, 1] / 3) + 2, rtol=1e-12)
    refused = cli("export", tmp_path / "run", "--to", "c", "--network")
    assert (refused.exit_code, "holds no network" in refused.stderr) == (2, True)


def cli_predict(folder, dataset, tmp_path):
    pd.DataFrame(dataset.X, columns=list(dataset.inputs)).to_csv(tmp_path / "rows.csv", index=False)
    assert cli("predict", folder, tmp_path / "rows.csv", "--out", tmp_path / "out.csv").exit_code == 0
    return tmp_path / "out.csv"
