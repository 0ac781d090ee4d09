"""What the policy files say of a load: the most restrictive rule that is about it, whoever wrote it.

Every file may restrict. Whether what it allows counts depends on who else could have written it: the machine's file only when an
administrator alone may write it, the environment's and this person's own when nobody but this person may (or, for the environment's,
an administrator), a project's once this person accepted it as it is. `locked`, in a file that an administrator alone may write, ends
all allowing by other files and keeps the guard from being unloaded. A file that cannot be understood asks about every load that is
looked at: a broken policy is no missing one.

The files are read when a load is looked at, and again when they were changed.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.policy.administrator import only_administrator_writes
from jupyter_modelguard.policy.checked_file import CheckedFiles
from jupyter_modelguard.policy.covering import against_files, against_trust
from jupyter_modelguard.policy.matching import matches
from jupyter_modelguard.policy.places import Kind, Place
from jupyter_modelguard.policy.rules import Action, Rule, RuleSet, read_rules
from jupyter_modelguard.policy.trust_folder import check_file, check_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_modelguard.policy.accepted import AcceptedFiles
    from jupyter_modelguard.policy.checked_file import FileText
    from jupyter_modelguard.policy.places import Places
    from jupyter_modelguard.types import HistoryRecord

__all__ = ["Policy", "PolicyFile"]

_LOG = logging.getLogger(__name__)
_BROKEN = "the policy cannot be read"
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """One policy file that is there."""

    place: Place
    rules: tuple[Rule, ...] = ()
    locked: bool = False  # it says so, and an administrator alone may write it
    powerless: str = ""  # why what it allows does not count, in a sentence
    problem: str = ""  # why it cannot be understood; its one rule then asks about everything
    digest: str = ""


class Policy:
    """The policy files that count in one process; building one reads none.

    Parameters
    ----------
    places
        Where they lie.
    accepted
        Which files of projects this person accepted.
    administrator
        Says who else than an administrator could write a file; another in tests.
    """

    def __init__(
        self, places: Places, accepted: AcceptedFiles, administrator: Callable[[Path], str] = only_administrator_writes
    ) -> None:
        self.places = places
        self.accepted = accepted
        self._administrator = administrator
        self._files = {table: CheckedFiles(_reading(table)) for table in ("", "tool.modelguard")}
        self._warned: set[str] = set()

    @property
    def locked(self) -> bool:
        """Whether an administrator locked the policy; true where that cannot be found out."""
        try:
            return any(file.locked for file in self.files())
        except Exception:  # noqa: BLE001 what cannot be found out restricts
            _LOG.exception("Whether the policy is locked could not be found out")
            return True

    def files(self) -> tuple[PolicyFile, ...]:
        """Read the files that are there, the administrator's first."""
        return tuple(file for place in self.places.policies() if (file := self._read(place)) is not None)

    def rule_on(self, record: HistoryRecord, hold: Callable[[], str]) -> Rule | None:
        """Find the rule that counts for a load, the most restrictive and of those the first; it never raises.

        Parameters
        ----------
        record
            The load.
        hold
            Keeps all its bytes as they are, and gives their sha256; asked only where a rule names a digest, a signer or a folder.
        """
        try:
            return self._rule_on(record, hold)
        except Exception:  # noqa: BLE001 a fault of ours, or no room for the bytes, has it asked about
            _LOG.exception("What the policy says of %s could not be found out, so it is asked about", record.id)
            return Rule(Action.ASK, "policy", 0, name=_BROKEN, reason="A fault kept it from being looked up.")

    def _rule_on(self, record: HistoryRecord, hold: Callable[[], str]) -> Rule | None:
        files = self.files()
        if not files:
            return None
        content = functools.cache(hold)
        day = dt.datetime.now().astimezone().date()
        locked = any(file.locked for file in files)
        for action in Action:
            for file, rule in _of(files, action):
                if not rule.counts_on(day):
                    continue
                if action is Action.ALLOW and (file.powerless or (locked and not file.locked)):
                    continue
                if matches(rule, record, content) and (action is not Action.ALLOW or self._binds(rule, record, content)):
                    return rule
        return None

    def _binds(self, rule: Rule, record: HistoryRecord, content: Callable[[], str]) -> bool:
        """Whether what a rule allows is bound to what this load reads: by its bytes, or because only an administrator could change it."""
        if against_trust(record):
            return False
        if rule.digests or rule.signers:
            return not against_files(record)
        path = Path(record.request.source)
        if (record.artifact is not None and record.artifact.files) or self._administrator(path):
            return False
        return bool(content()) and _sha256(path) == content()

    def _read(self, place: Place) -> PolicyFile | None:
        try:
            found = self._files[place.table].read(place.path)
        except ConfigurationError as error:
            return None if place.table and not _mentions_us(place.path) else self._broken(place, str(error))
        if found is None:
            return None
        rules, digest = found
        if place.table and not rules.rules and not rules.locked:
            return None
        grants = rules.locked or any(rule.action is Action.ALLOW for rule in rules.rules)
        powerless = self._powerless(place, digest) if grants else ""
        file = PolicyFile(place, rules.rules, powerless=powerless, digest=digest)
        if rules.locked and place.kind in {Kind.SYSTEM, Kind.PREFIX} and not self._administrator(place.path):
            return dataclasses.replace(file, locked=True)
        return file

    def _powerless(self, place: Place, digest: str) -> str:
        """Say why what a file allows does not count."""
        if place.kind is Kind.SYSTEM:
            return self._administrator(place.path)
        if place.kind is Kind.PROJECT:
            if self.accepted.accepts(place.path, digest):
                return ""
            return f"It was not accepted as it is now: modelguard policy accept {place.path}"
        if place.kind is Kind.PREFIX and not self._administrator(place.path):
            return ""
        try:
            check_folder(place.path.parent)
            check_file(place.path, place.path.lstat())
        except (ConfigurationError, OSError) as error:
            return str(error)
        return ""

    def _broken(self, place: Place, problem: str) -> PolicyFile:
        if problem not in self._warned:
            self._warned.add(problem)
            _LOG.warning("%s Until then every load that is looked at is asked about.", problem)
        head, _, said = problem.partition(": ")
        file, _, line = head.rpartition(":")
        rule = Rule(Action.ASK, file or head, int(line) if line.isdigit() else 1, name=_BROKEN, reason=said)
        return PolicyFile(place, (rule,), powerless=problem, problem=problem)


def _reading(table: str) -> Callable[[FileText], tuple[RuleSet, str]]:
    def understand(file: FileText) -> tuple[RuleSet, str]:
        return read_rules(file.text, str(file.path), table), file.digest

    return understand


def _mentions_us(path: Path) -> bool:
    """Whether a file of many tools that cannot be understood may hold a policy; else it is broken in its own ways."""
    try:
        with path.open("rb") as file:
            return b"modelguard" in file.read(_BLOCK)
    except OSError:
        return False


def _of(files: tuple[PolicyFile, ...], action: Action) -> Iterator[tuple[PolicyFile, Rule]]:
    return ((file, rule) for file in files for rule in file.rules if rule.action is action)


def _sha256(path: Path) -> str:
    state = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                state.update(block)
    except OSError:
        return ""
    return state.hexdigest()
