"""The laws whose intervals are counted, and the pieces the counting is shared out in."""

import importlib
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def suite():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield importlib.import_module("_trust_coverage")


def test_every_law_is_fitted_back_from_its_rows(suite):
    assert len({law.name for law in suite.laws()}) == 5
    for law in suite.laws():
        start = {name: suite.START * value for name, value in law.values.items()}
        fitted = law.formula.fit(law.columns, law.exact(), start)
        assert fitted.parameters == pytest.approx(law.values, rel=1e-8)


def test_what_is_counted(suite):
    law = suite.laws()[2]
    inside = suite.holds(law, range(2))
    assert {name: rows.shape for name, rows in inside.items()} == {
        "wald": (2, 2), "profile": (2, 2), "band": (2, 25)
    }  # fmt: skip
    np.testing.assert_array_equal(suite.holds(law, range(1, 2))["wald"], inside["wald"][1:])


@pytest.mark.parametrize(("count", "chunks"), [(200, 4), (7, 3), (2, 8)])
def test_chunks_cover_the_range_once(suite, count, chunks):
    pieces = suite.in_chunks(count, chunks)
    assert [k for piece in pieces for k in piece] == list(range(count))
    assert len(pieces) <= chunks
