"""Repeated searches return a law; permuted targets give honest chances."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest

from kansci.data import Dataset
from kansci.discovery import DiscoverSettings
from kansci.errors import SettingsError
from kansci.evidence import SECTIONS, null_test, stability, trust
from kansci.evidence.searches import in_parallel
from kansci.storage import json_text
from kansci.symbolic.formula import Formula

FAST = DiscoverSettings(seconds=1.0, unary_operators=["exp"], maxsize=9)


def square(rows=60, noise=0.05, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.5, 3, rows)
    return Dataset.from_arrays(x, 3 * x**2 + noise * rng.normal(size=rows), ["x"])


def test_the_square_returns_in_all_repeats():
    law, patient = Formula("2.9*x**2", ["x"]), replace(FAST, seconds=10)  # it ends when noise is left
    found = stability(square(rows=150), patient, formula=law, repeats=1, seconds=60)
    assert found.reference == "#*x**2"
    assert [repeat.kind for repeat in found.repeats] == ["bootstrap", "seed", "noise"]
    assert found.returned == found.on_front == len(found.repeats) == found.planned == 3
    assert found.structures[0].text == "x"
    assert found.structures[0].count == 3
    assert found.forms[0].by_kind == {"bootstrap": 1, "seed": 1, "noise": 1}
    with pytest.raises(SettingsError, match="bootstrap"):
        stability(square(), kinds=["jackknife"])


def test_the_errors_of_a_table_weigh_as_they_are():
    x = np.linspace(0, 4, 20)
    y = 2.5 * np.exp(-0.7 * x) + 0.05 * np.random.default_rng(0).normal(size=20)
    errors = {"sigma": np.linspace(0.02, 0.08, 20), "input_sigma": {"x": np.full(20, 0.3)}}
    data = replace(Dataset.from_arrays(x, y, ["x"]), **errors)
    form = Formula("a*exp(-b*x)", ["x"])
    found = trust(data, form, known_before=True, skip=set(SECTIONS) - {"constants"})
    expected = form.fit(data)
    assert found.formula.text == expected.formula.text
    assert found.constants.fitted[0].stderr == pytest.approx(expected.stderr["a"], rel=1e-6)


def test_chances_on_noise_are_uniform():
    p_values = []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        data = Dataset.from_arrays(rng.normal(size=25), rng.normal(size=25), ["x"])
        form, settings = Formula("0.1 + 0.2*x", ["x"]), DiscoverSettings(seed=seed)
        p_values.append(null_test(data, settings, formula=form, known_before=True, permutations=9).p_value)
    # exactly uniform on 0.1, 0.2, ..., 1: chi-squared with 9 degrees of freedom, 99.9 % quantile 27.9
    counts = np.bincount(np.round(np.array(p_values) * 10).astype(int), minlength=11)[1:]
    assert counts.sum() == 80
    assert np.sum((counts - 8) ** 2 / 8) < 27.9
    assert np.mean(np.array(p_values) <= 0.1) < 0.2


def test_as_many_constants_as_rows_prove_nothing():
    data = Dataset.from_arrays([1.0, 2.0, 3.0], [1.1, 3.9, 9.2], ["x"])
    for text in ("0.4 - 0.7*x + 1.2*x**2", "0.1 + 0.3*x - 0.2*x**2 + 0.3*x**3"):
        found = null_test(data, formula=Formula(text, ["x"]), known_before=True, permutations=40)
        assert found.outcome == "chance"


def test_a_linear_form_gains_what_the_correlation_says():
    data = square(noise=2.0)
    found = null_test(data, formula=Formula("1.0 + 5.0*x", ["x"]), known_before=True, permutations=19)
    r = np.corrcoef(data.X[:, 0], data.y)[0, 1]
    assert found.gain == pytest.approx(-len(data) / 2 * np.log(1 - r**2), rel=1e-6)
    assert found.p_value == pytest.approx(1 / 20)


def test_searches_on_permuted_targets_find_less():
    found = null_test(square(rows=40), FAST, permutations=3, seconds=30)
    assert found.level == "search"
    assert len(found.null_gains) == 3
    assert found.as_good == 0
    assert found.p_value == pytest.approx(1 / 4)
    assert found.gain > max(found.null_gains) + 20
    with pytest.raises(SettingsError, match="permutations=0"):
        null_test(square(), permutations=0)


def test_results_do_not_depend_on_the_number_of_processes():
    tasks, far = list(range(-6, 1)), time.monotonic() + 1e6
    alone = in_parallel(abs, tasks, seconds=0, deadline=far)
    shared = in_parallel(abs, tasks, seconds=0, deadline=far, jobs=2)
    assert alone == shared
    assert alone.results == (6, 5, 4, 3, 2, 1, 0)
    assert in_parallel(abs, tasks, seconds=1, deadline=time.monotonic()).results == ()


def test_an_interruption_keeps_what_is_done():
    def until_three(number):
        if number == 3:
            raise KeyboardInterrupt
        return number

    batch = in_parallel(until_three, list(range(6)), seconds=0, deadline=time.monotonic() + 1e6)
    assert batch.interrupted
    assert batch.results == (0, 1, 2)


def test_all_evidence_for_a_form_that_was_known_before():
    rng = np.random.default_rng(0)
    x = np.linspace(0, 4, 60)
    data = Dataset.from_arrays(x, 2.5 * np.exp(-0.7 * x) + 0.02 * rng.normal(size=60), ["x"])
    form = Formula("a*exp(-b*x)", ["x"])
    found = trust(data, form, known_before=True, skip=["stability", "choice"], seconds=8)
    known = {k.name: k for k in found.constants.fitted}
    assert known["a"].profile_interval[0] < 2.5 < known["a"].profile_interval[1]
    assert abs(known["b"].value - 0.7) < 4 * known["b"].stderr
    assert found.null.level == "refit"
    assert found.null.as_good == 0
    assert found.domain.proved
    assert found.stability is None
    record = json.loads(json_text(found.to_json()))
    assert record["formula"] == found.formula.text
    assert record["null"]["p_value"] == found.null.p_value
    assert "constants: a = 2.49" in record["verdict"]
    with pytest.raises(SettingsError, match="section"):
        trust(data, skip=["everything"])


def test_nothing_supports_a_formula_without_inputs():
    rng = np.random.default_rng(0)
    data = Dataset.from_arrays(rng.normal(size=40), rng.normal(size=40), ["x"])
    found = trust(data, Formula("0.1", ["x"]), [Formula("0.1", ["x"])], seconds=5)
    assert found.supported == "no"
    assert "no inputs" in found.verdict
