"""The commands about what decides where nobody is asked: `modelguard run`, `modelguard policy` and `modelguard lock`."""

from __future__ import annotations

import argparse
import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.errors import ConfigurationError, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from jupyter_modelguard.policy.rulebook import Rulebook

__all__ = ["add_rules", "say"]

_LOOKED_BACK = 200  # loads among which those that a rule decided are shown


def add_rules(commands: Any) -> None:
    """Add the commands to those of `modelguard`."""
    run = commands.add_parser("run", help="run a script or notebook guarded, where nobody is asked")
    run.add_argument("--lock", metavar="FILE", help="go by this lock file, whether it was accepted or not")
    run.add_argument("--output", metavar="FILE", help="keep a notebook with its outputs there")
    run.add_argument("target", metavar="SCRIPT.py|NOTEBOOK.ipynb")
    run.add_argument("arguments", nargs=argparse.REMAINDER, metavar="…", help="what the script finds in sys.argv")
    run.set_defaults(run=_run)

    policy = commands.add_parser("policy", help="list rules and lock files, and which of them decided what")
    policy.add_argument(
        "act", nargs="?", choices=("check", "accept", "forget"), help="say what a rule makes of files; let one count, or not"
    )
    policy.add_argument("files", nargs="*", metavar="FILE")
    policy.set_defaults(run=_policy)

    lock = commands.add_parser("lock", help="write what was allowed to modelguard.lock")
    lock.add_argument("ids", nargs="+", metavar="ID", help="numbers of loads, as modelguard history shows them")
    lock.add_argument("--output", metavar="FILE", help="another file than modelguard.lock of this project")
    lock.set_defaults(run=_lock)


def say(console: Console, text: str) -> None:
    """Print words of ours as they are."""
    console.print(printable(text), highlight=False, markup=False, soft_wrap=True)


def _run(options: argparse.Namespace, _console: Console) -> int:
    from rich.console import Console as Plain

    from jupyter_modelguard.running.run import run

    return run(options.target, options.arguments, Plain(stderr=True), lock=options.lock, output=options.output)


def _policy(options: argparse.Namespace, console: Console) -> int:
    from jupyter_modelguard.config import default_home
    from jupyter_modelguard.ipython.accepting import accept, withdraw
    from jupyter_modelguard.policy.rulebook import Rulebook

    rulebook = Rulebook(default_home)
    if options.act is None:
        return _policies(rulebook, console)
    if not options.files:
        raise ConfigurationError(f"Which file? modelguard policy {options.act} FILE")
    if options.act == "check":
        return _check(rulebook, options.files, console)
    for name in options.files:
        if options.act == "forget":
            say(console, withdraw(rulebook.accepted, name))
        elif not sys.stdin.isatty():
            raise ConfigurationError("A file is accepted by a person: run this in a terminal.")
        else:
            say(console, accept(rulebook.accepted, name, say=functools.partial(say, console), read=input))
    return 0


def _policies(rulebook: Rulebook, console: Console) -> int:
    from jupyter_modelguard.history.opening import open_history
    from jupyter_modelguard.ipython.policies import decided_table, policy_table

    console.print(policy_table(rulebook))
    store = open_history()
    try:
        console.print(decided_table(store.history(_LOOKED_BACK)))
    finally:
        store.close()
    return 0


def _check(rulebook: Rulebook, files: Sequence[str], console: Console) -> int:
    from jupyter_modelguard.approval.text import as_plain
    from jupyter_modelguard.engines.scan import scan_each
    from jupyter_modelguard.ipython.policies import would_decide_scan
    from jupyter_modelguard.policy.evaluate import evaluate

    for report in (report for name in files for report in scan_each(name)):
        said = would_decide_scan(rulebook, evaluate(report))
        say(console, f"{as_plain(report.target, limit=None)}: {said}")
    return 0


def _lock(options: argparse.Namespace, console: Console) -> int:
    from jupyter_modelguard.config import default_home
    from jupyter_modelguard.history.opening import open_history
    from jupyter_modelguard.ipython.locking import write_lock
    from jupyter_modelguard.policy.rulebook import Rulebook
    from jupyter_modelguard.policy.trust import Trust

    path = Rulebook(default_home).places.lock_to_write() if options.output is None else Path(options.output).absolute()
    store = open_history()
    try:
        say(console, write_lock(path, [store.find(name) for name in options.ids], Trust(default_home)))
    finally:
        store.close()
    return 0
