"""Every way a table may be written reads back as the numbers that were written."""

import io
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kansci.data import read_dataset, read_table

FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=64)
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "blank": " ", "blanks": "   "}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"]


@st.composite
def written_tables(draw):
    """A table of numbers and the bytes of one way of writing it."""
    columns, rows = draw(st.integers(2, 5)), draw(st.integers(3, 12))
    values = np.array(draw(st.lists(FLOATS, min_size=rows * columns, max_size=rows * columns)))
    values = values.reshape(rows, columns)
    separator = draw(st.sampled_from(sorted(SEPARATORS.values())))
    comma = separator not in {",", " ", "   "} and draw(st.booleans())
    header = draw(st.booleans())
    names = [f"col{i}" for i in range(columns)] if header else [f"x{i + 1}" for i in range(columns)]
    lines = [separator.join(names)] if header else []
    for row in values:
        cells = [repr(float(cell)) for cell in row]
        cells = [cell.replace(".", ",") if comma else cell for cell in cells]
        lines.append(separator.join(f'"{cell}"' if draw(st.booleans()) else cell for cell in cells))
    for at in draw(st.lists(st.integers(0, len(lines)), max_size=3)):
        lines.insert(at, draw(st.sampled_from(["# measured by night;1,2", "% 1 2", "// off", "", "  "])))
    newline = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = newline.join(lines) + draw(st.sampled_from(["", newline]))
    return names, values, text.encode(draw(st.sampled_from(ENCODINGS)))


@settings(max_examples=250)
@given(written_tables())
def test_a_written_table_reads_back_to_the_last_bit(table):
    names, values, content = table
    frame = read_table(io.BytesIO(content))
    assert list(frame.columns) == names
    np.testing.assert_array_equal(frame.to_numpy(dtype=float), values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a;b\n1 234,5;2\n1,5;3\n", [[1234.5, 2], [1.5, 3]]),
        ("a;b\n1.234,5;2\n1,5;3\n", [[1234.5, 2], [1.5, 3]]),
        ('a,b\n"1,234.5",2\n1.5,3\n', [[1234.5, 2], [1.5, 3]]),
        ('a,b\n"1,5","2,25"\n"3,5","4"\n', [[1.5, 2.25], [3.5, 4]]),
        ("a b\n1,5 200,5\n2,5 3\n", [[1.5, 200.5], [2.5, 3]]),
        ("a\tb\n1D-3\t−2\n+.5\t3.\n", [[1e-3, -2], [0.5, 3]]),
        ("a, b\n1, NA\n2, ?\n", [[1, np.nan], [2, np.nan]]),
        ("a,b,\n1,2,\n3,4,\n", [[1, 2], [3, 4]]),
        ("a,b\n1,2,\n3,4,\n", [[1, 2], [3, 4]]),
        ('"a" "b"\n"1" 1.5 2\n"2" 3.5 4\n', [[1.5, 2], [3.5, 4]]),
        (",a,b\n0,1.5,2\n1,3.5,4\n", [[1.5, 2], [3.5, 4]]),
        ("# a b\n1.5 2\n3.5 4\n", [[1.5, 2], [3.5, 4]]),
        ('a,"b\nsecond line"\n1,2\n3,4\n', [[1, 2], [3, 4]]),
    ],
)
def test_habits_of_people_and_programs(text, expected):
    frame = read_table(io.StringIO(text))
    np.testing.assert_array_equal(frame.to_numpy(dtype=float), expected)
    assert frame.columns[0] == "a"
    assert frame.columns[1].startswith("b")


def test_text_columns_stay_text_and_lines_keep_their_numbers():
    frame = read_table(io.StringIO('# planets\nplanet,a\n\n"Mercury",0.387\n"Venus, the bright",0.723\n'))
    assert list(frame["planet"]) == ["Mercury", "Venus, the bright"]
    assert list(frame.index) == [4, 5]
    assert frame.index.name == "line"


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.normal(size=(20, 3)), columns=["a", "b", "y"])


@pytest.mark.parametrize("kind", ["parquet", "npz columns", "npz matrix", "xlsx"])
def test_binary_containers(frame, kind, tmp_path):
    path = tmp_path / "table.dat"  # the name says nothing, the content does
    with path.open("wb") as file:
        if kind == "parquet":
            frame.to_parquet(file)
        elif kind == "npz columns":
            np.savez(file, **{name: frame[name].to_numpy() for name in frame})
        elif kind == "npz matrix":
            np.savez(
                file, X=frame[["a", "b"]].to_numpy(), y=frame["y"].to_numpy(), inputs=np.array(["a", "b"])
            )
        else:
            frame.to_excel(file, index=False, engine="openpyxl")
    data = read_dataset(path, "y")
    assert data.inputs == ("a", "b")
    np.testing.assert_allclose(np.column_stack([data.X, data.y]), frame.to_numpy(), rtol=1e-15)


def test_standard_input(frame, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(frame.to_csv(index=False).encode())))
    np.testing.assert_array_equal(read_table("-").to_numpy(), frame.to_numpy())


def test_units_come_from_the_header_and_from_the_caller():
    text = "v [m/s];m (kg);E\n1;2;1\n2;3;6\n3;5;22,5\n"
    data = read_dataset(io.StringIO(text), "E", units={"E": "J", "m": "g"})
    assert data.units == {"v [m/s]": "m/s", "m (kg)": "g", "E": "J"}
    assert data.symbols == {"v": "v [m/s]", "m": "m (kg)"}
