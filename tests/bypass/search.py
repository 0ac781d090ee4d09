"""Search for streams that the guard calls harmless and that are not.

    python tests/bypass/search.py --minutes 60 --seed 1 --jobs 1

Streams are composed of the reviewed rows, of classes that inspection clears and of honest pickles, or are changed honest pickles. Each is
judged by the path that a load takes. What would be loaded silently is loaded for real, by every reader, in a child process under watch;
whatever it does beyond what data does is a finding, made small and written to a file of its own. The exit status is 1 if there is any.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from pathlib import Path

for _limited in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_limited] = "1"  # a process with threads does not fork well

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import search_alphabet  # noqa: E402 it imports numpy, which looks at the environment
from search_batches import Batches, Finding, warm_up  # noqa: E402
from search_shrinking import read, shrink, write  # noqa: E402
from search_snapshots import Snapshot  # noqa: E402
from search_watching import Watch  # noqa: E402

_LIBRARIES = "python,numpy,joblib,sklearn,torch,pandas,scipy"
_BATCH = 200  # streams
_POOL = 3000  # silent streams that are kept for further changes


def main() -> int:
    """Run the command."""
    options = _options()
    focus = search_alphabet.add_rows(options.rows) if options.rows else []
    libraries = frozenset(options.libraries.split(","))
    alphabet = search_alphabet.gather(libraries, options.seed, focus + options.focus)
    warm_up(alphabet)
    names = [*((name.module, name.name) for name in alphabet.rows), *alphabet.opened]
    batches = Batches(alphabet, Watch(), Snapshot(names), _display())
    if options.again:
        finding = read(options.again)
        found = batches.alone(finding.stream, finding.dialect, finding.tokens).findings
        print("\n".join(f"{one.what} ({one.reader})" for one in found) or "nothing is found any more")
        return bool(found)
    job, children = 0, []
    for number in range(1, options.jobs):
        child = os.fork()
        if not child:
            job, children = number, []
            break
        children.append(child)
    status = _search(options, batches, options.seed + 1000 * job)
    for child in children:
        status |= os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--libraries", default=_LIBRARIES, help="whose rows, classes and honest pickles are used")
    parser.add_argument("--rows", help="a file like those of policy/lists, with rows to try before they are listed")
    parser.add_argument("--focus", action="append", default=[], help="a listed global to use more often than others")
    parser.add_argument("--until-found", action="store_true", help="stop at the first finding")
    parser.add_argument("--again", help="run a written finding again")
    parser.add_argument("--folder", default="search-findings", help="where findings are written")
    return parser.parse_args()


def _search(options: argparse.Namespace, batches: Batches, seed: int) -> int:
    started = time.monotonic()
    ends = started + options.minutes * 60
    told = started
    counts: Counter[str] = Counter()
    pool: dict[str, list[list[bytes]]] = {}
    found: dict[str, Path] = {}
    batch = 0
    while time.monotonic() < ends:
        outcome = batches.compose(seed * 1_000_000 + batch, _BATCH, pool)
        batch += 1
        counts += outcome.counts
        for dialect, tokens in outcome.silent:
            kept = pool.setdefault(dialect, [])
            if len(kept) < _POOL:
                kept.append(tokens)
            else:
                kept[counts["streams"] % _POOL] = tokens
        findings = outcome.findings
        if outcome.changes:
            findings = findings + _who_changed(outcome.changes, outcome.loaded, batches)
        for finding in findings:
            counts["findings"] += 1
            if finding.key not in found:
                small = shrink(finding, batches, 30)
                found[finding.key] = write(small, Path(options.folder), f"--seed {seed} batch {batch - 1}")
                print(
                    f"FOUND {small.what} ({small.reader or small.dialect}) {small.stream[-300:]!r} -> {found[finding.key]}",
                    flush=True,
                )
        if found and options.until_found:
            break
        if time.monotonic() > told + 60:
            told = time.monotonic()
            print(_figures(counts, told - started, found), flush=True)
    print(_figures(counts, time.monotonic() - started, found), flush=True)
    return bool(found)


def _who_changed(changes: list[str], loaded: list[tuple[str, bytes, list[bytes]]], batches: Batches) -> list[Finding]:
    """Find which stream of a batch it was by loading each alone."""
    findings = [one for dialect, stream, tokens in loaded for one in batches.alone(stream, dialect, tokens).findings]
    last = loaded[-1]
    return findings or [Finding(f"together with others: {changes[0]}", "", *last)]


def _figures(counts: Counter[str], seconds: float, found: dict[str, Path]) -> str:
    streams = max(1, counts["streams"])
    parts = [f"{counts['streams']} streams in {seconds:.0f} s", f"{counts['silent']} silent ({counts['silent'] / streams:.0%})"]
    parts += [
        f"{counts['silent with globals']} of them with globals",
        f"{counts['loads']} loads",
        f"{counts['loads to the end']} to the end",
    ]
    parts += [f"{counts['shown']} shown", f"{len(found)} findings"]
    parts += [
        f"{name}: {count}"
        for name, count in sorted(counts.items())
        if name.startswith("lost") or name in ("uninspected", "runs_code")
    ]
    return ", ".join(parts)


def _display() -> object:
    """Give what IPython does with the value of a cell."""
    try:
        from IPython.core.formatters import DisplayFormatter
    except ImportError:
        return repr
    return DisplayFormatter().format


if __name__ == "__main__":
    sys.exit(main())
