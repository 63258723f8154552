"""A dataset: what validation drops and says, splitting, selecting, standardising."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kansci.data import Dataset, read_dataset
from kansci.errors import DataError


def table(rows=30, seed=0):
    rng = np.random.default_rng(seed)
    return Dataset.from_arrays(rng.normal(2, 3, size=(rows, 3)), rng.normal(size=rows), ["a", "b", "c"])


def test_notes_say_what_was_left_out():
    text = "name,a,b,k,same,void,y\nu,1,2,7,1,,1\nv,2,,7,2,,2\nw,3,4,7,3,,4\nx,4,1,7,4,,8\n"
    data = read_dataset(io.StringIO(text), "y")
    assert data.inputs == ("a", "b", "same")
    np.testing.assert_array_equal(data.X, [[1, 2, 1], [3, 4, 3], [4, 1, 4]])
    assert data.notes == (
        "ignored column 'name': it holds text",
        "ignored column 'void': it holds no values",
        "dropped 1 of 4 rows with missing or infinite values (first: line 3, column 'b')",
        "ignored column 'k': it is 7 in every row",
        "columns 'a' and 'same' are identical",
    )


def test_missing_values_in_columns_not_used_cost_no_rows():
    data = read_dataset(io.StringIO("a,b,y\n1,,1\n2,,2\n3,1,4\n"), "y", inputs=["a"])
    assert len(data) == 3
    assert data.notes == ()


def test_frames_hold_more_kinds_than_files():
    frame = pd.DataFrame({
        "day": pd.date_range("2020-01-01", periods=4), "n": pd.array([1, 2, None, 4], dtype="Int64"),
        "flag": [True, False, True, True], "text": ["1.5", "2", "3", "x"], "y": [1.0, 2.0, 3.0, 5.0],
    })  # fmt: skip
    with pytest.raises(DataError, match="row 4, column 'text': 'x'"):
        Dataset.from_frame(frame, "y")
    data = Dataset.from_frame(frame.drop(columns="text"), "y")
    assert data.inputs == ("n", "flag")
    np.testing.assert_array_equal(data.X, [[1, 1], [2, 0], [4, 1]])
    with pytest.raises(DataError, match="complex"):
        Dataset.from_arrays(np.array([1j, 2, 3]), [1, 2, 3])


@pytest.mark.parametrize(
    ("X", "y"), [(np.zeros((3, 2, 1)), [1, 2, 3]), (np.zeros((3, 2)), [1, 2]), (1.0, [1])]
)
def test_shapes_that_do_not_fit(X, y):
    with pytest.raises(DataError, match="are needed"):
        Dataset.from_arrays(X, y)


@given(st.integers(3, 60), st.floats(0.01, 0.99), st.integers(0, 5))
def test_a_split_parts_the_rows(rows, fraction, seed):
    data = table(rows)
    train, held_out = data.split(fraction, seed)
    assert min(len(train), len(held_out)) >= 1
    together = np.sort(np.concatenate([train.y, held_out.y]))
    np.testing.assert_array_equal(together, np.sort(data.y))
    again, _ = data.split(fraction, seed)
    np.testing.assert_array_equal(train.X, again.X)


def test_a_split_needs_a_fraction():
    with pytest.raises(DataError, match="between 0 and 1"):
        table().split(1.0)


@given(st.floats(-200, 200).map(lambda power: 10.0**power))
def test_standardising_is_undone_at_every_scale(size):
    data = table()
    data = Dataset.from_arrays(data.X * size, data.y / size)
    standard, scaling = data.standardise()
    np.testing.assert_allclose(standard.X.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(standard.X.std(axis=0), 1, rtol=1e-12)
    np.testing.assert_allclose(scaling.undo(standard.X), data.X, rtol=1e-12, atol=1e-12 * size)
    np.testing.assert_allclose(scaling.undo_target(standard.y), data.y, rtol=1e-12, atol=1e-12 / size)


def test_select_and_rows():
    data = table()
    part = data.select(["c", "a"]).rows(data.y > 0)
    assert part.inputs == ("c", "a")
    np.testing.assert_array_equal(part.X, data.X[data.y > 0][:, [2, 0]])
    with pytest.raises(DataError, match="no input column 'z'"):
        data.select(["z"])
