"""Steps of least squares with local functions: normal equations in a band.

With the unknowns numbered along the shorter coordinate first, functions that overlap are few places apart,
and Cholesky's factor stays within that band. What squaring the condition costs, refinement with the residuals
of the rows themselves gives back (Bjorck, Numerical Methods for Least Squares Problems, 1996, section 2.9.3).
"""

from collections.abc import Sequence

import numpy as np
import torch
from scipy import linalg, sparse

from kansci.pde.block import Block
from kansci.pde.gauss_newton import Linearise, Solve, column_lengths

__all__ = ["band_entries", "in_bands"]

_REFINEMENTS = 3


def band_entries(fields: int, sizes: Sequence[int], degree: int) -> int:
    """Give the number of entries of the band for fields on splines, with two coordinates."""
    width = fields * (degree * min(sizes) + degree + 1)
    return fields * int(np.prod(sizes)) * width


def in_bands(fields: int, sizes: Sequence[int]) -> Linearise:
    """Give what solves for steps in the weights of `fields` fields, each with weights of shape `sizes`."""
    places = np.arange(fields * int(np.prod(sizes))).reshape(fields, *sizes)
    along = np.argsort(sizes, kind="stable")[::-1]
    order = places.transpose(*(1 + along), 0).ravel()

    def linearise(blocks: Sequence[Block], theta: torch.Tensor) -> tuple[torch.Tensor, Solve | None]:
        parts = [block.sparse(theta) for block in blocks]
        r = torch.cat([values for values, _ in parts])
        J = sparse.vstack([jacobian for _, jacobian in parts], format="csr")[:, order]
        if not np.isfinite(J.data).all():
            return r, None
        return r, _solver(r.numpy(), J, order)

    return linearise


def _solver(r: np.ndarray, J: sparse.csr_array, order: np.ndarray) -> Solve:
    lengths = column_lengths(torch.from_numpy(J.multiply(J).sum(axis=0))).numpy()
    scaled = (J @ sparse.diags_array(1 / lengths)).tocsr()
    transposed = scaled.T.tocsr()
    gram, slope = (transposed @ scaled).tocoo(), transposed @ r

    def solve(damping: float) -> tuple[torch.Tensor, float]:
        step = np.zeros_like(slope)
        try:
            factor = linalg.cholesky_banded(
                _lower_band(gram, damping), overwrite_ab=True, lower=True, check_finite=False
            )
        except linalg.LinAlgError:
            return torch.from_numpy(step), 0.0
        for _ in range(1 + _REFINEMENTS):
            left = transposed @ (r + scaled @ step) + damping * step
            step -= linalg.cho_solve_banded((factor, True), left, check_finite=False)
        after = r + scaled @ step
        unsorted = np.empty_like(step)
        unsorted[order] = step / lengths
        return torch.from_numpy(unsorted), float(r @ r - after @ after)

    return solve


def _lower_band(gram: sparse.coo_array, damping: float) -> np.ndarray:
    """Store the lower half by diagonals, as LAPACK wants it, with damping on the main one."""
    below = gram.row - gram.col
    kept = below >= 0
    band = np.zeros((int(below.max()) + 1, gram.shape[0]), order="F")
    band[below[kept], gram.col[kept]] = gram.data[kept]
    band[0] += damping
    return band
