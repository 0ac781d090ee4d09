"""The command that looks ahead: `modelguard scan` says what files would do when they are loaded, and loads none of them."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.running.commands import say
from jupyter_modelguard.running.records import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console

    from jupyter_modelguard.engines.several import Scanned
    from jupyter_modelguard.engines.targets import Target
    from jupyter_modelguard.types import Assessment, ScanReport

__all__ = ["add_scan"]

_EXIT_ERROR: Final = 2
_SHOWN_FROM: Final = 4  # files on, a bar says how far it is


def add_scan(commands: Any) -> None:
    """Add the command to those of `modelguard`."""
    scan = commands.add_parser(
        "scan",
        help="look at files and folders without loading them",
        epilog="Exit status: 0 nothing that runs code, 1 something runs code, 2 a target could not be scanned at all, 3 something could "
        "not be inspected and nothing worse.",
    )
    scan.add_argument(
        "targets",
        nargs="+",
        metavar="TARGET",
        help="a file, a folder, a pattern ('models/**/*.pt'), or the cache of Hugging Face or a repository in it",
    )
    scan.add_argument("--format", choices=("text", "json", "sarif"), default="text")
    scan.add_argument("--output", metavar="FILE", help="write the result there instead of to the terminal")
    scan.add_argument("--all", action="store_true", help="name every file, also those about which there is nothing to tell")
    scan.add_argument("--explain", action="store_true", help="write down what the pickles that ask would do, as text")
    scan.add_argument("--jobs", type=_positive, metavar="N", help="files at once, each in a process (processors, 4 at the most)")
    scan.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="what one file may take (60)")
    scan.add_argument(
        "--second-opinion",
        action="store_true",
        help="ask picklescan and modelaudit-picklescan too, and of a model's own code semgrep and what analysers.toml names",
    )
    scan.set_defaults(run=_scan, begin=_begin)


def _begin(options: argparse.Namespace) -> None:
    """Find what there is to scan, and start the first process."""
    from jupyter_modelguard.engines.several import warm_up

    options.started = time.perf_counter()
    options.found = _find(options.targets)
    if options.found[0]:
        warm_up()


def _scan(options: argparse.Namespace, console: Console) -> int:
    if options.second_opinion:
        _say_who_is_absent()
    targets, errors, empty = options.found
    scanned = _read(targets, options, console)
    from jupyter_modelguard.policy.evaluate import evaluate

    found = [evaluate(one.report) for one in (*scanned, *empty)]
    files = {one.report.target: [evaluate(report) for report in one.files] for one in scanned if one.files}
    each = [below for one in found[: len(scanned)] for below in files.get(one.report.target, [one])]
    _write(options, console, (found, files, each), errors, time.perf_counter() - options.started)
    from jupyter_modelguard.exports.scan_json import exit_status

    return _EXIT_ERROR if errors else exit_status(found)


def _find(names: Sequence[str]) -> tuple[list[Target], dict[str, str], list[Scanned]]:
    """Find what there is to scan, why there is nothing where somebody said there were, and the folders that hold nothing."""
    from jupyter_modelguard.engines.several import Scanned
    from jupyter_modelguard.engines.targets import find_targets
    from jupyter_modelguard.errors import ScanError
    from jupyter_modelguard.types import Coverage, ScanReport

    targets: dict[str, Target] = {}
    errors: dict[str, str] = {}
    empty = []
    for name in names:
        try:
            found = find_targets(name)
        except (ScanError, OSError) as error:
            errors[name] = str(error)
            continue
        targets |= {one.name: one for one in found}
        if all(one.code for one in found):
            empty.append(Scanned(ScanReport(name, "folder", coverage=Coverage(0, 0))))
    return list(targets.values()), errors, empty


def _read(targets: list[Target], options: argparse.Namespace, console: Console) -> tuple[Scanned, ...]:
    from jupyter_modelguard.engines.several import scan_targets

    files = sum(not one.code for one in targets)
    drawn = console.is_terminal and sys.stderr.isatty() and (options.format == "text" or options.output is not None)
    threading.Thread(target=_import_ahead, args=(options.format,), daemon=True).start()
    with _progress(files if drawn else 0) as told:
        return scan_targets(targets, jobs=options.jobs, seconds=options.timeout, opinions=options.second_opinion, told=told)


def _import_ahead(form: str) -> None:
    """Import what is drawn with while the first file is read."""
    name = {"text": "jupyter_modelguard.ipython.scan_view", "json": "jupyter_modelguard.exports.scan_json"}
    importlib.import_module(name.get(form, "jupyter_modelguard.exports.sarif"))


def _write(
    options: argparse.Namespace,
    console: Console,
    assessed: tuple[list[Assessment], dict[str, list[Assessment]], list[Assessment]],
    errors: dict[str, str],
    seconds: float,
) -> None:
    found, files, each = assessed
    if options.format == "json":
        from jupyter_modelguard.exports.scan_json import scan_json

        write(scan_json(found, files, errors), options.output, console)
    elif options.format == "sarif":
        from jupyter_modelguard.exports.sarif import sarif

        write(sarif((one.report for one in each), errors), options.output, console)
    else:
        from jupyter_modelguard.ipython.scan_view import ScanView

        view = ScanView(each, everything=options.all, errors=tuple(errors.items()), seconds=seconds)
        write(view, options.output, console)
        if options.explain:
            from jupyter_modelguard.running.explaining import explained

            for line in explained(each):
                say(console, line)
        return
    from rich.console import Console as Plain

    for sentence in errors.values():
        say(Plain(stderr=True), f"modelguard: {sentence}")


@contextlib.contextmanager
def _progress(files: int) -> Iterator[Callable[[ScanReport], None] | None]:
    """Draw a bar on the terminal while many files are read, and take it away again."""
    if files < _SHOWN_FROM:
        yield None
        return
    from rich.console import Console as Plain
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("Scanning"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Plain(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=files)

        def told(report: ScanReport) -> None:
            if report.format != "python-code":
                bar.advance(task)

        yield told


def _say_who_is_absent() -> None:
    from rich.console import Console as Plain

    from jupyter_modelguard.engines.code_opinions.present import analysers
    from jupyter_modelguard.engines.second_opinions import absent_scanners

    code = analysers().absent
    for absent in (absent_scanners(), f"of a model's own code cannot be asked: {', '.join(code)}" if code else ""):
        if absent:
            say(Plain(stderr=True), f"modelguard: {absent}")


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of processes")
    return number


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds")
    return seconds
