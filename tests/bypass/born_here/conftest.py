"""A kernel that remembers what it saves, and a person who keeps blocked whatever is asked."""

import pytest

from jupyter_modelguard.policy.trust import Trust
from jupyter_modelguard.stages.born_here import BornHere
from jupyter_modelguard.stages.own_kernel import OwnKernel

from chooser import Chooser, guard_that_trusts  # isort: skip


@pytest.fixture
def person():
    """Keeps blocked whatever is asked."""
    return Chooser(None)


@pytest.fixture
def kernel():
    return OwnKernel(own=True)


@pytest.fixture
def born(tmp_path):
    return BornHere(lambda: tmp_path / "trust")


@pytest.fixture
def guarded(person, born, kernel, worker, tmp_path):
    trust = Trust(lambda: tmp_path / "trust")
    with guard_that_trusts(person, trust, worker, tmp_path, born, kernel) as made:
        yield made


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.pkl"
