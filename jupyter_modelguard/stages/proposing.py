"""What a reviewer would add to a lock file so that a load that nobody could be asked about passes the next time.

A blocked load says it in its message. `modelguard run` names a file of its own in `MODELGUARD_BLOCKED`, to which every guarded process of
the run adds what it blocked; that file lets nothing pass.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jupyter_modelguard.config import BLOCKED, RUN_FOLDER
from jupyter_modelguard.types import Decision

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.types import HistoryRecord

__all__ = ["Proposal", "propose", "remember_run", "report_blocked", "with_content"]

_LOG = logging.getLogger(__name__)
_FLAGS = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_NONE: tuple[str, str] = ("", "")
_run = [""]  # the file of the run that this process was started by


class Proposal(NamedTuple):
    """An entry for a lock file, or why there can be none; neither where nothing would be decided by one."""

    entry: str = ""  # TOML; whoever reviewed it still has to put in who and why
    refused: str = ""


def propose(record: HistoryRecord, decision: Decision, hold: Callable[[], str], project: Path | None = None) -> Proposal:
    """Write the entry that would let a load pass, for one that was blocked because nobody could be asked.

    Parameters
    ----------
    record, decision
        The load, and what was decided.
    hold
        As for `Trust.look`.
    project
        Folder to which the source is written relative.
    """
    if decision.transport != "headless":
        return Proposal()
    from jupyter_modelguard.policy.covering import lasting
    from jupyter_modelguard.policy.lock_file import lock_text
    from jupyter_modelguard.policy.trust_entry import entry_of

    scope, refused = lasting(record)
    if refused:
        return Proposal(refused=refused)
    known = with_content(record, hold)
    artifact = known.artifact
    if artifact is None or not (artifact.content or artifact.files):
        return Proposal(refused="Its bytes could not be kept still while they were read.")
    unsigned = Decision(allow=True, by="", transport="lock", reason="", scope=scope, at=time.time())
    return Proposal(lock_text(entry_of(known, unsigned, artifact.content), project=project))


def with_content(record: HistoryRecord, hold: Callable[[], str], most: int | None = None) -> HistoryRecord:
    """Add the sha256 of all bytes of a load to its record, where it is a file of at most `most` bytes and that can be had."""
    artifact = record.artifact
    if artifact is None or artifact.files or not artifact.alone or (most is not None and artifact.size > most):
        return record
    try:
        return dataclasses.replace(record, artifact=dataclasses.replace(artifact, content=hold()))
    except OSError:
        _LOG.warning("The bytes of #%s could not be read again, so no lock file can name them.", record.id, exc_info=True)
        return record


def _is_a_runs(path: Path, descriptor: int) -> bool:
    """Whether a file is one that `modelguard run` made to be told in."""
    state = os.fstat(descriptor)
    return path.parent.name.startswith(RUN_FOLDER) and stat.S_ISREG(state.st_mode) and state.st_nlink == 1


def remember_run() -> None:
    """Keep in mind where the run is told, if this is part of one: code that clears the environment means no harm."""
    _run[0] = os.environ.get(BLOCKED, "")


def report_blocked(identity: str, message: str, proposal: Proposal | None = None) -> None:
    """Tell the run that this process is part of, if there is one; it never raises for that."""
    path = os.environ.get(BLOCKED) or _run[0]
    if not path:
        return
    entry, refused = proposal or _NONE
    line = json.dumps({"id": identity, "message": message, "entry": entry, "refused": refused}) + "\n"
    try:
        descriptor = os.open(path, _FLAGS)
        try:
            if _is_a_runs(Path(path), descriptor):  # the variable could name any file
                os.write(descriptor, line.encode("ascii"))
        finally:
            os.close(descriptor)
    except OSError:
        _LOG.warning("The run could not be told that #%s was blocked", identity, exc_info=True)
