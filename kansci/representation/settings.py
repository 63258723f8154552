"""What is wanted of a representation."""

from dataclasses import dataclass

from kansci.errors import SettingsError
from kansci.inr.networks import KINDS
from kansci.inr.recover import PRIORS

__all__ = ["MODELS", "TASKS", "RepresentSettings"]

MODELS = ("spline", *KINDS)
TASKS = {
    "fit": "the samples as they are",
    "denoise": "what is regular in them",
    "inpaint": "with the samples that a mask says are missing",
    "scan": "a picture from the sums along lines that a scanner measured, its sinogram",
    "gradient": "a function from its gradient, whose components are the channels",
    "laplacian": "a function from its Laplacian",
    "eikonal": "the signed distance of a solid from points on its surface, by a network",
}
NETWORK_PARAMETERS = 200_000


@dataclass(frozen=True)
class RepresentSettings:
    """How a signal is represented.

    Attributes:
        model: one of `MODELS`.
        task: one of `TASKS`.
        parameters: how many numbers the model may have; for a spline by default one for each sample, for a
            network `NETWORK_PARAMETERS`.
        seconds: of training, for networks; after them no further weights of a prior are tried for a spline.
        steps: of training instead of seconds; then the same input gives the same weights to the bit.
        seed: of everything that is drawn.
        degree: of splines.
        prior: what is regular, one of `recover.PRIORS`; chosen by prediction of held-out samples where None.
        width: of a network's hidden layers, instead of `parameters`.
        depth: number of a network's hidden layers.
        frequency: of a network, see `make_network`; from the signal's spectrum where None.
        learning_rate: of a network; its family's own where None.
        batch: rows of a training step.
        sampling: which rows make the batches.
        initialisation: of a network, "published" or "vi3nr".
        precision: of a network's products, "float32" or "bfloat16".
        compiled: whether torch.compile translates a network, where that works.
    """

    model: str = "spline"
    task: str = "fit"
    parameters: int | None = None
    seconds: float = 60.0
    steps: int | None = None
    seed: int = 0
    degree: int = 3
    prior: str | None = None
    width: int | None = None
    depth: int | None = None
    frequency: float | None = None
    learning_rate: float | None = None
    batch: int | None = None
    sampling: str = "uniform"
    initialisation: str = "published"
    precision: str = "float32"
    compiled: bool = False

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            SettingsError: one is not allowed.
        """
        for name, allowed in (("model", MODELS), ("task", tuple(TASKS))):
            if getattr(self, name) not in allowed:
                raise SettingsError(f"{name}={getattr(self, name)!r}: choose one of {', '.join(allowed)}")
        if self.prior is not None and self.prior not in PRIORS:
            raise SettingsError(f"prior={self.prior!r}: choose one of {', '.join(PRIORS)}")
        for name in ("parameters", "seconds", "steps"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise SettingsError(f"{name}={value}: give a number above zero")
        if self.task == "eikonal" and self.model == "spline":
            raise SettingsError("task='eikonal' trains a network: choose model='siren', or task='fit'")
        if self.degree not in {1, 3, 5, 7, 9}:
            raise SettingsError(f"degree={self.degree}: choose 1, 3, 5, 7 or 9")
