"""What follows a first layer: activations, dense layers and their initial weights."""

import math
from collections.abc import Callable, Sequence

import torch

from kansci.basis.activations import ACTIVATIONS, finer, gabor, gated_tanh

__all__ = [
    "Activation",
    "ComplexDense",
    "Features",
    "Gabor",
    "LayerNorm",
    "LowRank",
    "Snake",
    "dense",
    "perceptron",
    "uniform",
]


class Activation(torch.nn.Module):
    """One function of every value.

    Attributes:
        frequency: factor of its argument.
    """

    def __init__(self, name: str, frequency: float = 1.0):
        """Choose f(frequency x), f in `ACTIVATIONS`; "finer" and "gated_tanh" place the factor themselves."""
        super().__init__()
        self.name, self.frequency = name, frequency

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (..., H) to (..., H)."""
        return self.at_start(x)

    def at_start(self, x: torch.Tensor) -> torch.Tensor:
        """Evaluate the function that all nodes begin with at x of any shape."""
        if self.name == "finer":
            return finer(x, self.frequency)
        if self.name == "gated_tanh":
            return gated_tanh(x, self.frequency)
        return ACTIVATIONS[self.name](x if self.frequency == 1 else self.frequency * x)


class Snake(Activation):
    """x + sin(a x)^2 / a with a trainable for every node (Ziyin, Hartwig and Ueda, 2020, eq. 3)."""

    def __init__(self, width: int, frequency: float):
        """Start from a = `frequency` at all nodes; log a is trained, so that a stays positive."""
        super().__init__("snake", frequency)
        self.log_a = torch.nn.Parameter(torch.full((width,), math.log(frequency), dtype=torch.float64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (..., H) to (..., H)."""
        return _snake(x, self.log_a.exp())

    def at_start(self, x: torch.Tensor) -> torch.Tensor:
        """Evaluate the function that all nodes begin with at x of any shape."""
        return _snake(x, self.frequency)


def _snake(x: torch.Tensor, a: torch.Tensor | float) -> torch.Tensor:
    return ACTIVATIONS["snake"](a * x) / a


class Gabor(torch.nn.Module):
    """Complex Gabor wavelets (Saragadam et al., WIRE, 2023, eq. 4), as pairs of real numbers."""

    def __init__(self, frequency: float, scale: float, *, real: bool):
        """Set omega_0 and s_0, and whether what comes in is real."""
        super().__init__()
        self.frequency, self.scale, self.real = frequency, scale, real

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map real (..., H), or real parts and then imaginary ones (..., 2H), to such (..., 2H)."""
        pairs = torch.cat([x, torch.zeros_like(x)], dim=-1) if self.real else x
        return gabor(pairs, self.frequency, self.scale)


class ComplexDense(torch.nn.Module):
    """W x + b in complex numbers, as pairs of real ones; of the last layer only the real part."""

    def __init__(self, n_in: int, n_out: int, generator: torch.Generator, *, real: bool = False):
        """Draw W and b uniformly, as torch's own dense layer does."""
        super().__init__()
        bound = n_in**-0.5
        self.weight = torch.nn.Parameter(uniform(bound, (n_out, n_in, 2), generator))
        self.bias = torch.nn.Parameter(uniform(bound, (n_out, 2)[: 1 if real else 2], generator))
        self.real = real

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map real parts and then imaginary ones (..., 2H) to such (..., 2J), or to real (..., J)."""
        a, b = self.weight.unbind(-1)
        rows = torch.cat([a, -b], dim=1)
        if not self.real:
            rows = torch.cat([rows, torch.cat([b, a], dim=1)])
        return torch.nn.functional.linear(x, rows, self.bias.movedim(-1, 0).flatten())


class Features(torch.nn.Module):
    """cos z and sin z of the first layer's z (Tancik et al., Fourier features, 2020, eq. 5)."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Map (..., H) to (..., 2H)."""
        return torch.cat([z.cos(), z.sin()], dim=-1)


class LayerNorm(torch.nn.LayerNorm):
    """torch's own written out, because its second derivatives in forward mode are wrong (torch 2.13)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (..., H) to (..., H)."""
        centred = x - x.mean(-1, keepdim=True)
        scale = (centred.square().mean(-1, keepdim=True) + self.eps).rsqrt()
        return centred * scale * self.weight + self.bias


class LowRank(torch.nn.Module):
    """y <- relu(U V (y * x) + b), all fed by the first layer's x (Heidari et al., SL2A, 2025, eq. 6)."""

    def __init__(self, widths: Sequence[int], rank: int, n_outputs: int, generator: torch.Generator):
        """Draw the weights of len(widths) - 1 layers and of the last, all of the same width."""
        super().__init__()
        width = widths[0]
        self.norm = LayerNorm(width, dtype=torch.float64)
        self.narrow = torch.nn.ModuleList(
            dense(width, rank, generator, (3 / width) ** 0.5, bias=None) for _ in widths[1:]
        )
        self.wide = torch.nn.ModuleList(
            dense(rank, width, generator, (6 / rank) ** 0.5, bias=0.0) for _ in widths[1:]
        )
        self.last = dense(width, n_outputs, generator, (3 / width) ** 0.5, bias=0.0)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Map (..., H) to (..., C)."""
        x = self.norm(z)
        y = torch.ones_like(x)
        for narrow, wide in zip(self.narrow, self.wide, strict=True):
            y = torch.relu(wide(narrow(y * x)))
        return self.last(y * x)


def uniform(bound: float, shape: Sequence[int], generator: torch.Generator) -> torch.Tensor:
    """Draw from U(-bound, bound) in float64."""
    return (2 * torch.rand(tuple(shape), generator=generator, dtype=torch.float64) - 1) * bound


def dense(
    n_in: int, n_out: int, generator: torch.Generator, bound: float, *, bias: float | None
) -> torch.nn.Linear:
    """Give a layer W x + b with W from U(-bound, bound) and b from U(-bias, bias); no b if it is None."""
    layer = torch.nn.utils.skip_init(torch.nn.Linear, n_in, n_out, bias=bias is not None, dtype=torch.float64)
    layer.weight.data.copy_(uniform(bound, (n_out, n_in), generator))
    if bias is not None:
        layer.bias.data.copy_(uniform(bias, (n_out,), generator))
    return layer


def perceptron(
    widths: Sequence[int],
    n_outputs: int,
    activation: Callable[[int], torch.nn.Module],
    generator: torch.Generator,
    bound: Callable[[int], float],
    *,
    linear_start: bool = False,
) -> torch.nn.Sequential:
    """Alternate activations and dense layers, whose biases are drawn as torch's dense layers draw them.

    Args:
        widths: of the layers from the one before the first activation.
        n_outputs: of the last layer.
        activation: from a width to the activation.
        generator: of the weights.
        bound: from a layer's number of inputs n to the bound of its weights.
        linear_start: begin with a dense layer, because what comes in needs no activation.

    Returns:
        From (..., widths[0]) to (..., n_outputs).
    """
    modules: list[torch.nn.Module] = []
    for number, (below, above) in enumerate(zip(widths, (*widths[1:], n_outputs), strict=True)):
        if number or not linear_start:
            modules.append(activation(below))
        modules.append(dense(below, above, generator, bound(below), bias=below**-0.5))
    return torch.nn.Sequential(*modules)
