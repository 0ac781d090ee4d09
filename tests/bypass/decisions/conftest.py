"""A guard that trusts what its person trusts, and a person who trusts the file that they are shown."""

import pytest

from jupyter_modelguard.policy.trust import Trust

from chooser import Chooser, guard_that_trusts  # isort: skip


@pytest.fixture
def person():
    return Chooser()


@pytest.fixture
def guarded(person, worker, tmp_path):
    with guard_that_trusts(person, Trust(lambda: tmp_path / "trust"), worker, tmp_path) as made:
        yield made
