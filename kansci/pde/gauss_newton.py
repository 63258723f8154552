"""Levenberg-Marquardt for residuals with a Jacobian, in float64, in the smaller of the two dimensions.

A step minimises |J d + r|^2 + damping |D d|^2, D being the columns' lengths (More, 1978): by the normal
equations, refined twice (Golub and Van Loan, 5.3.8), while the damping is large, else by QR. With fewer rows
than unknowns the step is J'(J J' + damping)^-1 r, the same by Woodbury's identity ("ENGD-W", Guzman-Cordero
et al., 2025). The damping follows the ratio of the fall to what was promised (Nielsen, 1999).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from kansci.pde.block import Block, stack

__all__ = ["Iterate", "Linearise", "Solve", "column_lengths", "gauss_newton"]

_FIRST_DAMPING = 1e-3
_LEAST_DAMPING, _MOST_DAMPING = 1e-16, 1e8
_LEAST_FOR_CHOLESKY = 1e-9
"""Below this damping the normal equations have too few digits."""
_SHORTEST = 1e-3
"""Columns count as at least this share of the longest."""


@dataclass(frozen=True, eq=False)
class Iterate:
    """Where an iteration stands.

    Attributes:
        theta: the unknowns, (P,).
        loss: sum of the squared residuals.
        damping: of the next step.
        steps: taken so far.
    """

    theta: torch.Tensor
    loss: float
    damping: float
    steps: int


def gauss_newton(
    blocks: Sequence[Block],
    theta: torch.Tensor,
    damping: float = _FIRST_DAMPING,
    linearise: "Linearise | None" = None,
) -> Iterator[Iterate]:
    """Yield the iterates from theta (P,) on, each with a smaller loss; ends where no step helps.

    A step that gives a residual that is not finite is refused like one that does not help; where slopes are
    not finite, there is no step. `linearise` solves for the steps, with full matrices by default.
    """
    steps, linearise = 0, linearise or _full
    while True:
        r, solve = linearise(blocks, theta)
        loss = float(r @ r)
        if solve is None or not math.isfinite(loss):
            return
        while True:
            step, promised = solve(damping)
            trial = theta + step
            values = torch.cat([block.values(trial) for block in blocks])
            after = float(values @ values)
            if math.isfinite(after) and after < loss:
                gain = (loss - after) / max(promised, 1e-300)
                damping = max(damping * max(0.1, 1 - (2 * min(gain, 1.0) - 1) ** 3), _LEAST_DAMPING)
                break
            damping *= 5
            if damping > _MOST_DAMPING:
                return
        theta, steps = trial, steps + 1
        yield Iterate(theta, after, damping, steps)


Solve = Callable[[float], tuple[torch.Tensor, float]]
"""From the damping to a step and the fall of the loss that it promises."""
Linearise = Callable[[Sequence[Block], torch.Tensor], tuple[torch.Tensor, Solve | None]]
"""Gives the residuals (N,) at theta and what solves for a step; None where the slopes are not finite."""


def _full(blocks: Sequence[Block], theta: torch.Tensor) -> tuple[torch.Tensor, Solve | None]:
    r, J = stack(blocks, theta)
    if not bool(J.isfinite().all()):
        return r, None
    return r, _dual(r, J) if len(r) < len(theta) else _primal(r, J)


def column_lengths(squares: torch.Tensor) -> torch.Tensor:
    """Give the lengths (P,) of a Jacobian's columns from their squares; none counts as very short."""
    lengths = squares.sqrt()
    return lengths.clamp(min=max(_SHORTEST * float(lengths.max()), 1e-300))


def _primal(r: torch.Tensor, J: torch.Tensor) -> Solve:
    lengths = column_lengths(J.square().sum(0))
    scaled = J / lengths
    by_triangle: list[Solve] = []
    gram, slope = scaled.mT @ scaled, scaled.mT @ r

    def solve(damping: float) -> tuple[torch.Tensor, float]:
        if damping < _LEAST_FOR_CHOLESKY:
            if not by_triangle:
                by_triangle.append(_by_triangle(r, scaled))
            step, promised = by_triangle[0](damping)
            return step / lengths, promised
        factor, wrong = torch.linalg.cholesky_ex(gram + damping * torch.eye(len(gram), dtype=gram.dtype))
        if int(wrong):
            return torch.zeros_like(slope), 0.0
        step = -torch.cholesky_solve(slope.unsqueeze(1), factor)[:, 0]
        for _ in range(2):  # against the error of the squared condition number
            left = scaled.mT @ (r + scaled @ step) + damping * step
            step = step - torch.cholesky_solve(left.unsqueeze(1), factor)[:, 0]
        after = r + scaled @ step
        return step / lengths, float(r @ r - after @ after)

    return solve


def _by_triangle(r: torch.Tensor, J: torch.Tensor) -> Solve:
    triangle = torch.linalg.qr(torch.cat([J, r.unsqueeze(1)], dim=1), mode="r")[1]
    A, c = triangle[:, :-1], triangle[:, -1]
    below = torch.eye(J.shape[1], dtype=J.dtype)
    right = torch.cat([c, c.new_zeros(J.shape[1])]).unsqueeze(1)

    def solve(damping: float) -> tuple[torch.Tensor, float]:
        rows = torch.cat([torch.cat([A, math.sqrt(damping) * below]), right], dim=1)
        R = torch.linalg.qr(rows, mode="r")[1]
        step = -torch.linalg.solve_triangular(R[:-1, :-1], R[:-1, -1:], upper=True)[:, 0]
        left = A @ step + c
        return step, float(c @ c - left @ left)

    return solve


def _dual(r: torch.Tensor, J: torch.Tensor) -> Solve:
    lengths = column_lengths(J.square().sum(0))
    scaled = J / lengths
    values, vectors = torch.linalg.eigh(scaled @ scaled.mT)
    along = vectors.mT @ r

    def solve(damping: float) -> tuple[torch.Tensor, float]:
        share = values.clamp(min=0) / (values.clamp(min=0) + damping)
        step = -scaled.mT @ (vectors @ (along / (values.clamp(min=0) + damping)))
        left = along * (1 - share)
        return step / lengths, float(along @ along - left @ left)

    return solve
