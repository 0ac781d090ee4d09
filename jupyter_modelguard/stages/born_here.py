"""What this user's own kernels saved, and would ask when it is loaded again: the ledger that lets it pass.

Most files that are saved load silently because they are proved. The others are known again here as tightly as what a person trusts: by all
their bytes, the loader, and every function that they name with where it comes from. Code of the user's own, in a module beside the notebook
or in the notebook itself, is compared as well, so that a class that was edited since asks again. Nobody decided anything about these
files, so the ledger is a file of its own, sealed for this installation; whatever is wrong with it means that there is a question.
"""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.config import user_name
from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.policy.covering import against_trust
from jupyter_modelguard.policy.installation import seal
from jupyter_modelguard.policy.trust import ONLY_ONCE, Standing
from jupyter_modelguard.policy.trust_entry import covers_file, entry_of
from jupyter_modelguard.policy.trust_file import TrustFile
from jupyter_modelguard.types import Decision, Judgement, RiskLevel, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from jupyter_modelguard.policy.trust_entry import TrustEntry
    from jupyter_modelguard.types import HistoryRecord

__all__ = ["BORN", "BornHere"]

BORN = "born"
"""Transport of a decision that nobody took, because this user's own kernel made the file."""

_LOG = logging.getLogger(__name__)
_NAME = "born.json"
_REASON = "born here"
_MOST = 1_000  # entries; the oldest go
_OPEN = frozenset({Judgement.UNKNOWN, Judgement.INSPECT})
_OWN_ORIGINS = ("a file ", "this notebook")


class BornHere:
    """Looks up and keeps what this user's kernels saved.

    Parameters
    ----------
    folder
        Finds the folder of this person; see `jupyter_modelguard.config.default_home`.
    """

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._file = TrustFile(folder, _NAME, seal)
        self._passed: dict[
            str, tuple[str, Mapping[str, bytes]]
        ] = {}  # id of a load under way -> id of its entry, code it may import
        self._warned: set[str] = set()
        self.catch_up: Callable[[], None] = lambda: None  # waits until what was just saved is in the ledger

    def look(self, record: HistoryRecord, hold: Callable[[], str]) -> Standing:
        """Say whether a load that would be asked about is of a file that was saved here; see `Trust.look`. It never raises."""
        try:
            self.catch_up()
            entries = self._file.read()
            bound = _bound(record) if entries else None
            covering = [entry for entry in entries if covers_file(entry, bound)] if bound is not None else []
            content = hold() if covering else ""
            for entry in reversed(covering):
                if content and entry.content == content:
                    files = bound.artifact.files if bound is not None and bound.artifact is not None else ()
                    self._passed[record.id] = entry.id, {file.digest: file.content for file in files if file.content}
                    return Standing(Decision(True, entry.by, BORN, entry.reason, entry.scope, entry.at))  # noqa: FBT003 as everywhere
        except (ConfigurationError, OSError) as error:
            self._warn(error)
        except Exception:  # noqa: BLE001 a fault of ours has it asked about
            _LOG.exception("Whether %s was saved here could not be found out", record.id)
        return ONLY_ONCE

    def keep(
        self,
        records: tuple[HistoryRecord, ...],
        hold: Callable[[], str],
        notebook: Mapping[str, Any] | None = None,
        before: float | None = None,
    ) -> bool:
        """Remember a file that was just saved, once for each loader; False where it cannot be known again for sure.

        Parameters
        ----------
        records
            The same file as each of its loaders would be asked about it.
        hold
            Gives the sha256 of all its bytes.
        notebook, before
            What the names of the notebook stood for as it was saved, and when that was; see `own_code`.

        Raises
        ------
        ConfigurationError, OSError
            The ledger cannot be read or written.
        """
        bound = [one for one in (_bound(record, notebook, before) for record in records) if one is not None]
        content = hold() if bound else ""
        if not content:
            return False
        fresh = []
        for record in bound:
            decision = Decision(True, user_name(), BORN, _REASON, Scope.DIGEST, record.at)  # noqa: FBT003 as everywhere
            fresh.append(entry_of(record, decision, content))

        def added(entries: tuple[TrustEntry, ...]) -> tuple[TrustEntry, ...]:
            known = {_what(entry) for entry in fresh}
            return (*(entry for entry in entries if _what(entry) not in known), *fresh)[-_MOST:]

        self._file.change(added)
        return True

    def entries(self) -> tuple[TrustEntry, ...]:
        """Give what was saved here, the oldest first; raises `ConfigurationError` or `OSError` where that cannot be read."""
        self.catch_up()
        return self._file.read()

    def forget(self, id_prefix: str) -> tuple[TrustEntry, ...]:
        """Forget by the first digits of an entry's id; raises like `entries`."""
        return self._drop(lambda entry: entry.id.startswith(id_prefix))

    def forget_load(self, record: HistoryRecord) -> tuple[TrustEntry, ...]:
        """Forget what lets a load pass, or would; raises like `entries`."""
        digest = record.artifact.digest if record.artifact is not None else ""
        return self._drop(lambda entry: entry.digest == digest) if digest else ()

    def code_of(self, record_id: str) -> Mapping[str, bytes]:
        """Give the user's own modules that a load which passes may import, by digest."""
        return self._passed.get(record_id, ("", {}))[1]

    def went_beyond(self, record_id: str) -> bool:
        """Forget a file whose load reached for more than its bytes; False if it did not pass by the ledger."""
        passed = self._passed.pop(record_id, None)
        if passed is None:
            return False
        try:
            self.forget(passed[0])
        except (ConfigurationError, OSError) as error:
            self._warn(error)
        return True

    def ended(self, record_id: str) -> None:
        """Let go of a load that has ended."""
        self._passed.pop(record_id, None)

    def _drop(self, matches: Callable[[TrustEntry], bool]) -> tuple[TrustEntry, ...]:
        before = self.entries()
        if any(map(matches, before)):
            self._file.change(lambda entries: tuple(entry for entry in entries if not matches(entry)))
        return tuple(entry for entry in before if matches(entry))

    def _warn(self, error: Exception) -> None:
        """Say once what keeps the ledger from working; the load is asked about all the same."""
        said = str(error)
        if said not in self._warned:
            self._warned.add(said)
            _LOG.warning("What was saved here cannot be looked up: %s", said)


def _bound(record: HistoryRecord, notebook: Mapping[str, Any] | None = None, before: float | None = None) -> HistoryRecord | None:
    """Add the user's own code to what a load is known by; None where it cannot be known again."""
    from jupyter_modelguard.engines.own_code import own_code  # imported with the first look

    artifact, report = record.artifact, record.report
    if record.level is not RiskLevel.RUNS_CODE or artifact is None or report is None or artifact.files:
        return None
    own = frozenset(use.name for use in report.globals if use.judgement in _OPEN and use.origin.startswith(_OWN_ORIGINS))
    if against_trust(record, own):
        return None
    files = own_code(sorted(own), notebook, before) if own else ()
    return None if files is None else dataclasses.replace(record, artifact=dataclasses.replace(artifact, files=files))


def _what(entry: TrustEntry) -> tuple[object, ...]:
    return entry.loader, entry.digest, entry.content, entry.functions, entry.files
