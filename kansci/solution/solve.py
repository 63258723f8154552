"""The whole way: a differential equation in, its solution out, with errors, a closed form and its proof."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from kansci.errors import SettingsError
from kansci.interrupt import first_interrupt
from kansci.pde.journal import Journal
from kansci.pde.problem import Problem
from kansci.pde.solver import NumericalSolution, SolveSettings, solve_problem
from kansci.solution.closed_form import ClosedForm, find_closed_form
from kansci.solution.compare import compare
from kansci.solution.keeper import Keeper
from kansci.solution.network_bound import bounded
from kansci.solution.result import Solution
from kansci.solution.resumed import check_same
from kansci.solution.stated import stated
from kansci.solution.store import check_kept, open_journal, open_solution

__all__ = ["Event", "resume_solve", "solve"]

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
    out: str | Path | None = None,
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
        out: a RUN folder to keep the solution in; while it goes on, the best so far. `resume_solve` goes on
            from there.
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
        RunError: the folder cannot be written, or holds something else.

    Example:
        >>> from kansci import solve
        >>> solve("u_xx = 6*x", domain={"x": [0, 1]}, conditions={"boundary": "u = x"}, seconds=5).formulas
        {'u': x**3}
    """  # noqa: DOC502  raised by what it calls
    how = SolveSettings(model, seconds, seed, **{k: v for k, v in settings.items() if k in _OWN})
    given, statement = stated(problem, **{k: v for k, v in settings.items() if k not in _OWN})
    task = _Task(given, statement, how, closed_form=closed_form, reference=reference)
    if out is not None:
        check_kept(statement, out)
    return _run(task, None if out is None else Path(out), None, on_event, cancelled)


def resume_solve(
    run: str | Path,
    problem: Problem | str | Path | None = None,
    *,
    seconds: float | None = None,
    closed_form: bool = True,
    reference: bool = True,
    on_event: Callable[[Event], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
    **settings: Any,
) -> Solution:
    """Go on with a solve that was kept in a RUN folder, and keep the result there.

    What was interrupted ends with the very solution that it would have had, as far as it is not time that
    ends it; what time ended goes on from there. The result is not worse than the one kept.

    Args:
        run: the folder that `solve` was given as `out`.
        problem: as for `solve`; the one in the folder by default, and it must be that one.
        seconds: at most so long from now on; as long as before by default.
        closed_form: whether to look for one.
        reference: whether to compare with the exact or a classical solution.
        on_event: called after every step.
        cancelled: asked between steps.
        settings: as for `solve`; those in the folder hold, others are refused.

    Returns:
        The solution.

    Raises:
        RunError: the folder holds no solution, or one of another problem or with other settings.
        SettingsError: see `solve`.
        DataError: see `solve`.

    Example:
        >>> from kansci import resume_solve, solve
        >>> solve("burgers", seconds=20, out="burgers_run")  # doctest: +SKIP
        >>> resume_solve("burgers_run", seconds=60)  # doctest: +SKIP
    """  # noqa: DOC502  raised by what it calls
    before = open_solution(run)
    check_same(run, before, problem, settings)
    how = before.settings if seconds is None else replace(before.settings, seconds=seconds)
    task = _Task(before.problem, before.statement, how, closed_form=closed_form, reference=reference)
    return _run(task, Path(run), before, on_event, cancelled)


@dataclass(frozen=True)
class _Task:
    """What is to be done.

    Attributes:
        problem: the problem.
        statement: what states it again.
        settings: of the numerical part.
        closed_form: whether to look for one.
        reference: whether to compare with the exact or a classical solution.
    """

    problem: Problem
    statement: Mapping[str, Any] | None
    settings: SolveSettings
    closed_form: bool
    reference: bool


def _run(
    task: _Task,
    out: Path | None,
    before: Solution | None,
    on_event: Callable[[Event], None],
    cancelled: Callable[[], bool],
) -> Solution:
    """Solve, anew or on from where an earlier solve stood, and keep it.

    Args:
        task: what is to be done.
        out: the RUN folder, if it is to be kept.
        before: what the earlier solve left there.
        on_event: called after every step.
        cancelled: asked between steps.

    Returns:
        The solution.
    """
    journal = Journal() if before is None or out is None else open_journal(out)
    work = _Work(task, before, on_event)
    keeper = None if out is None else Keeper(out, work.draft, anew=before is None)
    numerical = work.numerical(journal, keeper, cancelled)
    solution = work.judged(numerical)
    if keeper is not None:
        keeper.solution(solution, journal)
    return solution


class _Work:
    """One run: its clock, who is told, whether the user ended it."""

    def __init__(self, task: _Task, before: Solution | None, on_event: Callable[[Event], None]):
        self._task, self._before, self._tell = task, before, on_event
        self._began = time.monotonic()

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._began

    def numerical(
        self, journal: Journal, keeper: Keeper | None, cancelled: Callable[[], bool]
    ) -> NumericalSolution:
        with first_interrupt() as asked:
            try:
                return solve_problem(
                    self._task.problem,
                    self._task.settings,
                    lambda p: self._tell(Event(p.method, self.elapsed, p.parameters, p.residual, p.change)),
                    lambda: asked() or cancelled(),
                    journal=journal,
                    earlier=None if self._before is None else self._before.numerical,
                    on_state=keeper or (lambda *_: None),
                )
            except SettingsError:
                if asked():  # there is nothing yet to give
                    raise KeyboardInterrupt from None
                raise

    def draft(self, numerical: NumericalSolution) -> Solution:
        """The solution before anything but the numerical part is known of it, or what was proved before."""
        before = self._before
        return Solution(
            self._task.problem,
            self._task.settings,
            numerical,
            before.formulas if before is not None and before.proved else None,
            before.proof if before is not None and before.proved else None,
            seconds=self.elapsed + (0.0 if before is None else before.seconds),
            statement=self._task.statement,
            interrupted=True,
        )

    def judged(self, numerical: NumericalSolution) -> Solution:
        """The solution with the comparison, the bound and the closed form, as far as the user lets it run."""
        found = self.draft(numerical)
        if numerical.interrupted:
            return found
        seconds = self._task.settings.seconds
        try:
            if self._task.reference:
                self._tell(Event("classical reference solution", self.elapsed))
                allowed = min(REFERENCE_SHARE * seconds, MOST_REFERENCE_SECONDS)
                found = replace(found, reference=compare(numerical, allowed))
            self._tell(Event("error bound", self.elapsed))
            found = replace(found, bound=bounded(numerical))
            if self._task.closed_form and not found.proved:
                form = self._closed_form(numerical, min(FORMULA_SHARE * seconds, MOST_FORMULA_SECONDS))
                if form is not None:
                    found = replace(found, formulas=form.formulas, proof=form.proof)
        except KeyboardInterrupt:
            return replace(found, seconds=self.draft(numerical).seconds)
        return replace(found, seconds=self.draft(numerical).seconds, interrupted=False)

    def _closed_form(self, numerical: NumericalSolution, seconds: float) -> ClosedForm | None:
        seed = self._task.settings.seed
        return find_closed_form(
            numerical, seconds, seed, lambda stage: self._tell(Event(f"closed form: {stage}", self.elapsed))
        )
