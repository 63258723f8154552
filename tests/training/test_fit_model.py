"""`KAN.fit`: every optimiser, input and option does what it says."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from kansci.data import Dataset
from kansci.errors import DataError, SettingsError
from kansci.models import KAN
from kansci.training.edge_penalty import EdgePenalty
from kansci.training.fit_options import FitOptions
from kansci.training.losses import LeastSquares
from kansci.training.minibatch import learning_rate
from kansci.training.objective import Objective, trainable
from kansci.training.rows import Sample
from kansci.training.sources import ArraySource, scan
from kansci.training.user_loss import UserLoss

RNG = np.random.default_rng(0)
X, X_NEW = RNG.uniform(-1, 1, (400, 2)), RNG.uniform(-1, 1, (200, 2))


def law(x):
    return np.sin(3 * x[:, 0]) + x[:, 1] ** 2


Y, Y_NEW = law(X), law(X_NEW)
DATA = {"train_input": X, "train_label": Y, "test_input": X_NEW, "test_label": Y_NEW}
OPTIMISERS = ["LM", "LBFGS", "SSBroyden", "Adam"]
ADAM = {"batch": 64, "lr": 0.05}


def fresh(**options):
    return KAN([2, 3, 1], grid=4, **options)


def rmse(model, x=X_NEW, y=Y_NEW):
    return np.sqrt(np.mean((model.predict(x)[:, 0] - y) ** 2))


@pytest.mark.parametrize(
    ("opt", "steps", "reached"),
    [("LM", 30, 1e-3), ("LBFGS", 80, 0.05), ("SSBroyden", 80, 0.03), ("Adam", 400, 0.1)],
)
def test_every_optimiser_fits_and_repeats_itself(opt, steps, reached):
    extra = ADAM if opt == "Adam" else {}
    models = [fresh(), fresh()]
    state = torch.get_rng_state()
    histories = [model.fit(DATA, opt=opt, steps=steps, **extra) for model in models]
    assert torch.equal(torch.get_rng_state(), state)
    assert histories[0] == histories[1]
    assert all(torch.equal(a, b) for a, b in zip(*(m.state_dict().values() for m in models), strict=True))
    assert len(histories[0]["train_loss"]) == len(histories[0]["test_loss"])
    np.testing.assert_allclose(rmse(models[0]), min(histories[0]["test_loss"]), rtol=1e-9)
    assert rmse(models[0]) < reached


@pytest.mark.parametrize("opt", ["LBFGS", "Adam"])
def test_units_of_y_do_not_matter(opt):
    extra = ADAM if opt == "Adam" else {}
    models = [fresh(), fresh()]
    histories = [
        m.fit((X, c * Y), opt=opt, steps=10, **extra) for m, c in zip(models, [1.0, 1e6], strict=True)
    ]
    # The same start means other things in other units; the ends agree all the same.
    assert histories[1]["train_loss"][-1] < 5e6 * histories[0]["train_loss"][-1]


def test_the_flat_gradient_in_chunks(monkeypatch):
    model = fresh()
    sample = Sample(torch.tensor(X), torch.tensor(Y)[:, None], torch.tensor(RNG.uniform(0, 2, 400)))
    weights = torch.nn.utils.parameters_to_vector(trainable(model)).detach()
    losses = [LeastSquares(), UserLoss(lambda p, y: (p - y).square().mean().sqrt())]
    for loss, rows in zip(losses, [sample, sample._replace(weight=None)], strict=True):
        monkeypatch.setattr("kansci.training.objective._CHUNK_ENTRIES", 1 << 21)
        whole = Objective(model, rows, loss, EdgePenalty(0.01))(weights)
        monkeypatch.setattr("kansci.training.objective._CHUNK_ENTRIES", 1)
        objective = Objective(model, rows, loss, EdgePenalty(0.01))
        torch.testing.assert_close(objective(weights), whole)
        direction = torch.randn(len(weights), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        ahead, behind = (float(objective(weights + h * direction)[0]) for h in (1e-6, -1e-6))
        np.testing.assert_allclose((ahead - behind) / 2e-6, float(whole[1] @ direction), rtol=1e-6)


def test_edge_penalty_is_pykans_formula():
    model = fresh()
    x = torch.tensor(X)
    total, values = 0.0, x.numpy()
    for level, layer in enumerate(model.layers):
        edges = np.array(
            [
                [model.edge(level, i, j, values[:, i]).numpy() for i in range(layer.mask.shape[1])]
                for j in range(layer.mask.shape[0])
            ]
        )
        size = edges.std(-1) / (values.std(0) + 0.1)
        rows, columns = size / (size.sum(1, keepdims=True) + 1), size / (size.sum(0, keepdims=True) + 1)
        entropy = (
            -(rows * np.log2(rows + 1e-4)).sum(1).mean() - (columns * np.log2(columns + 1e-4)).sum(0).mean()
        )
        coef = layer.coef.detach().numpy()
        total += 1.5 * size.sum() + 2.5 * entropy + 0.3 * np.abs(coef).mean(-1).sum()
        total += 0.2 * np.abs(np.diff(coef)).mean(-1).sum()
        values = layer(torch.tensor(values)).detach().numpy()
    np.testing.assert_allclose(
        float(EdgePenalty(0.1, 1.5, 2.5, 0.3, 0.2).value(model, x).detach()), 0.1 * total, rtol=1e-9
    )


@pytest.mark.parametrize("name", ["lamb_l1", "lamb_entropy", "lamb_coef", "lamb_coefdiff"])
def test_every_part_of_the_penalty_acts(name):
    parts = {"lamb_l1": 0.0, "lamb_entropy": 0.0, "lamb_coef": 0.0, "lamb_coefdiff": 0.0}
    models = [fresh(), fresh()]
    for model, weight in zip(models, [0.0, 1.0], strict=True):
        model.fit((X, Y), opt="LBFGS", steps=15, lamb=0.1, **{**parts, name: weight})
    value = {key: float(key == name) for key in parts}
    penalty = [float(EdgePenalty(1.0, **value).value(model, torch.tensor(X)).detach()) for model in models]
    assert penalty[1] < 0.9 * penalty[0]


def test_inputs_of_every_kind(tmp_path):
    dataset = Dataset.from_arrays(X, Y)
    path = tmp_path / "x.bin"
    mapped = np.memmap(path, dtype=np.float32, mode="w+", shape=X.shape)
    mapped[:] = X
    for data in (DATA, dataset, (torch.tensor(X), torch.tensor(Y)), (mapped, Y)):
        model = fresh()
        model.fit(data, opt="LM", steps=12)
        assert rmse(model) < 0.05
    rows = TensorDataset(torch.tensor(X), torch.tensor(Y))
    loader = DataLoader(rows, batch_size=50, shuffle=True, generator=torch.Generator().manual_seed(0))
    model = fresh()
    assert len(model.fit(loader, steps=400, lr=0.05)["train_loss"]) == 100
    assert rmse(model) < 0.15
    with pytest.raises(SettingsError, match="opt='Adam'"):
        model.fit(loader, opt="LM")
    with pytest.raises(SettingsError, match="pair"):
        model.fit((X, Y, Y))
    with pytest.raises(SettingsError, match="2 inputs and the network 3"):
        KAN([3, 1]).fit((X, Y))
    with pytest.raises(DataError, match="not finite"):
        model.fit((np.where(X > 0.9, np.nan, X), Y), opt="Adam", steps=3)
    with pytest.raises(SettingsError, match="train_label"):
        model.fit({"train_input": X})


class Watched(np.memmap):
    """A file of rows that remembers how many were read at once."""

    most = 0

    def __getitem__(self, index):
        part = super().__getitem__(index)
        type(self).most = max(self.most, len(np.atleast_2d(part)))
        return part


def on_disk(path, values):
    """Store float32 values in a file and open it as a `Watched` array."""
    values.astype(np.float32).tofile(path)
    return Watched(path, dtype=np.float32, mode="r", shape=values.shape)


class Shuffled(torch.utils.data.Dataset):
    """Rows of a mapped file, read one by one."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, number):
        return torch.tensor(self.x[number]), torch.tensor(self.y[number])


def test_rows_of_a_file_are_read_in_parts_and_train_as_those_in_memory(tmp_path, monkeypatch):
    x = np.random.default_rng(1).uniform(-1, 1, (30_000, 2)).astype(np.float32)
    y = law(x)
    monkeypatch.setattr(Watched, "most", 0)
    mapped = on_disk(tmp_path / "x", x), on_disk(tmp_path / "y", y)
    models = [fresh(), fresh(), fresh()]
    options = {"opt": "Adam", "steps": 60, "batch": 500, "lr": 0.05}
    models[0].fit((x, y.astype(np.float32)), **options)
    models[1].fit(mapped, **options)
    assert 500 <= Watched.most <= 8192 < len(x)
    assert all(torch.equal(a, b) for a, b in zip(models[0].parameters(), models[1].parameters(), strict=True))
    # A loader that gives the same batches ends at the same weights, up to the order of sums.
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0)).tolist()
    batches = [sorted(order[start : start + 500]) for start in range(0, len(x), 500)]
    loader = DataLoader(Shuffled(*mapped), batch_sampler=batches)
    models[2].fit(loader, **{**options, "batch": None})
    np.testing.assert_allclose(models[2].predict(X_NEW), models[1].predict(X_NEW), atol=1e-6)
    assert rmse(models[2]) < 0.2


def test_one_pass_finds_range_mean_and_deviation():
    x = np.vstack([X] * 50)
    y = 1e9 + RNG.normal(size=len(x))
    found = scan(ArraySource(x, y), LeastSquares(), 1)
    np.testing.assert_allclose(found.domain, np.column_stack([X.min(0), X.max(0)]))
    np.testing.assert_allclose(
        [float(found.scale.mean), float(found.scale.std)], [y.mean(), y.std()], rtol=1e-9
    )


def test_batches_hold_every_row_once_an_epoch():
    source = ArraySource(np.arange(10.0), np.arange(10.0))
    batches = source.batches(5, torch.Generator().manual_seed(0))
    rows = [torch.cat([next(batches).x, next(batches).x]).flatten() for _ in range(2)]
    assert all(epoch.sort().values.tolist() == list(range(10)) for epoch in rows)
    assert rows[0].tolist() != rows[1].tolist()


def test_weights_metrics_polish_and_the_clock():
    two = np.where(X[:, 0] > 0, 1.0, -1.0)
    weights = np.where(np.arange(400) % 2, 1e-9, 1.0)
    for opt in OPTIMISERS:
        model, options = fresh(), ADAM if opt == "Adam" else {}
        mixed = np.where(np.arange(400) % 2, two, Y)  # every other row is wrong, and counts nothing
        model.fit((X, mixed), opt=opt, steps=200 if opt == "Adam" else 40, weights=weights, **options)
        assert rmse(model) < 0.3
    model = fresh()

    def error():
        return rmse(model)

    for opt in OPTIMISERS:
        history = model.fit((X, Y), opt=opt, steps=3, metrics=(error,), seconds=60)
        assert len(history["error"]) == 3
    polished = fresh()
    history = polished.fit((X, Y), opt="Adam", steps=100, polish=30, **ADAM)
    assert history["train_loss"][-1] < 0.5 * history["train_loss"][99]
    assert len(fresh().fit((X, Y), opt="LBFGS", steps=1000, should_stop=lambda: True)["train_loss"]) == 1


@pytest.mark.parametrize("opt", OPTIMISERS)
def test_ctrl_c_leaves_the_best_so_far(opt):
    model, before = fresh(), rmse(fresh())

    def interrupt(event):
        if event.step == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(DATA, opt=opt, on_step=interrupt)
    assert rmse(model) < before


def test_grid_updates_act():
    steps = FitOptions(update_grid=True, grid_update_num=5, stop_grid_update_step=20).grid_update_steps()
    assert steps == (0, 4, 8, 12, 16)
    assert FitOptions(update_grid=False).grid_update_steps() == ()
    for opt in OPTIMISERS:
        fixed, moving = fresh(), fresh()
        fixed.fit((X, Y), opt=opt, steps=12, update_grid=False)
        moving.fit((X, Y), opt=opt, steps=12)
        assert torch.equal(fixed.layers[1].basis.domain, fresh().layers[1].basis.domain)
        assert not torch.equal(moving.layers[1].basis.domain, fixed.layers[1].basis.domain)


def test_a_users_loss_finds_its_optimiser():
    def quantile(predictions, y):
        residual = y - predictions
        return torch.maximum(0.9 * residual, -0.1 * residual).mean()

    noisy = Y + RNG.exponential(size=400)
    model = fresh()
    model.fit((X, noisy), loss_fn=quantile, steps=60)
    assert 0.85 < np.mean(noisy <= model.predict(X)[:, 0]) < 0.95
    with pytest.raises(SettingsError, match="curved"):
        model.fit((X, noisy), opt="LM", loss_fn=quantile)
    root = fresh()
    history = root.fit((X, Y), loss_fn=lambda p, y: (p - y).square().mean().sqrt(), steps=60)
    np.testing.assert_allclose(min(history["train_loss"]), rmse(root, X, Y), rtol=1e-9)


def test_the_choice_of_optimiser():
    def choice(n_weights, n_rows, curved=True, **options):
        return FitOptions(**options).chosen(n_weights, n_rows, 1, curved=curved)

    assert choice(500, 1000) == "LM"
    assert choice(500, 1000, curved=False) == "LBFGS"
    assert choice(20_000, 1000) == "LBFGS"
    assert choice(500, None) == "Adam"
    assert choice(25_000, 10**5) == choice(600, 50_000) == "Adam"
    assert choice(500, 1000, batch=10) == "Adam"
    assert choice(500, 1000, lamb=1, lamb_l1=1) == "LBFGS"
    with pytest.raises(SettingsError, match="no optimiser"):
        choice(500, 1000, batch=10, grids=(5,))


def test_the_schedules():
    for schedule, first in [("constant", 1.0), ("cosine", 1.0), ("onecycle", 0.04)]:
        rates = [learning_rate(step, 100, schedule) for step in range(100)]
        assert rates[0] == first
        assert 0 < min(rates) <= max(rates) == pytest.approx(1)
    assert rates.index(max(rates)) == 10


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"log": 1}, "no option log"),
        ({"opt": "LM", "lr": 0.1}, "lr does nothing"),
        ({"opt": "LBFGS", "batch": 10}, "batch does nothing"),
        ({"opt": "Adam", "smooth": 1.0}, "smooth does nothing"),
        ({"opt": "LBFGS", "lamb_l1": 1.0}, "set lamb"),
        ({"opt": "Adam", "lr": -1}, "lr=-1"),
        ({"opt": "Adam", "batch": 0}, "batch=0"),
        ({"schedule": "step"}, "schedule"),
        ({"lamb": -1}, "lamb=-1"),
        ({"loss_fn": "hinge"}, "hinge"),
    ],
)
def test_options_that_would_do_nothing_are_refused(options, word):
    with pytest.raises(SettingsError, match=word):
        fresh().fit((X, Y), **options)


PEAK = """
import resource, sys
import numpy as np, torch
from kansci.models import KAN
torch.set_num_threads(1)
X = np.random.default_rng(0).uniform(-1, 1, (100_000, 8))
model = KAN([8, 16, 32, 16, 8, 1], grid=15)
model.fit((X, X[:, 0] * X[:, 1]), opt=sys.argv[1], steps=int(sys.argv[2]), stop_grid_update_step=1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("opt", "steps"), [("LBFGS", 1), ("Adam", 20)])
def test_a_large_network_on_many_rows_needs_little_memory(opt, steps):
    run = subprocess.run(
        [sys.executable, "-c", PEAK, opt, str(steps)], capture_output=True, text=True, check=True
    )
    assert float(run.stdout) < 2
