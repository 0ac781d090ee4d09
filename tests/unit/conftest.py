"""Traces in this process see what a worker sees: nothing of what earlier tests left behind."""

import gc

import pytest


@pytest.fixture(scope="module", autouse=True)
def nothing_of_others():
    """Set aside what is loaded by now, as the scan process does: a trace looks through all that Python made since."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
