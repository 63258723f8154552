"""Every table loads, has its source written down, and carries the certified numbers."""

import kansci_datasets
import numpy as np
import pytest
import sympy
from kansci_datasets.catalog import TABLES

from kansci.data import symbol_names
from kansci.errors import DataError
from kansci.expressions.parser import parse

NAMES = kansci_datasets.names()
CERTIFIED = [name for name in NAMES if kansci_datasets.info(name).certified]


def law(entry):
    """The law of a table as an expression; inputs and parameters are its symbols."""
    return parse(entry.law, None)


def test_at_least_thirty_are_measured():
    assert sum(kansci_datasets.info(name).kind == "measured" for name in NAMES) >= 30


def test_the_catalogue_the_files_and_the_sources_agree():
    assert {path.stem for path in TABLES.glob("*.csv")} == set(NAMES)
    sources = (TABLES / "SOURCES.md").read_text(encoding="utf-8")
    sections = {part.split("\n", 1)[0]: part for part in sources.split("\n## ")[1:]}
    assert sorted(sections) == NAMES
    for name in NAMES:
        entry = kansci_datasets.info(name)
        for fact in (entry.title, entry.source, entry.origin, entry.equation, entry.kind, entry.note):
            assert fact in sections[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_table_loads_with_its_columns_and_law(name):
    entry, data = kansci_datasets.info(name), kansci_datasets.load(name)
    varying = [column for column in entry.inputs if f"'{column}'" not in " ".join(data.notes)]
    assert list(data.inputs) == varying
    assert data.target == entry.target
    assert set(data.units) <= {*entry.inputs, entry.target}
    inputs = {sympy.Symbol(symbol) for symbol in symbol_names(entry.inputs)}
    assert law(entry).free_symbols & inputs
    if entry.certified:
        assert law(entry).free_symbols - inputs == set(map(sympy.Symbol, entry.parameters))


@pytest.mark.parametrize("name", CERTIFIED)
def test_certified_parameters_leave_the_certified_residuals(name):
    """This proves the numbers in the file and the form of the law."""
    entry, data = kansci_datasets.info(name), kansci_datasets.load(name)
    fitted = law(entry).subs(entry.parameters)
    predicted = sympy.lambdify(list(map(sympy.Symbol, data.inputs)), fitted, "numpy")(*data.X.T)
    y = np.log(data.y) if entry.transform == "log" else data.y
    rss = float(np.sum((y - predicted) ** 2))
    # Lanczos1 fits its 14 digits to 1e-25, where the 11 certified digits of a parameter decide.
    assert rss == pytest.approx(entry.certified.rss, rel=1e-8, abs=1e-18)
    freedom = len(data) - len(entry.parameters)
    assert entry.certified.rsd == pytest.approx(np.sqrt(entry.certified.rss / freedom), rel=1e-8)
    for values in (entry.certified.stderr, *entry.certified.starts):
        assert set(values) == set(entry.parameters)


def test_a_wrong_name_gets_a_suggestion():
    with pytest.raises(DataError, match="did you mean kepler_planets"):
        kansci_datasets.load("kepler_planet")
