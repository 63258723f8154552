"""A family placed by the ends of a grid, and what every family checks about its grid."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch

from kansci.basis.base import Basis
from kansci.errors import SettingsError


class GridBasis(Basis):
    """A family that is placed by the ends of its grid alone, and counts its functions from G."""

    ends: torch.Tensor
    tensor_names: ClassVar[tuple[str, ...]] = ("ends",)

    def __init__(self, grid_size: int, domain: torch.Tensor):
        """Place the functions.

        Args:
            grid_size: G >= 1.
            domain: low and high end for each input, shape (..., I, 2).
        """
        super().__init__()
        self._grid_size = grid_size
        self.register_buffer("ends", checked_domain(grid_size, domain))

    @property
    def grid_size(self) -> int:
        """Resolution G."""
        return self._grid_size

    @property
    def domain(self) -> torch.Tensor:
        """Ends of each input's grid, shape (..., I, 2)."""
        return self.ends

    @property
    def constant(self) -> torch.Tensor:
        """Coefficients (K,) of the function 1, which comes first."""
        return torch.eye(1, self.size, dtype=self.ends.dtype, device=self.ends.device)[0]

    def place(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | float]:
        """Map the domain to [-1, 1]."""
        return at_least_float32(self.unit(x)), (2 / (self.ends[..., 1] - self.ends[..., 0])).unsqueeze(-2)

    def to_config(self) -> dict[str, Any]:
        """Describe everything but the tensors, in JSON's types."""
        return {"basis": self.name, "grid": self.grid_size}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], domain: torch.Tensor) -> "GridBasis":
        """Build the basis that `to_config` described, with its tensors as new, on a domain (..., I, 2)."""
        return cls(int(config["grid"]), domain)

    def with_tensors(self, tensors: Mapping[str, torch.Tensor]) -> "GridBasis":
        """Give the basis of the same form with other tensors, one for each of `tensor_names`."""
        basis = self.from_config(self.to_config(), tensors["ends"])
        for name in self.tensor_names:
            replace_tensor(basis, name, tensors[name])
        return basis

    def moved(self, domain: torch.Tensor) -> Basis:
        """Give the basis of the same size and form on another domain (..., I, 2)."""
        tensors = {name: getattr(self, name).detach() for name in self.tensor_names}
        return self.with_tensors({**tensors, "ends": domain})

    def padded(self, size: int) -> tuple[Basis, torch.Tensor]:
        """Refine a family whose functions are among those of the finer one: further coefficients are zero."""
        check_finer(self.grid_size, size)
        finer = self.from_config({**self.to_config(), "grid": size}, self.ends)
        matrix = torch.eye(finer.size, self.size, dtype=self.ends.dtype, device=self.ends.device)
        return finer, matrix.expand(*self.ends.shape[:-1], *matrix.shape)


def checked_domain(grid_size: int, domain: torch.Tensor) -> torch.Tensor:
    """Check a grid.

    Args:
        grid_size: G.
        domain: shape (..., I, 2).

    Returns:
        The domain, a new tensor of float64 or float32.

    Raises:
        SettingsError: G is below 1, or an upper end is not above its lower end.
    """
    if grid_size < 1:
        raise SettingsError(f"grid={grid_size}: grid must be at least 1")
    domain = torch.as_tensor(domain)
    domain = domain.detach().clone() if domain.dtype == torch.float32 else domain.detach().double().clone()
    if not bool((domain[..., 1] > domain[..., 0]).all()):
        raise SettingsError("a grid's upper end must be above its lower end for every input")
    return domain


def check_finer(old: int, new: int) -> None:
    """Refuse to refine to a coarser grid.

    Args:
        old: present G.
        new: the G asked for.

    Raises:
        SettingsError: it is smaller.
    """
    if new < old:
        raise SettingsError(f"a grid of {old} intervals cannot be refined to {new}: ask for more")


def at_least_float32(t: torch.Tensor) -> torch.Tensor:
    """Raise half precisions, in which a position on a grid would be lost, to float32."""
    return t.float() if t.dtype in {torch.bfloat16, torch.float16} else t


def replace_tensor(module: torch.nn.Module, name: str, tensor: torch.Tensor) -> None:
    """Exchange a buffer or a parameter for another tensor, of any shape."""
    if name in dict(module.named_parameters(recurse=False)):
        setattr(module, name, torch.nn.Parameter(tensor.detach().clone()))
    else:
        setattr(module, name, tensor)
