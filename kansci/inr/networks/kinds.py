"""The families of coordinate networks: the settings of each, with their published values, and its parts.

`frequency` is in every family the number that sets how fine a detail the network begins with; what it
counts is said with each. Coordinates are in [-1, 1], where an axis of N samples holds frequencies up to
pi N / 2 radians.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, cast

import torch

from kansci.basis import glorot_deviation, make_basis
from kansci.errors import SettingsError
from kansci.inr.networks.first import EdgeSum, FirstLayer, FourierSum, Projection
from kansci.inr.networks.layers import (
    Activation,
    ComplexDense,
    Features,
    Gabor,
    LayerNorm,
    LowRank,
    Snake,
    perceptron,
    uniform,
)
from kansci.models.layer import KANLayer

__all__ = ["KINDS", "Settings"]

Parts = tuple[FirstLayer, torch.nn.Module]


@dataclass(frozen=True)
class Settings:
    """What every family has.

    Attributes:
        frequency: how fine a detail the network begins with.
        depth: number of hidden layers, the first one among them.
    """

    depth: ClassVar[int] = 4
    frequency: float = 1.0

    def widths(self, width: int, depth: int) -> tuple[int, ...]:
        """Give the widths of the hidden layers for one number."""
        return (width,) * depth

    def build(self, n_in: int, n_out: int, widths: Sequence[int], generator: torch.Generator) -> Parts:
        """Draw the first layer and the rest, in float64."""
        raise NotImplementedError


@dataclass(frozen=True)
class Siren(Settings):
    """sin(omega (W x + b)) throughout (Sitzmann et al., 2020, eq. 4 and section 3.2).

    W ~ U(-1/n, 1/n) in the first layer, as in the authors' code (the paper's rule is another), and
    U(-sqrt(6/n), sqrt(6/n)) / omega above.

    Attributes:
        frequency: omega_0 of the first layer; 30 for images, 3000 for audio.
        hidden_frequency: omega above.
    """

    frequency: float = 30.0
    hidden_frequency: float = 30.0

    def build(self, n_in: int, n_out: int, widths: Sequence[int], generator: torch.Generator) -> Parts:
        """Draw the first layer and the rest."""
        return self._first(n_in, widths[0], generator, 1 / math.sqrt(n_in)), _periodic(
            "sine", self, n_out, widths, generator
        )

    def _first(self, n_in: int, width: int, generator: torch.Generator, bias: float) -> Projection:
        return Projection(uniform(1 / n_in, (width, n_in), generator), uniform(bias, (width,), generator))


@dataclass(frozen=True)
class Finer(Siren):
    """sin(omega (|z| + 1) z), z = W x + b (Liu et al., 2024, eq. 4), drawn as a SIREN.

    Attributes:
        bias_scale: k of the first layer's biases ~ U(-k, k), which spread its frequencies up to 2k + 1 times.
    """

    bias_scale: float = 1.0

    def build(self, n_in: int, n_out: int, widths: Sequence[int], generator: torch.Generator) -> Parts:
        """Draw the first layer and the rest."""
        return self._first(n_in, widths[0], generator, self.bias_scale), _periodic(
            "finer", self, n_out, widths, generator
        )


@dataclass(frozen=True)
class Gaussian(Settings):
    """exp(-(s z)^2), z = W x + b (Ramasinghe and Lucey, 2022), drawn as torch's dense layers.

    Attributes:
        frequency: s; 30 as in the comparisons of Saragadam et al. (2023).
    """

    frequency: float = 30.0

    def build(self, n_in: int, n_out: int, widths: Sequence[int], generator: torch.Generator) -> Parts:
        """Draw the first layer and the rest."""
        scale = math.sqrt(2) * self.frequency
        return _torch_first(n_in, widths[0], generator), perceptron(
            widths, n_out, lambda _: Activation("gaussian", scale), generator, _torch_bound
        )


@dataclass(frozen=True)
class Wire(Settings):
    """exp(i omega z - |s z|^2), complex (Saragadam et al., 2023, eq. 4); a complex weight counts twice.

    Off the real axis the wave grows by up to exp((omega / 2s)^2), so that s has to rise with omega.

    Attributes:
        frequency: omega; 20 for images in the authors' code.
        scale: s; None for 1.5 omega, their ratio there.
    """

    depth: ClassVar[int] = 3
    frequency: float = 20.0
    scale: float | None = None

    def build(self, n_in: int, n_out: int, widths: Sequence[int], generator: torch.Generator) -> Parts:
        """Draw the first layer and the rest."""
        first = _torch_first(n_in, widths[0], generator)
        scale = 1.5 * self.frequency if self.scale is None else self.scale
        modules: list[torch.nn.Module] = []
        for below, above in zip(widths, (*widths[1:], None), strict=True):
            modules.append(Gabor(self.frequency, scale, real=not modules))
            modules.append(ComplexDense(below, above or n_out, generator, real=above is None))
        return first, torch.nn.Sequential(*modules)


@dataclass(frozen=True)
class Fourier(Settings):
    """A ReLU network of cos(pi B x) and sin(pi B x), B ~ N(0, sigma^2) fixed (Tancik et al., 2020, eq. 5).

    Attributes:
        frequency: sigma, in cycles across the box; 10 for images.
    """

    frequency: float = 10.0

    def build(self, n_in: int, n_out: int, widths: Sequence[int], generator: torch.Generator) -> Parts:
        """Draw the first layer and the rest; the features are as many as the first width, if it is even."""
        count = max(1, widths[0] // 2)
        b = torch.randn((count, n_in), generator=generator, dtype=torch.float64) * math.pi * self.frequency
        body = perceptron(
            (2 * count, *widths[1:]), n_out, lambda _: Activation("relu"), generator, _he, linear_start=True
        )
        return Projection(b, trainable=False), torch.nn.Sequential(Features(), *body)


@dataclass(frozen=True)
class Relu(Settings):
    """A ReLU network of the coordinates (He et al., 2015); `frequency` multiplies the coordinates."""

    activation: ClassVar[str] = "relu"

    def build(self, n_in: int, n_out: int, widths: Sequence[int], generator: torch.Generator) -> Parts:
        """Draw the first layer and the rest."""
        weight = uniform(self.bound(n_in), (widths[0], n_in), generator)
        first = Projection(
            weight * self.frequency, uniform(self.bound(n_in) * self.frequency, (widths[0],), generator)
        )
        return first, perceptron(widths, n_out, lambda _: Activation(self.activation), generator, self.bound)

    def bound(self, n: int) -> float:
        """Give the bound of weights for n inputs."""
        return _he(n)


@dataclass(frozen=True)
class Tanh(Relu):
    """A tanh network of the coordinates, W ~ U(-sqrt(3/n), sqrt(3/n)); `frequency` multiplies them."""

    activation: ClassVar[str] = "tanh"

    def bound(self, n: int) -> float:
        """Give the bound of weights for n inputs."""
        return math.sqrt(3 / n)


@dataclass(frozen=True)
class Silu(Relu):
    """An x sigmoid(x) network of the coordinates, drawn as one of ReLU; `frequency` multiplies them."""

    activation: ClassVar[str] = "silu"


@dataclass(frozen=True)
class SnakeNetwork(Settings):
    """x + sin(a x)^2 / a with a trainable a of every node (Ziyin, Hartwig and Ueda, 2020, eq. 3).

    Attributes:
        frequency: a at the start; 5 to 50 for periodic data.
    """

    frequency: float = 20.0

    def build(self, n_in: int, n_out: int, widths: Sequence[int], generator: torch.Generator) -> Parts:
        """Draw the first layer and the rest."""
        return _torch_first(n_in, widths[0], generator), perceptron(
            widths, n_out, lambda n: Snake(n, self.frequency), generator, lambda n: math.sqrt(3 / n)
        )


@dataclass(frozen=True)
class Fkan(Settings):
    """A Fourier KAN layer, normalised, before a gated tanh network (Mehrabian et al., FKAN, 2024).

    As in the authors' notebook: hidden layers are (z + tanh(30 z)) sigmoid(z) with a SIREN's weights, the
    coefficients of the first are N(0, 1 / (d K)), and the last layer is drawn for the first one's width.

    Attributes:
        frequency: K, number of harmonics cos k x, sin k x, k = 1 ... K.
        hidden_frequency: factor inside tanh, and divisor of the weights.
    """

    depth: ClassVar[int] = 5
    frequency: float = 270
    hidden_frequency: float = 30.0

    def widths(self, width: int, depth: int) -> tuple[int, ...]:
        """Give the notebook's proportions, 128, 256, 256, 256, 512 for a width of 256."""
        if depth < 3:
            return (width,) * depth
        return (max(1, width // 2), *(width,) * (depth - 2), 2 * width)

    def build(self, n_in: int, n_out: int, widths: Sequence[int], generator: torch.Generator) -> Parts:
        """Draw the first layer and the rest."""
        size = _whole(self.frequency)
        basis = make_basis({"basis": "fourier", "widths": math.pi}, size, 3, _box(n_in))
        coef = torch.randn((widths[0], n_in, 2 * size), generator=generator, dtype=torch.float64)
        norm = LayerNorm(widths[0], dtype=torch.float64)
        omega = self.hidden_frequency
        body = perceptron(
            widths,
            n_out,
            lambda _: Activation("gated_tanh", omega),
            generator,
            lambda n: math.sqrt(6 / n) / omega,
            linear_start=True,
        )
        last = cast(torch.nn.Linear, body[-1])
        last.weight.data *= math.sqrt(widths[-1] / widths[0])
        return FourierSum(basis, coef / math.sqrt(n_in * size)), torch.nn.Sequential(norm, *body)


@dataclass(frozen=True)
class Sl2a(Settings):
    """A Chebyshev KAN layer, normalised, that multiplies into low-rank ReLU layers (Heidari et al., 2025).

    Attributes:
        frequency: degree of the polynomials.
        rank: of the ReLU layers.
    """

    frequency: float = 512
    rank: int = 32

    def build(self, n_in: int, n_out: int, widths: Sequence[int], generator: torch.Generator) -> Parts:
        """Draw the first layer and the rest."""
        if len(set(widths)) > 1:
            raise SettingsError(f"width={list(widths)}: the layers of sl2a multiply, give all the same width")
        basis = make_basis("chebyshev", _whole(self.frequency), 3, _box(n_in))
        coef = torch.randn((widths[0], n_in, basis.size), generator=generator, dtype=torch.float64)
        layer = KANLayer(basis, "zero", coef * (2 / (n_in * basis.size)) ** 0.5)
        return EdgeSum(layer), LowRank(widths, _whole(self.rank, "rank"), n_out, generator)


@dataclass(frozen=True)
class Kan(Settings):
    """A KAN with any basis on every edge.

    Attributes:
        frequency: resolution of the first layer's grids, `grid` of `kansci.basis.make_basis`.
        basis: family of the edges' functions, or its description.
        grid: resolution of the grids above, which span [-2, 2].
        k: degree of splines.
        base_fun: function beside the basis: "silu", "identity", "tanh" or "zero".
    """

    depth: ClassVar[int] = 2
    frequency: float = 128
    basis: Any = "bspline"
    grid: int = 8
    k: int = 3
    base_fun: str = "silu"

    def build(self, n_in: int, n_out: int, widths: Sequence[int], generator: torch.Generator) -> Parts:
        """Draw the first layer and the rest."""
        layers = []
        levels = (n_in, *widths, n_out)
        for number, (below, above) in enumerate(pairwise(levels)):
            size = _whole(self.grid, "grid") if number else _whole(self.frequency)
            basis = make_basis(self.basis, size, self.k, _box(below) * (2 if number else 1))
            coef = torch.randn((above, below, basis.size), generator=generator, dtype=torch.float64)
            coef *= glorot_deviation(basis, above)
            n_base = int(self.base_fun != "zero")
            base = uniform((3 / below) ** 0.5, (above, below, n_base), generator)
            layers.append(KANLayer(basis, self.base_fun, torch.cat([base, coef], dim=-1)))
        return EdgeSum(layers[0]), torch.nn.Sequential(*layers[1:])


def _periodic(
    name: str, settings: Siren, n_out: int, widths: Sequence[int], generator: torch.Generator
) -> torch.nn.Sequential:
    omega = settings.hidden_frequency
    body = perceptron(
        widths, n_out, lambda _: Activation(name, omega), generator, lambda n: math.sqrt(6 / n) / omega
    )
    body[0] = Activation(name, settings.frequency)
    return body


def _torch_first(n_in: int, width: int, generator: torch.Generator) -> Projection:
    bound = _torch_bound(n_in)
    return Projection(uniform(bound, (width, n_in), generator), uniform(bound, (width,), generator))


def _torch_bound(n: int) -> float:
    return n**-0.5


def _he(n: int) -> float:
    return math.sqrt(6 / n)


def _box(n_in: int) -> torch.Tensor:
    return torch.tensor([[-1.0, 1.0]] * n_in, dtype=torch.float64)


def _whole(number: float, name: str = "frequency") -> int:
    if number < 1 or number != round(number):
        raise SettingsError(f"{name}={number}: here it counts functions, give a whole number of 1 or more")
    return int(number)


KINDS: dict[str, type[Settings]] = {
    "siren": Siren,
    "fkan": Fkan,
    "fourier": Fourier,
    "gaussian": Gaussian,
    "wire": Wire,
    "finer": Finer,
    "snake": SnakeNetwork,
    "tanh": Tanh,
    "relu": Relu,
    "silu": Silu,
    "kan": Kan,
    "sl2a": Sl2a,
}
"""Families by name."""
