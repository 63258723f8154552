"""The whole way from measurements to an equation."""

import time as clock
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kansci.pde_discovery.collocation import Collocation, Fit
from kansci.pde_discovery.forecast import forecast
from kansci.pde_discovery.libraries import Attempt, attempts, extended, instead_of_powers
from kansci.pde_discovery.measurements import Measurements
from kansci.pde_discovery.resolution import smoothed
from kansci.pde_discovery.result import Equation, EquationDiscovery, HeldOut, equation
from kansci.pde_discovery.screening import screen
from kansci.pde_discovery.selection import TAU, Selector
from kansci.pde_discovery.settings import Settings
from kansci.pde_discovery.smoothing import Smooth
from kansci.pde_discovery.stability import likely, stability
from kansci.pde_discovery.terms import Jet, Names

__all__ = ["Event", "discover_equation"]

LEAST_NOISE = 1e-5
"""Noise relative to the field below which data count as exact."""
SHARE = 0.2
"""Of the time, for one family of equations: a wrong one must not use up what the right one needs."""
KEPT = 6
"""Terms that each way of screening keeps for each equation."""
TIGHTER = (0.01, 0.003, 0.001, 0.0003)
"""Further values of tau for the final fit, as long as the splines can follow."""
MOSTLY_NOISE = 0.8
"""Share of the noise in a field above which nothing can be said."""
FOLLOWS = 0.02
"""Defect a cell up to which they can."""


@dataclass(frozen=True)
class Event:
    """How far the search is: seconds so far, what it does, and the best equation yet."""

    seconds: float
    stage: str
    best: str = ""


@dataclass(frozen=True, eq=False)
class _Found:
    selector: Selector
    fit: Fit
    order: int
    value: float

    @property
    def good(self) -> bool:
        """Whether the data leave nothing to explain."""
        return self.selector.explains(self.fit)


def discover_equation(
    data: Measurements,
    settings: Settings | None = None,
    progress: Callable[[Event], None] = lambda event: None,
) -> EquationDiscovery:
    """Find the differential equations that fields obey.

    Args:
        data: measured fields.
        settings: of the search.
        progress: is told how far it is.

    Returns:
        The equations, with standard errors and the error of their solution on held-out times. An interruption
        (Ctrl-C) gives the best equations so far once there are any.
    """
    return _Run(data, settings or Settings(), progress).run()


class _Run:
    def __init__(self, data: Measurements, settings: Settings, progress: Callable[[Event], None]) -> None:
        self.data, self.settings, self.progress = data, settings, progress
        self.begin = clock.monotonic()
        self.names = Names(data.coordinates, data.fields)
        self.best: _Found | None = None
        self.early, self.late = self._split()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return clock.monotonic() - self.begin

    def tell(self, stage: str) -> None:
        """Report."""
        best = (
            ""
            if self.best is None
            else "; ".join(map(str, self._written(self.best.fit, self.best.selector.problem)))
        )
        self.progress(Event(self.seconds, stage, best))

    def in_time(self) -> bool:
        """Whether further supports may be tried; the last part of the time is for the final fit."""
        return self.seconds < 0.7 * self.settings.seconds

    def _split(self) -> tuple[Measurements, Measurements]:
        """Earlier and later rows."""
        times = self.data.times
        last = times[0] + (1 - self.settings.held_out) * (times[-1] - times[0])
        early = times <= last * (1 + 1e-12)
        if self.settings.held_out == 0 or len(np.unique(times[early])) < 8 or early.all():
            return self.data, self.data.where(np.zeros(len(times), dtype=bool))
        return self.data.where(early), self.data.where(~early)

    def run(self) -> EquationDiscovery:
        """The search, then the test, then the final fit."""
        interrupted = False
        self.tell("smoothing")
        smooth = smoothed(self.early, self.settings.space_order)
        try:
            self._search(smooth)
        except KeyboardInterrupt:
            if self.best is None:
                raise
            interrupted = True
        best = self.best
        assert best is not None
        whole, held, fit, problem = smooth, None, best.fit, best.selector.problem
        try:
            if len(self.late.points):
                self.tell("solving the equation on held-out times")
                whole = smoothed(self.data, self.settings.space_order, smooth.space)
                held = self._held_out(best, whole)
            self.tell("final fit to all data")
            problem = self._problem(self.data, whole, best.selector.problem.left)
            fit = self._final(best, problem, whole)
        except KeyboardInterrupt:
            interrupted = True
        return self._result(best, fit, problem, whole, held, interrupted=interrupted)

    def _problem(self, data: Measurements, smooth: Smooth, left: tuple[Jet, ...]) -> Collocation:
        sigma = np.maximum(smooth.sigma, LEAST_NOISE * data.values.std(axis=0))
        problem = Collocation(smooth.space, data.points, data.values, sigma, left, np.ones(len(left)))
        jets = problem.jets(smooth.coefficients, left)
        problem.scale = np.array([np.sqrt((jets[jet] ** 2).mean()) for jet in left])
        return problem

    def _search(self, smooth: Smooth) -> None:
        """One attempt after the other until one explains the data."""
        for attempt in attempts(self.data, self.settings):
            if self.best is not None and (self.best.good or not self.in_time()):
                break
            self._attempt(attempt, smooth)
        if self.best is not None and self.in_time():
            self._other_functions()

    def _attempt(self, attempt: Attempt, smooth: Smooth) -> None:
        time = len(self.data.coordinates) - 1
        zero = (0,) * (time + 1)
        left = tuple(
            Jet(f, tuple(attempt.order * (i == time) for i in range(time + 1)))
            for f in range(len(self.data.fields))
        )
        problem, end = self._problem(self.early, smooth, left), self.seconds + SHARE * self.settings.seconds
        self.tell(f"screening terms of order {attempt.order} in time")
        libraries = tuple(
            tuple(extended(attempt, problem, smooth.coefficients, jet, Jet(jet.field, zero))) for jet in left
        )
        selector = Selector(
            problem,
            libraries,
            smooth.coefficients,
            lambda fit: self.tell(f"fitting {fit.c.size} terms"),
            lambda: self.in_time() and self.seconds < end,
        )
        wide = tuple(
            screen(problem, smooth.coefficients, jet, terms, KEPT)
            for jet, terms in zip(left, libraries, strict=True)
        )
        others = [
            tuple(
                likely(problem, smooth.coefficients, jet, t, reach) for jet, t in zip(left, wide, strict=True)
            )
            for reach in (1, 3)
        ]
        fit = selector.search(list(dict.fromkeys(others)), wide)
        self._consider(_Found(selector, fit, attempt.order, selector.value(fit, 1.0)))

    def _other_functions(self) -> None:
        """Whether a function of a field does with fewer terms what powers of it do."""
        best = self.best
        assert best is not None
        for e, terms in enumerate(best.fit.support):
            for rivals in instead_of_powers(terms):
                support = tuple(rivals if i == e else other for i, other in enumerate(best.fit.support))
                self.tell("trying functions of the fields")
                fit = best.selector.eliminate(best.selector.fit(support))
                self._consider(_Found(best.selector, fit, best.order, best.selector.value(fit, 1.0)))

    def _consider(self, found: _Found) -> None:
        if self.best is None or found.value < self.best.value:
            self.best = found
            self.tell("found")

    def _held_out(self, best: _Found, whole: Smooth) -> HeldOut | None:
        late, space = self.late, best.selector.problem.space
        edges, begin = whole, self.early.times[-1]
        predicted = forecast(best.fit, space, best.order, edges, begin, late.points)
        return None if predicted is None else HeldOut(late.points, late.values, predicted)

    def _error(self, held: HeldOut) -> float:
        scale = self.data.values.std(axis=0)
        wrong = np.linalg.norm((held.predicted - held.measured) / scale)
        return float(wrong / np.linalg.norm(held.measured / scale))

    def _final(self, best: _Found, problem: Collocation, whole: Smooth) -> Fit:
        support = best.fit.support
        fit = problem.fit(support, whole.coefficients, best.fit.c, [TAU], 8, hold=3)
        for tau in TIGHTER:
            tighter = problem.fit(support, fit.b, fit.c, [tau], 8)
            if tighter.defect > max(fit.defect, FOLLOWS * problem.cells):
                break
            fit = tighter
        return fit

    def _written(
        self, fit: Fit, problem: Collocation, shares: list[list[float]] | None = None
    ) -> tuple[Equation, ...]:
        errors = np.sqrt(
            np.diag(fit.covariance) * max(1.0, fit.misfit / problem.count, fit.defect / problem.cells)
        )
        ends = np.cumsum([len(terms) for terms in fit.support])[:-1]
        shares = shares or [[1.0] * len(terms) for terms in fit.support]
        return tuple(
            equation(left, terms, c, e, s, self.names)
            for left, terms, c, e, s in zip(
                problem.left, fit.support, fit.coefficients(), np.split(errors, ends), shares, strict=True
            )
        )

    def _result(
        self,
        best: _Found,
        fit: Fit,
        problem: Collocation,
        whole: Smooth,
        held: HeldOut | None,
        *,
        interrupted: bool,
    ) -> EquationDiscovery:
        rng = np.random.default_rng(self.settings.seed)
        shares = stability(problem, fit, best.selector.libraries, self.settings.resamples, rng)
        deviation = self.data.values.std(axis=0)
        noise = {f: float(s) for f, s in zip(self.data.fields, whole.sigma / deviation, strict=True)}
        late = self.late.values / deviation
        floor = (
            float(np.sqrt((whole.sigma**2 / deviation**2).sum() * len(late)) / np.linalg.norm(late))
            if len(late)
            else None
        )
        notes = list(self.data.notes)
        if max(noise.values()) > MOSTLY_NOISE:
            notes.append("the data are almost all noise: any equation would do as well")
        if not best.good:
            notes.append("the equation does not explain the data within their noise: terms may be missing")
        return EquationDiscovery(
            self._written(fit, problem, shares), self.names, self.data.symbols, self.data.coordinates[-1],
            None if held is None else self._error(held), floor, noise,
            fit.misfit / max(problem.count - fit.freedom, 1.0),
            len(self.data.points), self.seconds, self.settings.seed, interrupted, tuple(notes), held,
        )  # fmt: skip
