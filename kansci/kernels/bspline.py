"""B-splines of any degree: local values, derivatives of any order, and exact knot insertion.

T = K + k + 1 knots t_0 <= ... <= t_{T-1} carry K = G + k splines of degree k on the G intervals of [t_k,
t_K].
"""

import torch


def bspline_values(
    x: torch.Tensor, knots: torch.Tensor, degree: int, nu: int = 0, *, uniform: bool = False
) -> torch.Tensor:
    """Evaluate the nu-th derivative of every B-spline at every row.

    Outside [t_k, t_K] the polynomials of the first and last interval continue.

    Args:
        x: shape (..., N, I).
        knots: one increasing row per input, shape (..., I, T).
        degree: k >= 0.
        nu: order of the derivative.
        uniform: the knots are equally spaced, so no search is needed.

    Returns:
        B_j^(nu)(x), shape (..., N, I, K).
    """
    return bspline_jet(x, knots, degree, (nu,), uniform=uniform)[0]


def cardinal_values(t: torch.Tensor, degree: int, size: int, nu: int = 0) -> torch.Tensor:
    """Evaluate the nu-th derivative of the splines whose knots are the integers from -degree.

    Args:
        t: shape (..., N, I); the domain is [0, size - degree], outside it the end polynomials continue.
        degree: k >= 0.
        size: number K of splines.
        nu: order of the derivative.

    Returns:
        Shape (..., N, I, K).
    """
    return cardinal_jet(t, degree, size, (nu,))[0]


def cardinal_jet(
    t: torch.Tensor, degree: int, size: int, orders: tuple[int, ...]
) -> tuple[torch.Tensor, ...]:
    """Evaluate several derivatives at once; as `cardinal_values`, one tensor for each of `orders`."""
    return _scattered(t, *_cardinal_offsets(t, degree, size - degree), (degree, size), orders)


def bspline_jet(
    x: torch.Tensor, knots: torch.Tensor, degree: int, orders: tuple[int, ...], *, uniform: bool = False
) -> tuple[torch.Tensor, ...]:
    """Evaluate several derivatives at once; as `bspline_values`, one tensor for each of `orders`."""
    size = knots.shape[-1] - degree - 1
    if not uniform:
        return _scattered(x, *_offsets(x, knots, degree), (degree, size), orders)
    low, high = knots[..., None, :, degree], knots[..., None, :, -degree - 1]
    spacing = (high - low) / (size - degree)
    jets = cardinal_jet((x - low) / spacing, degree, size, orders)
    return tuple(jet / spacing.unsqueeze(-1) ** nu for nu, jet in zip(orders, jets, strict=True))


def local_values(
    x: torch.Tensor, knots: torch.Tensor, degree: int, nu: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Evaluate only the splines that do not vanish.

    Args:
        x: shape (N,).
        knots: increasing, shape (T,).
        degree: k >= 0.
        nu: order of the derivative.

    Returns:
        The number of the first of k + 1 splines for each x, (N,), and their values, (N, k + 1).
    """
    interval, left, right = _offsets(x[:, None], knots[None], degree)
    if nu > degree:
        return interval[:, 0], x.new_zeros((len(x), degree + 1))
    values = _local_values(x[:, None], left, right, degree, nu)
    return interval[:, 0], torch.stack(values, dim=-1)[:, 0]


def _scattered(
    x: torch.Tensor,
    interval: torch.Tensor,
    left: list[torch.Tensor],
    right: list[torch.Tensor],
    sizes: tuple[int, int],
    orders: tuple[int, ...],
) -> tuple[torch.Tensor, ...]:
    """Put the k+1 local values of each order in their places among the K; `sizes` is (k, K)."""
    degree, size = sizes
    index = interval.unsqueeze(-1) + torch.arange(degree + 1, device=x.device)
    jets = []
    for nu in orders:
        jet = x.new_zeros((*x.shape, size))
        if nu <= degree:
            jet = jet.scatter(-1, index, torch.stack(_local_values(x, left, right, degree, nu), dim=-1))
        jets.append(jet)
    return tuple(jets)


def _local_values(
    x: torch.Tensor, left: list[torch.Tensor], right: list[torch.Tensor], degree: int, nu: int
) -> list[torch.Tensor]:
    """Give the k+1 non-zero splines on the interval of each x, by the triangular scheme.

    Piegl and Tiller, The NURBS Book, algorithm A2.2; its last nu columns are replaced by the derivative's
    recurrence B'_{i,p} = p B_{i,p-1}/(t_{i+p} - t_i) - p B_{i+1,p-1}/(t_{i+p+1} - t_{i+1}).
    """
    values = [torch.ones_like(x)]
    for p in range(1, degree + 1):
        carried: torch.Tensor | None = None
        column = []
        for r in range(p):
            ahead, behind = right[r], left[p - 1 - r]
            term = values[r] / (ahead + behind)
            down, up = (ahead * term, behind * term) if p <= degree - nu else (-p * term, p * term)
            column.append(down if carried is None else down + carried)
            carried = up
        values = [*column, carried] if carried is not None else column
    return values


def _cardinal_offsets(
    t: torch.Tensor, degree: int, n_intervals: int
) -> tuple[torch.Tensor, list[torch.Tensor], list[torch.Tensor]]:
    """Number of the interval of each t, and distances to the k integers on either side."""
    interval = t.detach().floor().clamp_(0, n_intervals - 1)
    u = t - interval
    left = [u + j for j in range(degree)]
    right = [(j + 1) - u for j in range(degree)]
    return interval.long(), left, right


def _offsets(
    x: torch.Tensor, knots: torch.Tensor, degree: int
) -> tuple[torch.Tensor, list[torch.Tensor], list[torch.Tensor]]:
    """Distances from x to the k knots on either side of its interval; for any knots."""
    columns = x.mT.contiguous()  # (..., I, N)
    knots = knots.expand(*columns.shape[:-1], knots.shape[-1]).contiguous()
    interval = _interval(columns.detach(), knots, degree)

    def knot(offset: int) -> torch.Tensor:
        return knots.gather(-1, interval + (degree + offset)).mT

    left = [x - knot(-j) for j in range(degree)]
    right = [knot(j + 1) - x for j in range(degree)]
    return interval.mT, left, right


def _interval(columns: torch.Tensor, knots: torch.Tensor, degree: int) -> torch.Tensor:
    """Number, from 0, of the interval of [t_k, t_K] that holds each x; columns (..., N), knots (..., T)."""
    inner = knots[..., degree : knots.shape[-1] - degree].contiguous()
    return torch.searchsorted(inner, columns, right=True).sub_(1).clamp_(0, inner.shape[-1] - 2)


def insertion_matrix(old: torch.Tensor, new: torch.Tensor, degree: int) -> torch.Tensor:
    """Map coefficients on old knots to coefficients on finer knots, the function unchanged on [t_k, t_K].

    Coefficient j on the new knots is the blossom of the old polynomial piece at (t'_{j+1}, ..., t'_{j+k})
    (the Oslo
    algorithm: Cohen, Lyche and Riesenfeld 1980). The knots outside [t_k, t_K] may differ freely.

    Args:
        old: shape (..., T).
        new: shape (..., T'); between the same ends, holding every old inner knot.
        degree: k.

    Returns:
        Shape (..., K', K): c' = matrix @ c.
    """
    n_new, n_old = new.shape[-1] - degree - 1, old.shape[-1] - degree - 1
    functions = torch.arange(n_new, device=old.device)
    # Any interval inside the support will do; the middle one needs the least extrapolation.
    piece = (functions + degree // 2).clamp(degree, n_new - 1)
    middle = 0.5 * (new[..., piece] + new[..., piece + 1])
    interval = _interval(middle.contiguous(), old.contiguous(), degree)  # (..., K')

    def knot(offset: int) -> torch.Tensor:
        return old.gather(-1, interval + offset)

    identity = torch.eye(degree + 1, dtype=old.dtype, device=old.device)
    shape = (*interval.shape, degree + 1)
    points = [
        identity[i].expand(shape) for i in range(degree + 1)
    ]  # point i depends on old coefficient interval + i
    for r in range(1, degree + 1):
        argument = new[..., functions + r]
        step = []
        for i in range(degree + 1 - r):
            start, end = knot(i + r), knot(i + degree + 1)
            share = ((argument - start) / (end - start)).unsqueeze(-1)
            step.append((1 - share) * points[i] + share * points[i + 1])
        points = step
    index = interval.unsqueeze(-1) + torch.arange(degree + 1, device=old.device)
    return old.new_zeros((*interval.shape, n_old)).scatter(-1, index, points[0])
