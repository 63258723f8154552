"""First and second derivatives in one pass: against nested automatic differentiation and differences."""

import pytest
import sympy
import torch

from kansci.models import KAN
from kansci.models.jet import directional_jet
from kansci.models.symbolic_edge import SymbolicFunction

X = sympy.Symbol("x")


def nested(model, x):
    """Gradient (I, N, O) and the Hessian's diagonal (I, N, O) by automatic differentiation."""
    points = x.clone().requires_grad_()
    y = model(points)
    gradients, diagonals = [], []
    for o in range(y.shape[1]):
        (slope,) = torch.autograd.grad(y[:, o].sum(), points, create_graph=True)
        gradients.append(slope.mT)
        rows = [
            torch.autograd.grad(s.sum(), points, retain_graph=True)[0][:, i] for i, s in enumerate(slope.mT)
        ]
        diagonals.append(torch.stack(rows))
    return torch.stack(gradients, -1), torch.stack(diagonals, -1)


def with_symbolic_edges(model):
    layers = list(model.layers)
    layers[0] = layers[0].with_symbolic(0, 1, SymbolicFunction("sin", sympy.sin(X)), (1.3, 0.2, -0.7, 0.1))
    layers[1] = layers[1].with_symbolic(
        1, 0, SymbolicFunction("exp", sympy.exp(X)), (0.4, 0.0, 0.5, 0.0), keep_learned=True
    )
    return KAN.from_layers(layers)


MODELS = {
    "splines": KAN([2, 4, 3, 2], grid=5, k=4, base_fun="silu"),
    "tanh": KAN([2, 3, 1], grid=7, k=3, base_fun="tanh"),
    "products": KAN([2, [2, 2], [1, 1]], k=4, mult_arity=[2, [2, 3], 2], affine_trainable=True),
    "symbolic": with_symbolic_edges(KAN([2, 3, 1], grid=4, k=5)),
    "mixed": KAN([2, 3, 3, 3, 1], basis=["fourier", "chebyshev", "rbf", "rational"]),
    "sine": KAN([2, 3, 1], basis="sine", base_fun="zero"),
}


@pytest.mark.parametrize("name", MODELS)
def test_agrees_with_nested_differentiation(name):
    model = MODELS[name].train()
    x = 2 * torch.rand(40, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) - 1
    x[0] = torch.tensor([3.0, -4.0])  # beyond every grid
    jet = directional_jet(model, x)
    gradient, diagonal = nested(model, x)
    torch.testing.assert_close(jet.value, model(x))
    torch.testing.assert_close(jet.first, gradient)
    torch.testing.assert_close(jet.second, diagonal)


def test_along_any_direction_and_mixed():
    model = MODELS["splines"].train()
    x = torch.tensor([[0.13, -0.42], [0.71, 0.3]], dtype=torch.float64)
    directions = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    jet = directional_jet(model, x, directions)
    step = 1e-3
    ahead, behind = (model(x + sign * step * directions[2]) for sign in (1, -1))
    torch.testing.assert_close(jet.first[2], (ahead - behind) / (2 * step), rtol=1e-5, atol=1e-5)
    mixed = (jet.second[2] - jet.second[0] - jet.second[1]) / 2
    hessian = torch.autograd.functional.hessian(lambda p: model(p.unsqueeze(0))[0, 0], x[0])
    torch.testing.assert_close(mixed[0, 0], hessian[0, 1])


def test_the_weights_train_on_a_residual():
    model = MODELS["products"].train()
    x = torch.rand(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    weights = tuple(parameter.detach() for parameter in model.parameters())
    names = [name for name, _ in model.named_parameters()]

    def residual(*values):
        def laplacian(x):
            return directional_jet(model, x).second.sum(0)

        with torch.nn.utils.stateless._reparametrize_module(model, dict(zip(names, values, strict=True))):
            return laplacian(x).square().sum()

    inputs = tuple(weight.clone().requires_grad_() for weight in weights)
    assert torch.autograd.gradcheck(residual, inputs)
