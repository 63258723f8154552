"""B-splines on a grid of G intervals for each input, continued linearly outside it."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch

from kansci.basis.base import Basis
from kansci.basis.grid import at_least_float32, check_finer, checked_domain
from kansci.errors import SettingsError
from kansci.kernels import Functions
from kansci.kernels.bspline import bspline_jet, cardinal_jet, insertion_matrix
from kansci.kernels.dispatch import written_out

# Of the mean one: shorter intervals make the splines on them steep beyond what can be solved for.
_LEAST_INTERVAL = 1e-6


class BSpline(Basis):
    """K = G + k splines of degree k for each input.

    Outside the domain every function goes on with its value and slope at the boundary, so that derivatives of
    order 2 and above vanish there. With degree 1 they are the piecewise-linear hats.
    """

    knots: torch.Tensor
    name: ClassVar[str] = "bspline"
    tensor_names: ClassVar[tuple[str, ...]] = ("knots",)

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
        domain = checked_domain(grid_size, domain)
        low, high = domain[..., :1], domain[..., 1:]
        steps = torch.arange(-degree, grid_size + degree + 1, dtype=domain.dtype, device=domain.device)
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

    @property
    def constant(self) -> torch.Tensor:
        """Coefficients (K,) of the function 1: splines sum to one."""
        return torch.ones(self.size, dtype=self.knots.dtype, device=self.knots.device)

    def place(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | float]:
        """Count in knot spacings from the lower end where knots are equally spaced, else keep x."""
        if not self.uniform:
            return at_least_float32(x), 1.0
        low, high = self.domain.unsqueeze(-3).unbind(-1)
        scale = self.grid_size / (high - low)
        return at_least_float32((x - low) * scale), scale

    def bounds(self) -> tuple[torch.Tensor | float, torch.Tensor | float]:
        """Ends of the grid, in t."""
        if self.uniform:
            return 0.0, float(self.grid_size)
        low, high = self.domain.unsqueeze(-3).unbind(-1)
        return low, high

    def jet(self, x: torch.Tensor, orders: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
        """Evaluate several derivatives at once; compiled where nothing is recorded for differentiation."""
        simple = self.uniform and max(orders) <= 1 and x.dtype == self.knots.dtype
        compiled = written_out(x) if simple else None
        if compiled is None:
            return super().jet(x, orders)
        return compiled(x, self.domain, self.degree, self.size, orders)

    def placed_jet(self, t: torch.Tensor, orders: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
        """Evaluate derivatives by t (..., N, I), each (..., N, I, K)."""
        if self.uniform:
            return cardinal_jet(t, self.degree, self.size, orders)
        return bspline_jet(t, self.knots, self.degree, orders)

    def functions(self) -> Functions:
        """Name what the kernels sum over."""
        return Functions("bspline", self.size, self.degree, knots=None if self.uniform else self.knots)

    def roughness(self) -> torch.Tensor:
        """Give the form of neighbouring coefficients' second differences (P-splines: Eilers, Marx 1996)."""
        identity = torch.eye(self.size, dtype=self.knots.dtype, device=self.knots.device)
        differences = identity.diff(n=2, dim=0)
        return differences.mT @ differences

    def refine(self, size: int) -> tuple["BSpline", torch.Tensor]:
        """Insert knots until there are `size` intervals.

        A multiple of G divides every interval equally, which keeps equal spacing; otherwise the widest
        intervals are halved one after another.

        Args:
            size: the new G, not below the present one.

        Returns:
            The finer basis and the matrix (..., I, K', K) that maps coefficients; the function is the same.
        """
        check_finer(self.grid_size, size)
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

    def following(self, x: torch.Tensor, domain: torch.Tensor, grid_eps: float) -> "BSpline":
        """Give the splines on another domain whose knots are at quantiles of the samples; see `Basis`.

        An input with so many equal samples that knots would coincide gets equally spaced ones.
        """
        even = type(self)(self.grid_size, self.degree, domain)
        if grid_eps == 1:
            return even
        share = torch.linspace(0, 1, self.grid_size + 1, dtype=x.dtype, device=x.device)
        inner = torch.lerp(_quantiles(x, share), even.grid, grid_eps)[..., 1:-1]
        quantiles = torch.cat([domain[..., :1], inner, domain[..., 1:]], dim=-1)
        least = _LEAST_INTERVAL * (domain[..., 1:] - domain[..., :1]) / self.grid_size
        apart = (quantiles.diff(dim=-1) > least).all(dim=-1, keepdim=True)
        grid = torch.where(apart, quantiles, even.grid)
        return type(self).from_knots(_with_outer_knots(grid, self.degree), self.degree)

    def spread(self) -> torch.Tensor:
        """Give points on each input's grid, equally many in each interval: (..., M, I)."""
        return super().spread() if self.uniform else _divide(self.grid, self.degree + 4).mT

    def to_config(self) -> dict[str, Any]:
        """Describe everything but the knots, in JSON's types."""
        return {"basis": self.name, "grid": self.grid_size, "k": self.degree, "uniform": self.uniform}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], domain: torch.Tensor) -> "BSpline":
        """Build the basis that `to_config` described, with equally spaced knots, on a domain (..., I, 2)."""
        basis = cls(int(config["grid"]), int(config.get("k", 3)), domain)
        basis.uniform = bool(config.get("uniform", True))
        return basis

    def with_tensors(self, tensors: Mapping[str, torch.Tensor]) -> "BSpline":
        """Give the basis of the same form on other knots."""
        return type(self).from_knots(tensors["knots"], self.degree, uniform=self.uniform)

    def combined(self, function: Callable[..., torch.Tensor], *others: Basis) -> "BSpline":
        """Give the basis whose knots are `function` of this one's and the others'."""
        splines = [self, *(other for other in others if isinstance(other, BSpline))]
        uniform = all(spline.uniform for spline in splines)
        return BSpline.from_knots(function(*(s.knots for s in splines)), self.degree, uniform=uniform)


def _quantiles(x: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Quantiles of each input's samples x (..., N, I), interpolated between them: (..., I, len(share))."""
    ordered = x.sort(dim=-2).values.mT
    place = share * (x.shape[-2] - 1)
    below = place.floor().long()
    above = place.ceil().long()
    return torch.lerp(ordered[..., below], ordered[..., above], place - below)


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
