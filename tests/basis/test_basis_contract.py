"""One contract for every family: values, derivatives, sums, refinement, continuation, description."""

import mpmath
import numpy as np
import pytest
import torch
from numpy.polynomial import chebyshev
from scipy.interpolate import BSpline as ScipyBSpline

from kansci.basis import Basis, BSpline, basis_names, glorot_deviation, make_basis, moments
from kansci.errors import SettingsError

DOMAIN = torch.tensor([[-1.0, 2.0], [3.0, 7.0], [0.1, 0.4]], dtype=torch.float64)
GRID, N_INPUTS, N_OUTPUTS = 5, 3, 2


def non_uniform() -> BSpline:
    steps = torch.tensor(np.random.default_rng(4).uniform(0.3, 1.7, (N_INPUTS, GRID + 6)))
    knots = torch.cat([torch.zeros(N_INPUTS, 1, dtype=torch.float64), steps.cumsum(-1)], dim=-1)
    return BSpline.from_knots(knots, 3).moved(DOMAIN)


def learned_fourier() -> Basis:
    return make_basis({"basis": "fourier", "learned": True, "widths": 1.3}, GRID, 3, DOMAIN)


def rational() -> Basis:
    """With an inner polynomial of both signs over the domain."""
    basis = make_basis({"basis": "rational", "groups": 2}, GRID, 3, DOMAIN)
    q = torch.tensor([[0.7, -0.4, 0.9, 0.1], [-0.3, 0.2, 0.5, -0.6]], dtype=torch.float64)
    return basis.with_tensors({"ends": DOMAIN, "denominator": q})


FAMILIES = {
    **{name: lambda name=name: make_basis(name, GRID, 3, DOMAIN) for name in basis_names()},
    "quintic": lambda: BSpline(GRID, 5, DOMAIN),
    "non_uniform": non_uniform,
    "learned_fourier": learned_fourier,
    "pade": rational,
}
EXACT = sorted(set(FAMILIES) - {"rbf"})
SUM_TO_ONE = {"bspline", "hat", "quintic", "non_uniform"}
ON_A_GRID = sorted({"chebyshev", "rbf"} | SUM_TO_ONE)
SMOOTH = sorted(set(FAMILIES) - {"hat"})  # twice differentiable inside the domain


@pytest.fixture(params=sorted(FAMILIES))
def basis(request):
    return FAMILIES[request.param]()


def sample(n: int, seed: int = 0, beyond: float = 0.0) -> torch.Tensor:
    share = torch.tensor(np.random.default_rng(seed).uniform(-beyond, 1 + beyond, (n, N_INPUTS)))
    return DOMAIN[:, 0] + (DOMAIN[:, 1] - DOMAIN[:, 0]) * share


def coefs(basis: Basis, seed: int = 0) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(seed).normal(size=(N_OUTPUTS, N_INPUTS, basis.size)))


def rows_of(x: torch.Tensor, i: int, function) -> np.ndarray:
    """`function` of u, one mpmath number a time, over an input's unit coordinate: (N, K)."""
    low, high = DOMAIN[i].tolist()
    return np.array(
        [[float(v) for v in function((2 * t - low - high) / (high - low))] for t in x[:, i].tolist()]
    )


def derivatives(function, u: float, nu: int, slope: float):
    """nu-th derivative by x of an mpmath function of u."""
    return mpmath.diff(function, u, nu) * mpmath.mpf(slope) ** nu if nu else function(u)


def independent(name: str, basis: Basis, x: torch.Tensor, i: int, nu: int) -> np.ndarray:
    """The definition, from a source that shares nothing with the code: (N, K)."""
    slope = float(2 / (DOMAIN[i, 1] - DOMAIN[i, 0]))
    if isinstance(basis, BSpline):
        spline = ScipyBSpline(basis.knots[i].numpy(), np.eye(basis.size), basis.degree)
        return spline(x[:, i].numpy(), nu=nu) if nu <= basis.degree else np.zeros((len(x), basis.size))
    if name == "chebyshev":
        u = basis.unit(x)[:, i].numpy()
        columns = [chebyshev.Chebyshev.basis(k).deriv(nu)(u) for k in range(basis.size)]
        return np.stack(columns, axis=-1) * slope**nu
    functions = [lambda u: mpmath.mpf(1)]
    if "fourier" in name:
        turn = mpmath.pi * float(DOMAIN[i, 1] - DOMAIN[i, 0]) / mpmath.mpf(float(basis.period.detach()[i, 0]))
        for m in range(1, GRID + 1):
            functions += [lambda u, m=m: mpmath.cos(m * turn * u), lambda u, m=m: mpmath.sin(m * turn * u)]
    elif name == "rbf":
        for k in range(GRID + 1):
            functions.append(lambda u, k=k: mpmath.exp(-(((u + 1) * GRID / 2 - k) ** 2)))
    elif name == "sine":
        pairs = zip(basis.frequency[i].tolist(), basis.phase[i].tolist(), strict=True)
        functions += [lambda u, w=w, p=p: mpmath.sin(w * u + p) for w, p in pairs]
    else:
        q = basis.denominator[basis.groups[i]].tolist()
        for k in range(GRID + 1):
            functions.append(
                lambda u, k=k: mpmath.chebyt(k, u) / (1 + abs(sum(c * u ** (m + 1) for m, c in enumerate(q))))
            )
    with mpmath.workdps(40):
        return rows_of(x, i, lambda u: [derivatives(f, mpmath.mpf(u), nu, slope) for f in functions])


@pytest.mark.parametrize("nu", [0, 1, 2, 3])
@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_values_and_derivatives_are_the_definitions(name, nu):
    basis, x = FAMILIES[name](), sample(6, seed=nu)
    values = basis.values(x, nu).detach().numpy()
    assert values.shape == (6, N_INPUTS, basis.size)
    for i in range(N_INPUTS):
        expected = independent(name, basis, x, i, nu)
        assert np.abs(values[:, i] - expected).max() <= 1e-12 * max(1.0, np.abs(expected).max())


def test_a_jet_is_its_values(basis):
    x = sample(7, beyond=0.3)
    for nu, jet in enumerate(basis.jet(x, (0, 1, 2))):
        torch.testing.assert_close(jet, basis.values(x, nu))


@pytest.mark.parametrize("name", SMOOTH)
def test_the_sum_is_differentiable_to_third_order(name):
    basis = FAMILIES[name]()
    x, coef = sample(4, seed=2, beyond=0.2).requires_grad_(), coefs(basis).requires_grad_()
    own = [parameter.requires_grad_() for parameter in basis.parameters()]

    def layer(x, coef, *_):
        return basis.edge_sum(x, coef)

    assert torch.autograd.gradcheck(layer, (x, coef, *own))
    assert torch.autograd.gradgradcheck(layer, (x, coef, *own))
    first = torch.autograd.grad(layer(x, coef).sum(), x, create_graph=True)[0]
    second = torch.autograd.grad(first.sum(), x, create_graph=True)[0]
    third = torch.autograd.grad(second.sum(), x, create_graph=True)[0]
    for nu, found in ((1, first), (2, second), (3, third)):
        expected = torch.einsum("nik,jik->ni", basis.values(x, nu), coef).detach()
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9 * float(expected.abs().max() + 1))
    assert torch.autograd.grad(third.square().sum(), coef)[0].isfinite().all()


def test_the_sum_is_the_contraction_of_the_values(basis):
    for n in (0, 1, 37):
        x, coef = sample(n, beyond=0.5), coefs(basis)
        expected = torch.einsum("nik,jik->nj", basis.values(x), coef)
        torch.testing.assert_close(basis.edge_sum(x, coef), expected, rtol=1e-12, atol=1e-11)
    batch = coefs(basis).repeat(4, 1, 1, 1)
    torch.testing.assert_close(basis.edge_sum(x.repeat(4, 1, 1), batch)[3], expected, rtol=1e-12, atol=1e-11)


def test_every_family_holds_the_constant(basis):
    one = basis.values(sample(50, beyond=0.7)) @ basis.constant
    torch.testing.assert_close(one, torch.ones_like(one), rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", sorted(SUM_TO_ONE))
def test_splines_are_a_partition_of_unity(name):
    values = FAMILIES[name]().values(sample(50))
    assert float(values.min()) >= -1e-15
    torch.testing.assert_close(values.sum(-1), torch.ones(50, N_INPUTS).double(), rtol=0, atol=1e-14)


@pytest.mark.parametrize("size", [GRID, GRID + 1, 2 * GRID, 3 * GRID + 2])
@pytest.mark.parametrize("name", EXACT)
def test_refinement_keeps_the_function_to_round_off(name, size):
    basis = FAMILIES[name]()
    finer, matrix = basis.refine(size)
    assert finer.grid_size == size
    x, coef = sample(60, beyond=0.3), coefs(basis)
    refined = (matrix @ coef.unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(finer.edge_sum(x, refined), basis.edge_sum(x, coef), rtol=0, atol=2e-12)
    with pytest.raises(SettingsError, match="cannot be refined"):
        basis.refine(GRID - 1)


def test_gaussians_refine_as_close_as_least_squares():
    basis = FAMILIES["rbf"]()
    finer, matrix = basis.refine(2 * GRID)
    x, smooth = sample(80), basis.fit(sample(80), torch.sin(sample(80)).unsqueeze(1))
    refined = (matrix @ smooth.unsqueeze(-1)).squeeze(-1)
    assert float((finer.edge_sum(x, refined) - basis.edge_sum(x, smooth)).abs().max()) < 0.05


@pytest.mark.parametrize("name", ON_A_GRID)
def test_families_on_a_grid_go_on_linearly(name):
    basis = FAMILIES[name]()
    coef, width = coefs(basis), DOMAIN[:, 1] - DOMAIN[:, 0]
    for end, far in ((DOMAIN[:, 1], 1e3 * width), (DOMAIN[:, 0], -0.4 * width)):
        at, beyond = end.unsqueeze(0), (end + far).unsqueeze(0)
        value = torch.einsum("nik,jik->nji", basis.values(at), coef)
        slope = torch.einsum("nik,jik->nji", basis.values(at, 1), coef)
        expected = (value + slope * (beyond - at)).sum(-1)
        torch.testing.assert_close(basis.edge_sum(beyond, coef), expected, rtol=1e-9, atol=1e-9)
        assert not bool(basis.values(beyond, 2).any())
        assert bool(basis.outside(beyond).all())
        assert not bool(basis.outside(at).any())


@pytest.mark.parametrize("name", sorted(set(FAMILIES) - set(ON_A_GRID)))
def test_families_without_a_grid_have_no_outside(name):
    basis = FAMILIES[name]()
    x = sample(5) + 100
    assert not bool(basis.outside(x).any())
    assert bool(basis.values(x).isfinite().all())


def test_on_knots_and_ends_values_are_limits(basis):
    knots = torch.stack([torch.linspace(*ends, GRID + 1, dtype=torch.float64) for ends in DOMAIN.tolist()], 1)
    step = 1e-9 * (DOMAIN[:, 1] - DOMAIN[:, 0])
    torch.testing.assert_close(basis.values(knots), basis.values(knots + step), rtol=0, atol=1e-6)
    torch.testing.assert_close(basis.values(knots), basis.values(knots - step), rtol=0, atol=1e-6)


def test_fit_reproduces_the_span(basis):
    x, coef = sample(200), coefs(basis)
    y = torch.einsum("nik,jik->nji", basis.values(x), coef).detach()
    again = torch.einsum("nik,jik->nji", basis.values(x), basis.fit(x, y))
    torch.testing.assert_close(again, y, rtol=0, atol=1e-8)


def test_a_moved_basis_is_the_same_on_its_new_domain(basis):
    domain = DOMAIN * 1e6 - 3e5
    moved = basis.moved(domain)
    x = sample(20)
    there = domain[:, 0] + (x - DOMAIN[:, 0]) / (DOMAIN[:, 1] - DOMAIN[:, 0]) * (domain[:, 1] - domain[:, 0])
    torch.testing.assert_close(moved.values(there), basis.values(x), rtol=0, atol=1e-8)


def test_a_basis_comes_back_from_its_description(basis):
    again = make_basis(basis.to_config(), 1, 1, DOMAIN)
    again.load_state_dict(basis.state_dict())
    x = sample(9, beyond=0.2)
    assert torch.equal(again.values(x), basis.values(x))
    assert again.to_config() == basis.to_config()
    chosen = basis.select(torch.tensor([2, 0]))
    assert torch.equal(chosen.values(x[:, [2, 0]]), basis.values(x)[:, [2, 0]])


def test_a_stack_of_bases_is_its_members(basis):
    other = basis.moved(DOMAIN + 1)
    both = basis.combined(lambda *tensors: torch.stack(tensors), other)
    x = sample(8)
    together = both.values(torch.stack([x, x]))
    torch.testing.assert_close(together[0], basis.values(x))
    torch.testing.assert_close(together[1], other.values(x))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-5), (torch.bfloat16, 3e-2)])
def test_lower_precisions_stay_close(basis, dtype, tolerance):
    x, coef = sample(60, beyond=0.1), coefs(basis)
    exact = basis.edge_sum(x, coef).detach()
    basis.float()
    x, coef = x.float(), coef.to(dtype).requires_grad_()
    y = basis.edge_sum(x, coef)
    assert y.dtype == dtype
    scale = float(exact.abs().max())
    assert float((y.detach().double() - exact).abs().max()) <= tolerance * scale
    y.sum().backward()
    assert coef.grad.dtype == dtype
    expected = basis.double().values(x.double()).sum(0).expand_as(coef).detach()
    assert float((coef.grad.double() - expected).abs().max()) <= tolerance * float(expected.abs().max())


def test_initial_sizes_keep_values_of_order_one(basis):
    value, slope = moments(basis)
    x = sample(4000, seed=5)
    torch.testing.assert_close(value, basis.values(x).square().mean(0).detach(), rtol=0.1, atol=2e-2)
    assert bool((slope >= 0).all())
    deviation = glorot_deviation(basis, 40)
    coef = deviation * torch.tensor(np.random.default_rng(0).normal(size=(40, N_INPUTS, basis.size)))
    assert 0.02 < float(basis.edge_sum(x, coef).detach().std(0).mean()) < 1.5


@pytest.mark.parametrize(
    "spec", ["wavelet", {"basis": 3}, {}, {"basis": "rational", "degree": 0}, {"basis": "fourier", "grid": 0}]
)
def test_impossible_bases_are_refused(spec):
    with pytest.raises(SettingsError):
        make_basis(spec, GRID, 3, DOMAIN)
