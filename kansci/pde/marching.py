"""Time in windows, each solved by a separable network of full rank that goes on from the last one's end.

In a window of length h from t_k on, u = g + phi (past + s^m N), s = (t - t_k) / h: the past is the state at
t_k with its first m - 1 time derivatives, so that windows join smoothly and the network starts from zero. The
space functions are splines whose knots follow the solution's curvature (equidistribution: Huang and Russell,
Adaptive Moving Mesh Methods, 2011, section 2.2); windows shrink where the weights in time do not fall off
("causal" in the sense of Wang, Sankaran and Perdikaris, 2022: nothing is solved before what it depends on).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import sympy
import torch

from kansci.pde.axes import Axis, Powers, polynomials, stretched
from kansci.pde.collocation import balanced_blocks, grid_points
from kansci.pde.field_model import Continued, FieldModel, Known
from kansci.pde.gauss_newton import gauss_newton
from kansci.pde.jets import JetPlan
from kansci.pde.journal import Outcome, Recall, afresh
from kansci.pde.networks.separable import TensorProduct
from kansci.pde.numeric import evaluate, grid_of
from kansci.pde.piece import Piece, layout_of
from kansci.pde.residual_check import relative_residual
from kansci.pde.space_functions import Space
from kansci.pde.system import System

__all__ = ["March", "Window", "can_march", "march"]

_FIRST_SHARE = 1 / 8
_LEAST_SHARE = 1e-5
_STEPS = 15
_TIME_FUNCTIONS = 8
_TIME_FUNCTIONS_ALONE = 16
_OF_USE = 0.6
"""Half the length is of use that brings the residual down to this share; else space is too coarse."""
_JOINT = 1e-3
"""Windows join to within this share of the tolerance."""
_SLOPE = 30.0
"""How much larger the last functions are in a derivative than in the field."""


@dataclass(frozen=True, eq=False)
class Window:
    """The fields between two times.

    Attributes:
        start: time t_k.
        end: time t_k + h.
        piece: the fields.
        residual: relative residual between the collocation points.
    """

    start: float
    end: float
    piece: Piece
    residual: float = np.nan


@dataclass(frozen=True, eq=False)
class March:
    """The windows of one pass.

    Attributes:
        windows: in the order of time.
        complete: whether they reach the end.
    """

    windows: tuple[Window, ...]
    complete: bool


def can_march(system: System) -> bool:
    """Whether the problem goes forward in time on a box, and nothing but its fields is sought."""
    problem = system.problem
    return (
        problem.time is not None
        and problem.domain.is_box
        and not problem.unknowns
        and not problem.observations
        and all(problem.time in f.arguments for f in problem.fields)
        and max(system.time_order.values()) > 0
        and len(problem.coordinates) <= 3
    )


def march(
    system: System,
    tolerance: float,
    should_stop: Callable[[], bool],
    on_window: Callable[[Window], None] | None = None,
    recall: Recall = afresh,
) -> March:
    """Go through time once.

    Args:
        system: one for which `can_march`.
        tolerance: for the relative residual in each window.
        should_stop: asked after every step.
        on_window: called with each window that is done.
        recall: of each attempt at a window.

    Returns:
        The windows; not complete if it was stopped, or if they became too short.
    """
    marcher = _Marcher(system, tolerance, should_stop, recall)
    windows: list[Window] = []
    while not marcher.arrived:
        window = marcher.next_window()
        if window is None:
            return March(tuple(windows), complete=False)
        windows.append(window)
        if on_window is not None:
            on_window(window)
    return March(tuple(windows), complete=True)


class _Judged(NamedTuple):
    """An attempt at a window.

    Attributes:
        stopped: whether it was cut short.
        settled: whether the iteration came to its end.
        tail: how little the parts of the time functions fall off.
        residual: relative residual between the collocation points.
    """

    stopped: float = False
    settled: float = False
    tail: float = np.inf
    residual: float = np.inf


class _Marcher:
    """One pass: the present time, the state there, the length of the next window, the space functions."""

    def __init__(self, system: System, tolerance: float, should_stop: Callable[[], bool], recall: Recall):
        self._system, self._tolerance = system, tolerance
        self._should_stop, self._recall = should_stop, recall
        problem = system.problem
        self._clock = problem.coordinates.index(str(problem.time))
        self._t, self._end = (float(x) for x in system.bounds[self._clock])
        self._whole = self._end - self._t
        self._length = _FIRST_SHARE * self._whole
        self._space_factor = {name: _space_factor(system, name) for name in system.factor}
        self._last: Window | None = None
        self._space = Space.first(system)

    @property
    def arrived(self) -> bool:
        return self._t >= self._end - 1e-12 * self._whole

    def next_window(self) -> Window | None:
        """Solve one window, shorter or finer until it is good enough."""
        self._space = self._space.adapted(self._last)
        while self._space.can_grow and self._joint() > _JOINT * self._tolerance and not self._should_stop():
            self._space = self._space.grown(2.0)
        longer = np.inf  # the residual of the attempt that was twice as long
        while not self._should_stop():
            h = min(self._length, self._end - self._t)
            h = self._end - self._t if self._end - self._t - h < 0.1 * h else h
            window, judged = self._solve(h)
            if judged.stopped:
                return None
            settled, tail, residual = judged.settled, judged.tail, judged.residual
            enough = settled and residual <= self._tolerance
            long = h > _LEAST_SHARE * self._whole
            in_vain = residual > _OF_USE * longer
            if not enough and long and not in_vain and (not settled or tail * _SLOPE > self._tolerance):
                self._length, longer = h / 2, residual if settled else np.inf
            elif not enough and self._space.can_grow:
                self._space = self._space.grown(residual / self._tolerance)
                self._length, longer = (2 * h if in_vain else h), np.inf
            elif not settled:
                return None
            else:
                window = replace(window, residual=residual)
                self._advance(window, tail)
                return window
        return None

    def _advance(self, window: Window, tail: float) -> None:
        h = window.end - window.start
        easy = window.residual < 0.1 * self._tolerance or tail * _SLOPE < window.residual
        self._length = h * 1.5 if easy else h
        self._space = self._space.relaxed() if window.residual < 1e-2 * self._tolerance else self._space
        self._t, self._last = window.end, window

    def _solve(self, h: float) -> tuple[Window, "_Judged"]:
        """Solve a window of length h and judge it."""
        system, problem = self._system, self._system.problem
        bounds = system.bounds.copy()
        bounds[self._clock] = self._t, self._t + h
        time = polynomials(_TIME_FUNCTIONS if len(problem.coordinates) > 1 else _TIME_FUNCTIONS_ALONE)
        models = {f.name: self._model(f.name, bounds, time) for f in problem.fields}
        piece = Piece(models, layout_of(models, ()), torch.zeros(0, dtype=torch.float64))
        found = self._recall(piece.layout.size, lambda: self._descend(piece, bounds, time))
        return Window(self._t, self._t + h, replace(piece, theta=found.theta)), _Judged(*found.numbers)

    def _descend(self, piece: Piece, bounds: np.ndarray, time: Axis) -> Outcome:
        """Find a piece's unknowns."""
        system, problem = self._system, self._system.problem
        theta = torch.zeros(piece.layout.size, dtype=torch.float64)
        nodes = [time.nodes if k == self._clock else self._space.axis(k).nodes for k in range(len(bounds))]
        nodes = [stretched(x, low, high) for x, (low, high) in zip(nodes, bounds, strict=True)]
        soft = [(c, r) for c, r in system.soft if self._last is None or c.face.axis != problem.time]
        points = grid_points(system, nodes, [c.face for c, _ in soft])
        residuals = [r for _, r in soft]
        blocks = balanced_blocks(system, piece.models, piece.layout, theta, points, residuals)
        loss, settled = np.inf, False
        for iterate in gauss_newton(blocks, theta, 1e-13):
            settled = iterate.loss > 0.99 * loss or system.linear
            theta, loss = iterate.theta, iterate.loss
            if self._should_stop():
                return Outcome(theta, _Judged(stopped=True))
            if settled or iterate.steps >= _STEPS or loss < 1e-28:
                break
        else:
            settled = True
        tail, residual = self._judge(replace(piece, theta=theta), bounds)
        return Outcome(theta, _Judged(settled=settled or loss < 1e-28, tail=tail, residual=residual))

    def _model(self, name: str, bounds: np.ndarray, time: Axis) -> FieldModel:
        system = self._system
        own, symbols = system.axes_of(name), [system.problem.symbols[k] for k in system.axes_of(name)]
        expansions = [time.expansion if k == self._clock else self._space.axis(k).expansion for k in own]
        network = TensorProduct(expansions)
        particular = Known(system.particular[name], symbols)
        order, own_bounds = system.time_order[name], bounds[list(own)]
        if self._last is None or order == 0:
            return FieldModel(network, own, own_bounds, particular, Known(system.factor[name], symbols))
        past, weights = self._snapshot(name, bounds)
        elapsed = (system.problem.symbols[self._clock] - self._t) / (bounds[self._clock, 1] - self._t)
        factor = Known(self._space_factor[name] * elapsed**order, symbols)
        return FieldModel(network, own, own_bounds, Continued(particular, past, weights), factor)

    def _snapshot(self, name: str, bounds: np.ndarray) -> tuple[FieldModel, torch.Tensor]:
        """Fit phi_x S, S being space functions times powers of time, to the last window's end."""
        system, last = self._system, self._last
        assert last is not None
        own, order = system.axes_of(name), system.time_order[name]
        h = bounds[self._clock, 1] - self._t
        symbols = [system.problem.symbols[k] for k in own]
        space = {k: self._space.axis(k) for k in own if k != self._clock}
        grid = grid_of([stretched(axis.nodes, *bounds[k]) for k, axis in space.items()])
        points = np.zeros((len(grid), len(bounds)))
        points[:, list(space)] = grid
        points[:, self._clock] = self._t
        place = own.index(self._clock)
        indices = [tuple(j if a == place else 0 for a in range(len(own))) for j in range(order)]
        values = last.piece.jet(name, points, indices)
        names, inside = [symbol.name for symbol in symbols], points[:, list(own)]
        for j in range(order):
            g = sympy.diff(system.particular[name], symbols[place], j) if j else system.particular[name]
            values[j] -= evaluate(g, names, inside)
            values[j] *= h**j / float(np.prod(range(1, j + 1)))
        values /= evaluate(self._space_factor[name], names, inside)
        coefficients = torch.from_numpy(np.ascontiguousarray(values.T))
        coefficients = coefficients.reshape(*(len(axis.nodes) for axis in space.values()), order)
        for axis, functions in enumerate(space.values()):
            inverse = torch.linalg.pinv(functions.matrix)
            coefficients = torch.movedim(torch.tensordot(inverse, coefficients, ([1], [axis])), 0, axis)
        powers = coefficients if place == len(own) - 1 else torch.movedim(coefficients, -1, place)
        expansions = [Powers(order) if k == self._clock else space[k].expansion for k in own]
        factor = Known(self._space_factor[name], symbols)
        return FieldModel(TensorProduct(expansions), own, bounds[list(own)], None, factor), powers.flatten()

    def _joint(self) -> float:
        """Largest jump of a field from the last window to what goes on from it, beside the field's size."""
        if self._last is None:
            return 0.0
        bounds = self._system.bounds.copy()
        bounds[self._clock] = self._t, self._t + self._length
        points = self._check_points(bounds, np.array([self._t]))
        jumps = []
        for f in self._system.problem.fields:
            if not self._system.time_order[f.name]:
                continue
            past, weights = self._snapshot(f.name, bounds)
            own = self._system.axes_of(f.name)
            known = Known(self._system.particular[f.name], [self._system.problem.symbols[k] for k in own])
            plan = JetPlan.of([], len(own))
            after = Continued(known, past, weights).jet(points[:, list(own)], plan)[0].numpy()
            before = self._last.piece.jet(f.name, points, [(0,) * len(own)])[0]
            jumps.append(np.abs(after - before).max() / max(np.abs(before).max(), 1e-300))
        return float(max(jumps, default=0.0))

    def _check_points(self, bounds: np.ndarray, times: np.ndarray) -> np.ndarray:
        checks = [
            times if k == self._clock else self._space.check_points(k, low, high)
            for k, (low, high) in enumerate(bounds)
        ]
        return grid_of(checks)

    def _judge(self, piece: Piece, bounds: np.ndarray) -> tuple[float, float]:
        """Say how little the parts of the time functions fall off, and how large the relative residual is."""
        tails = [self._tail(name, piece) for name in piece.models]
        low, high = bounds[self._clock]
        times = np.sort(np.random.default_rng(0).uniform(low, high, 6))
        points = self._check_points(bounds, times)
        return max(tails), relative_residual(self._system, piece, points)

    def _tail(self, name: str, piece: Piece) -> float:
        """Largest value over space of the last two time functions' parts, beside the largest of all."""
        network = piece.models[name].network
        assert isinstance(network, TensorProduct)
        own = self._system.axes_of(name)
        weights = piece.theta[piece.layout.slices()[name]]
        parts = weights.view([e.size for e in network.expansions])
        for place, k in enumerate(own):
            if k != self._clock:
                values = self._space.axis(k).matrix
                parts = torch.movedim(torch.tensordot(values, parts, ([1], [place])), 0, place)
        by_function = torch.movedim(parts, own.index(self._clock), 0).unsqueeze(-1).flatten(1).abs().amax(1)
        return float(by_function[-2:].max() / by_function.max().clamp(min=1e-300))


def _space_factor(system: System, name: str) -> sympy.Expr:
    """Phi without its powers of time."""
    order, problem = system.time_order[name], system.problem
    factor = system.factor[name]
    time = sympy.Symbol(str(problem.time), real=True)
    start = problem.domain.limits[str(problem.time)][0]
    reduced = sympy.simplify(factor / (time - start) ** order) if order else factor
    return factor if reduced.has(time) else reduced
