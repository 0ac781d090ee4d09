"""Accepting a project's own lock file or policy, for `%modelguard policy accept` and `modelguard policy accept`.

What is accepted is what was shown: the bytes are read once, and their digest is kept. Enter alone accepts nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_modelguard.approval.text import as_plain
from jupyter_modelguard.config import user_name
from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.policy.checked_file import read_text
from jupyter_modelguard.policy.lock_file import read_lock
from jupyter_modelguard.policy.rules import Action, read_rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.policy.accepted import AcceptedFiles
    from jupyter_modelguard.policy.checked_file import FileText
    from jupyter_modelguard.policy.lock_file import LockEntry
    from jupyter_modelguard.policy.rules import Rule

__all__ = ["accept", "withdraw"]

_WORD = "accept"


def accept(accepted: AcceptedFiles, name: str, *, say: Callable[[str], None], read: Callable[[str], str]) -> str:
    """Show what a file would let pass, ask, and keep the answer; say what came of it.

    Parameters
    ----------
    accepted
        Where the answer is kept.
    name
        Path of a lock file, a `modelguard.toml` or a `pyproject.toml`.
    say, read
        Show text, and ask one line; an `EOFError` counts as an empty one.

    Raises
    ------
    ConfigurationError
        The file is missing or broken, or the answer cannot be kept.
    OSError
        The answer cannot be written.
    """
    path = _absolute(name)
    file = read_text(path)
    if file is None:
        raise ConfigurationError(f"{path}:1: there is no such file.")
    lines = _granted(file)
    if not lines:
        return f"{as_plain(str(path), limit=None)} lets nothing pass, so there is nothing to accept. What it restricts counts already."
    say(
        "\n".join(
            [f"{as_plain(str(path), limit=None)} lets pass without a question:", *lines, f"sha256 of the file: {file.digest}"]
        )
    )
    try:
        answer = read(f'Does it count for you? Type "{_WORD}". Enter leaves it: ').strip().lower()
    except EOFError:
        answer = ""
    if answer != _WORD:
        return "It does not count."
    accepted.accept(path, file.digest, user_name())
    return "It counts for you, on this machine, as it is now. Whoever changes it has to have it accepted again."


def withdraw(accepted: AcceptedFiles, name: str) -> str:
    """Have a file count no more; raises like `accept`."""
    path = _absolute(name)
    return f"{path} does not count any more." if accepted.withdraw(path) else f"{path} was not accepted; nothing changes."


def _absolute(name: str) -> Path:
    """Give the path under which the file of a project is looked for."""
    path = Path(os.path.abspath(name))  # noqa: PTH100 the file itself may be a link, which is refused
    return path.parent.resolve() / path.name


def _granted(file: FileText) -> list[str]:
    if file.path.suffix == ".toml":
        table = "tool.modelguard" if file.path.name == "pyproject.toml" else ""
        return [_rule(rule) for rule in read_rules(file.text, str(file.path), table).rules if rule.action is Action.ALLOW]
    return [line for entry in read_lock(file) for line in _entry(entry)]


def _rule(rule: Rule) -> str:
    until = f", until {rule.expires}" if rule.expires else ""
    return f"  line {rule.line}: {as_plain(rule.title, limit=None)}{until} · {as_plain(rule.reason, limit=None)}"


def _entry(entry: LockEntry) -> list[str]:
    granted, until = entry.granted, f", until {entry.until}" if entry.until else ""
    who = f'{as_plain(granted.by)}, "{as_plain(granted.reason, limit=None)}"'
    runs = [
        f"    ! {as_plain(name, name=True, limit=None)} · {as_plain(origin, limit=None)}" for name, origin in granted.functions
    ]
    runs += [f"    ! {as_plain(path, limit=None)}" for path, _ in granted.files]
    return [f"  line {entry.line}: {as_plain(granted.name)} through {as_plain(granted.loader)}{until} · {who}", *runs]
