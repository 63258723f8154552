"""`KAN.fit`: one network trained in place, by the optimiser that suits it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from kansci.errors import SettingsError
from kansci.models import KAN
from kansci.training import grids
from kansci.training.checkpoint import Checkpoint, OnCheckpoint, Snapshot, restoring
from kansci.training.edge_penalty import EdgePenalty
from kansci.training.fit import train_population
from kansci.training.fit_options import DEFAULT_STEPS, FitOptions
from kansci.training.full_batch import FullBatch
from kansci.training.losses import Loss
from kansci.training.minibatch import Adam
from kansci.training.objective import evaluate, trainable
from kansci.training.population import Population
from kansci.training.rows import Sample, as_rows
from kansci.training.settings import StepEvent, TrainSettings
from kansci.training.sources import ArraySource, LoaderSource, Scan, Source, moved, scan
from kansci.training.user_loss import as_loss
from kansci.training.watch import History, Metrics, Watch


def fit_model(
    model: KAN,
    dataset: Any,
    *,
    on_checkpoint: OnCheckpoint | None = None,
    resume: Snapshot | None = None,
    **options: Any,
) -> History:
    """Train one network in place.

    The choice of opt="auto" is `FitOptions.chosen`'s: Levenberg-Marquardt for small networks, L-BFGS for
    larger ones, Adam where there are too many rows. The network ends with the best weights met, by the test
    rows if there are some (with a sparsity penalty with the last ones); so it does after Ctrl-C, which goes
    on up as KeyboardInterrupt.

    Args:
        model: the network.
        dataset: a dict with train_input, train_label and, if wanted, test_input, test_label; something with X
            and y; a pair (X, y), whose arrays may be memory-mapped; or a DataLoader.
        on_checkpoint: called before each step of a gradient method, where it can be taken up again.
        resume: the snapshot of a checkpoint of an earlier call with the same network, data and options; it
            goes on with the same bits.
        **options: fields of `FitOptions`.

    Returns:
        Root mean squared errors (for another loss than least squares what `Loss.figure` gives) after each
        step: {"train_loss": [...], "test_loss": [...]}, and each metric by its name. Adam gives about a
        hundred values in a run, "train_loss" over the batches since the last one.

    Raises:
        SettingsError: an option does not exist, has a value that is not allowed, or would do nothing.
    """
    settings = FitOptions.of(options)
    loss = as_loss(settings.loss_fn)
    device, n_out = model.layers[0].mask.device, model.width[-1]
    source, test = _rows(dataset, settings.weights, device)
    found = scan(source, loss, n_out, device)
    if isinstance(settings.loss_fn, str):  # a loss that is given as such is what was meant
        loss = loss.smoothed(found.ones, found.n_rows)
    start = _on_range(model, found.domain)
    n_weights = sum(parameter.numel() for parameter in trainable(model))
    curved = loss.by_row or _is_curved(loss, start, source)
    opt = settings.chosen(n_weights, source.n_rows, n_out, curved=curved)
    settings = replace(settings, opt=opt, steps=settings.given("steps", DEFAULT_STEPS[opt]))
    if opt != "LM":
        return _fit_by_gradient(model, start, (source, test, found), loss, settings, on_checkpoint, resume)
    if on_checkpoint is not None or resume is not None:
        raise SettingsError("opt='LM' has checkpoints in train_population only")
    if not curved:
        raise SettingsError("opt='LM' needs a loss that is a mean over rows and curved: use opt='LBFGS'")
    return _fit_by_levenberg_marquardt(model, start, source.rows(), test, loss, settings)


def _fit_by_levenberg_marquardt(
    model: KAN, start: KAN, rows: Sample, test: Sample | None, loss: Loss, options: FitOptions
) -> History:
    settings = TrainSettings(
        steps=options.given("steps", 0),
        grids=options.grids or (model.grid,),
        loss=loss,
        lamb=options.lamb,
        smooth=options.given("smooth", 0.0),
        grid_eps=options.given("grid_eps", 1.0),
        tolerance=options.given("tolerance", 0.0),
        seconds=options.seconds,
        should_stop=options.should_stop,
    )
    if options.names_grid_updates:
        settings = replace(settings, adapt_at=options.grid_update_steps())
    metrics = Metrics(options.metrics)
    history: History = {}
    best: Callable[[], KAN] | None = None

    def on_step(event: StepEvent) -> None:
        nonlocal best
        best = event.best
        if options.metrics:
            model.load_layers(event.best())
            metrics.measure(history)
        if options.on_step is not None:
            options.on_step(event)

    try:
        trained = train_population([start], rows.x, rows.y, settings, on_step, test, weights=rows.weight)
    except KeyboardInterrupt:
        if best is not None:
            model.load_layers(best())
        raise
    model.load_layers(trained.model)
    return {**trained.history, **history}


def _fit_by_gradient(
    model: KAN,
    start: KAN,
    data: tuple[Source, Sample | None, Scan],
    loss: Loss,
    options: FitOptions,
    on_checkpoint: OnCheckpoint | None,
    resume: Snapshot | None,
) -> History:
    source, test, found = data
    scale, n_out = found.scale.for_outputs(start.layers[-1].nodes), model.width[-1]
    scaled = loss.scaled(float(scale.std))

    def prepared(rows: Sample) -> Sample:
        return rows._replace(y=scale.apply(loss.targets(rows.y, n_out)))

    watch = Watch(model, scale, scaled, None if test is None else prepared(test), options)
    if resume is None:
        # A copy lies in memory as a network from a file does, on which the last bits depend.
        work = scale.standardised(Population.of([start])).model(0).copy()
        watch.begin(work)
    else:
        with restoring():
            work = resume.part("model").models()[0]
            watch.restore(resume.part("watch"))
    penalty = _penalty(loss, options)

    def tell(make: Callable[[], Snapshot]) -> None:
        if on_checkpoint is not None:
            on_checkpoint(Checkpoint(lambda: _snapshot(work, watch, make())))

    state = None if resume is None else resume.part("optimiser")
    try:
        if options.opt == "Adam":
            Adam(work, scaled, options, penalty).run(source, prepared, watch.record, tell=tell, resume=state)
        else:
            training = FullBatch(work, prepared(source.rows()), scaled, penalty)
            steps, adapt_at = options.given("steps", 0), options.grid_update_steps()
            training.run(options.opt, steps, watch.record, adapt_at, tell=tell, resume=state)
    finally:
        watch.leave_best()
    return watch.history


def _snapshot(model: KAN, watch: Watch, optimiser: Snapshot) -> Snapshot:
    parts = {"model": Snapshot.of_models([model]), "watch": watch.snapshot(), "optimiser": optimiser}
    return Snapshot.joined(parts)


def _penalty(loss: Loss, options: FitOptions) -> EdgePenalty | None:
    if options.lamb == 0:
        return None
    # pykan adds the penalty to the mean square, of which our loss of residuals is half.
    share = 0.5 if loss.of_residuals else 1.0
    return EdgePenalty(
        share * options.lamb,
        options.given("lamb_l1", 1.0),
        options.given("lamb_entropy", 2.0),
        options.given("lamb_coef", 0.0),
        options.given("lamb_coefdiff", 0.0),
    )


def _rows(dataset: Any, weights: Any, device: torch.device) -> tuple[Source, Sample | None]:
    if isinstance(dataset, dict):
        missing = [name for name in ("train_input", "train_label") if name not in dataset]
        if missing or ("test_input" in dataset) != ("test_label" in dataset):
            raise SettingsError("the dataset needs train_input, train_label, and test_label with test_input")
        source = ArraySource(dataset["train_input"], dataset["train_label"], weights, device)
        if "test_input" not in dataset:
            return source, None
        return source, moved(as_rows(dataset["test_input"], dataset["test_label"]), device)
    if hasattr(dataset, "X") and hasattr(dataset, "y"):
        return ArraySource(dataset.X, dataset.y, weights, device), None
    if isinstance(dataset, tuple | list) and len(dataset) == 2:
        return ArraySource(dataset[0], dataset[1], weights, device), None
    if not hasattr(dataset, "__iter__") or isinstance(dataset, (tuple, list)):
        raise SettingsError("the dataset must be a dict, have X and y, or be a pair (X, y) or a DataLoader")
    if weights is not None:
        raise SettingsError("weights beside a DataLoader do nothing: let it give batches (x, y, weight)")
    return LoaderSource(dataset, device), None


def _is_curved(loss: Loss, model: KAN, source: Source) -> bool:
    rows = source.spread(100)
    return loss.has_curvature(evaluate(model, rows.x), loss.targets(rows.y, model.width[-1]))


@torch.no_grad()
def _on_range(model: KAN, wanted: torch.Tensor) -> KAN:
    """Move the inputs' grids to the rows' range (I, 2), unless they hold it and are not much wider."""
    domain = model.layers[0].basis.domain
    if domain.shape != wanted.shape:
        raise SettingsError(f"the rows have {len(wanted)} inputs and the network {len(domain)}")
    inside = (wanted[:, 0] >= domain[:, 0]) & (wanted[:, 1] <= domain[:, 1])
    wide = (domain[:, 1] - domain[:, 0]) > 2 * (wanted[:, 1] - wanted[:, 0])
    keep = (inside & ~wide).unsqueeze(-1)
    if bool(keep.all()):
        return model.copy()
    population = Population.of([model])
    layer = grids.moved(population.layers[0], torch.where(keep, domain, wanted))
    return population.with_layer(0, layer).model(0)
