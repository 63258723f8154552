"""Triton's kernels against the reference, simulated on the CPU.

Triton looks at TRITON_INTERPRET when it is imported, so `test_triton.py` runs this file in a process of its
own; by hand: TRITON_INTERPRET=1 pytest tests/kernels/interpreted_triton.py
"""

import importlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from kansci import kernels
from kansci.kernels import Functions, reference, use_kernels

split = importlib.import_module("kansci.kernels.launch_triton").split

ROWS, INPUTS, OUTPUTS = 35, 3, 5  # no multiple of a block
KNOTS = torch.tensor(np.random.default_rng(0).uniform(0.2, 1.2, (INPUTS, 71))).cumsum(-1) - 2
FAMILIES = {
    "cardinal": Functions("bspline", 7, 3),
    "hat": Functions("bspline", 4, 1),
    "constant": Functions("bspline", 3, 0),
    "knots": Functions("bspline", 8, 3, knots=KNOTS[:, :12]),
    "gathered": Functions("bspline", 21, 3),
    "gathered knots": Functions("bspline", 23, 3, knots=KNOTS[:, :27]),
    "fourier": Functions("fourier", 7),
    "chebyshev": Functions("chebyshev", 6),
    "two blocks": Functions("chebyshev", 18),
    "rbf": Functions("rbf", 5, step=0.8),
}
TOLERANCE = {torch.float64: 2e-14, torch.float32: 5e-6, torch.bfloat16: 1.2e-2}


@pytest.fixture(params=FAMILIES)
def functions(request):
    return FAMILIES[request.param]


def tensors(functions, n=ROWS, inputs=INPUTS, outputs=OUTPUTS, seed=0):
    """x, v, g and coef in float64; x also outside the splines' domain, but short of it for polynomials."""
    rng = np.random.default_rng(seed)
    ends = (-1.0, 1.0) if functions.family == "chebyshev" else (-0.5, 6.0)
    x = torch.tensor(rng.uniform(*ends, (n, inputs)), dtype=torch.float32).double()
    shapes = [(n, inputs), (n, outputs), (outputs, inputs, functions.size)]
    # Numbers that bfloat16 holds exactly, so that only the sums differ.
    return x, *(torch.tensor(rng.normal(size=shape)).bfloat16().double() for shape in shapes)


def module(functions):
    return importlib.import_module(f"kansci.kernels.{functions.family}_triton")


def cast(functions, dtype):
    return functions if functions.knots is None else replace(functions, knots=functions.knots.to(dtype))


def compare(functions, arguments, nu, dtype, *, weighted=True, names=("to_outputs", "to_inputs", "to_coef")):
    """The contractions against the float64 reference, relative to the largest entry."""
    x, v, g, coef = arguments
    wide = torch.float32 if dtype == torch.bfloat16 else dtype
    functions = replace(
        functions, knots=None if functions.knots is None else functions.knots.to(wide).double()
    )
    narrow, x_narrow = cast(functions, wide), x.to(wide)
    v_or_none = v if weighted else None
    factors = {"to_outputs": (v_or_none, coef), "to_inputs": (g, coef), "to_coef": (v_or_none, g)}
    for name in names:
        ours = factors[name]
        expected = getattr(reference, name)(functions, x, *ours, nu)
        low = [None if tensor is None else tensor.to(dtype) for tensor in ours]
        actual = getattr(module(functions), name)(narrow, x_narrow, *low, nu)
        assert (actual.dtype, actual.shape) == (wide, expected.shape)
        scale = expected.abs().max().clamp_min(1e-30) if expected.numel() else 1.0
        assert (actual - expected).abs().le(TOLERANCE[dtype] * scale).all(), name


@pytest.mark.parametrize(
    ("nu", "dtype"),
    [(nu, dtype) for nu in range(3) for dtype in (torch.float32, torch.bfloat16)] + [(2, torch.float64)],
    ids=str,
)
def test_contractions_are_the_references(functions, nu, dtype):
    compare(functions, tensors(functions), nu, dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("knots", [None, KNOTS])
def test_inputs_are_gathered_on_fine_grids(knots, dtype):
    functions = Functions("bspline", 67, 3, knots=knots)
    compare(functions, tensors(functions), 1, dtype, names=["to_inputs"])


@pytest.mark.parametrize("n", [0, 1])
def test_no_row_and_one_row(functions, n):
    compare(functions, tensors(functions, n), 1, torch.float64, weighted=False)


@pytest.mark.parametrize("shape", [(300, 1, 66), (65, 5, 1), (3, 0, 2), (3, 2, 0)])
def test_odd_shapes(shape):
    functions = FAMILIES["rbf"]
    compare(functions, tensors(functions, *shape), 3, torch.float64, weighted=False)


def test_tensors_need_not_be_contiguous():
    functions = FAMILIES["cardinal"]
    turned = [tensor.mT.contiguous().mT for tensor in tensors(functions)]
    assert not turned[0].is_contiguous()
    compare(functions, turned, 0, torch.float64)


def test_points_on_knots_belong_to_the_interval_on_their_right():
    for name in ("knots", "gathered knots"):
        functions = FAMILIES[name]
        knots = functions.knots.mT[3:-3]
        _, v, g, coef = tensors(functions, len(knots))
        for nu in (0, 3):  # the third derivative of a cubic spline jumps there
            compare(functions, (knots.contiguous(), v, g, coef), nu, torch.float64)
    functions = FAMILIES["gathered"]
    x = torch.arange(19.0, dtype=torch.float64).unsqueeze(1).expand(19, INPUTS)
    compare(functions, (x, *tensors(functions, 19)[1:]), 3, torch.float64)


def test_fourier_keeps_its_accuracy_far_from_zero():
    functions = Functions("fourier", 41)
    x, v, _, coef = tensors(functions)
    values = torch.stack([f(m * 50 * x) for m in range(1, 21) for f in (torch.cos, torch.sin)], dim=-1)
    expected = torch.einsum("ni,jik,nik->nj", v, coef[:, :, 1:], values) + v @ coef[:, :, 0].mT
    actual = module(functions).to_outputs(functions, 50 * x, v, coef, 0)
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-10)  # 6000 radians times 2e-16, summed


def test_splines_beyond_their_degree_vanish():
    functions = FAMILIES["hat"]
    x, v, g, coef = tensors(functions)
    for result in (
        module(functions).to_outputs(functions, x, v, coef, 2),
        module(functions).to_inputs(functions, x, g, coef, 2),
        module(functions).to_coef(functions, x, v, g, 2),
    ):
        assert not result.any()


def test_a_missing_number_stays_in_its_row():
    for name in ("cardinal", "knots", "gathered", "gathered knots"):
        functions = FAMILIES[name]
        x, v, _, coef = tensors(functions)
        x[7, 1] = float("nan")
        y = module(functions).to_outputs(functions, x, v, coef, 0)
        assert y.isnan().any(dim=1).nonzero().tolist() == [[7]]


@pytest.mark.parametrize("name", ["knots", "fourier", "rbf"])
def test_gradients_of_coefficients_are_the_same_in_every_bit(name):
    functions = cast(FAMILIES[name], torch.float32)
    x, v, g, _ = (tensor.float() for tensor in tensors(functions, 300, 1))
    if functions.knots is not None:
        functions = replace(functions, knots=functions.knots[:1])
    assert split(len(x), 1)[0] > 1  # both stages run
    first, second = (module(functions).to_coef(functions, x, v, g, 0) for _ in range(2))
    assert torch.equal(first, second)
    backwards = module(functions).to_coef(functions, x, v, g.flip(1), 0)
    assert torch.equal(backwards.flip(0), first)  # whatever stands beside it in the block


@pytest.mark.parametrize("name", ["cardinal", "knots", "gathered knots", "fourier", "chebyshev", "rbf"])
def test_first_and_second_derivatives_are_the_references(name):
    functions = FAMILIES[name]

    def derivatives(choice):
        x, v, g, coef = (tensor.requires_grad_() for tensor in tensors(functions, 9))
        with use_kernels(choice):
            y = kernels.to_outputs(functions, x, coef, v)
            first = torch.autograd.grad((y * g).sum(), (x, v, coef), create_graph=True)
            mixed = sum(
                (part * torch.cos(tensor)).sum() for part, tensor in zip(first, (x, v, coef), strict=True)
            )
            return y, *first, *torch.autograd.grad(mixed, (x, v, coef, g))

    for ours, expected in zip(derivatives("triton"), derivatives("torch"), strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-11, atol=1e-11)


def test_gradcheck_through_the_kernels():
    functions = FAMILIES["knots"]
    x, v, _, coef = (tensor.requires_grad_() for tensor in tensors(functions, 3, outputs=2))
    with use_kernels("triton"):
        assert torch.autograd.gradcheck(
            lambda x, v, coef: kernels.to_outputs(functions, x, coef, v), (x, v, coef), fast_mode=True
        )


def test_a_rational_layer_is_weighted_polynomials():
    """f = P(x) / (1 + |Q(x)|): the numerator's kernels, with the denominator as the rows' weights."""
    functions = FAMILIES["chebyshev"]
    x, _, _, coef = tensors(functions, 9)
    x.requires_grad_()
    with use_kernels("triton"):
        y = kernels.to_outputs(functions, x, coef, 1 / (1 + (0.3 * x + 0.7 * x**2).abs()))
        (slope,) = torch.autograd.grad(y.sum(), x)
    for i in range(INPUTS):
        x_i = x.detach()[:, i].numpy()
        polynomial = np.polynomial.Chebyshev(coef[:, i].sum(0).numpy())
        q, dq = 0.3 * x_i + 0.7 * x_i**2, 0.3 + 1.4 * x_i
        below = 1 + np.abs(q)
        expected = polynomial.deriv()(x_i) / below - polynomial(x_i) * np.sign(q) * dq / below**2
        np.testing.assert_allclose(slope[:, i].numpy(), expected, rtol=1e-11, atol=1e-11)
