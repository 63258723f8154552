"""Cardinal splines and their slopes written out at many points, compiled.

One pass maps a point to its interval, evaluates the k+1 splines that are not zero there by Horner's scheme,
and goes on as a straight line outside the grid.
"""

import math

import torch

from kansci.kernels.bspline_numba import compiled, horner, interval_of, polynomials


def spline_jet(
    x: torch.Tensor, domain: torch.Tensor, degree: int, size: int, orders: tuple[int, ...]
) -> tuple[torch.Tensor, ...]:
    """Evaluate values or slopes by x, or both.

    Args:
        x: shape (..., N, I), float32 or float64.
        domain: ends of each input's grid, shape (..., I, 2).
        degree: k >= 0.
        size: number K of splines.
        orders: derivatives, each 0 or 1.

    Returns:
        One tensor (..., N, I, K) for each order.
    """
    leading = torch.broadcast_shapes(x.shape[:-2], domain.shape[:-2])
    n_rows, n_inputs = x.shape[-2:]
    shape = (math.prod(leading), n_rows, n_inputs)
    points = x.detach().expand(*leading, n_rows, n_inputs).reshape(shape).numpy()
    ends = domain.detach().to(x.dtype).expand(*leading, n_inputs, 2).reshape(shape[0], n_inputs, 2)
    scale = (size - degree) / (ends[..., 1] - ends[..., 0])
    value, slope = polynomials(degree, 0, x.dtype), polynomials(degree, min(degree, 1), x.dtype)
    if degree == 0:  # a step has no slope
        slope = ((value[0][0] * 0,),)
    jets = {nu: x.new_empty((*leading, n_rows, n_inputs, size)) for nu in orders}
    nothing = x.new_zeros((0, 0, 0, 0))
    arrays = [(jets[nu].view(*shape, size) if nu in jets else nothing).numpy() for nu in (0, 1)]
    _write(points, ends[..., 0].numpy(), scale.numpy(), *arrays, value, slope)
    return tuple(jets[nu] for nu in orders)


@compiled
def _write(x, low, scale, values, slopes, value, slope):  # type: ignore[no-untyped-def]
    size = max(values.shape[3], slopes.shape[3])
    zero, last = x.dtype.type(0), x.dtype.type(size - len(value) + 1)
    for p in range(x.shape[0]):
        for n in range(x.shape[1]):
            for i in range(x.shape[2]):
                t = (x[p, n, i] - low[p, i]) * scale[p, i]
                inside = t if t > zero else zero
                inside = inside if inside < last else last
                m = interval_of(inside, last - x.dtype.type(1))
                u, beyond = inside - x.dtype.type(m), t - inside
                if len(values):
                    values[p, n, i, :] = zero
                    for r in range(len(value)):
                        values[p, n, i, m + r] = horner(value[r], u) + beyond * horner(slope[r], u)
                if len(slopes):
                    slopes[p, n, i, :] = zero
                    for r in range(len(value)):
                        slopes[p, n, i, m + r] = horner(slope[r], u) * scale[p, i]
