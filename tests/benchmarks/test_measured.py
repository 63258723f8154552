"""The judge of measured tables: every law is found in itself, and in nothing simpler."""

import importlib.util
from pathlib import Path

import kansci_datasets
import numpy as np
import pytest

from kansci.expressions.parser import parse
from kansci.symbolic.formula import Formula

FILE = Path(__file__).parents[2] / "benchmarks" / "measured.py"


@pytest.fixture(scope="module")
def suite():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FILE.parent))
        spec = importlib.util.spec_from_file_location("measured", FILE)
        module = importlib.util.module_from_spec(spec)
        patch.setitem(__import__("sys").modules, "measured", module)
        spec.loader.exec_module(module)
        yield module


def test_the_nine_laws_and_every_table_are_there(suite):
    assert suite.names_of("empirical") == (
        "bode hubble ideal-gas kepler leavitt newton planck rydberg schechter".split()
    )
    assert sorted(suite.names_of("tables") + suite.names_of("nist")) == kansci_datasets.names()


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("name", ["bode", "ideal-gas", "newton", "planck", "rydberg", "schechter"])
def test_a_law_is_found_in_itself_and_not_in_a_constant(suite, name, raw):
    case = suite.empirical_case(name, 0, raw=raw)
    most = suite.constants_of(case.law, case.table)
    assert suite.contains(case.law, case.clean, most)
    assert not suite.contains(parse("1.5", []), case.clean, most)


def test_laws_written_otherwise(suite):
    planck = suite.empirical_case("planck", 0, raw=True)
    kept = planck.clean.rows(planck.clean.X[:, 0] / planck.clean.X[:, 1] < 1e13)
    other = parse("1.5e-50*nu**3/(exp(4.8e-11*nu/T) - 1)", ["nu", "T"])
    assert suite.contains(other, kept, suite.constants_of(planck.law, kept))
    rydberg = suite.empirical_case("rydberg", 0, raw=True)
    other = parse("9.1e-8*n1**2*n2**2/(n2**2 - n1**2)", ["n1", "n2"])
    assert suite.contains(other, rydberg.clean, 1)


def test_certified_residuals_and_complexity(suite):
    case = suite.table_case("nist_misra1a")  # b1*(1 - exp(-b2*x))
    assert np.sum((case.clean.y - case.table.y) ** 2) == pytest.approx(case.certified, rel=1e-8)
    entry = kansci_datasets.info("nist_misra1a")
    fitted = Formula("b1*(1-exp(-b2*x))", ["x"]).fit(case.table, start=dict(entry.parameters)).formula
    assert fitted.complexity <= case.certified_complexity
    assert suite.constants_of(case.law, case.table) == 2
    assert suite.contains(fitted.expr, case.clean, 2)


def test_a_law_with_a_logarithm_on_the_left(suite):
    case = suite.table_case("nist_nelson")
    np.testing.assert_allclose(case.table.y, np.log(kansci_datasets.load("nist_nelson").y))
    assert np.sum((case.clean.y - case.table.y) ** 2) == pytest.approx(case.certified, rel=1e-8)
