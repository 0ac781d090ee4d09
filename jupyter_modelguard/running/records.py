"""The command that looks back: `modelguard history` lists, exports and deletes lines, and says whether somebody tampered with them."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.errors import HistoryError
from jupyter_modelguard.running.commands import say
from jupyter_modelguard.types import Outcome, RiskLevel

if TYPE_CHECKING:
    from rich.console import Console

    from jupyter_modelguard.history.search import Search
    from jupyter_modelguard.history.store import Store
    from jupyter_modelguard.ipython.scan_view import ScanView
    from jupyter_modelguard.ipython.sheet import Sheet

__all__ = ["add_history", "write"]

_FORMATS = ("json", "csv", "sarif", "cyclonedx")  # those of `exports.history`, which is imported where it is used
_LINES = 50  # of the history, in a table
_BREAKS = 20  # that are told one by one


def add_history(commands: Any) -> None:
    """Add the command to those of `modelguard`."""
    history = commands.add_parser("history", help="list what was loaded and who decided")
    history.add_argument("--limit", type=_positive, help="how many lines at most (50 in the table, else all)")
    history.add_argument("--outcome", choices=[outcome.value for outcome in Outcome], help="only loads that ended so")
    history.add_argument(
        "--level",
        action="append",
        choices=[level.value for level in RiskLevel],
        help="only loads that could do so; may be repeated",
    )
    history.add_argument("--like", metavar="TEXT", help="only loads with this text in the name, source, loader or notebook")
    history.add_argument("--notebook", metavar="NAME", help="only loads of this notebook")
    history.add_argument("--since", metavar="PERIOD", default="all", help="24h, 7d, 4w or all (all)")
    history.add_argument("--format", choices=("table", *_FORMATS), default="table")
    history.add_argument("--hide-names", action="store_true", help="name no file, notebook or person (they are named)")
    history.add_argument("--output", metavar="FILE", help="write it there instead of to the terminal")
    instead = history.add_mutually_exclusive_group()
    instead.add_argument("--delete", metavar="PERIOD", help="delete what is older than that instead: 24h, 90d, or all")
    instead.add_argument(
        "--verify", action="store_true", help="say instead whether lines were changed, added or taken away afterwards"
    )
    history.add_argument("--head", metavar="HASH", help="with --verify: a head that it gave earlier and that must still be there")
    history.set_defaults(run=_history)


def write(what: Sheet | ScanView | str, output: str | None, console: Console) -> None:
    """Write a table or a text to the terminal or to a file."""
    if isinstance(what, str):
        text = what.rstrip("\n") + "\n"
        if output is None:
            sys.stdout.write(text)
            return
    elif output is None:
        console.print(what)
        return
    else:
        with console.capture() as captured:
            console.print(what)
        text = captured.get()
    Path(output).write_text(text, "utf-8", newline="")


def _history(options: argparse.Namespace, console: Console) -> int:
    from jupyter_modelguard.exports.history import export
    from jupyter_modelguard.history.opening import open_history
    from jupyter_modelguard.history.search import Search
    from jupyter_modelguard.ipython.display import history_table
    from jupyter_modelguard.ipython.stats import since

    search = Search(
        text=options.like or "",
        levels=tuple(RiskLevel(level) for level in options.level or ()),
        outcome=Outcome(options.outcome) if options.outcome else None,
        notebook=options.notebook,
        since=since(options.since),
    )
    limit = options.limit or (_LINES if options.format == "table" else sys.maxsize)
    if options.delete is not None and (options.limit or options.output or search != Search()):
        raise HistoryError("--delete goes by age alone: leave out what else was said, or it would delete more than that.")
    if options.head is not None and not options.verify:
        raise HistoryError("--head goes with --verify.")
    store = open_history()
    try:
        if options.verify:
            return _verify(store, options, search, console)
        if options.delete is not None:
            number = store.delete_before(since(options.delete) or time.time())
            say(console, f"{number:,} line{'s' * (number != 1)} of the history deleted.")
            return 0
        records = store.history(limit, search)
        if not store.usable:
            raise HistoryError(f"The history {store.shown} cannot be read. modelguard doctor says more.")
    finally:
        store.close()
    if options.hide_names:
        from jupyter_modelguard.exports.pseudonyms import without_names

        records = without_names(records)
    shown = history_table(records, filtered=search != Search()) if options.format == "table" else export(records, options.format)
    write(shown, options.output, console)
    return 0


def _verify(store: Store, options: argparse.Namespace, search: Search, console: Console) -> int:
    from jupyter_modelguard.approval.listings import counted
    from jupyter_modelguard.history.search import Search

    if options.limit or options.output or options.format != "table" or search != Search():
        raise HistoryError("--verify reads everything: leave out what else was said.")
    found = store.verify(options.head)
    for one in found.breaks[:_BREAKS]:
        clock = "" if one.at is None else time.strftime(" of %Y-%m-%d %H:%M", time.localtime(one.at))
        say(console, f"NOT  {'' if one.link is None else f'link {one.link:,}{clock}: '}{one.what}")
    if len(found.breaks) > _BREAKS:
        say(console, f"NOT  and {len(found.breaks) - _BREAKS:,} more")
    if found.holds is False:
        say(
            console,
            "NOT  the head that was given is not in the chain: its end was taken away, it was written anew, or it was deleted",
        )
    deleted = f", {found.deleted:,} deleted" if found.deleted else ""
    say(
        console,
        f"{'ok ' if found.whole else 'NOT'}  {counted(found.lines, 'line')} and {counted(found.links, 'link')}{deleted}",
    )
    if found.rewritten or found.gone:
        since = f"{counted(found.rewritten, 'line')} written again, {found.gone:,} deleted"
        say(console, f"     since the head that was given, of what was there: {since}")
    say(console, f"     head {found.head or 'none'}")
    return 0 if found.whole else 1


def _positive(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of lines")
    return number
