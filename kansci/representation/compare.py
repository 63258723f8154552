"""Several models on one signal, with equal seconds and equal parameters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from kansci.errors import SettingsError
from kansci.inr.training import Progress
from kansci.representation.represent import represent
from kansci.representation.representation import Representation
from kansci.representation.settings import MODELS, RepresentSettings
from kansci.signals import Signal

__all__ = ["COMPARED", "Comparison", "compare_models"]

COMPARED = ("spline", "siren", "fkan", "wire")
"""Models that are compared when none are named."""
COMMON = ("task", "kind", "shape", "channels", "seed", "version")
"""What is the same for all models."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Representations of one signal.

    Attributes:
        results: one for each model, in the order they were named.
        interrupted: whether it was stopped early; later models are missing then.
    """

    results: tuple[Representation, ...]
    interrupted: bool = False

    @property
    def signal(self) -> Signal:
        """What was represented."""
        return self.results[0].frame

    @property
    def settings(self) -> RepresentSettings:
        """What all had in common; the model is that of the first."""
        return self.results[0].settings

    @property
    def ranked(self) -> tuple[Representation, ...]:
        """The results, the highest signal-to-noise ratio first."""
        return tuple(sorted(self.results, key=lambda r: -(r.quality.get("psnr") or 0.0)))

    def to_json(self) -> dict[str, Any]:
        """Give the comparison in JSON's types."""
        records = [result.to_json() for result in self.results]
        common = {name: records[0][name] for name in COMMON}
        own = [{key: value for key, value in r.items() if key not in COMMON} for r in records]
        asked = self.settings
        budget = {"parameters": asked.parameters, "seconds": asked.seconds, "steps": asked.steps}
        return {**common, "budget": budget, "models": own, "interrupted": self.interrupted}


def compare_models(
    signal: Signal,
    models: Sequence[str] = COMPARED,
    *,
    parameters: int = 20_000,
    seconds: float = 20.0,
    on_progress: Callable[[str, Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    **settings: Any,
) -> Comparison:
    """Represent a signal by several models, one after the other, each with the same means.

    Networks have at most so many weights and are trained for so long. Splines keep as many numbers, and take
    the time it takes to solve for them.

    Args:
        signal: what is represented.
        models: names from `MODELS`, each once.
        parameters: at most so many numbers in each model.
        seconds: of training, for each network.
        on_progress: called with the model's name after each training step.
        cancelled: asked before each step and between models.
        **settings: further fields of `RepresentSettings`, the same for all.

    Returns:
        The comparison; that of the models so far when it was cancelled.

    Raises:
        SettingsError: a model is not known, or named twice.
    """
    names = list(models)
    wrong = [name for name in names if name not in MODELS]
    if wrong or not names or len({*names}) < len(names):
        what = f"no model '{wrong[0]}'" if wrong else "name each model once, and at least one"
        raise SettingsError(f"{what}: choose among {', '.join(MODELS)}")
    budget = {"parameters": parameters, "seconds": seconds, **settings}
    results: list[Representation] = []
    for name in names:
        tell = None if on_progress is None else partial(on_progress, name)
        results.append(represent(signal, name, on_progress=tell, cancelled=cancelled, **budget))
        if results[-1].interrupted or (cancelled is not None and cancelled()):
            return Comparison(tuple(results), interrupted=True)
    return Comparison(tuple(results))
