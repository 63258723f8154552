"""A solve that is broken off and taken up again takes the steps of one that never was, to the bit."""

import itertools
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from kansci.errors import RunError
from kansci.pde import library
from kansci.pde.journal import Journal, Outcome
from kansci.pde.solver import SolveSettings, solve_problem
from kansci.pde.statement import problem
from kansci.solution.journal_file import journal_bytes, read_journal

TIME = np.linspace(0, 2, 30)
DECAY = problem(
    "u_t = -k*u",
    {"t": [0, 2]},
    {},
    unknowns={"k": 1},
    data=pd.DataFrame({"t": TIME, "u": np.exp(-TIME) + 0.01 * np.cos(20 * TIME)}),
)
GROWTH = problem("u_t = u*(1 - u)", {"t": [0, 20]}, {"t = 0": "u = 0.01"})
PRODUCT = problem(
    "laplacian(u) = 2*g",
    {f"x{k}": [0, 1] for k in range(1, 5)},
    {"boundary": "u = g"},
    parameters={"g": "exp(x1 - x2)*cos(x3)*exp(-x4)"},
)
POISSON = library.load("poisson")
CASES = {
    "functions on the whole, then windows": (GROWTH, (6, 30)),
    "functions on the whole": (library.load("lotka_volterra"), (3, 6)),
    "low rank": (PRODUCT, (3,)),
    "data": (DECAY, (3,)),
}


def solve(stated, settings, states=np.inf, **earlier):
    """Solve, broken off after so many states that could be taken up."""
    seen = []
    broken = {"cancelled": lambda: len(seen) >= states, "on_state": lambda *_: seen.append(1)}
    return solve_problem(stated, settings, **broken, **earlier)


def contents(found):
    return {repr(replace(step, seconds=0)) for step in found.history}


def stored(journal):
    return read_journal(journal_bytes(journal), "checkpoint.safetensors")


@pytest.mark.parametrize("case", CASES)
def test_broken_off_and_taken_up_it_ends_at_the_same_bits(case):
    stated, breaks = CASES[case]
    settings = SolveSettings(seconds=1000)
    whole = solve(stated, settings)
    for states in breaks:
        journal = Journal()
        part = solve(stated, settings, states, journal=journal)
        assert part.interrupted
        again = solve(stated, settings, journal=stored(journal), earlier=part)
        for (*ends, mine), (*others, theirs) in zip(again.pieces, whole.pieces, strict=True):
            assert ends == others
            assert torch.equal(mine.theta, theirs.theta)
        assert (again.method, again.residual, again.change) == (whole.method, whole.residual, whole.change)
        assert contents(whole) <= contents(again)  # and what was offered when it was broken off
        assert again.constants() == whole.constants()


NETWORKS = {
    "Gauss-Newton": ({"width": (6,)}, (1, 8), [(0, 3), (0, 8), (1, 4)]),
    "SSBroyden": ({"width": (6,), "optimizer": "SSBroyden"}, (2, 0), [(1, 0)]),
    "Adam": ({"width": (6,), "optimizer": "Adam"}, (2, 0), [(1, 0)]),
}


def train(settings, until, journal, earlier=None):
    """Train until so many draws and steps."""

    def there():
        state = journal.chapters.get("network")
        return bool(state) and state[-1].numbers[:2] >= until

    return solve_problem(
        POISSON, SolveSettings(seconds=1000, **settings), cancelled=there, journal=journal, earlier=earlier
    )


@pytest.mark.parametrize("case", NETWORKS)
def test_networks_are_trained_on_with_the_same_points_and_damping(case, monkeypatch):
    monkeypatch.setattr("kansci.pde.trained._WARM_UP", 20)
    monkeypatch.setattr("kansci.pde.trained._BETWEEN_DRAWS", 10)
    settings, end, breaks = NETWORKS[case]
    settings = {"model": "mlp", **settings}
    whole = Journal()
    train(settings, end, whole)
    for until in breaks:
        journal = Journal()
        part = train(settings, until, journal)
        again = stored(journal)
        found = train(settings, end, again, part)
        (mine,), (theirs,) = again.chapters["network"], whole.chapters["network"]
        assert mine.numbers == theirs.numbers
        assert torch.equal(mine.theta, theirs.theta)
        assert found.residual <= part.residual
        assert found.history[: len(part.history)] == part.history


def test_out_of_time_it_goes_on_and_is_never_worse(monkeypatch):
    """However short the time, also when it does not suffice to go through the journal again."""
    journal, best, before = Journal(), None, {}
    for looks in (50, 70, 1, 80, 1000):
        minutes = itertools.count(time.monotonic(), 60)  # a clock that goes on by one at every look
        monkeypatch.setattr("kansci.pde.attempt.time", SimpleNamespace(monotonic=minutes.__next__))
        now = solve_problem(GROWTH, SolveSettings(seconds=60 * looks), journal=journal, earlier=best)
        kept = {name: len(outcomes) for name, outcomes in journal.chapters.items()}
        if best is not None:
            assert now.residual <= best.residual
            assert now.seconds > best.seconds
            assert all(kept[name] >= count for name, count in before.items())
        best, before, journal = now, kept, stored(journal)


def test_a_journal_of_something_else_is_not_used():
    wrong = Journal({"spectral": [Outcome(torch.zeros(3, dtype=torch.float64), (0.0,))]})
    settings = SolveSettings(seconds=1000)
    found = solve_problem(POISSON, settings, journal=wrong)
    np.testing.assert_array_equal(
        found.pieces[0][2].theta.numpy(), solve_problem(POISSON, settings).pieces[0][2].theta.numpy()
    )
    content = journal_bytes(wrong)
    with pytest.raises(RunError, match="not a checkpoint"):
        read_journal(content[: len(content) // 2], "checkpoint.safetensors")
