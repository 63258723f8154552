"""Products of B-splines with a weight each, of which few are not zero at a point."""

from collections.abc import Sequence

import torch

from kansci.basis.bspline import BSpline
from kansci.pde.jets import JetPlan
from kansci.pde.networks.expansion import BasisFunctions, Expansion
from kansci.pde.networks.network import AtPoints, Forward
from kansci.pde.networks.separable import TensorProduct

__all__ = ["LocalProduct", "tensor_product"]


def tensor_product(expansions: Sequence[Expansion]) -> TensorProduct:
    """Give the network of full rank on functions of each coordinate, local where all of them are."""
    local = all(isinstance(e, BasisFunctions) and isinstance(e.basis, BSpline) for e in expansions)
    joined = any(isinstance(e, BasisFunctions) and e.size < e.basis.size for e in expansions)
    return LocalProduct(expansions) if local and not joined else TensorProduct(expansions)


class LocalProduct(TensorProduct):
    """A tensor product of B-splines: (k + 1)^d of its functions are not zero at a point.

    Jacobians are sparse tensors in coordinate form, (N, P) with (k + 1)^d entries a row.
    """

    @property
    def degrees(self) -> list[int]:
        """Degree k of each coordinate's splines."""
        bases = (e.basis for e in self.expansions if isinstance(e, BasisFunctions))
        return [basis.degree for basis in bases if isinstance(basis, BSpline)]

    def at(self, inputs: torch.Tensor, plan: JetPlan) -> AtPoints:
        """Prepare for the jet of points (C, N, d): evaluate the functions that are not zero there."""
        count, dimensions = inputs.shape[1:]
        columns = torch.zeros((count, 1), dtype=torch.int64)
        factors = []
        for axis, (expansion, degree) in enumerate(zip(self.expansions, self.degrees, strict=True)):
            unit = tuple(int(k == axis) for k in range(dimensions))
            order = max(index[axis] for index in plan.indices)
            scale = inputs[plan.position[unit], 0, axis] if order else torch.ones(())
            places, values = _nonzero(expansion, inputs[0, :, axis], order, degree + 1)
            columns = (columns.unsqueeze(-1) * expansion.size + places.unsqueeze(-2)).flatten(1)
            factors.append([value * scale**nu for nu, value in enumerate(values)])

        def functions(index: Sequence[int]) -> torch.Tensor:
            """A derivative of the products that are not zero, (N, (k + 1)^d)."""
            product = torch.ones((count, 1), dtype=torch.float64)
            for factor, nu in zip(factors, index, strict=True):
                product = (product.unsqueeze(-1) * factor[nu].unsqueeze(-2)).flatten(1)
            return product

        def jacobian(g: torch.Tensor) -> torch.Tensor:
            parts = (row.unsqueeze(-1) * functions(i) for row, i in zip(g, plan.indices, strict=True))
            values = sum(parts, start=torch.zeros(columns.shape, dtype=torch.float64))
            rows = torch.arange(count).repeat_interleave(columns.shape[1])
            where = torch.stack([rows, columns.flatten()])
            return torch.sparse_coo_tensor(
                where,
                values.flatten(),
                (count, self.n_weights),
                check_invariants=False,
                is_coalesced=True,
            )

        def forward(weights: torch.Tensor) -> Forward:
            local = weights[columns]
            return Forward(torch.stack([(functions(i) * local).sum(-1) for i in plan.indices]), jacobian)

        return forward


def _nonzero(
    expansion: Expansion, x: torch.Tensor, order: int, count: int
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Places (N, count) of the functions that are not zero at x (N,), and their derivatives, each (N, count).

    Outside the grid splines go on as straight lines, so a point there may have one function less.
    """
    values = [value[:, 0] for value in expansion.values(x.unsqueeze(1), order)]
    first = (values[0] != 0).to(torch.uint8).argmax(1).clamp(max=expansion.size - count)
    places = first.unsqueeze(1) + torch.arange(count)
    return places, [value.gather(1, places) for value in values]
