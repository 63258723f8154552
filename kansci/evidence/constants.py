"""How well the constants of a formula are known."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kansci.data import Dataset
from kansci.evidence.refit import Table
from kansci.symbolic.formula import Formula

__all__ = ["Constants", "Known", "constants"]

LEVEL = 0.95


@dataclass(frozen=True)
class Known:
    """One constant: standard errors, classical and robust, and 95 % intervals."""

    name: str
    value: float
    stderr: float
    robust_stderr: float
    interval: tuple[float, float]
    profile_interval: tuple[float, float]

    @property
    def determined(self) -> bool:
        """Whether both ends of the profile interval are finite."""
        return bool(np.isfinite(self.profile_interval).all())


@dataclass(frozen=True)
class Constants:
    """``form``: the formula with names for its decimals. ``fitted``: these, in the order of their names."""

    form: str
    fitted: tuple[Known, ...]

    @property
    def sentence(self) -> str:
        """The constants in words, with their standard errors."""
        if not self.fitted:
            return "no constant was fitted"
        if len(self.fitted) > 4:
            loose = [known.name for known in self.fitted if not known.determined]
            text = f"{len(self.fitted)} constants were fitted"
            return f"{text}, of which the data do not determine {', '.join(loose)}" if loose else text
        return ", ".join(f"{k.name} = {k.value:.6g} ± {k.stderr:.2g}" for k in self.fitted)

    def to_json(self) -> dict[str, Any]:
        """Plain data, ready for ``json.dumps``."""
        return {"form": self.form, "level": LEVEL, "fitted": [asdict(known) for known in self.fitted]}


def constants(
    formula: Formula, dataset: Dataset, seed: int = 0, start: Mapping[str, float] | None = None
) -> Constants:
    """Fit the parameters of a formula, or its decimals again, and say how well they are known.

    Rows weigh as in the search: by the standard deviations of the table, or as the size of the target
    tells where that explains the errors better.

    Args:
        formula: If it has parameters, its decimals are not fitted.
        dataset: The table.
        seed: As of the search.
        start: First values of its parameters.

    Returns:
        The constants, at their best values for the whole table.
    """
    form, values = (formula, start or {}) if formula.parameters else formula.freed()
    if not form.parameters:
        return Constants(form.text, ())
    sigma = Table(dataset, seed).sigma
    fitted = form.fit(dataset, start=values, sigma=sigma, seed=seed)
    robust = form.fit(dataset, start=fitted.parameters, sigma=sigma, covariance="robust")
    wald, profile = (fitted.interval(level=LEVEL, method=method) for method in ("wald", "profile"))
    return Constants(
        form.text,
        tuple(
            Known(name, value, fitted.stderr[name], robust.stderr[name], wald[name], profile[name])
            for name, value in fitted.parameters.items()
        ),
    )
