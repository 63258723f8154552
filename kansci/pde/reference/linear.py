"""One factorisation, sparse or dense as pays."""

import warnings
from collections.abc import Callable

import numpy as np
import scipy.linalg
from scipy import sparse

from kansci.pde.reference.system import NotApplicableError

__all__ = ["factor"]

DENSE = 0.2
"""Share of entries above which a dense factorisation is faster."""


def factor(matrix: sparse.csc_array) -> Callable[[np.ndarray], np.ndarray]:
    """Factor a square matrix (n, n), real or complex.

    Args:
        matrix: The matrix.

    Returns:
        The function that solves for right-hand sides (n,).

    Raises:
        NotApplicableError: The matrix is singular or not finite.
    """
    if not np.isfinite(matrix.data).all():
        raise NotApplicableError("the discretised equations are not finite")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            if matrix.nnz > DENSE * matrix.shape[0] ** 2:
                pair = scipy.linalg.lu_factor(matrix.toarray())
                return lambda right: scipy.linalg.lu_solve(pair, right)
            return sparse.linalg.splu(sparse.csc_matrix(matrix)).solve
        except (RuntimeError, Warning) as error:
            raise NotApplicableError("the discretised equations are singular") from error
