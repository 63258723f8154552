"""What every family of functions on an edge offers."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch

from kansci.kernels import Functions, sum_edges, to_outputs

# A held-out row just beyond the training rows is no extrapolation worth a warning.
_BEYOND = 0.05


class Basis(torch.nn.Module, ABC):
    """K functions of one variable, separately placed for each of I inputs.

    Tensors may carry leading dimensions (a population of bases); they broadcast against those of the knots.
    A family says where its functions are simplest (`place`) and what they are there (`placed_jet`).

    Attributes:
        name: of the family.
        tensor_names: attributes that hold tensors (..., I, T).
    """

    name: ClassVar[str]
    tensor_names: ClassVar[tuple[str, ...]]

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of functions K."""

    @property
    @abstractmethod
    def grid_size(self) -> int:
        """Resolution G, the number that `refine` raises."""

    @property
    @abstractmethod
    def domain(self) -> torch.Tensor:
        """Ends of each input's grid, shape (..., I, 2)."""

    @property
    @abstractmethod
    def constant(self) -> torch.Tensor:
        """Coefficients (K,) of the function 1."""

    @abstractmethod
    def place(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | float]:
        """Map x (..., N, I) to the family's own coordinate t; also give dt/dx, (..., 1, I)."""

    @abstractmethod
    def bounds(self) -> tuple[torch.Tensor | float, torch.Tensor | float] | None:
        """Ends of t beyond which the functions go on linearly; None for a family without a grid."""

    @abstractmethod
    def placed_jet(self, t: torch.Tensor, orders: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
        """Evaluate derivatives by t (..., N, I), each (..., N, I, K)."""

    @abstractmethod
    def refine(self, size: int) -> tuple["Basis", torch.Tensor]:
        """Give a finer basis and the matrix (..., I, K', K) that maps coefficients; the function stays."""

    @abstractmethod
    def moved(self, domain: torch.Tensor) -> "Basis":
        """Give the basis of the same size and form on another domain (..., I, 2)."""

    def following(self, x: torch.Tensor, domain: torch.Tensor, grid_eps: float) -> "Basis":
        """Give the basis on another domain (..., I, 2), denser where there are more of the samples x.

        Args:
            x: samples of each input, shape (..., N, I).
            domain: ends of the grids, which hold the samples; of as many dimensions in front as x.
            grid_eps: 0 puts equally many samples into each interval, 1 makes all equally long; between them
                both grids are mixed (pykan's meaning).

        Returns:
            The basis; a family without knots of its own only moves.
        """
        return self.moved(domain)

    def spread(self) -> torch.Tensor:
        """Give points on each input's grid, four times as many as functions: (..., M, I)."""
        low, high = self.domain.unbind(-1)
        share = torch.linspace(0, 1, 4 * self.size + 1, dtype=low.dtype, device=low.device).unsqueeze(-1)
        return low.unsqueeze(-2) + (high - low).unsqueeze(-2) * share

    @abstractmethod
    def to_config(self) -> dict[str, Any]:
        """Describe everything but the tensors, in JSON's types."""

    @classmethod
    @abstractmethod
    def from_config(cls, config: Mapping[str, Any], domain: torch.Tensor) -> "Basis":
        """Build the basis that `to_config` described, with its tensors as new, on a domain (..., I, 2)."""

    @abstractmethod
    def with_tensors(self, tensors: Mapping[str, torch.Tensor]) -> "Basis":
        """Give the basis of the same form with other tensors, one for each of `tensor_names`."""

    def combined(self, function: Callable[..., torch.Tensor], *others: "Basis") -> "Basis":
        """Give the basis described by `function` of the tensors (..., I, T) of this one and the others.

        With it a basis is indexed, stacked or mixed as if it were a tensor.
        """
        bases = (self, *others)
        names = self.tensor_names
        return self.with_tensors(
            {name: function(*(getattr(b, name).detach() for b in bases)) for name in names}
        )

    def select(self, inputs: torch.Tensor) -> "Basis":
        """Give the basis of some of the inputs."""
        return self.combined(lambda tensor: tensor[..., inputs, :])

    def jet(self, x: torch.Tensor, orders: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
        """Evaluate several derivatives at once: x (..., N, I) -> one (..., N, I, K) for each order."""
        t, scale = self.place(x)
        inside, excess = self._clamped(t)
        if excess is None:
            jets = self.placed_jet(inside, orders)
        else:
            wanted = tuple(sorted({*orders, 1} if 0 in orders else set(orders)))
            by_order = dict(zip(wanted, self.placed_jet(inside, wanted), strict=True))
            jets = tuple(_continued(by_order, nu, excess.unsqueeze(-1)) for nu in orders)
        if not isinstance(scale, torch.Tensor):
            return jets
        pairs = zip(orders, jets, strict=True)
        return tuple(jet * scale.unsqueeze(-1) ** nu if nu else jet for nu, jet in pairs)

    def _clamped(self, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Split t into the nearest point of the grid and what is beyond it; None if nothing is.

        To look first costs less than to record two steps that change nothing; a compiler cannot look.
        """
        bounds = self.bounds()
        if bounds is None:
            return t, None
        low, high = bounds
        if not torch.compiler.is_compiling() and not _any_beyond(t.detach(), low, high):
            return t, None
        inside = t.clamp(low, high)  # type: ignore[arg-type]
        return inside, t - inside

    def values(self, x: torch.Tensor, nu: int = 0) -> torch.Tensor:
        """Evaluate the nu-th derivative: x (..., N, I) -> B_k^(nu)(x), (..., N, I, K)."""
        return self.jet(x, (nu,))[0]

    def functions(self) -> Functions | None:
        """Name what the kernels sum over; None where there is no kernel for the family."""
        return None

    def row_weights(self, t: torch.Tensor) -> torch.Tensor | None:
        """Give factors (N, I) that all the kernel's functions of an input share; None for ones."""
        return None

    def edge_sum(self, x: torch.Tensor, coef: torch.Tensor) -> torch.Tensor:
        """Sum the edges into every output; differentiable any number of times.

        Args:
            x: shape (..., N, I).
            coef: shape (..., J, I, K).

        Returns:
            y_nj = sum_ik c_jik B_k(x_ni), shape (..., N, J).
        """
        functions = self.functions()
        if functions is None or x.ndim != 2 or coef.ndim != 3:
            return sum_edges(self.values(x).to(coef.dtype), coef)
        t, _ = self.place(x)
        inside, excess = self._clamped(t)
        own = coef.shape[-1] - functions.size  # 1 where the family has a constant of its own in front
        y = to_outputs(functions, inside, coef[..., own:], self.row_weights(inside))
        if excess is not None:
            y = y + to_outputs(functions, inside, coef[..., own:], excess, 1)
        return y + coef[..., 0].sum(-1) if own else y

    def edge_derivative(self, x: torch.Tensor, coef: torch.Tensor, v: torch.Tensor, nu: int) -> torch.Tensor:
        """Sum the edges' derivatives, weighted by input, into every output; differentiable as `edge_sum`.

        Args:
            x: shape (N, I).
            coef: shape (J, I, K).
            v: weights, shape (N, I).
            nu: order of the derivative, at least 1.

        Returns:
            y_nj = sum_ik v_ni c_jik B_k^(nu)(x_ni), shape (N, J).
        """
        functions = self.functions()
        t, scale = self.place(x)
        if functions is None or self.row_weights(t) is not None:
            values = self.values(x, nu) * v.unsqueeze(-1)
            return sum_edges(values.to(coef.dtype), coef)
        inside, excess = self._clamped(t)
        own = coef.shape[-1] - functions.size
        weights = v * scale**nu
        if excess is not None and nu > 1:
            weights = weights.masked_fill(excess != 0, 0.0)
        return to_outputs(functions, inside, coef[..., own:], weights, nu)

    def unit(self, x: torch.Tensor) -> torch.Tensor:
        """Map x (..., N, I) so that each input's domain becomes [-1, 1]."""
        low, high = self.domain.unbind(-1)
        return (x - (0.5 * (low + high)).unsqueeze(-2)) * (2 / (high - low)).unsqueeze(-2)

    def outside(self, x: torch.Tensor) -> torch.Tensor:
        """Tell which of x (..., N, I) are beyond the grid, if there is one, by more than 5% of its width."""
        if self.bounds() is None:
            return torch.zeros_like(x, dtype=torch.bool)
        return self.unit(x).abs() > 1 + 2 * _BEYOND

    def roughness(self) -> torch.Tensor:
        """Give the form (K, K) whose value at coefficients is the mean squared curvature, in grid steps."""
        unit = self.from_config(self.to_config(), torch.tensor([[-1.0, 1.0]], dtype=torch.float64))
        u = torch.linspace(-1, 1, 8 * self.size + 1, dtype=torch.float64).unsqueeze(-1)
        curvature = unit.values(u, 2)[:, 0] * (2 / self.grid_size) ** 2
        return self.size * curvature.mT @ curvature / len(u)

    def fit(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Fit each edge to samples by least squares; of least norm where they leave functions undetermined.

        Args:
            x: sample points of each input, shape (..., N, I).
            y: each edge's values there, shape (..., N, J, I).

        Returns:
            coef, shape (..., J, I, K).
        """
        design = self.values(x).movedim(-2, -3)  # (..., I, N, K)
        inverse = torch.linalg.pinv(design, rtol=1e-12)
        return (inverse @ y.movedim(-1, -3)).mT.movedim(-3, -2)  # (..., I, K, J) -> (..., J, I, K)


def _any_beyond(t: torch.Tensor, low: torch.Tensor | float, high: torch.Tensor | float) -> bool:
    if isinstance(low, torch.Tensor) or isinstance(high, torch.Tensor):
        return bool(((t < low) | (t > high)).any())
    if not t.numel():
        return False
    least, most = t.aminmax()
    return bool(least < low) or bool(most > high)


def _continued(jets: dict[int, torch.Tensor], nu: int, excess: torch.Tensor) -> torch.Tensor:
    """Go on with the value and slope at the end of the grid."""
    if nu == 0:
        return torch.addcmul(jets[0], excess, jets[1])
    return jets[nu] if nu == 1 else jets[nu].masked_fill(excess != 0, 0.0)
