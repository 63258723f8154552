"""Weights that keep the variance of values and of gradients through the layers, for any activation.

VI3NR (Koneputugodage, Ben-Shabat and Gould, Variance-Informed Initialization of INRs, 2025). With
pre-activations z ~ N(0, s^2) in every layer and zero biases, weights of variance gain^2 / n keep s if

    gain^2 E[f(z)^2] = s^2,                                 forward,
    s^2 E[f'(z)^2] / E[f(z)^2] = 1,                         backward, the factor of gradients a layer.

The second fixes s, the first then the gain. There the paper searches a table made by sampling; here both are
integrals by quadrature and a root. In closed form the factor is

    a coth a, a = (w s)^2, for sin(w z), above 1 for every s > 0;
    r^2 / (1 + 2 r), r = (s / c)^2, for exp(-z^2 / 2c^2), so that s = c sqrt(1 + sqrt 2).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import numpy as np
import torch

from kansci.errors import SettingsError
from kansci.inr.networks.layers import Activation, uniform
from kansci.inr.networks.network import CoordinateNetwork

__all__ = ["Stationary", "backward_factor", "draw_weights", "second_moments", "stationary", "variances"]

Function = Callable[[torch.Tensor], torch.Tensor]

DRIFT = 0.005
"""Most a layer may change the variance of gradients where no s keeps it: below 5 % over 6 layers."""
_NODES, _REACH = 4000, 10.0
"""An even number leaves out zero, where kinks are."""
_SAMPLES = 4096


@dataclass(frozen=True)
class Stationary:
    """Where an activation keeps both variances.

    Attributes:
        deviation: s, of the pre-activations.
        gain: of the weights, whose variance is gain^2 / n for n inputs.
        factor: of the variance of gradients from one layer to the one below.
    """

    deviation: float
    gain: float
    factor: float


def second_moments(f: Function, deviation: float) -> tuple[float, float]:
    """Integrate E[f(z)^2] and E[f'(z)^2] for z ~ N(0, deviation^2) by the trapezoidal rule.

    For functions smooth on the scale of its steps it is as exact as Gauss-Hermite quadrature, and it resolves
    kinks and steep slopes, which that one's few nodes step over (Trefethen, Exactness of quadrature formulas,
    2022, section 5).

    Args:
        f: of float64 tensors, elementwise.
        deviation: s.

    Returns:
        Both moments.
    """
    nodes = torch.linspace(-_REACH, _REACH, _NODES, dtype=torch.float64)
    weights = torch.exp(-0.5 * nodes.square())
    z, share = deviation * nodes, weights / weights.sum()
    value, slope = torch.func.jvp(f, (z,), (torch.ones_like(z),))[:2]
    return float(share @ value.square()), float(share @ slope.square())


def backward_factor(f: Function, deviation: float) -> float:
    """Give s^2 E[f'(z)^2] / E[f(z)^2], what a layer multiplies the variance of gradients with."""
    value, slope = second_moments(f, deviation)
    return deviation**2 * slope / value


def stationary(f: Function, scale: float = 1.0) -> Stationary:
    """Find the deviation and the gain that keep both variances.

    Where every deviation does, as for ReLU and the identity, it is `scale`. Where none does, as for the sine
    and tanh, whose factor falls to 1 only towards 0, it is the largest that changes the variance by no more
    than `DRIFT` a layer.

    Args:
        f: the activation, of float64 tensors, elementwise.
        scale: length on which f varies; deviations between 1/1000 and 10 times it are searched.

    Returns:
        The deviation, the gain and the factor.

    Raises:
        SettingsError: no deviation searched comes near to it.
    """
    from scipy.optimize import brentq

    def excess(logarithm: float) -> float:
        return backward_factor(f, math.exp(logarithm)) - 1

    grid = np.linspace(math.log(1e-3 * scale), math.log(10 * scale), 61)
    values = np.array([excess(x) for x in grid])
    far = np.flatnonzero(np.abs(values) > DRIFT)
    crossings = [(i, j) for i, j in pairwise(far) if values[i] * values[j] < 0]
    if not len(far):
        deviation = scale
    elif crossings:
        i, j = crossings[0]
        deviation = math.exp(brentq(excess, grid[i], grid[j], xtol=1e-13))
    elif far[0] > 0:
        sign = np.sign(values[far[0]])
        deviation = math.exp(brentq(lambda x: sign * excess(x) - DRIFT, grid[far[0] - 1], grid[far[0]]))
    else:
        raise SettingsError("initialisation=vi3nr: no variance is kept by this activation")
    value, slope = second_moments(f, deviation)
    return Stationary(deviation, deviation / math.sqrt(value), deviation**2 * slope / value)


def draw_weights(network: CoordinateNetwork, generator: torch.Generator) -> None:
    """Draw the weights of the hidden layers anew, so that they keep both variances.

    The first layer stays as it is, since it sets the frequencies; the gain of the next follows from what
    comes out of it in the box. The last layer stays, too, since no activation follows.

    Args:
        network: in float64, of dense layers and real activations; changed in place.
        generator: of the weights.

    Raises:
        SettingsError: it has other layers.
    """
    layers = list(network.body) if isinstance(network.body, torch.nn.Sequential) else []
    places = [number for number, layer in enumerate(layers) if isinstance(layer, torch.nn.Linear)]
    if len(places) < 2:
        raise SettingsError(f"initialisation=vi3nr: {network.kind} has no dense layers between activations")
    inner = cast(Activation, layers[places[0] + 1])  # of all hidden layers
    chosen = stationary(inner.at_start, 1 / inner.frequency)
    points = uniform(1.0, (_SAMPLES, network.n_inputs), generator)
    with torch.no_grad():
        values = network.first(points)
        for layer in layers[: places[0]]:
            values = layer(values)
        second = float(values.square().mean())
        for dense in [cast(torch.nn.Linear, layers[place]) for place in places[:-1]]:
            bound = chosen.deviation * math.sqrt(3 / (second * dense.in_features))
            dense.weight.copy_(uniform(bound, dense.weight.shape, generator))
            dense.bias.zero_()
            second = (chosen.deviation / chosen.gain) ** 2


def variances(network: CoordinateNetwork, points: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Measure the variance of pre-activations, and that of the gradients of a random functional by them.

    Args:
        network: of dense layers and activations.
        points: shape (B, d).

    Returns:
        Two arrays (L,), for the layers behind each of the dense layers but the last.
    """
    kept: list[torch.Tensor] = []
    handles = [
        layer.register_forward_hook(lambda _, __, output: kept.append(output))
        for layer in network.body.modules()
        if isinstance(layer, torch.nn.Linear)
    ]
    try:
        outputs = network(points)
    finally:
        for handle in handles:
            handle.remove()
    gradients = torch.autograd.grad(outputs.sum(), kept[:-1])
    return (
        np.array([float(z.detach().square().mean()) for z in kept[:-1]]),
        np.array([float(g.square().mean()) for g in gradients]),
    )
