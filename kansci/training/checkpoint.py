"""Where training stands, as tensors and JSON: enough to go on with the same bits."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from kansci.errors import RunError
from kansci.models import KAN
from kansci.training.settings import FitInterrupted, Trained

OnCheckpoint = Callable[["Checkpoint"], None]
"""Called wherever training can be taken up again."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A state that can be stored.

    Attributes:
        record: everything that is not a tensor, in JSON's types.
        tensors: the tensors by name; the names of the parts' tensors begin with "part/".
    """

    record: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, torch.Tensor] = field(default_factory=dict)

    @classmethod
    def joined(cls, parts: Mapping[str, "Snapshot"], **record: Any) -> "Snapshot":
        """Put snapshots into one, beside further entries of the record."""
        tensors = {f"{name}/{key}": t for name, part in parts.items() for key, t in part.tensors.items()}
        return cls({**record, "parts": {name: part.record for name, part in parts.items()}}, tensors)

    @classmethod
    def of_models(cls, models: Sequence[KAN]) -> "Snapshot":
        """Keep networks."""
        states = [model.state_dict() for model in models]
        tensors = {f"{n}/{key}": t.clone() for n, state in enumerate(states) for key, t in state.items()}
        return cls({"networks": [model.to_config() for model in models]}, tensors)

    @classmethod
    def of_trained(cls, trained: Trained) -> "Snapshot":
        """Keep the end of a run."""
        return cls.joined(
            {"models": cls.of_models(trained.models)},
            train_rmse=trained.train_rmse,
            validation_rmse=trained.validation_rmse,
            history=trained.history,
        )

    def __getitem__(self, key: str) -> Any:
        """Give an entry of the record.

        Raises:
            RunError: there is none.
        """
        if key not in self.record:
            raise RunError(f"the checkpoint is damaged: it has no '{key}'")
        return self.record[key]

    def part(self, name: str) -> "Snapshot":
        """Take a part out.

        Raises:
            RunError: there is none of that name.
        """
        parts, start = self["parts"], f"{name}/"
        if not isinstance(parts.get(name), dict):
            raise RunError(f"the checkpoint is damaged: it has no part '{name}'")
        tensors = {key[len(start) :]: t for key, t in self.tensors.items() if key.startswith(start)}
        return Snapshot(parts[name], tensors)

    def models(self) -> list[KAN]:
        """Build the networks that `of_models` kept."""
        models = []
        for number, config in enumerate(self["networks"]):
            start = f"{number}/"
            state = {key[len(start) :]: t for key, t in self.tensors.items() if key.startswith(start)}
            models.append(KAN.from_config(config, state))
        return models

    def trained(self) -> Trained:
        """Build what `of_trained` kept."""
        models = self.part("models").models()
        errors = self["train_rmse"], self["validation_rmse"]
        if not models or any(not isinstance(error, list) or len(error) != len(models) for error in errors):
            raise RunError("the checkpoint is damaged: a run needs networks and an error for each")
        return Trained(models[0], models, *errors, self["history"])


@dataclass(frozen=True)
class Checkpoint:
    """A moment at which training can be taken up again later.

    Attributes:
        snapshot: makes the snapshot; to be called at once or not at all, as training goes on.
        run_ended: a run of a sequence has just ended; within a run there is such a moment every few steps.
    """

    snapshot: Callable[[], Snapshot]
    run_ended: bool = False


@contextmanager
def restoring() -> Iterator[None]:
    """Say of whatever goes wrong inside that the snapshot is of another run.

    Raises:
        RunError: a snapshot does not fit.
    """
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise RunError(f"the checkpoint does not fit this run ({error}): begin anew") from error


Train = Callable[[Snapshot | None, OnCheckpoint | None], Trained]
"""A run: told where to go on, if not at the start, and whom to tell where it stands."""


class Journal:
    """Remembers what the runs of a sequence ended with, so that the sequence can be gone through again.

    Whoever calls `run` must do so in the same order with the same runs each time; what lies between the runs
    is done again, what they gave is not.

    Attributes:
        finished: what the runs ended with, in order.
    """

    def __init__(self, snapshot: Snapshot | None = None, on_checkpoint: OnCheckpoint | None = None):
        """Begin, or go on where a snapshot was made.

        Args:
            snapshot: of an earlier journal.
            on_checkpoint: see `OnCheckpoint`.
        """
        self.finished: list[Trained] = []
        self._on_checkpoint = on_checkpoint
        self._ended: list[Snapshot] = []
        self._current: Snapshot | None = None
        if snapshot is not None:
            self._ended = [snapshot.part(f"run {number}") for number in range(snapshot["finished"])]
            self._current = snapshot.part("current") if snapshot["running"] else None

    def run(self, train: Train) -> Trained:
        """Give the result of the next run; train only if it is not known yet.

        Args:
            train: the run.

        Returns:
            What it ended with.

        Raises:
            FitInterrupted: by Ctrl-C; it holds the best of all runs so far.
        """
        number = len(self.finished)
        if number < len(self._ended):
            trained = self._ended[number].trained()
        else:
            current, self._current = self._current, None
            try:
                trained = train(current, self._tell if self._on_checkpoint is not None else None)
            except FitInterrupted as interrupt:
                raise FitInterrupted(self._best(interrupt.trained)) from None
            if trained.stopped:
                return trained
            self._ended.append(Snapshot.of_trained(trained))
        self.finished.append(trained)
        if self._on_checkpoint is not None and len(self.finished) == len(self._ended):
            self._on_checkpoint(Checkpoint(self._snapshot, run_ended=True))
        return trained

    def _best(self, trained: Trained) -> Trained:
        return min([*self.finished, trained], key=lambda result: result.validation_rmse[0])

    def _tell(self, checkpoint: Checkpoint) -> None:
        assert self._on_checkpoint is not None
        self._on_checkpoint(Checkpoint(lambda: self._snapshot(checkpoint.snapshot())))

    def _snapshot(self, current: Snapshot | None = None) -> Snapshot:
        parts = {f"run {number}": ended for number, ended in enumerate(self._ended)}
        if current is not None:
            parts["current"] = current
        return Snapshot.joined(parts, finished=len(self._ended), running=current is not None)
