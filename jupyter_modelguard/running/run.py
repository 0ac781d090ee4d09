"""Run a script or notebook to its end, and say what was blocked in it.

Nobody is asked: `MODELGUARD_HEADLESS` is `lock` for the run, unless it says `deny` already, so it goes by policy and by lock files that
count, which the one that was named on the command line does. Every process of the run adds what it blocked to one file, so that a script
that swallows the error, and a child that it started, are found out as well. A script runs in a process of its own where there is `fork`:
what it does at its very end, or instead of an end, is the run's too. The entries that a reviewer would add are left beside the script or
notebook, in `modelguard.lock.proposed`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_modelguard.config import BLOCKED, RUN_FOLDER
from jupyter_modelguard.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console

__all__ = ["PROPOSED", "run"]

PROPOSED = "modelguard.lock.proposed"
"""Name of the file that a run leaves beside what it ran."""

_BLOCKED = 1
_HEADLESS = "MODELGUARD_HEADLESS"


@dataclass(frozen=True, slots=True)
class _Blocked:
    """One load that the run blocked."""

    message: str
    entry: str
    refused: str


def run(target: str, arguments: Sequence[str], console: Console, *, lock: str | None = None, output: str | None = None) -> int:
    """Run a script or notebook.

    Parameters
    ----------
    target
        Path of a Python script, or of a notebook (`.ipynb`).
    arguments
        What the script finds in `sys.argv` behind its name; a notebook takes none.
    console
        Where to say what was blocked; the run's own output goes where it always goes.
    lock
        A lock file to go by, whether it was accepted or not.
    output
        Where to keep the notebook with its outputs.

    Returns
    -------
    int
        The script's own exit status, 1 for a notebook that failed, or 1 if anything was blocked.

    Raises
    ------
    ConfigurationError
        The script or the lock file is missing or cannot be used.
    """
    path = Path(os.path.abspath(target))  # noqa: PTH100 links stay as they were said
    if not path.is_file():
        raise ConfigurationError(f"There is no file {path}.")
    named = Path(os.path.abspath(lock)) if lock is not None else None  # noqa: PTH100 as above
    if path.suffix.lower() == ".ipynb":
        if arguments:
            raise ConfigurationError("A notebook takes no arguments.")
        from jupyter_modelguard.running.notebook import run_notebook

        def start() -> int:
            return run_notebook(path, named, console, output)

    else:
        if output is not None:
            raise ConfigurationError("--output is for notebooks; a script writes what it writes.")
        from jupyter_modelguard.running.child import in_a_child
        from jupyter_modelguard.running.script import run_script

        def start() -> int:
            return in_a_child(lambda: run_script(path, arguments, named))

    status, blocked = _watched(start)
    if blocked:
        _tell(blocked, path.parent, console)
    return _BLOCKED if blocked else status


def _watched(start: Callable[[], int]) -> tuple[int, list[_Blocked]]:
    folder, owner = Path(tempfile.mkdtemp(prefix=RUN_FOLDER)), os.getpid()
    told = folder / "blocked"
    try:
        told.touch(mode=0o600)
        with _environment(**{BLOCKED: str(told), _HEADLESS: os.environ.get(_HEADLESS) or "lock"}):
            status = start()
        lines = told.read_text("ascii").splitlines()
    finally:
        if os.getpid() == owner:  # a forked process comes by here too as it ends
            shutil.rmtree(folder, ignore_errors=True)
    return status, [_read(line) for line in lines]


def _read(line: str) -> _Blocked:
    plain = json.loads(line)
    return _Blocked(str(plain["message"]), str(plain["entry"]), str(plain["refused"]))


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    before, owner = {name: os.environ.get(name) for name in values}, os.getpid()
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items() if os.getpid() == owner else ():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _tell(blocked: list[_Blocked], folder: Path, console: Console) -> None:
    """Say what was blocked, and leave what a reviewer would add."""
    messages = list(dict.fromkeys(one.message for one in blocked))
    from jupyter_modelguard.running.commands import say

    say(console, f"modelguard blocked {len(messages):,} load{'s' * (len(messages) != 1)}:")
    for message in messages:
        say(console, message)
    entries = _without_repeats([one.entry for one in blocked if one.entry])
    if not entries:
        return
    from jupyter_modelguard.policy.lock_file import LOCK_HEAD
    from jupyter_modelguard.policy.own_file import replace_own

    path = folder / PROPOSED
    try:
        replace_own(path, "\n".join([LOCK_HEAD, *entries]).encode())
    except OSError as error:
        say(console, f"{path} cannot be written ({error.strerror}).")
        return
    said = f"A reviewer adds {'them' if len(entries) > 1 else 'it'} to modelguard.lock, with who and why: {path}"
    say(console, said)


def _without_repeats(entries: list[str]) -> list[str]:
    """Drop entries that differ in nothing but when they were written."""
    known: dict[str, str] = {}
    for entry in entries:
        known.setdefault("\n".join(line for line in entry.splitlines() if not line.startswith("at = ")), entry)
    return list(known.values())
