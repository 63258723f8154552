"""B-splines on a grid of G intervals for each input, continued linearly outside it."""

from collections.abc import Callable
from typing import Any

import torch

from kansci.basis.base import Basis
from kansci.errors import SettingsError
from kansci.kernels.bspline import bspline_jet, insertion_matrix


class BSpline(Basis):
    """K = G + k splines of degree k for each input.

    Outside the domain every function goes on with its value and slope at the boundary, so that derivatives of
    order 2 and above vanish there.
    """

    knots: torch.Tensor

    def __init__(self, grid_size: int, degree: int, domain: torch.Tensor):
        """Place equally spaced knots.

        Args:
            grid_size: G >= 1, number of intervals.
            degree: k >= 0.
            domain: low and high end for each input, shape (..., I, 2).

        Raises:
            SettingsError: a size is too small or a domain is empty.
        """
        super().__init__()
        if grid_size < 1 or degree < 0:
            raise SettingsError(f"grid={grid_size}, k={degree}: grid must be at least 1 and k at least 0")
        domain = torch.as_tensor(domain, dtype=torch.float64)
        low, high = domain[..., :1], domain[..., 1:]
        if not bool((high > low).all()):
            raise SettingsError("a grid's upper end must be above its lower end for every input")
        steps = torch.arange(-degree, grid_size + degree + 1, dtype=torch.float64, device=domain.device)
        self.degree = degree
        self.uniform = True
        self.register_buffer("knots", low + (high - low) * (steps / grid_size))

    @classmethod
    def from_knots(cls, knots: torch.Tensor, degree: int, *, uniform: bool = False) -> "BSpline":
        """Build from all G + 2k + 1 knots of each input, shape (..., I, T), strictly increasing."""
        basis = cls.__new__(cls)
        torch.nn.Module.__init__(basis)
        basis.degree = degree
        basis.uniform = uniform
        basis.register_buffer("knots", knots)
        return basis

    @property
    def size(self) -> int:
        """Number of functions K = G + k."""
        return self.knots.shape[-1] - self.degree - 1

    @property
    def grid_size(self) -> int:
        """Number of intervals G."""
        return self.size - self.degree

    @property
    def domain(self) -> torch.Tensor:
        """Ends of each input's grid, shape (..., I, 2)."""
        return self.knots[..., self.degree : self.size + 1 : self.grid_size]

    @property
    def grid(self) -> torch.Tensor:
        """The G + 1 knots inside the domain, shape (..., I, G + 1)."""
        return self.knots[..., self.degree : self.size + 1]

    def jet(self, x: torch.Tensor, orders: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
        """Evaluate several derivatives at once: x (..., N, I) -> one (..., N, I, K) for each order."""
        low, high = self.domain.unsqueeze(-3).unbind(-1)
        inside = torch.minimum(torch.maximum(x, low), high)
        excess = (x - inside).unsqueeze(-1)
        if not bool((excess != 0).any()):
            return bspline_jet(x, self.knots, self.degree, orders, uniform=self.uniform)
        wanted = tuple(sorted({*orders, 1} if 0 in orders else set(orders)))
        jets = bspline_jet(inside, self.knots, self.degree, wanted, uniform=self.uniform)
        by_order = dict(zip(wanted, jets, strict=True))
        return tuple(self._continued(by_order, nu, excess) for nu in orders)

    @staticmethod
    def _continued(jets: dict[int, torch.Tensor], nu: int, excess: torch.Tensor) -> torch.Tensor:
        if nu == 0:
            return torch.addcmul(jets[0], excess, jets[1])
        return jets[nu] if nu == 1 else jets[nu].masked_fill(excess != 0, 0.0)

    def refine(self, size: int) -> tuple["BSpline", torch.Tensor]:
        """Insert knots until there are `size` intervals.

        A multiple of G divides every interval equally, which keeps equal spacing; otherwise the widest
        intervals are halved one after another.

        Args:
            size: the new G, not below the present one.

        Returns:
            The finer basis and the matrix (..., I, K', K) that maps coefficients; the function is the same.

        Raises:
            SettingsError: `size` is smaller than G.
        """
        if size < self.grid_size:
            raise SettingsError(
                f"a grid of {self.grid_size} intervals cannot be refined to {size}: ask for more"
            )
        grid = self.grid
        parts, rest = divmod(size, self.grid_size)
        if rest == 0:
            grid = _divide(grid, parts)
        else:
            grid = _halve_widest(grid, size - self.grid_size)
        knots = _with_outer_knots(grid, self.degree)
        finer = type(self).from_knots(knots, self.degree, uniform=self.uniform and rest == 0)
        return finer, insertion_matrix(self.knots, knots, self.degree)

    def moved(self, domain: torch.Tensor) -> "BSpline":
        """Give the basis with its knots stretched to another domain (..., I, 2)."""
        low, high = self.domain[..., :1], self.domain[..., 1:]
        share = (self.knots - low) / (high - low)
        return type(self).from_knots(
            torch.lerp(domain[..., :1].expand_as(share), domain[..., 1:].expand_as(share), share),
            self.degree,
            uniform=self.uniform,
        )

    def to_config(self) -> dict[str, Any]:
        """Describe everything but the knots, in JSON's types."""
        return {"basis": "bspline", "grid": self.grid_size, "k": self.degree, "uniform": self.uniform}

    def combined(self, function: Callable[..., torch.Tensor], *others: Basis) -> "BSpline":
        """Give the basis whose knots are `function` of this one's and the others'."""
        splines = [self, *(other for other in others if isinstance(other, BSpline))]
        uniform = all(spline.uniform for spline in splines)
        return BSpline.from_knots(function(*(s.knots for s in splines)), self.degree, uniform=uniform)


def _divide(grid: torch.Tensor, parts: int) -> torch.Tensor:
    share = torch.arange(parts, dtype=grid.dtype, device=grid.device) / parts
    inner = grid[..., :-1, None] + share * grid.diff(dim=-1).unsqueeze(-1)
    return torch.cat([inner.flatten(-2), grid[..., -1:]], dim=-1)


def _halve_widest(grid: torch.Tensor, times: int) -> torch.Tensor:
    for _ in range(times):
        widest = grid.diff(dim=-1).argmax(dim=-1, keepdim=True)
        middle = 0.5 * (grid.gather(-1, widest) + grid.gather(-1, widest + 1))
        grid = torch.cat([grid, middle], dim=-1).sort(dim=-1).values
    return grid


def _with_outer_knots(grid: torch.Tensor, degree: int) -> torch.Tensor:
    steps = torch.arange(1, degree + 1, dtype=grid.dtype, device=grid.device)
    first, last = grid[..., 1:2] - grid[..., :1], grid[..., -1:] - grid[..., -2:-1]
    return torch.cat([grid[..., :1] - first * steps.flip(0), grid, grid[..., -1:] + last * steps], dim=-1)
