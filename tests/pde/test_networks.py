"""Derivatives of networks by inputs and weights, against numerical differentiation and that of torch."""

import math

import mpmath
import numpy as np
import pytest
import torch

from kansci.basis import make_basis
from kansci.errors import SettingsError
from kansci.pde.axes import Powers, harmonics, polynomials, splines
from kansci.pde.jets import JetPlan
from kansci.pde.networks.expansion import BasisFunctions, Pointwise
from kansci.pde.networks.make import make_network
from kansci.pde.networks.separable import Separable, SumOfOnes, TensorProduct

SCALE, SHIFT = torch.tensor([1.25, 0.8]).double(), torch.tensor([0.1, -0.2]).double()
WANTED = [(2, 0), (0, 2), (1, 1)]


def points(count=7, dimensions=2):
    generator = torch.Generator().manual_seed(3)
    return torch.rand((count, dimensions), generator=generator, dtype=torch.float64) * 1.2 - 0.6


def uneven(periodic=False):
    return splines(np.array([-1.0, -0.5, -0.1, 0.0, 0.3, 1.0]), 5, periodic=periodic).expansion


NETWORKS = {
    "kan of B-splines": lambda: make_network("kan", [False, False], width=(3, 2), basis="bspline", grid=4),
    "kan of hats": lambda: make_network("kan", [False, False], width=(3,), basis="hat", grid=4),
    **{
        f"kan, {basis}": lambda basis=basis: make_network(
            "kan", [False, False], width=(3, 2), basis=basis, grid=4
        )
        for basis in ("chebyshev", "fourier", "rbf", "rational", "sine")
    },
    "kan, periodic": lambda: make_network("kan", [True, False], width=(3,), grid=4),
    "mlp": lambda: make_network("mlp", [False, False], width=(4, 3)),
    "mlp, periodic": lambda: make_network("mlp", [False, True], width=(4, 3)),
    "siren": lambda: make_network("siren", [False, False], width=(4, 3), frequency=2.0),
    "fkan": lambda: make_network("fkan", [True, False], width=(3, 4), grid=3),
    "separable": lambda: Separable([polynomials(5).expansion, harmonics(5).expansion], rank=3),
    "tensor product": lambda: TensorProduct([uneven(), uneven(periodic=True)]),
    "sum of ones": lambda: SumOfOnes([polynomials(6).expansion, Powers(3)]),
}


@pytest.fixture(params=NETWORKS, name="network")
def a_network(request):
    return NETWORKS[request.param]()


def weights_of(network):
    generator = torch.Generator().manual_seed(5)
    noise = torch.randn(network.n_weights, generator=generator, dtype=torch.float64)
    return network.initial(1) + 0.3 * noise


def evaluated(network, x, plan, weights):
    return network.at(plan.coordinates(x, SCALE, SHIFT), plan)(weights)


def central(f, x, axis, step=1e-4):
    """Derivative along an axis, of fourth order."""
    unit = torch.zeros_like(x)
    unit[:, axis] = step
    return (8 * (f(x + unit) - f(x - unit)) - (f(x + 2 * unit) - f(x - 2 * unit))) / (12 * step)


def test_jets_are_the_derivatives_of_the_plain_forward_pass(network):
    x, weights = points(), weights_of(network)
    plan = JetPlan.of(WANTED, 2)
    jet = evaluated(network, x, plan, weights).value

    def component(index):
        """One derivative lower, by its own plan: the value needs no derivative at all."""
        own = JetPlan.of([index], 2)
        return lambda at: evaluated(network, at, own, weights).value[own.position[index]]

    for index in plan.indices[1:]:
        axis = next(k for k, n in enumerate(index) if n)
        below = tuple(n - (k == axis) for k, n in enumerate(index))
        expected = central(component(below), x, axis)
        torch.testing.assert_close(jet[plan.position[index]], expected, rtol=1e-7, atol=1e-7)


def test_rows_of_the_jacobian_are_derivatives_by_the_weights(network):
    x, weights = points(4), weights_of(network)
    plan = JetPlan.of(WANTED, 2)
    g = torch.linspace(-1, 1, len(plan.indices) * len(x), dtype=torch.float64).view(-1, len(x))
    found = evaluated(network, x, plan, weights).jacobian(g)
    assert found.shape == (len(x), network.n_weights)

    def combined(w):
        return (g * evaluated(network, x, plan, w).value).sum(0)

    step = 1e-5
    for k in range(0, network.n_weights, 1 + network.n_weights // 40):
        unit = torch.zeros_like(weights)
        unit[k] = step
        expected = (combined(weights + unit) - combined(weights - unit)) / (2 * step)
        scale = float(expected.abs().max()) + 1
        torch.testing.assert_close(found[:, k], expected, rtol=1e-6, atol=1e-6 * scale)


def plain_perceptron(network, weights, x, function):
    """The same network written out, for torch's own differentiation."""
    z, rest = (x - SHIFT) * SCALE, weights
    for number, layer in enumerate(network.layers):
        part, rest = rest[: layer.n_weights], rest[layer.n_weights :]
        matrix, bias = layer.split(part)
        z = (function(z) if number else z) @ matrix.mT + bias
    return z[:, 0]


@pytest.mark.parametrize(("kind", "function"), [("mlp", torch.tanh), ("siren", lambda z: torch.sin(3.0 * z))])
def test_perceptrons_agree_with_nested_differentiation(kind, function):
    network = make_network(kind, [False, False], width=(5, 4), frequency=3.0)
    weights = weights_of(network).requires_grad_()
    x = points().requires_grad_()
    plan = JetPlan.of([(2, 2)], 2)
    found = evaluated(network, x.detach(), plan, weights.detach())
    value = plain_perceptron(network, weights, x, function)
    g = torch.zeros((len(plan.indices), len(x)), dtype=torch.float64)
    for index in plan.indices:
        part = value
        for axis, times in enumerate(index):
            for _ in range(times):
                part = torch.autograd.grad(part.sum(), x, create_graph=True)[0][:, axis]
        place = plan.position[index]
        torch.testing.assert_close(found.value[place], part, rtol=1e-9, atol=1e-9)
        g[:] = 0
        g[place] = 1
        rows = [torch.autograd.grad(p, weights, retain_graph=True)[0] for p in part]
        torch.testing.assert_close(found.jacobian(g), torch.stack(rows), rtol=1e-8, atol=1e-8)


FUNCTIONS = {
    "tanh": mpmath.tanh,
    "sine": mpmath.sin,
    "gaussian": lambda v: mpmath.exp(-v * v / 2),
    "identity": lambda v: v,
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("frequency", [1.0, 2.5])
def test_pointwise_functions_to_the_fourth_derivative(name, frequency):
    x = torch.tensor([[-1.3, 0.0, 0.4, 2.0]], dtype=torch.float64)
    jets = Pointwise(name, frequency).values(x, 4)
    assert len(jets) == 5
    for order, jet in enumerate(jets):
        expected = [
            float(mpmath.diff(lambda v: FUNCTIONS[name](frequency * v), v, order)) for v in x[0].tolist()
        ]
        assert jet[0, :, 0].tolist() == pytest.approx(expected, rel=1e-10, abs=1e-10)


def test_powers_and_polynomials_to_the_third_derivative():
    x = torch.linspace(-0.9, 1.0, 5, dtype=torch.float64).unsqueeze(1)
    powers, chebyshev = (e.values(x, 3) for e in (Powers(5), polynomials(5).expansion))
    for order in range(4):
        for k in range(5):
            by_power = np.polynomial.Polynomial([0.5, 0.5]) ** k
            by_cosine = np.polynomial.Chebyshev.basis(k)
            if order:
                by_power, by_cosine = by_power.deriv(order), by_cosine.deriv(order)
            np.testing.assert_allclose(powers[order][:, 0, k], by_power(x[:, 0].numpy()), atol=1e-12)
            np.testing.assert_allclose(chebyshev[order][:, 0, k], by_cosine(x[:, 0].numpy()), atol=1e-10)


def test_periodic_splines_are_smooth_across_the_joint():
    expansion = uneven(periodic=True)
    assert expansion.size == 5
    near = torch.tensor([[-1.0], [1.0 - 1e-12]], dtype=torch.float64)
    for order, jet in enumerate(expansion.values(near, 4)):
        scale = float(jet.abs().max())
        torch.testing.assert_close(jet[0], jet[1], rtol=0, atol=1e-8 * scale + 1e-9, msg=f"order {order}")
    anywhere = torch.linspace(-1, 0.99, 41, dtype=torch.float64).unsqueeze(1)
    sums = expansion.values(anywhere, 1)
    torch.testing.assert_close(sums[0].sum(-1), torch.ones(41, 1).double())  # a partition of unity
    shifted = expansion.values(anywhere + 2, 0)[0]
    torch.testing.assert_close(shifted, sums[0], rtol=0, atol=1e-10)


def test_as_many_intervals_as_the_degree_are_needed():
    with pytest.raises(ValueError, match="intervals"):
        splines(np.linspace(-1, 1, 4), 5, periodic=True)


@pytest.mark.parametrize("make", [polynomials, harmonics], ids=["polynomials", "harmonics"])
@pytest.mark.parametrize("size", [3, 8, 15])
def test_collocation_determines_the_functions(make, size):
    axis = make(size)
    values = axis.expansion.values(torch.from_numpy(axis.nodes)[:, None], 0)[0][:, 0]
    assert len(axis.nodes) > axis.size >= size - 1
    assert torch.linalg.matrix_rank(values) == axis.size
    assert np.linalg.cond(values.numpy()) < 10


@pytest.mark.parametrize("periodic", [False, True])
def test_collocation_determines_splines(periodic):
    axis = splines(np.sort(np.append(np.linspace(-1, 1, 12), [0.01, 0.02])), 7, periodic=periodic)
    values = axis.expansion.values(torch.from_numpy(axis.nodes)[:, None], 0)[0][:, 0]
    assert torch.linalg.matrix_rank(values) == axis.size


def test_periodic_entries_have_the_period():
    x = points()
    plan = JetPlan.of([(1, 0)], 2)
    for kind in ("kan", "mlp", "siren", "fkan"):
        network = make_network(kind, [True, False])
        weights = network.initial(0)
        inputs = plan.coordinates(x, torch.ones(2).double(), torch.zeros(2).double())
        later = inputs.clone()
        later[0, :, 0] += 2
        one, other = (network.at(jet, plan)(weights).value for jet in (inputs, later))
        torch.testing.assert_close(one, other, rtol=0, atol=1e-11)


def test_the_same_seed_gives_the_same_weights():
    for make in NETWORKS.values():
        assert torch.equal(make().initial(4), make().initial(4))
        assert make().linear or not torch.equal(make().initial(4), make().initial(5))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "cnn"}, "model='cnn': choose one of kan, mlp"),
        ({"kind": "mlp", "width": (4, 0)}, "each at least 1"),
        ({"kind": "kan", "basis": "wavelet"}, "wavelet"),
    ],
)
def test_networks_that_cannot_be_made(arguments, message):
    kind = arguments.pop("kind")
    with pytest.raises(SettingsError, match=message):
        make_network(kind, [False], **arguments)


def test_an_unknown_function_is_named():
    with pytest.raises(SettingsError, match="relu"):
        Pointwise("relu")


def test_features_of_a_basis_are_its_own():
    domain = torch.tensor([[-1.0, 1.0]] * 2, dtype=torch.float64)
    basis = make_basis("bspline", 4, 3, domain)
    x = points()
    values, slopes = BasisFunctions(basis).values(x, 1)
    torch.testing.assert_close(values, basis.jet(x, (0,))[0])
    assert slopes.shape == (len(x), 2, basis.size)
    assert math.isclose(float(values[0].sum()), 2.0, abs_tol=1e-12)
