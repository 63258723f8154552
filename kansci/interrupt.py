"""Ctrl-C as a question that work asks at places where it can stop."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["first_interrupt"]


@contextmanager
def first_interrupt() -> Iterator[Callable[[], bool]]:
    """Make the first Ctrl-C a request to end; the second one raises KeyboardInterrupt as ever.

    Yields:
        Whether the request was made; never in a thread that is not the main one, where no signals arrive.
    """
    asked = False
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.getsignal(signal.SIGINT)

    def handler(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, handler)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
