"""The three contractions: against explicit sums, closed under differentiation, in every precision."""

import importlib.util

import numpy as np
import pytest
import torch

from kansci.errors import KernelError, SettingsError
from kansci.kernels import Functions, to_coef, to_inputs, to_outputs, use_kernels
from kansci.kernels.edge_sum import _ToOutputs

RNG = np.random.default_rng(0)
KNOTS = torch.tensor(RNG.uniform(0.3, 1, (3, 12))).cumsum(-1) - 2
FAMILIES = {
    "cardinal": Functions("bspline", 7, 3),
    "knots": Functions("bspline", 8, 3, knots=KNOTS),
    "quintic": Functions("bspline", 9, 5),
    "fine": Functions("bspline", 23, 3),
    "fine_quartic": Functions("bspline", 24, 4),
    "fourier": Functions("fourier", 7),
    "chebyshev": Functions("chebyshev", 6),
    "rbf": Functions("rbf", 5, step=0.8),
}


@pytest.fixture(params=FAMILIES)
def functions(request):
    return FAMILIES[request.param]


def tensors(functions, n=5, n_out=2):
    shapes = [(n, 3), (n, 3), (n, n_out), (n_out, 3, functions.size)]
    t, v, g, coef = (torch.tensor(RNG.normal(size=shape)) for shape in shapes)
    return 1.5 + 0.5 * t, v, g, coef


@pytest.mark.parametrize("nu", [0, 1, 2])
@pytest.mark.parametrize(("n", "n_out"), [(0, 2), (1, 1), (33, 5), (20, 37)])
def test_each_is_a_gradient_of_the_trilinear_form(functions, nu, n, n_out):
    t, v, g, coef = tensors(functions, n, n_out)
    values = functions.values(t, nu)
    outputs = to_outputs(functions, t, coef, v, nu)
    torch.testing.assert_close(outputs, torch.einsum("ni,nik,jik->nj", v, values, coef))
    inputs = to_inputs(functions, t, coef, g, nu)
    torch.testing.assert_close(inputs, torch.einsum("nj,nik,jik->ni", g, values, coef))
    by_coef = to_coef(functions, t, g, v, nu)
    torch.testing.assert_close(by_coef, torch.einsum("ni,nj,nik->jik", v, g, values))
    ones = torch.ones_like(v)
    torch.testing.assert_close(to_outputs(functions, t, coef), to_outputs(functions, t, coef, ones))
    torch.testing.assert_close(to_coef(functions, t, g), to_coef(functions, t, g, ones))


def test_rows_beyond_one_block_and_points_anywhere():
    functions = FAMILIES["fine"]
    t, v, g, coef = tensors(functions, 4100)
    t[::5] = torch.tensor(RNG.uniform(-3, 30, t[::5].shape))
    t[7] = torch.tensor([0.0, 20.0, 11.0])  # the ends and a knot
    values = functions.values(t)
    torch.testing.assert_close(
        to_outputs(functions, t, coef, v), torch.einsum("ni,nik,jik->nj", v, values, coef)
    )
    torch.testing.assert_close(
        to_inputs(functions, t, coef, g), torch.einsum("nj,nik,jik->ni", g, values, coef)
    )
    torch.testing.assert_close(to_coef(functions, t, g, v), torch.einsum("ni,nj,nik->jik", v, g, values))


def test_the_compiler_sees_one_graph():
    functions = FAMILIES["cardinal"]
    t, _, _, coef = (tensor.requires_grad_() for tensor in tensors(functions))
    compiled = torch.compile(
        lambda t, coef: to_outputs(functions, t, coef), backend="aot_eager", fullgraph=True
    )
    for run in (compiled, lambda t, coef: to_outputs(functions, t, coef)):
        t.grad = coef.grad = None
        run(t, coef).square().sum().backward()
        gradients = (t.grad, coef.grad)
        if run is compiled:
            expected = gradients
    torch.testing.assert_close(gradients, expected)


@pytest.mark.parametrize("nu", [0, 1])
def test_each_may_be_differentiated_twice(functions, nu):
    t, v, g, coef = (tensor.requires_grad_() for tensor in tensors(functions))
    for call, arguments in (
        (lambda t, coef, v: to_outputs(functions, t, coef, v, nu), (t, coef, v)),
        (lambda t, coef, g: to_inputs(functions, t, coef, g, nu), (t, coef, g)),
        (lambda t, g, v: to_coef(functions, t, g, v, nu), (t, g, v)),
    ):
        assert torch.autograd.gradcheck(call, arguments)
        if functions.family != "bspline" or functions.degree > nu + 2:
            assert torch.autograd.gradgradcheck(call, arguments)


def test_a_residual_of_a_differential_equation_trains(functions):
    """Gradients by the coefficients of y_xxx - y_x, against its own definition through the values."""
    t, _, _, coef = tensors(functions)
    t.requires_grad_()
    coef.requires_grad_()
    derivatives = [to_outputs(functions, t, coef)]
    for _ in range(3):
        derivatives.append(torch.autograd.grad(derivatives[-1].sum(), t, create_graph=True)[0])
    residual = (derivatives[3] - derivatives[1]).square().sum()
    (found,) = torch.autograd.grad(residual, coef)
    values = functions.values(t.detach(), 3) - functions.values(t.detach(), 1)
    direct = torch.einsum("nik,jik->ni", values, coef).square().sum()
    torch.testing.assert_close(found, torch.autograd.grad(direct, coef)[0])


def test_bfloat16_is_summed_in_float32(functions):
    t, v, g, coef = (tensor.float() for tensor in tensors(functions, n=400, n_out=3))
    half = [tensor.bfloat16() for tensor in (v, g, coef)]
    v, g, coef = (tensor.float() for tensor in half)  # the same numbers
    y = to_outputs(functions, t, half[2], half[0])
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y, to_outputs(functions, t, coef, v).bfloat16())
    torch.testing.assert_close(to_inputs(functions, t, half[2], half[1]), to_inputs(functions, t, coef, g))
    torch.testing.assert_close(
        to_coef(functions, t, half[1], half[0]), to_coef(functions, t, g, v).bfloat16()
    )


def test_transforms_of_functions_work(functions):
    t, _, _, coef = tensors(functions)
    jacobian = torch.func.jacrev(lambda c: to_outputs(functions, t, c))(coef)
    expected = torch.einsum("nik,jm->njmik", functions.values(t), torch.eye(2, dtype=torch.float64))
    torch.testing.assert_close(jacobian, expected)


def test_only_what_is_needed_is_computed(monkeypatch):
    functions = FAMILIES["cardinal"]
    t, _, _, coef = tensors(functions)
    monkeypatch.setattr("kansci.kernels.edge_sum.to_inputs", None)
    y = _ToOutputs.apply(functions, 0, t, None, coef.requires_grad_())
    y.sum().backward()
    assert coef.grad is not None


def test_the_choice_of_kernels_ends_with_its_block(monkeypatch):
    functions = FAMILIES["cardinal"]
    t, _, _, coef = tensors(functions)
    with use_kernels("torch"):
        expected = to_outputs(functions, t, coef)
    with pytest.raises(SettingsError, match="cuda"), use_kernels("cuda"):
        pass
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    why = "CUDA device" if importlib.util.find_spec("triton") else "not installed"
    with pytest.raises(KernelError, match=why), use_kernels("triton"):
        to_outputs(functions, t, coef)
    torch.testing.assert_close(to_outputs(functions, t, coef), expected)
