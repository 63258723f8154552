"""What oriented points on a surface say of the space around it: how far it is, and on which side one is.

A point of the surface with its normal stands for a small disc, a surfel (Pfister et al., 2000), that reaches
to the nearest other one. The distance of any place is that to the nearest disc. The side is that on which
the near discs agree; where they do not, as beyond a sharp edge, it is that of the mean of the normals on both
faces, the pseudonormal (Baerentzen and Aanaes, "Signed distance computation using the angle weighted
pseudonormal", 2005).
"""

import numpy as np
import torch
from scipy.spatial import cKDTree

__all__ = ["Surroundings"]

_NEIGHBOURS = 8
_ABOUT = 32
"""Points whose normals make a pseudonormal."""
_PLACES = 65_536
"""So many are drawn once, because to look for neighbours in each step would take as long as the step."""
_NEAREST, _FARTHEST = 1e-3, 0.3
"""Standard deviations of places about the surface lie between these, in half widths of the box."""


class Surroundings:
    """Places in [-1, 1]^d, half of them anywhere and half about a surface, with their signed distances."""

    def __init__(self, points: np.ndarray, normals: np.ndarray, seed: int):
        """Draw the places.

        Args:
            points: on the surface, (N, d).
            normals: outward, (N, d).
            seed: of the places.
        """
        self._points, self._normals = points, normals
        self._tree = cKDTree(points)
        gaps, about = self._tree.query(points, k=range(1, min(_ABOUT, len(points)) + 1))
        self._radii, self._pseudonormals = gaps[:, :2].max(axis=1), normals[about].mean(axis=1)
        places = self._drawn(torch.Generator().manual_seed(seed))
        self._places = torch.as_tensor(np.column_stack([places, self.distances(places)]))

    def draw(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Choose places, (count, d + 1): coordinates, then the signed distance, negative inside."""
        return self._places[torch.randint(len(self._places), (count,), generator=generator)]

    def distances(self, places: np.ndarray) -> np.ndarray:
        """Give the signed distances (B,) of places (B, d)."""
        _, near = self._tree.query(places, k=range(1, min(_NEIGHBOURS, len(self._points)) + 1))
        offsets = places[:, None] - self._points[near]
        heights = np.einsum("bkd,bkd->bk", offsets, self._normals[near])
        across = np.sqrt(np.maximum(np.sum(offsets**2, axis=-1) - heights**2, 0.0))
        beside = np.maximum(across - self._radii[near], 0.0)
        agreed = (heights > 0).all(axis=1) | (heights < 0).all(axis=1)
        both = np.einsum("bkd,bkd->b", offsets, self._pseudonormals[near])
        return np.copysign(np.hypot(heights, beside).min(axis=1), np.where(agreed, heights[:, 0], both))

    def _drawn(self, generator: torch.Generator) -> np.ndarray:
        d, about = self._points.shape[1], _PLACES // 2
        anywhere = 2 * torch.rand(_PLACES - about, d, generator=generator) - 1
        chosen = torch.randint(len(self._points), (about,), generator=generator).numpy()
        spread = _NEAREST * (_FARTHEST / _NEAREST) ** torch.rand(about, 1, generator=generator)
        moved = self._points[chosen] + (spread * torch.randn(about, d, generator=generator)).numpy()
        return np.concatenate([anywhere.numpy(), np.clip(moved, -1, 1)])
