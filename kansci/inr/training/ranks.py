"""Several processes that train one network, as torchrun starts them."""

import atexit
import os

import torch
import torch.distributed as dist

__all__ = ["Ranks", "join_ranks"]


class Ranks:
    """The processes: one, or those of torchrun.

    Attributes:
        rank: number of this process.
        count: how many there are.
    """

    def __init__(self) -> None:
        """Ask torch.distributed, if it runs."""
        together = dist.is_available() and dist.is_initialized()
        self.rank, self.count = (dist.get_rank(), dist.get_world_size()) if together else (0, 1)

    def part(self, rows: torch.Tensor) -> torch.Tensor:
        """Give this process's share of the rows of a batch, empty if there are too few rows."""
        return rows[self.rank :: self.count]

    def sum(self, tensor: torch.Tensor) -> torch.Tensor:
        """Add a tensor over all processes, in place."""
        if self.count > 1:
            dist.all_reduce(tensor)
        return tensor

    def agreed(self, *numbers: float) -> tuple[float, ...]:
        """Give the first process's numbers to all: the clock of one, the wish of one to stop."""
        if self.count == 1:
            return numbers
        device = "cuda" if dist.get_backend() == "nccl" else "cpu"
        tensor = torch.tensor(numbers, dtype=torch.float64, device=device)
        dist.broadcast(tensor, 0)
        return tuple(tensor.tolist())

    def wrapped(self, module: torch.nn.Module, *, derivative: bool) -> torch.nn.Module:
        """Let the module's gradients be averaged over the processes.

        Args:
            module: what maps a batch to losses.
            derivative: whether it differentiates by the coordinates, where the last bias plays no part.
        """
        if self.count == 1:
            return module
        return torch.nn.parallel.DistributedDataParallel(module, find_unused_parameters=derivative)


def join_ranks(device: torch.device) -> Ranks:
    """Join the processes that torchrun started, unless that was done before, until this one ends.

    Args:
        device: where the network is.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(dist.destroy_process_group)  # one cannot join a second time
    return Ranks()
