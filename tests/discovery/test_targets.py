"""A law for each of several targets, and what these laws share."""

import numpy as np
import pandas as pd
import pytest

from kansci.discovery import DiscoverSettings, discover_targets
from kansci.errors import DataError


def table():
    rng = np.random.default_rng(0)
    x, c = rng.uniform(0.5, 6, 60), rng.uniform(1, 2, 60)
    return pd.DataFrame({"x": x, "c": c, "p": 3 * np.exp(-x / 2), "q": 1.2 + 7 * np.exp(-x / 2), "r": c / x})


def test_each_target_has_its_law_and_what_they_share_is_said():
    found = discover_targets(table(), ["p", "q", "r"], DiscoverSettings(seconds=40))
    assert [d.formula.text for d in found.discoveries] == ["3*exp(-x/2)", "6/5 + 7*exp(-x/2)", "c/x"]
    (shared,) = found.shared
    assert shared.targets == ("p", "q")
    assert shared.expression == "exp(-0.5*x)"
    assert shared.constants == ((-0.5, 0.0),)
    record = found.to_json()
    assert [row["target"] for row in record["targets"]] == ["p", "q", "r"]
    assert all(set(row["inputs"]) == {"x", "c"} for row in record["targets"])  # no target explains another


def test_the_form_of_one_target_is_offered_to_the_next():
    """Two constants of a form that is not tried early otherwise: the first target gives it away."""
    rng = np.random.default_rng(1)
    x = rng.uniform(0.2, 4, 80)
    form = np.exp(-((x - 1.3) ** 2) / 0.7)
    frame = pd.DataFrame({"x": x, "p": 2 * form, "q": 5 * form - 1})
    found = discover_targets(frame, ["p", "q"], DiscoverSettings(seconds=40))
    assert found.discoveries[1].exact
    assert "a form that another target has" in found.discoveries[1].derivation


@pytest.mark.parametrize(
    ("targets", "inputs", "complaint"),
    [
        (["p", "p"], None, "'p' is given more than once"),
        (["p", "s"], None, "there is no target column 's'"),
        (["p", "q"], ["x", "q"], "'q' is a target and cannot be an input"),
    ],
)
def test_targets_that_cannot_be(targets, inputs, complaint):
    with pytest.raises(DataError, match=complaint):
        discover_targets(table(), targets, inputs=inputs)
