"""What training is told and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from kansci.errors import SettingsError

__all__ = [
    "LOSSES",
    "SAMPLINGS",
    "Cancelled",
    "OnProgress",
    "OnState",
    "Progress",
    "State",
    "TrainResult",
    "TrainSettings",
]

State = dict[str, torch.Tensor]
"""Plain tensors by name, as safetensors stores them."""

LOSSES = ("mse", "bce", "sdf")
SAMPLINGS = ("uniform", "int", "nint", "recent")


@dataclass(frozen=True)
class TrainSettings:
    """How to train a network of coordinates.

    Attributes:
        seconds: of wall time, over which the learning rate falls; how far it comes depends on the machine.
        steps: so many steps instead; then the same input gives the same weights to the bit.
        batch: rows of the data in a step, at most all.
        learning_rate: highest rate; None for what suits the network, see `kansci.inr.training.rates`.
        loss: "mse"; "bce" for occupancies 0...1, whose logits the network then gives; "sdf" for a signed
            distance from points on a surface, see `kansci.inr.training.losses`.
        sampling: which rows make the batches, see `kansci.inr.training.sampling`.
        seed: of everything that is drawn.
        peak: range of the data, for the signal-to-noise ratio.
        precision: "float32", or "bfloat16" for the network's products (autocast), which is faster only where
            the hardware multiplies such matrices: on GPUs, and on processors with AMX.
        compiled: whether torch.compile translates the network, where that works (it needs a C++ compiler). A
            minute of translation buys 15 % to 35 % of each step on a CPU: for long runs.
        checkpoint_every: steps between two calls of `on_state`; None for never.
    """

    seconds: float = 60.0
    steps: int | None = None
    batch: int = 1024
    learning_rate: float | None = None
    loss: str = "mse"
    sampling: str = "uniform"
    seed: int = 0
    peak: float = 1.0
    precision: str = "float32"
    compiled: bool = False
    checkpoint_every: int | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            SettingsError: one is not allowed.
        """
        for name in ("seconds", "steps", "batch", "learning_rate", "peak", "checkpoint_every"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise SettingsError(f"{name}={value}: give a number above zero")
        for name, allowed in (
            ("loss", LOSSES),
            ("sampling", SAMPLINGS),
            ("precision", ("float32", "bfloat16")),
        ):
            if getattr(self, name) not in allowed:
                raise SettingsError(f"{name}={getattr(self, name)!r}: choose among {', '.join(allowed)}")


@dataclass(frozen=True)
class Progress:
    """Where training stands.

    Attributes:
        step: steps taken.
        fraction: of the whole, 0...1.
        seconds: of wall time so far.
        loss: of the last batch.
        psnr: peak signal-to-noise ratio in dB at the last look at the check rows; NaN for losses other than
            "mse".
        learning_rate: of the last step.
    """

    step: int
    fraction: float
    seconds: float
    loss: float
    psnr: float
    learning_rate: float


OnProgress = Callable[[Progress], None]
OnState = Callable[[State], None]
Cancelled = Callable[[], bool]


@dataclass(frozen=True, eq=False)
class TrainResult:
    """The end of training; the network holds the best weights that were met.

    Attributes:
        loss: mean loss over all rows.
        psnr: in dB over all rows; NaN for losses other than "mse".
        steps: taken.
        seconds: of wall time.
        reason: "steps", "seconds", "cancelled" or "diverged".
        rollbacks: how often training went back to the best weights, at half the rate.
        history: the looks at the check rows.
        state: the end, from which training goes on.
    """

    loss: float
    psnr: float
    steps: int
    seconds: float
    reason: str
    rollbacks: int
    history: list[Progress] = field(repr=False)
    state: State = field(repr=False)
