"""One layer of a KAN: a function on every edge from I inputs to J outputs."""

import torch

from kansci.basis import Basis, base_function


def edge_functions(
    basis: Basis, base_fun: str, x: torch.Tensor, orders: tuple[int, ...] = (0,)
) -> tuple[torch.Tensor, ...]:
    """Evaluate the F functions an edge is made of: the base function unless it is "zero", then the basis.

    The base function sees u, the input mapped to [-1, 1] over the grid's domain, so that a change of the
    input's units changes nothing but the domain.

    Args:
        basis: placed for I inputs.
        base_fun: name of the base function.
        x: shape (..., N, I).
        orders: derivatives wanted, 0 or 1.

    Returns:
        One tensor (..., N, I, F) for each order, F = K + 1 or K.
    """
    jets = basis.jet(x, orders)
    if not n_base_functions(base_fun):
        return jets
    u = basis.unit(x)
    low, high = basis.domain.unbind(-1)
    slope = (2 / (high - low)).unsqueeze(-2)
    function, derivative = base_function(base_fun)
    base = {0: lambda: function(u), 1: lambda: derivative(u) * slope}
    return tuple(
        torch.cat([base[nu]().unsqueeze(-1), values], dim=-1) for nu, values in zip(orders, jets, strict=True)
    )


def n_base_functions(base_fun: str) -> int:
    """Say how many of an edge's functions, 1 or 0, come before the basis."""
    return int(base_fun != "zero")


class KANLayer(torch.nn.Module):
    """y_nj = sum_i mask_ji (base_scale_ji b(u_ni) + sum_k coef_jik B_k(x_ni))."""

    basis: Basis
    mask: torch.Tensor

    def __init__(self, basis: Basis, base_fun: str, weight: torch.Tensor, mask: torch.Tensor | None = None):
        """Take over a basis and the weights of its functions.

        Args:
            basis: placed for I inputs, K functions.
            base_fun: name of the base function.
            weight: of each edge's F functions, shape (J, I, F).
            mask: 1 where an edge exists, 0 where it was removed, shape (J, I).
        """
        super().__init__()
        base_function(base_fun)
        self.basis = basis
        self.base_fun = base_fun
        n_base = n_base_functions(base_fun)
        base_scale = weight[..., 0].clone() if n_base else torch.zeros_like(weight[..., 0])
        self.base_scale = torch.nn.Parameter(base_scale, requires_grad=bool(n_base))
        self.coef = torch.nn.Parameter(weight[..., n_base:].clone())
        self.register_buffer("mask", torch.ones_like(weight[..., 0]) if mask is None else mask.clone())

    @property
    def weight(self) -> torch.Tensor:
        """Weights of each edge's functions, zero where it is masked, shape (J, I, F)."""
        return self._joined(self.coef) * self.mask.unsqueeze(-1)

    def _joined(self, coef: torch.Tensor) -> torch.Tensor:
        if not n_base_functions(self.base_fun):
            return coef
        return torch.cat([self.base_scale.unsqueeze(-1), coef], dim=-1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map x (..., N, I) to y (..., N, J)."""
        y = self.basis.edge_sum(x, self.coef * self.mask.unsqueeze(-1))
        if not n_base_functions(self.base_fun):
            return y
        function, _ = base_function(self.base_fun)
        base = function(self.basis.unit(x)).to(y.dtype)
        return y + base @ (self.base_scale * self.mask).mT

    def edge(self, i: int, j: int, x: torch.Tensor) -> torch.Tensor:
        """Evaluate the edge from input i to output j as a function of one variable: x (N,) -> (N,)."""
        basis = self.basis.select(torch.tensor([i], device=self.coef.device))
        return edge_functions(basis, self.base_fun, x.unsqueeze(-1))[0][..., 0, :] @ self.weight[j, i]

    def select(self, inputs: torch.Tensor, outputs: torch.Tensor) -> "KANLayer":
        """Give the layer between some of the inputs and some of the outputs."""
        return KANLayer(
            self.basis.select(inputs),
            self.base_fun,
            self._joined(self.coef).detach()[outputs][:, inputs],
            self.mask[outputs][:, inputs],
        )

    def refine(self, size: int) -> "KANLayer":
        """Give the layer with a finer grid and the same function."""
        basis, matrix = self.basis.refine(size)
        coef = (matrix @ self.coef.detach().unsqueeze(-1)).squeeze(-1)
        return KANLayer(basis, self.base_fun, self._joined(coef).detach(), self.mask)
