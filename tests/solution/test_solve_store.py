"""Solutions in RUN folders: what is written opens as what it was, damage is said in one line."""

import json

import numpy as np
import pandas as pd
import pytest
import sympy
import torch
from safetensors.torch import load, save

import kansci
from kansci.errors import RunError, SettingsError
from kansci.pde import library
from kansci.pde.axes import Powers, polynomials, splines
from kansci.pde.field_model import Continued, FieldModel, Known
from kansci.pde.networks.separable import TensorProduct
from kansci.solution.network_text import Reader, Writer
from kansci.solution.store import open_solution, save_solution


def same_fields(one, other):
    points = one.problem.domain.sample(50, np.random.default_rng(3))
    for name in one.fields:
        scale = np.abs(one.evaluate(name, points)).max()
        assert np.allclose(other.evaluate(name, points), one.evaluate(name, points), atol=1e-10 * scale)


CASES = {
    "tensor product, proved": ("heat", {"seconds": 5}),
    "sum of ones": ("poisson_nd5", {"seconds": 4, "closed_form": False}),
    "windows of time": ("lorenz", {"seconds": 4, "closed_form": False}),
    "KAN of B-splines": (
        "u_xx = 6*x",
        {"model": "kan", "basis": "bspline", "seconds": 2, "domain": {"x": [0, 1]},
         "conditions": {"boundary": "u = x"}, "closed_form": False},
    ),
    "SIREN": ("poisson", {"model": "siren", "width": [8], "seconds": 2, "closed_form": False}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_solution_opens_as_it_was_written(case, tmp_path):
    given, settings = CASES[case]
    solution = kansci.solve(given, reference=False, **settings)
    save_solution(solution, tmp_path / "run")
    again = open_solution(tmp_path / "run")
    same_fields(solution, again)
    assert json.dumps(again.to_json(), default=str) == json.dumps(solution.to_json(), default=str)
    assert again.formulas == solution.formulas
    assert len(again.numerical.history) == len(solution.numerical.history)


def test_an_inverse_problem_keeps_its_data_and_errors(tmp_path):
    t = np.linspace(0, 3, 41)
    data = pd.DataFrame({"t": t, "y": 2 * np.exp(-0.7 * t) + 0.01 * np.cos(9 * t)})
    solution = kansci.solve(
        "y' = -k*y", domain={"t": [0, 3]}, conditions={"t = 0": "y = 2"}, unknowns={"k": 1},
        data=data, seconds=5
    )  # fmt: skip
    save_solution(solution, tmp_path)
    again = open_solution(tmp_path)
    same_fields(solution, again)
    assert again.constants == solution.constants
    points = np.array([[0.5], [2.0]])
    assert np.allclose(
        again.numerical.standard_error("y", points), solution.numerical.standard_error("y", points)
    )


def test_damage_is_an_error_of_one_line(tmp_path):
    solution = kansci.solve("poisson", seconds=4, reference=False, closed_form=False)
    save_solution(solution, tmp_path / "run")
    model = tmp_path / "run" / "model.safetensors"
    whole = model.read_bytes()
    for content in (b"", whole[: len(whole) // 2], whole.replace(b'tensor\\"', b'tenser\\"')):
        model.write_bytes(content)
        with pytest.raises(RunError) as error:
            open_solution(tmp_path / "run")
        assert "\n" not in str(error.value)
    header = json.loads(whole[8 : 8 + int.from_bytes(whole[:8], "little")])["__metadata__"]
    tensors = load(whole)
    model.write_bytes(save({**tensors, "0.theta": 1.01 * tensors["0.theta"]}, metadata=header))
    with pytest.raises(RunError, match="solve again"):
        open_solution(tmp_path / "run")


def test_a_problem_without_a_statement_is_not_kept(tmp_path):
    solution = kansci.solve(library.load("poisson"), seconds=4, reference=False, closed_form=False)
    with pytest.raises(SettingsError, match="ready-made"):
        save_solution(solution, tmp_path / "run")


def test_periodic_splines_and_what_a_window_goes_on_from():
    breaks = np.array([-1, -0.6, -0.1, 0.2, 0.3, 0.5, 0.8, 0.9, 1])
    space, plain = splines(breaks, 5, periodic=True), splines(breaks, 7)
    x, t = sympy.symbols("x t", real=True)
    bounds = np.array([[-1.0, 1.0], [0.0, 0.1]])
    known = Known(x**2 * sympy.Float(1 / 3, 17) + sympy.sqrt(2) * t, (x, t))
    rng = torch.Generator().manual_seed(0)
    past = FieldModel(TensorProduct([space.expansion, Powers(2)]), (0, 1), bounds, None, known)
    weights = torch.randn(past.network.n_weights, generator=rng, dtype=torch.float64)
    network = TensorProduct([plain.expansion, polynomials(4).expansion])
    model = FieldModel(network, (0, 1), bounds, Continued(known, past, weights), known)
    writer = Writer((sympy.S.Zero, sympy.S.One))
    described = json.loads(json.dumps(writer.model(model)))
    again = Reader(writer.tensors, (None, None)).model(described)
    points = bounds[:, 0] + (bounds[:, 1] - bounds[:, 0]) * np.random.default_rng(0).random((40, 2))
    theta = torch.randn(network.n_weights, generator=rng, dtype=torch.float64)
    wanted = [(2, 0), (0, 1)]
    values = [m.at(points, wanted).forward(theta).value for m in (model, again)]
    assert torch.allclose(*values, rtol=1e-12, atol=1e-10)
