"""What a scanner sees of a picture: sums along lines, as a sparse matrix (the Radon transform)."""

import numpy as np
from scipy import sparse

__all__ = ["projection_matrix"]


def projection_matrix(size: int, angles: np.ndarray) -> sparse.csr_array:
    """Give the matrix from a square picture to its sinogram.

    The picture turns about its middle pixel (size // 2), as in `skimage.transform.radon`; a line's sum runs
    over points one pixel apart, between which the picture is bilinear, and nothing is beyond it.

    Args:
        size: rows and columns n of the picture, and number of detectors.
        angles: of the projections, in degrees, shape (A,).

    Returns:
        Shape (n A, n n): rows in the order of detectors, then angles; columns in the order of the picture.
    """
    centre = size // 2
    steps = np.arange(size) - centre
    detector, along = np.meshgrid(steps, steps, indexing="ij")  # (n, n): line, point on it
    rows, columns, weights = [], [], []
    for number, angle in enumerate(np.deg2rad(np.asarray(angles, dtype=float))):
        x = np.cos(angle) * detector + np.sin(angle) * along + centre
        y = -np.sin(angle) * detector + np.cos(angle) * along + centre
        line = (detector + centre) * len(angles) + number
        for dx in (0, 1):
            for dy in (0, 1):
                column, row = np.floor(x).astype(int) + dx, np.floor(y).astype(int) + dy
                weight = (1 - np.abs(x - column)) * (1 - np.abs(y - row))
                seen = (column >= 0) & (column < size) & (row >= 0) & (row < size) & (weight > 1e-12)
                rows.append(line[seen])
                columns.append(row[seen] * size + column[seen])
                weights.append(weight[seen])
    shape = (size * len(angles), size * size)
    entries = np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_array(sparse.coo_array(entries, shape=shape))
