"""The same examples in every run, however slow the machine; no file of tests is passed over."""

import pytest
from _pytest.doctest import DoctestModule
from hypothesis import settings

settings.register_profile("kansci", deadline=None, derandomize=True)
settings.load_profile("kansci")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """The longest first, so that no process is left alone with one of them at the end."""
    long = {"tutorial", "slow"}
    items.sort(key=lambda item: long.isdisjoint(mark.name for mark in item.iter_markers()))


@pytest.hookimpl(wrapper=True)
def pytest_collect_file():
    """Look for no doctests in files of tests: with an import that fails they would pass as skipped."""
    return [found for found in (yield) if not isinstance(found, DoctestModule)]
