"""Tables with groups: which columns may name them, and which rows are left."""

import numpy as np
import pandas as pd
import pytest

from kansci.data import Dataset, GroupedDataset
from kansci.errors import DataError


def frame():
    return pd.DataFrame({
        "x": [1.0, 2, 3, 4, 5, 6, np.nan, 8], "y": [1.0, 4, 9, 16, 25, 36, 49, 64],
        "kind": ["b", "b", "a", "a", None, "b", "c", "a "], "run": [1, 1, 2, 2, 3, 3, 4, 4],
        "part": np.arange(8) / 3,
    })  # fmt: skip


def test_rows_without_a_group_or_a_number_go_and_so_do_empty_groups():
    data = GroupedDataset.from_frame(frame(), "y", "kind", ["x"])
    assert data.labels == ("b", "a")  # in the order of the table; c had no x
    assert data.index.tolist() == [0, 0, 1, 1, 0, 1]
    np.testing.assert_array_equal(data.dataset.X[:, 0], [1, 2, 3, 4, 6, 8])
    assert any("dropped 2 of 8 rows" in note for note in data.dataset.notes)
    np.testing.assert_array_equal(data.coded.X[:, -1], data.index)


def test_whole_numbers_name_groups_and_are_no_input():
    data = GroupedDataset.from_frame(frame(), "y", "run")
    assert data.labels == ("1", "2", "3", "4")
    assert data.dataset.inputs == ("x", "part")


@pytest.mark.parametrize(
    ("group", "inputs", "complaint"),
    [
        ("part", None, "row 2: group column 'part' holds 0.333333"),
        ("y", None, "cannot be the target"),
        ("run", ["run"], "cannot be the target or an input"),
        ("sort", None, "there is no group column 'sort'"),
        ("id", None, "8 different values in 8 rows"),
        ("same", None, "has 1 value: leave --group out"),
    ],
)
def test_columns_that_name_no_groups(group, inputs, complaint):
    table = frame().assign(id=list("abcdefgh"), same="s")
    with pytest.raises(DataError, match=complaint):
        GroupedDataset.from_frame(table, "y", group, inputs)


def test_a_column_of_text_is_said_to_be_one_for_groups():
    notes = Dataset.from_frame(frame()[["x", "y", "kind"]], "y").notes
    assert any("'kind': it holds text (--group kind" in note for note in notes)
    with pytest.raises(DataError, match=r"'kind' holds text: leave it out \(--group kind"):
        Dataset.from_frame(frame(), "y", ["x", "kind"])
