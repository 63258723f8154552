"""Training taken up again ends with the same bits, wherever it was cut off."""

import random

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from kansci.errors import RunError, SettingsError
from kansci.models import KAN
from kansci.storage.checkpoint_file import checkpoint_bytes, read_checkpoint
from kansci.training import FitInterrupted, TrainSettings, fit_population, train_population
from kansci.training.checkpoint import Journal, Snapshot

RNG = np.random.default_rng(3)
X = RNG.uniform(-1, 1, (150, 2))
Y = np.exp(np.sin(np.pi * X[:, 0]) + X[:, 1] ** 2)
SETTINGS = {
    "plain": TrainSettings(restarts=3, steps=20, tolerance=1e-2),
    "sparse, smooth": TrainSettings(restarts=2, steps=20, lamb=1e-2, smooth_share=0.1, base_fun="silu"),
    "automatic": TrainSettings(restarts=5, survivors=((4, 3), (8, 2)), steps=12, grids="auto", smooth=1e-7),
}


def bits_of(model):
    return {name: t.tolist() for name, t in model.state_dict().items()}


def bits(trained):
    return [bits_of(model) for model in trained.models]


@pytest.mark.parametrize("case", SETTINGS)
def test_a_run_goes_on_with_the_same_bits_from_every_checkpoint(case):
    snapshots = []
    whole = fit_population(
        X, Y, [2, 2, 1], SETTINGS[case], 4, on_checkpoint=lambda point: snapshots.append(point.snapshot())
    )
    assert bits(whole) == bits(fit_population(X, Y, [2, 2, 1], SETTINGS[case], 4))
    assert len(snapshots) > 4
    for snapshot in snapshots[:: max(1, len(snapshots) // 6)]:
        again = fit_population(X, Y, [2, 2, 1], SETTINGS[case], 4, resume=snapshot)
        assert bits(again) == bits(whole)
        assert again.history == whole.history
        assert again.validation_rmse == whole.validation_rmse


OPTIMISERS = {
    "LBFGS": {"steps": 60},
    "SSBroyden": {"steps": 60, "lamb": 1e-3},
    "Adam": {"steps": 60, "batch": 32, "lr": 0.05, "polish": 20, "weights": RNG.uniform(1, 2, 150)},
}


@pytest.mark.parametrize("opt", OPTIMISERS)
def test_a_gradient_method_goes_on_with_the_same_bits_from_every_checkpoint(opt):
    data = {"train_input": X, "train_label": Y, "test_input": X[:40], "test_label": Y[:40]}

    def fit(**more):
        model = KAN([2, 3, 1], grid=4)
        return model.fit(data, opt=opt, **OPTIMISERS[opt], **more), bits_of(model)

    stored = []
    whole = fit(on_checkpoint=lambda point: stored.append(checkpoint_bytes(journalled(point.snapshot()))))
    assert whole == fit()
    assert len(stored) == 60 + OPTIMISERS[opt].get("polish", 0)
    for number in (1, 25, 48, -5):
        assert fit(resume=read_checkpoint(stored[number], "file").part("run")) == whole


def test_a_gradient_methods_checkpoint_must_fit():
    stored = []
    KAN([2, 3, 1]).fit((X, Y), opt="LBFGS", steps=3, on_checkpoint=lambda p: stored.append(p.snapshot()))
    record, tensors = stored[-1].record, stored[-1].tensors
    short = {name: t[:-1] if name == "optimiser/here/x" else t for name, t in tensors.items()}
    for damaged in (Snapshot(), Snapshot(record, short), Snapshot(record, {})):
        with pytest.raises(RunError, match="checkpoint"):
            KAN([2, 3, 1]).fit((X, Y), opt="LBFGS", resume=damaged)
    loader = DataLoader(TensorDataset(torch.tensor(X), torch.tensor(Y)), batch_size=50)
    KAN([2, 3, 1]).fit(loader, steps=3, on_checkpoint=lambda p: stored.append(p.snapshot()))
    with pytest.raises(SettingsError, match="DataLoader"):
        KAN([2, 3, 1]).fit(loader, steps=3, resume=stored[-1])
    with pytest.raises(SettingsError, match="train_population"):
        KAN([2, 3, 1]).fit((X, Y), opt="LM", on_checkpoint=stored.append)


def journalled(snapshot):
    """A snapshot as a file holds it."""
    return Snapshot.joined({"run": snapshot}, finished=0)


def pipeline(journal):
    def first(resume, tell):
        return fit_population(X, Y, [2, 2, 1], SETTINGS["plain"], 1, resume=resume, on_checkpoint=tell)

    start = journal.run(first)

    def second(resume, tell):
        settings = TrainSettings(steps=15, grids=(10,))
        return train_population(start.models[:1], X, Y, settings, resume=resume, on_checkpoint=tell)

    return journal.run(second)


def test_a_sequence_of_runs_goes_on_and_does_not_repeat_what_is_done():
    snapshots = []
    whole = pipeline(Journal(on_checkpoint=lambda point: snapshots.append(point.snapshot())))
    for snapshot in snapshots[::7] + snapshots[-1:]:
        assert bits(pipeline(Journal(snapshot))) == bits(whole)
    told = []
    pipeline(Journal(snapshots[-1], told.append))
    assert [point.run_ended for point in told] == [True]


def test_a_checkpoint_of_another_run_is_refused():
    with pytest.raises(RunError, match="begin anew"):
        fit_population(X, Y, [2, 2, 1], SETTINGS["plain"], resume=Snapshot({"size": 5, "step": 0}))
    with pytest.raises(RunError, match="has no 'size'"):
        fit_population(X, Y, [2, 2, 1], SETTINGS["plain"], resume=Snapshot())


def test_ctrl_c_carries_the_best_so_far():
    def interrupt(event):
        if event.step == 6:
            raise KeyboardInterrupt

    with pytest.raises(FitInterrupted) as caught:
        fit_population(X, Y, [2, 2, 1], SETTINGS["plain"], 1, interrupt)
    trained = caught.value.trained
    assert trained.stopped
    assert len(trained.history["train_loss"]) == 6
    assert trained.train_rmse[0] < np.std(Y)


def test_no_global_state_changes():
    def states():
        legacy = np.random.get_state()[1].tolist()  # noqa: NPY002
        return torch.get_rng_state().tolist(), legacy, random.getstate()

    before = states(), torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads()
    pipeline(Journal())
    assert before == (states(), torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads())
