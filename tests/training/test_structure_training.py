"""Products and formulas in the trainer: exact Jacobians, and laws that only they hold."""

import numpy as np
import pytest
import sympy
import torch

from kansci.errors import SettingsError
from kansci.models import KAN, SymbolicFunction
from kansci.training.fit import fit_population, train_population
from kansci.training.grids import adapt
from kansci.training.levenberg import mean_loss
from kansci.training.normal_equations import Rows, jacobian, normal_equations
from kansci.training.penalty import group_sparsity
from kansci.training.population import Population
from kansci.training.settings import TrainSettings

T = sympy.Symbol("t")
SIN = SymbolicFunction("sin", sympy.sin(T))
BESSEL = SymbolicFunction("J0", sympy.besselj(0, T))
RNG = np.random.default_rng(0)
X = torch.tensor(RNG.uniform(-1, 1, (30, 2)))
ROWS = RNG.uniform(-1, 1, (500, 2))
PLAIN = TrainSettings(restarts=3, steps=30)


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def member(width, arity, basis, seed, *, affine=False) -> KAN:
    """A network with formulas on its first and last layers, beside and instead of learned functions."""
    model = KAN(width, grid=3, mult_arity=arity, basis=basis, seed=seed, affine_trainable=affine)
    first = model.layers[0].with_symbolic(1, 0, SIN, (2.0, 0.1 * seed, 0.5, 0.3), keep_learned=True)
    first = first.with_symbolic(0, 0, BESSEL, (1.5, 0.4, 0.5, 0.3))
    last = model.layers[-1].with_symbolic(0, 0, SIN, (0.7, 0.2 + 0.1 * seed, -1.5, 0.1))
    model = KAN.from_layers([first, *model.layers[1:-1], last])
    for name, tensor in model.named_parameters():
        if "nodes" in name:
            tensor.data += 0.1 * torch.randn(tensor.shape, generator=torch.Generator().manual_seed(seed))
    return model


CASES = [
    ([2, [0, 1], 1], 2, "bspline"),
    ([2, [1, 2], 1], 3, "chebyshev"),
    ([2, [1, 2], [2, 1], 2], [[], [2, 3], 3, []], ["fourier", "bspline", "rbf"]),
    ([2, 2, 1, 1], 2, "bspline"),
    ([2, [1, 1], [1, 1]], [[], 2, 2], ["bspline", "rational"]),
]


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize(("width", "arity", "basis"), CASES, ids=str)
def test_the_jacobian_is_autograds(width, arity, basis, affine):
    models = [member(width, arity, basis, seed, affine=affine) for seed in range(2)]
    batch = Population.of(models)
    with torch.no_grad():
        mine, values = jacobian(batch, batch.inputs(X))
    assert mine.shape[-1] == batch.n_parameters
    for number, model in enumerate(models):
        names, blocks = zip(*trained_parameters(model), strict=True)

        def outputs(*tensors, model=model, names=names):
            return torch.func.functional_call(model, dict(zip(names, tensors, strict=True)), (X,))

        parts = dict(zip(names, torch.autograd.functional.jacobian(outputs, blocks), strict=True))
        columns = []
        for level, layer in enumerate(model.layers):
            base = parts[f"layers.{level}.base_scale"].unsqueeze(-1)
            weight = torch.cat([base, parts[f"layers.{level}.coef"]], dim=-1)
            columns += [weight.flatten(2), parts[f"layers.{level}.affine"].flatten(2)]
            assert layer.affine.shape == (len(layer.symbolic), 4)
        torch.testing.assert_close(mine[number], torch.cat(columns, dim=-1).flatten(0, 1))
        torch.testing.assert_close(values[number], model(X).detach())
        torch.testing.assert_close(batch.model(number)(X), model(X))


def trained_parameters(model):
    return [(name, tensor.detach()) for name, tensor in model.named_parameters() if "layers" in name]


def test_a_step_moves_the_parameters_in_the_jacobians_order():
    batch = Population.of([member([2, [1, 1], 1], 2, "bspline", seed) for seed in range(2)])
    inputs = batch.inputs(X)
    derivative, _ = jacobian(batch, inputs)
    step = torch.tensor(1e-6 * RNG.normal(size=(2, batch.n_parameters)))
    step *= (derivative != 0).any(dim=1)  # what is masked stays
    there, back = (batch.moved_by(sign * step).forward(inputs) for sign in (1, -1))
    expected = (derivative @ step.unsqueeze(-1)).view_as(there)
    torch.testing.assert_close((there - back) / 2, expected, rtol=1e-6, atol=1e-13)


def test_penalties_leave_formulas_alone():
    batch = Population.of([member([2, [1, 1], 1], 2, "bspline", seed) for seed in range(2)])
    plain, penalised = (
        normal_equations(batch, Rows(batch.inputs(X), X[:, :1]), statistics=True) for _ in range(2)
    )
    group_sparsity(batch, plain, 0.1).add_to(penalised, batch)
    changed = (penalised.gradient != plain.gradient).any(dim=0)
    start = 0
    for layer in batch.layers:
        end = start + layer.n_parameters
        assert bool(changed[start : end - 4 * len(layer.symbolic)].any())
        assert not bool(changed[end - 4 * len(layer.symbolic) : end].any())
        start = end


@pytest.mark.parametrize("width", [[2, [1, 1], [1, 1]], [2, 2, 1]])
def test_units_of_the_outputs_are_exactly_undone(width):
    batch = Population.of([member(width, 2, "bspline", seed) for seed in range(2)])
    scale, shift = torch.tensor(3.0).double(), torch.tensor([0.5]).double()
    expected = batch.forward(batch.inputs(X)) * scale + shift
    torch.testing.assert_close(batch.rescaled(scale, shift).forward(batch.inputs(X)), expected)
    back = batch.rescaled(scale, shift).rescaled(1 / scale, -shift / scale)
    torch.testing.assert_close(back.model(1)(X), batch.model(1)(X))
    mask = torch.zeros_like(batch.layers[-1].mask)
    if width[-1] == 1:  # a formula alone can take the shift
        last = member(width, 2, "bspline", 0).layers[-1].changed(mask=mask[0])
        bare = Population.of([KAN.from_layers([*batch.model(0).layers[:-1], last])])
        expected = bare.forward(bare.inputs(X)) * scale + shift
        torch.testing.assert_close(bare.rescaled(scale, shift).forward(bare.inputs(X)), expected)


def test_grids_adapt_and_refine():
    batch = Population.of([member([2, [1, 1], 1], 2, "bspline", seed) for seed in range(3)])
    rows = Rows(batch.inputs(X), X[:, :1])
    adapted, _ = adapt(batch, rows, mean_loss(batch, rows))
    assert bool((mean_loss(adapted, rows) <= 1.01 * mean_loss(batch, rows) + 1e-12).all())
    finer = batch.refine(7)
    torch.testing.assert_close(finer.forward(finer.inputs(X)), batch.forward(rows.inputs))


@pytest.mark.parametrize(
    ("width", "error"), [([2, [0, 1], 1], 1e-12), ([2, [0, 1]], 1e-12), ([2, [1, 1], 1], 1e-4)]
)
def test_a_product_node_finds_the_product(width, error):
    y = ROWS[:, 0] * ROWS[:, 1]
    trained = fit_population(ROWS, y, width, PLAIN)
    assert trained.model.structure[1] == tuple(width[1])
    assert trained.validation_rmse[0] < error
    assert not any(layer.nodes.affine for layer in trained.model.layers)
    again = train_population([trained.model], ROWS, 3 * y, PLAIN)
    assert again.train_rmse[0] < 3 * error


def test_arities_beyond_two_are_trained():
    rows = RNG.uniform(-1, 1, (600, 3))
    y = np.exp(rows[:, 0]) * np.sin(2 * rows[:, 1]) * rows[:, 2]
    settings = TrainSettings(restarts=16, steps=50, mult_arity=3)
    trained = fit_population(rows, y, [3, [0, 1], 1], settings)
    assert trained.validation_rmse[0] < 2e-3
    with pytest.raises(SettingsError, match="inputs"):
        fit_population(rows, y, [2, [0, 1], 1], settings)


def test_constants_of_formulas_are_trained():
    """3 exp(sin(2.5 x + 0.3) + y^2) - 1 with the right functions and wrong numbers."""
    y = 3 * np.exp(np.sin(2.5 * ROWS[:, 0] + 0.3) + ROWS[:, 1] ** 2) - 1
    square = SymbolicFunction("x^2", T**2)
    model = KAN([2, 1, 1], base_fun="zero")
    first = model.layers[0].with_symbolic(0, 0, SIN, (2.2, 0.5, 0.8, 0.0))
    first = first.with_symbolic(1, 0, square, (0.9, 0.05, 1.1, 0.1))
    last = model.layers[1].with_symbolic(0, 0, SymbolicFunction("exp", sympy.exp(T)), (0.9, 0.1, 2.0, -0.5))
    settings = TrainSettings(steps=60, validation_fraction=0, tolerance=0.0)
    trained = train_population([KAN.from_layers([first, last])], ROWS, y, settings)
    assert trained.train_rmse[0] < 1e-10
    assert trained.model.mode(0, 0, 0) == trained.model.mode(1, 0, 0) == "s"
    np.testing.assert_allclose(trained.model.layers[0].affine[0, 0].item(), 2.5, rtol=1e-6)


def test_a_formula_beside_learned_functions():
    y = np.sin(4 * ROWS[:, 0]) + np.abs(ROWS[:, 1])
    model = KAN([2, 1], base_fun="zero")
    layer = model.layers[0].with_symbolic(0, 0, SIN, (3.6, 0.1, 1.0, 0.0), keep_learned=False)
    layer = layer.with_symbolic(
        1, 0, SymbolicFunction("abs", sympy.Abs(T)), (1.0, 0.02, 0.7, 0.0), keep_learned=True
    )
    trained = train_population([KAN.from_layers([layer])], ROWS, y, TrainSettings(steps=40, tolerance=0.0))
    assert trained.train_rmse[0] < 1e-9
    assert trained.model.mode(0, 1, 0) == "sn"


def test_networks_of_different_formulas_do_not_train_together():
    one, two = KAN([2, 1]), KAN([2, 1])
    two = KAN.from_layers([two.layers[0].with_symbolic(0, 0, SIN, (1, 0, 1, 0))])
    with pytest.raises(SettingsError, match="structure"):
        Population.of([one, two])
