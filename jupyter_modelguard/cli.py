"""The command line: `modelguard scan FILE`, `modelguard run SCRIPT`, and what else `modelguard --help` lists."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from jupyter_modelguard.errors import ModelGuardError
from jupyter_modelguard.running.commands import add_rules, say
from jupyter_modelguard.running.records import add_history
from jupyter_modelguard.running.scanning import add_scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

__all__ = ["main"]

_EXIT_ERROR = 2
_WIDE = 200  # columns of a table in a file or pipe, where nothing says how wide it is shown


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; errors are said in one line."""
    options = _parser().parse_args(arguments)
    if (begin := getattr(options, "begin", None)) is not None:
        begin(options)  # what takes its time elsewhere while this process imports what it draws with
    from rich.console import Console

    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _WIDE
    try:
        return int(options.run(options, console))
    except (ModelGuardError, OSError) as error:
        say(Console(stderr=True), f"modelguard: {error}")
        return _EXIT_ERROR
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="modelguard", description="Stops model loads that would run code until a person says so."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    add_scan(commands)

    add_history(commands)

    show = commands.add_parser("show", help="show all that is known of one load")
    show.add_argument("id", metavar="ID", help="its number, as the history shows it (#7f3a91c2)")
    show.set_defaults(run=_show)

    decide = commands.add_parser("decide", help="answer a load that waits in another window")
    decide.add_argument("id", metavar="ID", help="its number, as the card shows it (#7f3a91c2)")
    decide.set_defaults(run=_decide)

    forget = commands.add_parser(
        "forget", help="list what is trusted for longer than one load or was saved here, or take that back"
    )
    forget.add_argument("id", metavar="ID", nargs="?", help="its number, as the list shows it")
    forget.set_defaults(run=_forget)

    add_rules(commands)
    stats = commands.add_parser("stats", help="say how often was asked, about what, and how long the answers took")
    stats.add_argument("period", nargs="?", default="30d", help="24h, 7d, 4w or all (30d)")
    stats.set_defaults(run=_stats)

    convert = commands.add_parser(
        "convert", help="take the weights out of a file of torch, pickle or joblib, running nothing of it"
    )
    convert.add_argument("file", metavar="FILE", help="what torch.save, pickle or joblib wrote")
    convert.add_argument("--output", metavar="FILE", help="the safetensors file to write (beside the other one)")
    convert.set_defaults(run=_convert)

    doctor = commands.add_parser("doctor", help="say whether the guard can do its work here")
    doctor.set_defaults(run=_doctor)

    install = commands.add_parser("install", help="guard every kernel of this user from now on")
    install.add_argument("--children", action="store_true", help="guard Python processes that a guarded one starts too")
    install.set_defaults(run=_install)

    uninstall = commands.add_parser("uninstall", help="take out what install wrote")
    uninstall.set_defaults(run=_uninstall)

    demo = commands.add_parser("demo", help="make honest and armed files and see what happens to them")
    demo.add_argument("--terminal", action="store_true", help="stay in the terminal even if there is a browser")
    demo.add_argument("--folder", metavar="DIR", help="where to make the files (a fresh temporary folder)")
    demo.set_defaults(run=_demo)
    return parser


def _show(options: argparse.Namespace, console: Console) -> int:
    from jupyter_modelguard.history.opening import open_history
    from jupyter_modelguard.ipython.display import record_table

    store = open_history()
    try:
        console.print(record_table(store.find(options.id)))
    finally:
        store.close()
    return 0


def _decide(options: argparse.Namespace, console: Console) -> int:
    from jupyter_modelguard.approval.decide import decide_pending
    from jupyter_modelguard.history.opening import open_history

    return decide_pending(open_history(), options.id, console)


def _forget(options: argparse.Namespace, console: Console) -> int:
    from jupyter_modelguard.config import default_home
    from jupyter_modelguard.history.opening import open_history
    from jupyter_modelguard.ipython.display import trust_table
    from jupyter_modelguard.ipython.trusting import forget, remembered
    from jupyter_modelguard.policy.trust import Trust
    from jupyter_modelguard.stages.born_here import BornHere

    trust, born = Trust(default_home), BornHere(default_home)
    if options.id is None:
        console.print(trust_table(remembered(trust, born)))
        return 0
    store = open_history()
    try:
        say(console, forget(trust, store, options.id, born))
    finally:
        store.close()
    return 0


def _stats(options: argparse.Namespace, console: Console) -> int:
    from jupyter_modelguard.history.opening import open_history
    from jupyter_modelguard.ipython.stats import since, stats_table

    store = open_history()
    try:
        console.print(stats_table(store.statistics(since(options.period))))
    finally:
        store.close()
    return 0


def _convert(options: argparse.Namespace, console: Console) -> int:
    from jupyter_modelguard.approval.text import as_plain
    from jupyter_modelguard.engines.convert import convert

    say(console, as_plain(str(convert(options.file, options.output)), limit=None))
    return 0


def _doctor(_options: argparse.Namespace, console: Console) -> int:
    from jupyter_modelguard.ipython.doctor import diagnosis

    lines = diagnosis()
    for line in lines:
        say(console, f"{'ok ' if line.well else 'NOT'}  {line.text}")
    return 0 if all(line.well for line in lines) else 1


def _install(options: argparse.Namespace, console: Console) -> int:
    from jupyter_modelguard.ipython import lasting

    say(console, f"Every new kernel loads the guard: {lasting.install_line()}")
    if options.children:
        say(console, f"Python processes that a guarded one starts are guarded too: {lasting.install_children()}")
    say(console, "modelguard uninstall takes it out again.")
    return 0


def _uninstall(_options: argparse.Namespace, console: Console) -> int:
    from jupyter_modelguard.ipython import lasting

    changed = lasting.uninstall()
    for file in changed:
        say(console, f"Taken out: {file}")
    if not changed:
        say(console, "Nothing was installed.")
    return 0


def _demo(options: argparse.Namespace, console: Console) -> int:
    from jupyter_modelguard.demo import run_demo

    return run_demo(console, terminal=options.terminal, folder=options.folder)
