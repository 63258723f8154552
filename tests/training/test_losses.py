"""Losses against automatic differentiation, and the fits they give against scikit-learn's."""

import numpy as np
import pytest
import torch
from scipy.optimize import least_squares
from sklearn.calibration import _SigmoidCalibration
from sklearn.linear_model import LogisticRegression, PoissonRegressor

from kansci.errors import DataError, SettingsError
from kansci.models import KAN
from kansci.training import TrainSettings, fit_population
from kansci.training.class_losses import Logistic, Softmax, count_ones
from kansci.training.levenberg import LevenbergMarquardt
from kansci.training.losses import Huber, LeastSquares, Poisson
from kansci.training.normal_equations import Rows, jacobian, normal_equations
from kansci.training.population import Population
from kansci.training.user_loss import UserLoss, as_loss

GENERATOR = torch.Generator().manual_seed(0)
OUTPUTS = 2 * torch.randn((50, 3), generator=GENERATOR, dtype=torch.float64)
REAL = OUTPUTS + torch.randn((50, 3), generator=GENERATOR, dtype=torch.float64)
SHARES = torch.rand((50, 3), generator=GENERATOR, dtype=torch.float64)
COUNTS = torch.randint(0, 6, (50, 3), generator=GENERATOR).double()
LOG_COSH = UserLoss(lambda predictions, y: (predictions - y).cosh().log().sum(-1).mean())
CASES = [
    (LeastSquares(), REAL),
    (Huber(0.7), REAL),
    (Logistic(), SHARES),
    (Softmax(), SHARES / SHARES.sum(-1, keepdim=True)),
    (Poisson(), COUNTS),
    (LOG_COSH, REAL),
]
EXACT = [case for case in CASES if not isinstance(case[0], Huber)]


def curvature(loss, outputs, y):
    _, root = loss.derivatives(outputs, y)
    unit = torch.eye(3, dtype=torch.float64).expand(len(outputs), 3, 3)
    if root is None:
        return unit
    full = root if root.ndim == 3 else torch.diag_embed(root)
    return full.mT @ full


@pytest.mark.parametrize(("loss", "y"), CASES)
def test_gradient_is_autograds(loss, y):
    outputs = OUTPUTS.clone().requires_grad_()
    expected = torch.autograd.grad(loss.value(outputs, y).sum(), outputs)[0]
    torch.testing.assert_close(loss.derivatives(OUTPUTS, y)[0], expected)


@pytest.mark.parametrize(("loss", "y"), EXACT)
def test_curvature_is_the_hessian(loss, y):
    def one(outputs, targets):
        return loss.value(outputs.unsqueeze(0), targets.unsqueeze(0)).sum()

    expected = torch.stack(
        [torch.autograd.functional.hessian(one, pair)[0][0] for pair in zip(OUTPUTS, y, strict=True)]
    )
    torch.testing.assert_close(curvature(loss, OUTPUTS, y), expected, rtol=1e-7, atol=1e-9)


def test_hubers_curvature_bounds_the_loss():
    loss, y = Huber(0.7), REAL
    step = torch.randn((200, 50, 3), generator=GENERATOR, dtype=torch.float64) * 3
    gradient, root = loss.derivatives(OUTPUTS, y)
    bound = loss.value(OUTPUTS, y) + (gradient * step + 0.5 * (root * step) ** 2).sum(-1)
    assert bool((loss.value(OUTPUTS + step, y) <= bound + 1e-12).all())


@pytest.mark.parametrize(("loss", "y"), CASES)
def test_a_weight_of_two_is_a_row_twice(loss, y):
    weight = torch.randint(1, 4, (50,), generator=GENERATOR)
    repeated = torch.arange(50).repeat_interleave(weight)
    population = Population.of([KAN([2, 2, 3], seed=seed) for seed in range(2)])
    x = torch.rand((50, 2), generator=GENERATOR, dtype=torch.float64)
    inputs = population.inputs(x)
    weighted = normal_equations(population, Rows(inputs, y, weight.double(), loss))
    written_out = normal_equations(population, Rows(inputs[repeated], y[repeated], None, loss))
    for name in ("loss", "gradient", "hessian"):
        torch.testing.assert_close(getattr(weighted, name), getattr(written_out, name))


@pytest.mark.parametrize(("loss", "y"), EXACT)
def test_normal_equations_are_gauss_newtons(loss, y, monkeypatch):
    monkeypatch.setattr("kansci.training.normal_equations._CHUNK_ENTRIES", 1)
    population = Population.of([KAN([2, 2, 3])])
    x = torch.rand((50, 2), generator=GENERATOR, dtype=torch.float64)
    equations = normal_equations(population, Rows(population.inputs(x), y, None, loss))
    derivative, outputs = jacobian(population, population.inputs(x))
    rows = derivative[0].unflatten(0, (50, 3))
    gradient = loss.derivatives(outputs[0], y)[0]
    hessian = torch.einsum("nop,nok,nkq->pq", rows, curvature(loss, outputs[0], y), rows)
    count = 50 * (3 if loss.separable else 1)
    torch.testing.assert_close(equations.hessian[0], hessian / count)
    torch.testing.assert_close(equations.gradient[0], torch.einsum("nop,no->p", rows, gradient) / count)
    torch.testing.assert_close(equations.loss[0], loss.mean(outputs[0], y))


RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (400, 2))
SLOPES = np.array([1.5, -2.0])
LINES = TrainSettings(restarts=1, steps=60, grids=(1,), k=1, validation_fraction=0, tolerance=0)
"""One interval and degree 1: the network is a linear model."""


def linear_outputs(y, loss, weights=None):
    settings = TrainSettings(**{**vars(LINES), "loss": loss})
    model = fit_population(X, y, [2, 1 if y.ndim == 1 else y.shape[1]], settings, weights=weights).model
    return loss.predict(torch.tensor(model.predict(X))).numpy()


@pytest.mark.parametrize("weighted", [False, True])
def test_logistic_regression(weighted):
    y = (RNG.uniform(size=400) < 1 / (1 + np.exp(-X @ SLOPES))).astype(float)
    weights = RNG.uniform(0, 3, 400) if weighted else None
    expected = (
        LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(X, y, weights).predict_proba(X)[:, 1]
    )
    np.testing.assert_allclose(linear_outputs(y, Logistic(), weights)[:, 0], expected, rtol=1e-5)


def test_softmax_regression():
    scores = X @ RNG.normal(size=(2, 3)) * 2 + RNG.gumbel(size=(400, 3))
    y = scores.argmax(1)
    expected = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(X, y).predict_proba(X)
    one_hot = np.eye(3)[y]
    np.testing.assert_allclose(linear_outputs(one_hot, Softmax()), expected, rtol=1e-4, atol=1e-8)
    classes = KAN([2, 3], grid=1, k=1, base_fun="zero")
    classes.fit((X, y), opt="LM", loss_fn=torch.nn.CrossEntropyLoss(), steps=60)
    np.testing.assert_allclose(torch.tensor(classes.predict(X)).softmax(-1), expected, rtol=1e-4, atol=1e-8)


def line(x, y, loss, **options):
    """A linear model of one variable: its outputs."""
    model = KAN([1, y.max().astype(int) + 1 if loss == "softmax" else 1], grid=1, k=1, base_fun="zero")
    model.fit((x[:, None], y), opt="LM", loss_fn=loss, steps=60, **options)
    return model.predict(x[:, None])


def test_classes_that_can_be_told_apart_have_platts_odds():
    x = np.sort(RNG.uniform(-1, 1, 60))
    y = (x > 0.3).astype(float)
    theirs = _SigmoidCalibration().fit(x, y).predict(x)
    mine = 1 / (1 + np.exp(-line(x, y, "logistic")[:, 0]))
    np.testing.assert_allclose(mine, theirs, atol=1e-4)
    two = line(x, y, "softmax")
    np.testing.assert_allclose(two[:, 1] - two[:, 0], line(x, y, "logistic")[:, 0], rtol=1e-4, atol=1e-4)
    # The own chances of the user, weights, and a loss that is given as such stay what they are.
    for targets, options in [(0.9 * y, {}), (y, {"weights": RNG.uniform(1, 2, 60)})]:
        named, given = (line(x, targets, loss, **options) for loss in ("logistic", Logistic()))
        np.testing.assert_array_equal(named, given)
    assert np.abs(line(x, y, torch.nn.BCEWithLogitsLoss())).max() > 100


def test_smoothed_targets_are_chances_and_smoothing_them_changes_nothing():
    number = torch.tensor([0.0, 1, 1, 2, 2, 2]).unsqueeze(1)
    loss = Softmax().smoothed(count_ones(Softmax().targets(number, 3)), 6)
    chances = loss.targets(number, 3)
    torch.testing.assert_close(chances.sum(1), torch.ones(6))
    torch.testing.assert_close(chances.diagonal(), torch.tensor([2 / 4, 3 / 5, 1 / 5]))
    assert torch.equal(loss.targets(chances, 3), chances)
    assert count_ones(chances) is None
    own = torch.tensor([[0.0, 0.3, 0.7]])
    assert torch.equal(loss.targets(own, 3), own)


@pytest.mark.parametrize("weighted", [False, True])
def test_poisson_regression(weighted):
    y = RNG.poisson(np.exp(1 + X @ SLOPES)).astype(float)
    weights = RNG.uniform(0, 3, 400) if weighted else None
    expected = PoissonRegressor(alpha=0, tol=1e-10, max_iter=1000).fit(X, y, weights).predict(X)
    np.testing.assert_allclose(linear_outputs(y, Poisson(), weights)[:, 0], expected, rtol=1e-5)


def test_huber_regression_ignores_outliers():
    y = X @ SLOPES + 0.01 * np.random.default_rng(0).normal(size=400)
    y[::10] += 50
    A = np.column_stack([X, np.ones(400)])
    best = least_squares(lambda c: A @ c - y, np.zeros(3), loss="huber", f_scale=0.02, xtol=1e-14, ftol=1e-14)
    mine = linear_outputs(y, Huber(0.02))[:, 0]
    np.testing.assert_allclose(mine, A @ best.x, atol=1e-4)
    assert np.abs(mine - X @ SLOPES).max() < 0.02
    assert np.abs(linear_outputs(y, LeastSquares())[:, 0] - X @ SLOPES).max() > 1


def test_huber_does_not_mind_the_units():
    y = np.sin(3 * X[:, 0]) + X[:, 1]
    settings = TrainSettings(restarts=1, steps=15, loss=Huber(0.1))
    large = TrainSettings(restarts=1, steps=15, loss=Huber(1e5))
    here, there = (fit_population(X, c * y, [2, 2, 1], s) for c, s in [(1.0, settings), (1e6, large)])
    np.testing.assert_allclose(there.model.predict(X) / 1e6, here.model.predict(X), rtol=1e-6, atol=1e-8)


def test_a_users_loss_gives_the_built_in_ones_steps():
    y = torch.tensor((X[:, :1] > X[:, 1:] ** 2).astype(float))
    start = Population.of([KAN([2, 2, 1], grid=3)])
    rows = start.inputs(torch.tensor(X))
    mine = UserLoss(torch.nn.functional.binary_cross_entropy_with_logits)
    runs = [LevenbergMarquardt(start, Rows(rows, y, None, loss)) for loss in (Logistic(), mine)]
    for _ in range(6):
        assert runs[0].step() == runs[1].step()
        torch.testing.assert_close(runs[1].loss, runs[0].loss)


def test_what_a_loss_may_be():
    assert as_loss(None) == LeastSquares() == as_loss(torch.nn.MSELoss())
    assert as_loss("poisson") == Poisson()
    assert isinstance(as_loss(torch.nn.CrossEntropyLoss(label_smoothing=0.1)), UserLoss)
    assert as_loss(torch.nn.SmoothL1Loss()).has_curvature(OUTPUTS, REAL)
    # Not a mean over rows; without curvature.
    assert not as_loss(lambda p, y: (p - y).square().mean().sqrt()).has_curvature(OUTPUTS, REAL)
    assert not as_loss(torch.nn.L1Loss()).has_curvature(OUTPUTS, REAL)
    with pytest.raises(SettingsError, match="least_squares, huber"):
        as_loss("hinge")
    with pytest.raises(SettingsError, match="delta"):
        Huber(0)


@pytest.mark.parametrize(
    ("loss", "y", "word"),
    [
        (Logistic(), [[2.0]], "0 to 1"),
        (Poisson(), [[-1.0]], "negative"),
        (Softmax(), [[0.5, 0.2]], "add up"),
        (Softmax(), [[2.0]], "classes 0 to 1"),
        (LeastSquares(), [[1.0, 1.0, 1.0]], "3 columns"),
    ],
)
def test_targets_are_checked(loss, y, word):
    n_out = 1 if isinstance(loss, Logistic | Poisson) else 2
    with pytest.raises(DataError, match=word):
        loss.targets(torch.tensor(y, dtype=torch.float64), n_out)


@pytest.mark.parametrize("weights", [-np.ones(400), np.zeros(400), np.ones(3)])
def test_weights_are_checked(weights):
    with pytest.raises(DataError, match="weights"):
        fit_population(X, X[:, 0], [2, 1], LINES, weights=weights)
