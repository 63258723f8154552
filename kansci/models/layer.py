"""One layer of a KAN: a function on every edge from I inputs to J sums, and the nodes these become."""

from collections.abc import Sequence
from typing import Any

import torch

from kansci.basis import Basis, base_function
from kansci.errors import SettingsError
from kansci.models.nodes import Nodes
from kansci.models.symbolic_edge import SymbolicEdge, SymbolicFunction, add_symbolic, inner, outer


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
    """Edges phi_ji, sums z_nj = sum_i phi_ji(x_ni), and nodes made of the sums.

    phi_ji = mask_ji (base_scale_ji b(u) + sum_k coef_jik B_k(x)), plus c f(a x + b) + d on symbolic edges.

    Attributes:
        basis: placed for I inputs.
        base_fun: name of the base function.
        base_scale: shape (J, I).
        coef: shape (J, I, K).
        mask: 1 where the learned function exists, 0 where it was removed, shape (J, I).
        nodes: how the J sums become nodes.
        symbolic: (i, j, function) of the S symbolic edges.
        affine: their rows (a, b, c, d), shape (S, 4).
    """

    basis: Basis
    nodes: Nodes
    mask: torch.Tensor

    def __init__(
        self,
        basis: Basis,
        base_fun: str,
        weight: torch.Tensor,
        mask: torch.Tensor | None = None,
        nodes: Nodes | None = None,
        symbolic: Sequence[SymbolicEdge] = (),
        affine: torch.Tensor | None = None,
    ):
        """Take over a basis and the weights of its functions.

        Args:
            basis: placed for I inputs, K functions.
            base_fun: name of the base function.
            weight: of each edge's F functions, shape (J, I, F).
            mask: 1 where the learned function exists, 0 where it was removed, shape (J, I).
            nodes: how the J sums become nodes; None makes each a node.
            symbolic: (i, j, function) of each symbolic edge.
            affine: their rows (a, b, c, d), shape (S, 4).
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
        self.nodes = nodes or Nodes(weight.shape[0])
        self.symbolic = tuple(symbolic)
        rows = weight.new_zeros((0, 4)) if affine is None else affine.detach().clone()
        self.affine = torch.nn.Parameter(rows)

    @property
    def weight(self) -> torch.Tensor:
        """Weights of each edge's functions, zero where it is masked, shape (J, I, F)."""
        return self._joined(self.coef) * self.mask.unsqueeze(-1)

    @property
    def live(self) -> torch.Tensor:
        """Where an edge has a learned or a symbolic function, shape (J, I), bool."""
        live = self.mask.bool()
        for i, j, _ in self.symbolic:
            live[j, i] = True
        return live

    @property
    def n_parameters(self) -> int:
        """Number of weights and symbolic parameters of the edges that exist."""
        return int(self.mask.sum()) * self.weight.shape[-1] + self.affine.numel()

    def _joined(self, coef: torch.Tensor) -> torch.Tensor:
        if not n_base_functions(self.base_fun):
            return coef
        return torch.cat([self.base_scale.unsqueeze(-1), coef], dim=-1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map x (..., N, I) to nodes (..., N, M)."""
        return self.nodes(self.sums(x))

    def sums(self, x: torch.Tensor) -> torch.Tensor:
        """Map x (..., N, I) to the sums of the edges, (..., N, J)."""
        y = self.basis.edge_sum(x, self.coef * self.mask.unsqueeze(-1))
        if n_base_functions(self.base_fun):
            function, _ = base_function(self.base_fun)
            base = function(self.basis.unit(x)).to(y.dtype)
            y = y + base @ (self.base_scale * self.mask).mT
        if self.symbolic:
            f = outer(self.symbolic, inner(self.symbolic, self.affine, x))
            y = add_symbolic(y, self.symbolic, self.affine, f.to(y.dtype))
        return y

    def edge(self, i: int, j: int, x: torch.Tensor) -> torch.Tensor:
        """Evaluate the edge from input i to subnode j as a function of one variable: x (N,) -> (N,)."""
        basis = self.basis.select(torch.tensor([i], device=self.coef.device))
        y = edge_functions(basis, self.base_fun, x.unsqueeze(-1))[0][..., 0, :] @ self.weight[j, i]
        found = self.find(i, j)
        if found is None:
            return y
        a, b, c, d = self.affine[found].unbind()
        return y + c * self.symbolic[found][2].values(a * x + b) + d

    def find(self, i: int, j: int) -> int | None:
        """Give the place of edge (i, j) among the symbolic ones, None if it is not one."""
        return next((s for s, edge in enumerate(self.symbolic) if edge[:2] == (i, j)), None)

    def mode(self, i: int, j: int) -> str:
        """Say what edge (i, j) has: "n" a learned function, "s" a symbolic one, "sn" both, "" neither."""
        return ("" if self.find(i, j) is None else "s") + ("n" if bool(self.mask[j, i]) else "")

    def with_symbolic(
        self,
        i: int,
        j: int,
        function: SymbolicFunction,
        affine: Sequence[float] | torch.Tensor,
        *,
        keep_learned: bool = False,
    ) -> "KANLayer":
        """Put a formula on an edge.

        Args:
            i: number of the input.
            j: number of the subnode.
            function: f.
            affine: (a, b, c, d) of c * f(a * x + b) + d.
            keep_learned: whether the learned function stays beside it.

        Returns:
            The layer with it, in the place of a formula the edge had before.

        Raises:
            SettingsError: there are not four numbers.
        """
        layer = self.without_symbolic(i, j, restore=False)
        row = torch.as_tensor(affine, dtype=layer.affine.dtype, device=layer.affine.device).detach()
        if row.shape != (4,):
            raise SettingsError(f"affine has shape {tuple(row.shape)}: give (a, b, c, d)")
        rows = torch.cat([layer.affine.detach(), row.unsqueeze(0)])
        mask = layer.mask.clone()
        mask[j, i] = mask[j, i] if keep_learned else 0
        return layer.changed(mask=mask, symbolic=(*layer.symbolic, (i, j, function)), affine=rows)

    def without_symbolic(self, i: int, j: int, *, restore: bool = True) -> "KANLayer":
        """Take the formula off an edge.

        Args:
            i: number of the input.
            j: number of the subnode.
            restore: bring the edge's learned function back; it is as it was when the formula came.

        Returns:
            The layer without it; the same layer copied if there was none.
        """
        found = self.find(i, j)
        if found is None:
            return self.changed()
        kept = [s for s in range(len(self.symbolic)) if s != found]
        mask = self.mask.clone()
        mask[j, i] = 1 if restore else mask[j, i]
        symbolic = [self.symbolic[s] for s in kept]
        return self.changed(mask=mask, symbolic=symbolic, affine=self.affine.detach()[kept])

    def changed(self, **changes: Any) -> "KANLayer":
        """Give a copy of the layer with some arguments of its constructor exchanged."""
        everything = torch.arange(self.mask.shape[1], device=self.mask.device)
        arguments = {
            "basis": self.basis.select(everything),
            "base_fun": self.base_fun,
            "weight": self._joined(self.coef).detach(),
            "mask": self.mask,
            "nodes": self.nodes.combined(torch.clone),
            "symbolic": self.symbolic,
            "affine": self.affine,
        }
        return KANLayer(**{**arguments, **changes})

    def select(self, inputs: torch.Tensor, outputs: torch.Tensor) -> "KANLayer":
        """Give the layer between some of the inputs and some of the nodes."""
        subnodes = self.nodes.subnodes(outputs)
        columns = {int(i): place for place, i in enumerate(inputs)}
        rows = {int(j): place for place, j in enumerate(subnodes)}
        kept = [s for s, (i, j, _) in enumerate(self.symbolic) if i in columns and j in rows]
        symbolic = [(columns[i], rows[j], f) for i, j, f in (self.symbolic[s] for s in kept)]
        return self.changed(
            basis=self.basis.select(inputs),
            weight=self._joined(self.coef).detach()[subnodes][:, inputs],
            mask=self.mask[subnodes][:, inputs],
            nodes=self.nodes.select(outputs),
            symbolic=symbolic,
            affine=self.affine[kept],
        )

    def refine(self, size: int) -> "KANLayer":
        """Give the layer with a finer grid and the same function."""
        basis, matrix = self.basis.refine(size)
        coef = (matrix @ self.coef.detach().unsqueeze(-1)).squeeze(-1)
        return self.changed(basis=basis, weight=self._joined(coef).detach())
