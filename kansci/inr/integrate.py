"""A function from its gradient or its Laplacian, up to a constant.

On a grid of cells with functions that are even about the ends, values, slopes and curvatures of splines in
the cells' middles are diagonal in cosines and sines, so the least-squares solution is one cosine transform
(Frankot and Chellappa, 1988, with splines in place of sinusoids).
"""

from collections.abc import Sequence

import numpy as np
from scipy.fft import dct, dctn, dst, idctn
from scipy.linalg import eigh

from kansci.inr.model import cell_centres
from kansci.inr.spline_axis import SplineAxis
from kansci.inr.tensor_spline import TensorSpline, along, fitting_degree

__all__ = ["from_gradient", "from_laplacian"]

UNSEEN = 1e-13
"""Part of the largest eigenvalue below which slopes say nothing."""


def from_gradient(gradient: np.ndarray, positions: Sequence[np.ndarray], degree: int = 3) -> TensorSpline:
    """Find the spline of mean zero whose gradient on a grid is nearest to the given one.

    Two kinds of splines are tried: those that are even about the ends, as pictures are continued, where the
    positions are the middles of equal cells; and those that are free there.

    Args:
        gradient: shape (n_1, ..., n_d, C, d), by coordinates in [-1, 1].
        positions: along each coordinate, increasing, in [-1, 1].
        degree: odd; lower along coordinates with few positions.

    Returns:
        The nearer one.
    """
    found = [_free(gradient, positions, degree)]
    if all(np.allclose(x, cell_centres(len(x))) for x in positions):
        found.append(_even(gradient, degree))
    units = np.eye(len(positions), dtype=int)

    def miss(spline: TensorSpline) -> float:
        slopes = [spline.on_grid(positions, tuple(unit)) for unit in units]
        return float(np.sum((np.stack(slopes, axis=-1) - gradient) ** 2))

    return min(found, key=miss)


def _free(gradient: np.ndarray, positions: Sequence[np.ndarray], degree: int) -> TensorSpline:
    """Solve the normal equations.

    They are a sum of Kronecker products, which generalised eigenvectors along each axis bring to diagonal
    form together (Lynch, Rice and Thomas, Direct solution of partial difference equations, 1964).
    """
    axes = tuple(SplineAxis.nodes(x, fitting_degree(degree, len(x))) for x in positions)
    values = [a.matrix(x).toarray() for a, x in zip(axes, positions, strict=True)]
    slopes = [a.matrix(x, 1).toarray() for a, x in zip(axes, positions, strict=True)]
    pairs = [eigh(d.T @ d, s.T @ s) for d, s in zip(slopes, values, strict=True)]
    d, right = len(axes), np.zeros(())
    for axis in range(d):
        sides = [(slopes if other == axis else values)[other] @ pairs[other][1] for other in range(d)]
        right = right + along([side.T for side in sides], gradient[..., axis])
    size = np.sum(np.meshgrid(*(roots for roots, _ in pairs), indexing="ij"), axis=0)
    size[size < UNSEEN * size.max()] = np.inf  # the constant, and waves from sample to sample
    coefficients = along([vectors for _, vectors in pairs], right / size[..., None])
    spline = TensorSpline(axes, coefficients)
    level = spline.on_grid(positions).mean(axis=tuple(range(d)))
    return TensorSpline(axes, coefficients - level)  # splines sum to one


def _even(gradient: np.ndarray, degree: int) -> TensorSpline:
    """Divide by the symbols of the slopes, which are diagonal in sines and cosines."""
    shape = gradient.shape[:-2]
    axes = tuple(SplineAxis.cells(n, degree) for n in shape)
    numerator, denominator = np.zeros(()), np.zeros(())
    for axis in range(len(shape)):
        symbol, turned = np.ones(()), gradient[..., axis]
        for other, n in enumerate(shape):
            derivative = other == axis
            one = _slopes(axes[other], n) if derivative else _evens(axes[other], n, 0)
            symbol = symbol[..., None] * one
            turned = _sines(turned, other) if derivative else dct(turned, axis=other)
        numerator = numerator + symbol[..., None] * turned
        denominator = denominator + symbol**2
    return _spline(axes, numerator, denominator)


def from_laplacian(
    laplacian: np.ndarray, degree: int = 3, scales: Sequence[float] | np.ndarray | None = None
) -> TensorSpline:
    """Find the spline of mean zero that has the given Laplacian in the cells' middles.

    Args:
        laplacian: shape (n_1, ..., n_d, C), its mean has no effect.
        degree: odd, at least 3.
        scales: the Laplacian is by the coordinates divided by these d numbers; ones by default.

    Returns:
        The spline, whose normal derivative vanishes on the boundary.
    """
    shape = laplacian.shape[:-1]
    axes = tuple(SplineAxis.cells(n, degree) for n in shape)
    symbol = np.zeros(())
    for axis in range(len(shape)):
        product = np.ones(())
        for other, n in enumerate(shape):
            product = product[..., None] * _evens(axes[other], n, 2 if other == axis else 0)
        symbol = symbol + product * (1.0 if scales is None else scales[axis] ** 2)
    return _spline(axes, dctn(laplacian, axes=range(len(shape))), symbol)


def _spline(axes: Sequence[SplineAxis], numerator: np.ndarray, denominator: np.ndarray) -> TensorSpline:
    constant = (0,) * len(axes)
    denominator = np.array(denominator)
    denominator[constant] = np.inf  # the constant is not determined
    coefficients = idctn(numerator / denominator[..., None], axes=range(len(axes)))
    return TensorSpline(tuple(axes), coefficients)


def _evens(axis: SplineAxis, count: int, nu: int) -> np.ndarray:
    """By what a derivative of even order multiplies each cosine of the coefficients, (n,)."""
    offsets, weights = _stencil(axis, count, nu)
    return np.cos(np.outer(np.pi * np.arange(count) / count, offsets)) @ weights


def _slopes(axis: SplineAxis, count: int) -> np.ndarray:
    """By what the first derivative multiplies each cosine, which it turns into a sine, (n,)."""
    offsets, weights = _stencil(axis, count, 1)
    return -np.sin(np.outer(np.pi * np.arange(count) / count, offsets)) @ weights


def _stencil(axis: SplineAxis, count: int, nu: int) -> tuple[np.ndarray, np.ndarray]:
    """A derivative in the middle of a cell as weights of the coefficients so many cells away."""
    wide = SplineAxis.cells(max(count, 2 * axis.degree + 3), axis.degree)
    middle = wide.size // 2
    index, weights = wide.local(np.array([(2 * middle + 1) / wide.size - 1]), nu)
    return index[0] - middle, weights[0] * (count / wide.size) ** nu


def _sines(values: np.ndarray, axis: int) -> np.ndarray:
    """Sums with the sines sin(pi k (i + 1/2) / n), k = 0, ..., n - 1, in the scale of `dct`."""
    turned = np.moveaxis(dst(values, axis=axis), axis, 0)
    return np.moveaxis(np.concatenate([np.zeros_like(turned[:1]), turned[:-1]]), 0, axis)
