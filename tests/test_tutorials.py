"""Every notebook runs from top to bottom and was saved with its outputs."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "tutorials"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SAID = {
    "01_first_formula": ("a**(3/2)", "Vm = 212.7"),  # the value that R's documentation of this table gives
    "03_solve_and_prove": ("y*(x + (1 - y)*sin(pi*x))", "PROVED", "not proved (-u_xx - u_yy = f: not zero)"),
    "04_burgers": ("windows of time", "relative L2 difference of the network"),
    "05_inverse_problems": ("k = 0.25", "of 20 intervals hold the true value"),
    "06_discover_an_equation": ("*u*u_x", "*u_xx", "*hares*lynxes"),
    "07_signals": ("exact to round-off: True", "agrees with differences: True", "decoded at twice", "JPEG:"),
}
"""What a notebook prints, as stored and when it runs."""


USE_ALL_THEIR_TIME = {"01_first_formula", "02_can_i_believe_it"}
"""Their searches under noise go on to the end; the others end by their results."""
SECONDS = re.compile(r"\bseconds=(\d+)")


def hurried(notebook):
    """The notebook with a quarter of the time."""
    for cell in notebook.cells:
        cell.source = SECONDS.sub(lambda found: f"seconds={int(found[1]) / 4:g}", cell.source)
    return notebook


def printed(notebook):
    """All text that the cells print."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.get("text", "") for output in outputs)


@pytest.mark.tutorial
@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_notebook_runs(file):
    stored = nbformat.read(file, as_version=4)
    assert all(cell.execution_count for cell in stored.cells if cell.cell_type == "code")
    notebook = nbformat.read(file, as_version=4)
    if file.stem in USE_ALL_THEIR_TIME:
        notebook = hurried(notebook)
    NotebookClient(notebook, timeout=180, resources={"metadata": {"path": str(FOLDER)}}).execute()
    for words in SAID.get(file.stem, ()):
        assert words in printed(stored)
        assert words in printed(notebook)


def test_there_are_notebooks():
    assert NOTEBOOKS
