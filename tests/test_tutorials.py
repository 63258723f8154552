"""Every notebook runs from top to bottom and was saved with its outputs."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "tutorials"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


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
    NotebookClient(notebook, timeout=180, resources={"metadata": {"path": str(FOLDER)}}).execute()
    if file.stem == "01_first_formula":
        for text in (printed(stored), printed(notebook)):
            assert "a**(3/2)" in text
            assert "Vm = 212.7" in text  # the value that R's documentation of this table gives


def test_there_are_notebooks():
    assert NOTEBOOKS
