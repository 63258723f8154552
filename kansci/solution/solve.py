"""The whole way: a differential equation in, its solution out, with errors, a closed form and its proof."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from types import FrameType
from typing import Any

from kansci.errors import SettingsError
from kansci.pde.problem import Problem
from kansci.pde.solver import NumericalSolution, SolveSettings, solve_problem
from kansci.solution.closed_form import ClosedForm, find_closed_form
from kansci.solution.compare import Comparison, compare
from kansci.solution.network_bound import bounded
from kansci.solution.result import Solution
from kansci.solution.stated import stated

__all__ = ["Event", "solve"]

FORMULA_SHARE, MOST_FORMULA_SECONDS = 0.5, 30.0
REFERENCE_SHARE, MOST_REFERENCE_SECONDS = 0.5, 60.0
"""Shares of `seconds` for a closed form and for a classical solution, after the numerical part."""
_OWN = frozenset(field.name for field in fields(SolveSettings))


@dataclass(frozen=True)
class Event:
    """Progress.

    Attributes:
        stage: what is being done, for a human.
        seconds: since the start.
        parameters: number of unknowns of the numerical solution; 0 where it is not known yet.
        residual: relative residual; nan where it is not known yet.
        change: relative change from the resolution before; nan for the first.
    """

    stage: str
    seconds: float
    parameters: int = 0
    residual: float = float("nan")
    change: float = float("nan")


def solve(  # noqa: PLR0913
    problem: Problem | str | Path,
    *,
    model: str = "auto",
    seconds: float = 60,
    seed: int = 0,
    closed_form: bool = True,
    reference: bool = True,
    on_event: Callable[[Event], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
    **settings: Any,
) -> Solution:
    """Solve a differential equation.

    Networks solve it numerically; a classical solver tells how good that is; a closed form is read off and
    put to the proof. Ctrl-C ends it and gives the best so far, with ``interrupted`` set.

    Args:
        problem: the name of a built-in problem, the path of a TOML file, an equation such as
            ``"u_xx = 6*x"``, or a `Problem`.
        model: "auto", "separable", "kan", "mlp", "siren" or "fkan".
        seconds: at most so long for the numerical solution, less when it converges earlier. A classical
            solution and a closed form may each take half of that more.
        seed: of random weights and points.
        closed_form: whether to look for one.
        reference: whether to compare with the exact or a classical solution.
        on_event: called after every step.
        cancelled: asked between steps; the best solution so far is returned then.
        settings: further settings of `kansci.pde.solver.SolveSettings` (width, basis, grid, k, frequency,
            optimizer), and what states the problem: for an equation the arguments of
            `kansci.pde.statement.problem` (domain, conditions, parameters, ...), else parameters alone.

    Returns:
        The solution.

    Raises:
        SettingsError: something about the problem or a setting is wrong, or nothing was found in time.
        FormulaError: a text cannot be read; the position is marked.
        DataError: a table of measurements cannot be used.

    Example:
        >>> from kansci import solve
        >>> solve("u_xx = 6*x", domain={"x": [0, 1]}, conditions={"boundary": "u = x"}, seconds=5).formulas
        {'u': x**3}
    """  # noqa: DOC502  raised by what it calls
    how = SolveSettings(model, seconds, seed, **{k: v for k, v in settings.items() if k in _OWN})
    given, statement = stated(problem, **{k: v for k, v in settings.items() if k not in _OWN})
    work = _Work(how, on_event)
    numerical = work.numerical(given, cancelled)
    compared, form, bound = work.judged(numerical, closed_form=closed_form, reference=reference)
    return Solution(
        given,
        how,
        numerical,
        None if form is None else form.formulas,
        None if form is None else form.proof,
        compared,
        bound,
        work.elapsed,
        statement,
        work.interrupted or numerical.interrupted,
    )


class _Work:
    """One run: its clock, who is told, whether the user ended it."""

    def __init__(self, settings: SolveSettings, on_event: Callable[[Event], None]):
        self._settings, self._tell = settings, on_event
        self._began = time.monotonic()
        self.interrupted = False

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._began

    def numerical(self, problem: Problem, cancelled: Callable[[], bool]) -> NumericalSolution:
        with _first_interrupt() as asked:
            try:
                return solve_problem(
                    problem,
                    self._settings,
                    lambda p: self._tell(Event(p.method, self.elapsed, p.parameters, p.residual, p.change)),
                    lambda: asked() or cancelled(),
                )
            except SettingsError:
                if asked():  # there is nothing yet to give
                    raise KeyboardInterrupt from None
                raise

    def judged(
        self, solution: NumericalSolution, *, closed_form: bool, reference: bool
    ) -> tuple[Comparison | None, ClosedForm | None, Any]:
        """The comparison, the closed form and the bound, as far as the user lets it run."""
        compared = form = bound = None
        self.interrupted = solution.interrupted
        seconds = self._settings.seconds
        if self.interrupted:
            return None, None, None
        try:
            if reference:
                self._tell(Event("classical reference solution", self.elapsed))
                compared = compare(solution, min(REFERENCE_SHARE * seconds, MOST_REFERENCE_SECONDS))
            self._tell(Event("error bound", self.elapsed))
            bound = bounded(solution)
            if closed_form:
                allowed = min(FORMULA_SHARE * seconds, MOST_FORMULA_SECONDS)
                form = find_closed_form(
                    solution,
                    allowed,
                    self._settings.seed,
                    lambda stage: self._tell(Event(f"closed form: {stage}", self.elapsed)),
                )
        except KeyboardInterrupt:
            self.interrupted = True
        return compared, form, bound


@contextmanager
def _first_interrupt() -> Iterator[Callable[[], bool]]:
    """Make the first Ctrl-C a request to end; the second one raises KeyboardInterrupt as ever."""
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
