"""Coordinate networks: their size, the separable first layer, exact derivatives, and what they compute."""

import json
import math

import mpmath
import numpy as np
import pytest
import sympy
import torch

from kansci.basis import BASES
from kansci.basis.activations import ACTIVATIONS, POINTWISE
from kansci.errors import SettingsError
from kansci.inr.networks import KINDS, make_network

SMALL = {"fkan": {"frequency": 12}, "sl2a": {"frequency": 12}, "kan": {"frequency": 12}}
SMOOTH = ("siren", "fkan", "gaussian", "wire", "snake", "tanh", "silu", "kan", "finer")


def small(kind, n_inputs=2, n_outputs=3, **options):
    arguments = {"width": 12, "dtype": "float64", **SMALL.get(kind, {}), **options}
    return make_network(kind, n_inputs, n_outputs, **arguments)


def random_points(count, d, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand((count, d), generator=generator, dtype=torch.float64) * 1.8 - 0.9


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("parameters", [30_000, 200_000])
def test_a_network_is_as_large_as_allowed(kind, parameters):
    network = make_network(kind, 2, 3, parameters=parameters, **SMALL.get(kind, {}))
    counted = sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert network.n_parameters == counted <= parameters
    assert counted > 0.95 * parameters


def test_published_sizes():
    assert make_network("siren", 2, 3, width=256).n_parameters == 198_915
    fkan = make_network("fkan", 2, 3, width=256)
    assert fkan.config["width"] == [128, 256, 256, 256, 512]
    assert sum(p.numel() for p in fkan.first.parameters()) == 138_368


@pytest.mark.parametrize("kind", KINDS)
def test_seed_and_configuration_say_everything(kind):
    state = torch.get_rng_state()
    network = small(kind, seed=3)
    again = make_network(**json.loads(json.dumps(network.config)))
    other = small(kind, seed=4)
    assert torch.equal(torch.get_rng_state(), state)
    x = random_points(5, 2)
    assert torch.equal(network(x), again(x))
    assert not torch.equal(network(x), other(x))
    rounded = small(kind, seed=3, dtype=torch.float32)(x.float())
    assert torch.allclose(rounded.double(), network(x), rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(11,), (9, 6), (3, 4, 5)])
def test_on_a_grid_the_first_layer_goes_axis_by_axis(kind, shape):
    network = small(kind, len(shape))
    axes = [torch.linspace(-0.95, 0.9, n, dtype=torch.float64) for n in shape]
    points = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    weights = random_points(math.prod(shape), 3).reshape(*shape, 3)

    def slopes(values):
        return torch.autograd.grad((values * weights).sum(), trained, allow_unused=True)

    trained = [p for p in network.parameters() if p.requires_grad]
    dense = network(points.reshape(-1, len(shape))).reshape(*shape, 3)
    grid = network.on_grid(axes)
    assert torch.allclose(grid, dense, rtol=1e-10, atol=1e-12)
    for g, expected in zip(slopes(grid), slopes(dense), strict=True):
        assert (g is None) == (expected is None)
        assert g is None or torch.allclose(g, expected, rtol=1e-8, atol=1e-9)

    index = torch.stack([torch.arange(60) * (i + 3) % n for i, n in enumerate(shape)], dim=-1)
    chosen = network.at_indices(axes, index)
    assert torch.allclose(chosen, dense[tuple(index.unbind(-1))], rtol=1e-10, atol=1e-12)
    with torch.no_grad():
        assert torch.allclose(network.on_grid(axes), dense, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("basis", sorted(BASES))
def test_a_kan_of_any_basis_trains_through_the_grid(basis):
    network = small("kan", basis=basis, frequency=6, base_fun="zero")
    axes = [torch.linspace(-1, 1, n, dtype=torch.float64) for n in (7, 5)]
    points = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    assert torch.allclose(network.on_grid(axes), network(points), rtol=1e-10, atol=1e-12)
    network.on_grid(axes).square().mean().backward()
    trained = [p for p in network.first.parameters() if p.requires_grad and p.numel()]
    assert trained
    assert all(torch.isfinite(p.grad).all() for p in trained)
    assert torch.isfinite(network.laplacian(random_points(4, 2))).all()


def central(network, x, axis, h):
    """First and second differences of the fourth order along one axis."""
    step = torch.zeros(x.shape[-1], dtype=x.dtype)
    step[axis] = h
    y = [network(x + m * step) for m in (-2, -1, 0, 1, 2)]
    first = (y[0] - 8 * y[1] + 8 * y[3] - y[4]) / (12 * h)
    second = (-y[0] + 16 * y[1] - 30 * y[2] + 16 * y[3] - y[4]) / (12 * h * h)
    return first.detach(), second.detach()


@pytest.mark.parametrize("kind", SMOOTH)
def test_gradient_and_laplacian_against_differences(kind):
    options = {} if kind in SMALL or kind in {"tanh", "silu"} else {"frequency": 3.0}
    network = small(kind, **options, **({"k": 5} if kind == "kan" else {}))
    x = random_points(20, 2)
    pairs = [central(network, x, axis, 1e-4) for axis in range(2)]
    gradient = torch.stack([first for first, _ in pairs], dim=-1)
    laplacian = sum(second for _, second in pairs)
    assert network.gradient(x).shape == (20, 3, 2)
    assert network.laplacian(x).shape == (20, 3)
    assert torch.allclose(network.gradient(x), gradient, rtol=1e-5, atol=1e-7 * float(gradient.abs().max()))
    tolerance = 2e-5 * float(laplacian.abs().max()) + 1e-6
    assert torch.allclose(network.laplacian(x), laplacian, rtol=1e-4, atol=tolerance)


@pytest.mark.parametrize("kind", ["fourier", "relu", "sl2a"])
def test_gradients_of_piecewise_smooth_networks_against_reverse_mode(kind):
    network = small(kind)
    x = random_points(20, 2).requires_grad_()
    expected = [torch.autograd.grad(network(x)[:, c].sum(), x)[0] for c in range(3)]
    assert torch.allclose(network.gradient(x), torch.stack(expected, dim=1), rtol=1e-9, atol=1e-9)


def test_a_small_siren_is_its_formula():
    network = make_network("siren", 2, 1, width=3, depth=2, frequency=5, dtype="float64")
    first, hidden, last = network.first, network.body[1], network.body[3]
    x = sympy.Matrix(sympy.symbols("x y"))

    def layer(weight, bias, values):
        return sympy.Matrix(weight.tolist()) * values + sympy.Matrix(bias.tolist())

    z = layer(first.weight, first.bias, x).applyfunc(lambda v: sympy.sin(5 * v))
    z = layer(hidden.weight, hidden.bias, z).applyfunc(lambda v: sympy.sin(30 * v))
    u = layer(last.weight, last.bias, z)[0]
    at = {x[0]: 0.3, x[1]: -0.7}
    point = torch.tensor([[0.3, -0.7]], dtype=torch.float64)
    assert network(point).item() == pytest.approx(float(u.subs(at)), rel=1e-12)
    assert network.gradient(point)[0, 0].tolist() == pytest.approx([float(u.diff(v).subs(at)) for v in x])
    laplacian = float(sum(u.diff(v, 2) for v in x).subs(at))
    assert network.laplacian(point).item() == pytest.approx(laplacian, rel=1e-10)


def test_derivatives_train_the_weights():
    network = small("siren", 2, 1)
    network.laplacian(random_points(8, 2)).square().mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)
    assert float(network.first.weight.grad.abs().max()) > 0


FORMULAS = {
    "finer": lambda v: mpmath.sin((abs(v) + 1) * v),
    "gated_tanh": lambda v: (v + mpmath.tanh(30 * v)) / (1 + mpmath.exp(-v)),
    "gaussian": lambda v: mpmath.exp(-v * v / 2),
    "identity": lambda v: v,
    "relu": lambda v: max(v, mpmath.mpf(0)),
    "silu": lambda v: v / (1 + mpmath.exp(-v)),
    "sine": mpmath.sin,
    "snake": lambda v: v + mpmath.sin(v) ** 2,
    "tanh": mpmath.tanh,
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_their_formulas(name):
    x = torch.tensor([-2.3, -0.4, 0.0, 0.01, 1.7], dtype=torch.float64)
    expected = [float(FORMULAS[name](mpmath.mpf(v))) for v in x.tolist()]
    assert ACTIVATIONS[name](x).tolist() == pytest.approx(expected, rel=1e-13, abs=1e-15)
    if name in POINTWISE:
        assert torch.allclose(POINTWISE[name](x, 1)[0], ACTIVATIONS[name](x), rtol=1e-14, atol=0)


def test_wire_against_complex_arithmetic():
    network = make_network("wire", 2, 1, width=4, depth=2, dtype="float64", frequency=3.0, scale=2.0)
    weights = [p.detach().numpy() for p in network.parameters()]
    x = np.array([0.2, -0.5])
    y = np.exp(3j * (z := weights[0] @ x + weights[1]) - np.abs(2 * z) ** 2)
    w, b, v, c = weights[2][..., 0] + 1j * weights[2][..., 1], weights[3] @ [1, 1j], weights[4], weights[5]
    y = np.exp(3j * (z := w @ y + b) - np.abs(2 * z) ** 2)
    expected = ((v[..., 0] + 1j * v[..., 1]) @ y).real + c
    assert network(torch.tensor(x)).tolist() == pytest.approx(expected.tolist(), rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "sirne"}, "model='sirne': choose one of siren"),
        ({"parameters": 3}, "the smallest siren network has"),
        ({"parameters": -1}, "parameters=-1: give a whole number"),
        ({"width": 0}, "width=0"),
        ({"width": []}, "width=0"),
        ({"depth": 1.5}, "depth=1.5"),
        ({"frequency": 0}, "frequency=0: give a positive number"),
        ({"frequency": float("nan")}, "frequency=nan"),
        ({"omega": 3}, "omega: siren has no such setting"),
        ({"kind": "fkan", "frequency": 2.5}, "frequency=2.5: here it counts functions"),
        ({"kind": "kan", "basis": "splines"}, "basis='splines'"),
        ({"kind": "sl2a", "width": [8, 9]}, "give all the same width"),
        ({"dtype": "float16"}, "dtype=float16"),
        ({"initialisation": "random"}, "initialisation='random'"),
        ({"kind": "wire", "initialisation": "vi3nr"}, "wire has no dense layers"),
        ({"n_inputs": 0}, "n_inputs=0"),
    ],
)
def test_nonsense_is_refused_in_one_line(arguments, message):
    given = {"kind": "siren", "n_inputs": 2, "n_outputs": 1, **arguments}
    with pytest.raises(SettingsError) as caught:
        make_network(**given)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
