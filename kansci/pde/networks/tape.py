"""Derivatives of every row's result by every weight, from one pass backward.

Each weight W enters as z = features W', row by row. So the derivative of row n's result by W is the sum over
the jet's components of (derivative by z) times (features): one backward pass gives the former for all rows at
once, because rows do not meet (Dangel et al., BackPACK, 2020, eq. 5).
"""

from dataclasses import dataclass, field

import torch

__all__ = ["Tape"]


@dataclass(eq=False)
class Tape:
    """What one forward pass used each weight for, in the order of the weights.

    Attributes:
        features: of each contraction, (C, N, F), and of a bias None.
        results: of each contraction, (C, N, J); of a bias (N, J).
    """

    features: list[torch.Tensor | None] = field(default_factory=list)
    results: list[torch.Tensor] = field(default_factory=list)

    def contract(
        self, features: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Sum a jet's features into nodes: (C, N, F) and (J, F) -> (C, N, J); a bias (J,) moves the value."""
        result = self._keep(features.detach(), features @ weight.mT)
        if bias is None:
            return result
        moved = self._keep(None, result[0] + bias)
        return torch.cat([moved.unsqueeze(0), result[1:]])

    def _keep(self, features: torch.Tensor | None, result: torch.Tensor) -> torch.Tensor:
        if torch.is_grad_enabled() and not result.requires_grad:
            result.requires_grad_()  # the first layer's: nothing before it is differentiated
        self.features.append(features)
        self.results.append(result)
        return result

    def jacobian(self, outputs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Differentiate sum_c weights_cn outputs_cn for each row n: (C, N) twice -> (N, P)."""
        slopes = torch.autograd.grad(
            outputs, self.results, weights, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        blocks = [_block(slope, f) for slope, f in zip(slopes, self.features, strict=True)]
        return torch.cat(blocks, dim=1)


def _block(slope: torch.Tensor, features: torch.Tensor | None) -> torch.Tensor:
    if features is None:
        return slope
    return (slope.permute(1, 2, 0) @ features.permute(1, 0, 2)).flatten(1)
