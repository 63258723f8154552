"""Signals that are simple functions: the symbolic search on their samples.

A signal of one coordinate is first taken for a damped tone and for a chirp, which the search may then write
shorter, refute or replace; all else is the search's own (`kansci.discovery`), with its handling of noise.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from kansci.data import Dataset
from kansci.errors import SettingsError
from kansci.pde.numeric import grid_of
from kansci.representation.alias import unaliased
from kansci.representation.noise import sample_noise
from kansci.symbolic.formula import Formula

if TYPE_CHECKING:
    from kansci.discovery import Discovery
    from kansci.representation.representation import Representation
    from kansci.signals import Signal

__all__ = ["SignalFormula", "find_formula"]

MOST_ROWS = 20_000
MEASURED = {"fit", "denoise"}
"""Tasks whose data are samples of the function itself; of the others the model gives them."""
NOISE_FACTOR, ROUND_OFF = 3.0, 1e-7
"""A formula may err by so many times the noise, or by this share of the spread, to stand for a signal."""
NOISE_LEFT = "its error is {:.2g} times the noise that neighbouring samples show"


@dataclass(frozen=True)
class SignalFormula:
    """What the symbolic search has to say of one channel.

    Attributes:
        record: as `kansci discover --json` prints it, with "found", "error" of the formula and "model_error",
            root mean squares at the samples.
    """

    record: Mapping[str, Any]

    @property
    def channel(self) -> str:
        """Name of the channel."""
        return str(self.record["target"])

    @property
    def found(self) -> bool:
        """Whether the channel is the formula, up to noise."""
        return bool(self.record["found"])

    @property
    def exact(self) -> bool:
        """Whether it is up to round-off."""
        return self.found and bool(self.record["exact"])

    @property
    def formula(self) -> Formula | None:
        """The formula in the signal's coordinates; None where there is none."""
        if not self.found:
            return None
        return Formula(str(self.record["formula"]), dict(self.record["symbols"]), self.channel)


def find_formula(
    result: "Representation",
    seconds: float = 60.0,
    *,
    on_stage: Callable[[str], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> "Representation":
    """Look for formulas behind a represented signal, one for each channel.

    Args:
        result: the representation.
        seconds: at most so long, for all channels together; an exact formula ends the search earlier.
        on_stage: called with a line when another step is taken up.
        cancelled: asked then; the best so far is given.

    Returns:
        The representation with its `formulas`; one that is not `found` says why.

    Raises:
        SettingsError: the time is not positive.

    Example:
        >>> import numpy as np
        >>> from kansci.representation import find_formula, represent
        >>> from kansci.signals import field_signal
        >>> t = np.linspace(0, 9, 200)
        >>> wave = field_signal(t, np.exp(-t / 2) * np.cos(3 * t), ["t"])
        >>> find_formula(represent(wave)).formulas[0].formula.text  # doctest: +SKIP
        'exp(-t/2)*cos(3*t)'
    """
    if not seconds > 0:
        raise SettingsError(f"seconds={seconds}: give a positive number")
    signal = result.frame if result.settings.task in MEASURED else result.decode()
    modelled = result.decode()
    points, rows = _positions(signal), _chosen(signal.size, result.settings.seed)
    channels = signal.flat_values().T, modelled.flat_values().T
    found = []
    for name, values, model in zip(signal.channels, *channels, strict=True):
        table = Dataset.from_arrays(points[rows], values[rows], signal.coordinates, name)
        search = functools.partial(
            _searched, table, seconds / len(signal.channels), result.settings.seed, on_stage, cancelled
        )
        law = _slowest(search(_guesses(table)), signal, search)
        noise = sample_noise(values.reshape(signal.shape)) if signal.on_grid else None
        found.append(_judged(law, points, values, model, noise))
    return replace(result, formulas=tuple(found))


def _positions(signal: "Signal") -> np.ndarray:
    """Where the samples stand, (N, d) in the signal's units."""
    return grid_of(signal.axes) if signal.axes is not None else np.asarray(signal.points)


def _chosen(count: int, seed: int) -> np.ndarray:
    if count <= MOST_ROWS:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, MOST_ROWS, replace=False))


def _searched(
    table: Dataset,
    seconds: float,
    seed: int,
    on_stage: Callable[[str], None],
    cancelled: Callable[[], bool],
    known: Sequence[Formula],
) -> "Discovery":
    from kansci.discovery import DiscoverSettings, Event, discover

    def tell(event: Event) -> None:
        on_stage(f"formula of {table.target}: {event.stage}")
        if cancelled():
            raise KeyboardInterrupt  # ends the search, which gives the best so far

    return discover(table, DiscoverSettings(seconds=seconds, seed=seed), tell, known)


def _slowest(
    law: "Discovery", signal: "Signal", search: Callable[[Sequence[Formula]], "Discovery"]
) -> "Discovery":
    """Of the waves that the samples of a grid cannot tell apart take the slowest, and write it as a law."""
    if signal.axes is None:
        return law
    columns = dict(zip(signal.coordinates, signal.axes, strict=True))
    axes = {sympy.Symbol(symbol): columns[name] for symbol, name in law.formula.symbols.items()}
    slow = unaliased(law.formula.expr, axes)
    if slow == law.formula.expr:
        return law
    again = search([Formula(slow, law.formula.symbols, law.formula.target)])
    return again if unaliased(again.formula.expr, axes) == again.formula.expr else law


def _guesses(table: Dataset) -> Sequence[Formula]:
    if len(table.inputs) > 1:
        return ()
    from kansci.representation.oscillation import oscillations

    ((symbol, _),) = table.symbols.items()
    t, first = np.unique(table.X[:, 0], return_index=True)
    exprs = oscillations(t, table.y[first], sympy.Symbol(symbol))
    return [Formula(expr, table.symbols, table.target) for expr in exprs]


def _judged(
    law: "Discovery", points: np.ndarray, values: np.ndarray, model: np.ndarray, noise: float | None
) -> SignalFormula:
    """Compare with the samples, and with the noise they show, if that is known."""
    predicted = np.broadcast_to(law.formula.predict(points), values.shape)
    error, spread = _rms(predicted - values), float(values.std())
    found, reason = law.verdict.law_found, law.verdict.reason
    if found and not law.exact and noise is not None and error > NOISE_FACTOR * noise + ROUND_OFF * spread:
        found, reason = False, NOISE_LEFT.format(error / max(noise, ROUND_OFF * spread))
    own = {"found": found, "verdict": reason, "error": error, "model_error": _rms(model - values)}
    return SignalFormula({**law.to_json(), **own})


def _rms(values: np.ndarray) -> float:
    with np.errstate(all="ignore"):
        return float(np.sqrt(np.mean(np.square(values))))
