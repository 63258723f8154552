"""One thread for small matrices: faster than many, and the same digits on every machine."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

__all__ = ["one_thread"]


@contextmanager
def one_thread() -> Iterator[None]:
    """Run the block with one thread in BLAS and torch, and restore both settings."""
    torch = sys.modules.get("torch")  # where nothing has imported it, nothing has to wait for it
    before = torch.get_num_threads() if torch else 1
    if torch:
        torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        if torch:
            torch.set_num_threads(before)
