"""How a problem is to be solved."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

from kansci.errors import SettingsError
from kansci.pde.networks.make import NETWORKS
from kansci.pde.trained import Training

__all__ = ["MODELS", "SolveSettings"]

MODELS = ("auto", "separable", *NETWORKS)


@dataclass(frozen=True)
class SolveSettings:
    """How to solve.

    Attributes:
        model: "auto" (separable networks, then a perceptron), "separable", "kan", "mlp", "siren" or "fkan".
        seconds: at most so long.
        seed: of random weights and points.
        width: numbers of nodes of a network's hidden layers.
        basis: of a KAN, see `kansci.basis.make_basis`.
        grid: resolution of its basis.
        k: degree of its splines.
        frequency: omega_0 of a SIREN.
        optimizer: for networks, see `kansci.pde.trained.OPTIMIZERS`.
    """

    model: str = "auto"
    seconds: float = 60.0
    seed: int = 0
    width: Sequence[int] | None = None
    basis: str = "bspline"
    grid: int = 10
    k: int = 5
    frequency: float | None = None
    optimizer: str = "auto"

    def __post_init__(self) -> None:
        """Check the choices.

        Raises:
            SettingsError: a choice is not one that is allowed.
        """
        if self.model not in MODELS:
            raise SettingsError(f"model={self.model!r}: choose one of {', '.join(MODELS)}")
        if not self.seconds > 0:
            raise SettingsError(f"seconds={self.seconds}: give a positive number")
        if not isinstance(self.seed, Integral) or self.seed < 0:
            raise SettingsError(f"seed={self.seed}: give a whole number, not negative")
        Training(self.optimizer)
