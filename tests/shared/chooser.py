"""A person who answers with a scope, in front of a guard that trusts."""

from __future__ import annotations

import contextlib
import time

from jupyter_modelguard import guard
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.types import Decision, Scope

from searched_modules import SEARCHED  # isort: skip

__all__ = ["Chooser", "guard_that_trusts", "records"]


class Chooser:
    """Allows with a scope, or denies where that is None; keeps the cards that were shown."""

    def __init__(self, scope=Scope.DIGEST):
        self.scope = scope
        self.asked = []
        self.surprised = []

    def prior(self, _record):
        return None

    def surprise(self, record, why):
        self.surprised.append(why)

    def ask(self, _record, view, _changed):
        self.asked.append(view)
        if self.scope is None:
            return Decision(allow=False, by="ada", transport="card", reason="kept blocked", at=time.time())
        return Decision(allow=True, by="ada", transport="card", reason="I read the code", scope=self.scope, at=time.time())

    def offered(self):
        """The scopes that could be chosen on the last card."""
        return [choice.value for choice in self.asked[-1].scopes if choice.enabled]

    def choice(self, scope):
        """One answer of the last card."""
        return next(choice for choice in self.asked[-1].scopes if choice.value == scope)

    def fact(self, label):
        """One line of the last card; empty if it has none of this name."""
        return next((fact.text for fact in self.asked[-1].facts if fact.label == label), "")


@contextlib.contextmanager
def guard_that_trusts(person, trust, worker, folder, born=None, kernel=None):
    """Hold the loads of this process with trust, and a history in a folder of its own."""
    home = folder / "modelguard-home"
    home.mkdir(mode=0o700)
    made = guard.Guard(worker, person, Store(home), trust=trust, born=born, kernel=kernel)
    made.patches.searched = SEARCHED
    made.open()
    try:
        yield made
    finally:
        made.close()


def records(made):
    """The history, the latest first."""
    made.store.flush()
    return made.store.history(50)
