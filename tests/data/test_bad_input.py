"""Every unusable table gives one line that says what is wrong and where."""

import io
import os
import pickle
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kansci.data import read_dataset, read_table
from kansci.errors import DataError

CASES = {
    "empty": (b"", "empty"),
    "blank lines": (b"\n\n  \n", "empty"),
    "comments only": (b"# nothing\n# here\n", "comments but no data"),
    "header only": (b"a,b,y\n", "no rows"),
    "one row": (b"a,y\n1,2\n", "only 1 usable row"),
    "two rows": (b"a,y\n1,2\n2,3\n", "only 2 usable rows"),
    "text in a column": (b"a,y\n1,2\n# c\nx7,3\n3,4\n5,6\n", r"line 4, column 'a': 'x7' is not a number"),
    "text in the target": (b"a,y\n1,low\n2,high\n3,low\n", r"line 2, column 'y': 'low' .*and 2 more"),
    "missing target": (b"a,Yield\n1,2\n2,3\n3,5\n", "no target column 'y'.*The columns are: a, Yield"),
    "constant target": (b"a,y\n1,2\n2,2\n3,2\n", "'y' has the same value, 2, in every row"),
    "constant inputs": (b"a,y\n1,2\n1,3\n1,4\n", "every input column is constant"),
    "names twice": (b"a,b,a,y\n1,2,3,4\n4,5,6,7\n7,8,9,1\n", "header names 'a' more than once"),
    "too long row": (b"a,y\n1,2\n1,2,3\n3,4\n5,6\n", "line 3 has 3 fields where there are 2 columns"),
    "too short row": (b"a,b,y\n1,2,3\n\n1,2\n3,4,5\n", "line 4 has 2 fields where there are 3 columns"),
    "open quote": (b'a,y\n1,2\n"3,4\n5,6\n', "line 3: a quote"),
    "mostly missing": (
        b"a,y\n1,2\n,3\n,4\nnan,3\n",
        r"3 of 4 rows .* column 'a' \(first: line 3, column 'a'\)",
    ),
    "infinite": (b"a,y\n1,inf\n2,inf\n4,inf\n1,3\n", "3 of 4 rows have missing or infinite"),
    "no inputs": (b"name,y\nu,2\nv,3\nw,4\n", "no numeric column besides"),
    "ten thousand columns": (
        ",".join(f"c{i}" for i in range(10_000)).encode()
        + b"\n"
        + b"\n".join([b",".join([b"1"] * 10_000)] * 3),
        "10,000 columns, more than the 2,000",
    ),
    "a long cell": (b"a,y,t\n1,2,u\n2,3," + b"w" * 20_000 + b"\n3,4,v\n", "column 't' has a cell of 20,000"),
    "a long line": (b"a,y\n1," + b"1" * 1_100_000 + b"\n", "line 2 has 1,100,002 characters"),
    "a long name": (b"a" * 300 + b",y\n1,2\n2,3\n3,1\n", "column 1 has 300 characters"),
    "zeros": (b"\x00" * 4096, "not a text table"),
    "junk": (bytes(range(256)) * 40, "not a text table"),
    "gzip": (b"\x1f\x8b\x08rest", "gzip"),
    "old Excel": (b"\xd0\xcf\x11\xe0rest", "old Excel"),
    "cut Parquet": (b"PAR1 and no more", "Parquet file cannot be read"),
    "cut archive": (b"PK\x03\x04 and no more", "archive is damaged"),
    "code": (b"a,y\n__import__('os').abort(),2\n2,3\n3,4\n4,5\n", r"line 2, column 'a'"),
}


@pytest.mark.parametrize("case", CASES)
def test_one_line_says_what_is_wrong(case):
    content, message = CASES[case]
    with pytest.raises(DataError, match=message) as caught:
        read_dataset(io.BytesIO(content), "y")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_the_nearest_name_is_suggested():
    with pytest.raises(DataError, match="did you mean 'pressure'"):
        read_dataset(io.StringIO("temperature,pressure\n1,2\n2,3\n3,5\n"), "presure")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inputs": ["name"]}, "line 2, column 'name': 'u' is not a number"),
        ({"inputs": ["c"]}, "no input column 'c'"),
        ({"inputs": ["a", "a"]}, "more than once"),
        ({"inputs": ["y"]}, "is the target"),
        ({"inputs": []}, "no input columns"),
        ({"units": {"q": "m"}}, "no unit's column 'q'"),
    ],
)
def test_wrong_choices(arguments, message):
    with pytest.raises(DataError, match=message):
        read_dataset(io.StringIO("name,a,y\nu,1,2\nv,2,3\nw,3,5\n"), "y", **arguments)


def test_a_sparse_file_of_two_gigabytes_is_refused_unread(tmp_path):
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(2 * 2**30)
    start = time.perf_counter()
    with pytest.raises(DataError, match="2,048 MiB, more than the 256 MiB allowed"):
        read_table(path)
    assert time.perf_counter() - start < 20


def test_paths_that_lead_nowhere(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)


class Trap:
    """Unpickling this would run a command."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def test_a_pickle_in_an_archive_is_not_opened(tmp_path):
    mark = tmp_path / "ran"
    path = tmp_path / "table.npz"
    np.savez(path, x=np.arange(3.0), y=np.array([Trap(mark)] * 3, dtype=object))
    with pytest.raises(DataError, match="cannot be read"):
        read_table(path)
    (tmp_path / "plain.csv").write_bytes(pickle.dumps(Trap(mark)))
    with pytest.raises(DataError, match="not a text table"):
        read_table(tmp_path / "plain.csv")
    assert not mark.exists()


def test_archives_that_are_no_table(tmp_path):
    for arrays, message in [
        ({"x": np.zeros((3, 2))}, "array 'x' is not a column"),
        ({"x": np.zeros(3), "y": np.zeros(4)}, "differ in length"),
        ({"X": np.zeros((3, 2)), "y": np.zeros(4)}, "X has shape"),
        ({"X": np.zeros((3, 2)), "y": np.zeros(3), "inputs": np.array(["a"])}, "1 names for 2 columns"),
        ({"x": np.zeros(3, dtype=complex)}, "array 'x'"),
    ]:
        np.savez(tmp_path / "t.npz", **arrays)
        with pytest.raises(DataError, match=message):
            read_table(tmp_path / "t.npz")


def test_an_empty_workbook(tmp_path):
    pd.DataFrame().to_excel(tmp_path / "t.xlsx", index=False)
    with pytest.raises(DataError, match="workbook is empty"):
        read_table(tmp_path / "t.xlsx")


@settings(max_examples=300)
@given(
    st.one_of(st.binary(max_size=300), st.text(alphabet='ab12.,;\t \n"#-eNa|', max_size=120).map(str.encode))
)
def test_any_bytes_give_a_table_or_one_line(content):
    message = ""
    try:
        read_dataset(io.BytesIO(content), "a")
    except DataError as error:
        message = str(error)
    assert "\n" not in message
