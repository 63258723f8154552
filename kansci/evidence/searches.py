"""Many short searches, shared out among processes, until all are done, time is up or the user ends it."""

import signal
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import parent_process
from typing import Generic, TypeVar

from kansci.data import Dataset
from kansci.discovery import DiscoverSettings, Discovery, discover

__all__ = ["SHORTEST", "Batch", "in_parallel", "seconds_each", "short_search"]

SHORTEST = 1.0
"""Seconds of the shortest search that says anything."""
USED = 0.75
"""Share of the time for the searches; starting processes and finishing formulas take time, too."""
IN_TIME = 0.9
"""Share of its seconds that must be left for a search to begin."""

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Batch(Generic[Result]):
    """``results``: of the tasks that were done, in their order. ``interrupted``: by the user."""

    results: tuple[Result, ...]
    interrupted: bool


def seconds_each(total: float, searches: int, jobs: int, most: float) -> float:
    """Seconds for each of some searches that share ``total`` seconds among ``jobs`` processes."""
    rounds = -(-searches // jobs)
    return min(max(USED * total / max(rounds, 1), SHORTEST), most)


def short_search(dataset: Dataset, settings: DiscoverSettings) -> Discovery:
    """``discover``, but an interruption is passed on.

    Raises:
        KeyboardInterrupt: The user has ended the search.
    """
    found = discover(dataset, settings)
    if found.interrupted:
        raise KeyboardInterrupt
    return found


def in_parallel(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    seconds: float,
    deadline: float,
    jobs: int = 1,
    on_done: Callable[[int], None] | None = None,
) -> Batch[Result]:
    """The function of each task, in this process or shared out.

    Args:
        function: A function of a module, which other processes can find.
        tasks: Its arguments.
        seconds: What one of them takes; one that cannot have this before the deadline is left out.
        deadline: Monotonic time.
        jobs: Processes.
        on_done: Called with the number of tasks that are done.

    Returns:
        What was done; the same whatever the number of processes, if there was time for all.
    """
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=min(jobs, max(len(tasks), 1)), return_as="generator", batch_size=1)
    done: list[Result] = []
    with warnings.catch_warnings():
        # processes whose caches have grown are replaced, which is no news
        warnings.filterwarnings("ignore", "A worker stopped", UserWarning)
        running = parallel(delayed(_in_time)(function, task, seconds, deadline) for task in tasks)
        try:
            for result in running:
                if result is not None:
                    done.append(result)
                    if on_done is not None:
                        on_done(len(done))
        except KeyboardInterrupt:
            return Batch(tuple(done), interrupted=True)
        finally:
            running.close()
    return Batch(tuple(done), interrupted=False)


def _in_time(
    function: Callable[[Task], Result], task: Task, seconds: float, deadline: float
) -> Result | None:
    if parent_process() is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process stops the others
    if time.monotonic() + IN_TIME * seconds > deadline:
        return None
    return function(task)
