"""Search for files that a scan calls harmless and that a loader runs code of, and for files that a scan cannot bear.

    python tests/bypass/fuzz.py --minutes 20 --seed 1

Files are pickles by the grammar of their opcodes or what libraries save, armed with a harmless canary or not, put into containers and
changed: any bytes, the fields of zip records and tar headers, the text of other headers. Each is scanned: no scan may raise, run
anything or leave a byte out of the account. What is called harmless is loaded for real, by every loader, in a forked child. A finding is
made small and written to a file of its own. The exit status is 1 if there is any.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
import time
from pathlib import Path

for _limited in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_limited] = "1"  # a process with threads does not fork well

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from fuzz_running import Found, Fuzzing  # noqa: E402 it imports numpy, which looks at the environment

from jupyter_modelguard.types import ByteRange, Coverage, ScanReport  # noqa: E402 as above

_BATCH = 200  # files
_NUMBERS = re.compile(r"[\d,]+")
_TOLERATED = "kills its process"  # costs a worker, and its file is not inspected; worth a look, but no hole


def main() -> int:
    """Run the command."""
    options = _options()
    fuzzing = Fuzzing(_clean) if options.blind else Fuzzing()
    try:
        if options.again:
            found = fuzzing.alone(Path(options.again).read_bytes())
            print("\n".join(found) or "nothing is found any more")
            return bool(found)
        return _search(options, fuzzing)
    finally:
        fuzzing.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--files", type=int, default=0, help="stop after so many instead")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--blind", action="store_true", help="call every file harmless, which shows what the search would find")
    parser.add_argument("--shrink", type=float, default=20.0, metavar="SECONDS", help="how long a finding is made smaller")
    parser.add_argument("--again", help="judge a written finding again")
    parser.add_argument("--folder", default="fuzz-findings", help="where findings are written")
    return parser.parse_args()


def _clean(path: str) -> ScanReport:
    size = Path(path).stat().st_size
    ranges = (ByteRange(0, size, "inspected"),) if size else ()
    return ScanReport(path, "unknown", coverage=Coverage(ranges=ranges))


def _search(options: argparse.Namespace, fuzzing: Fuzzing) -> int:
    started = told = time.monotonic()
    known: set[str] = set()
    files = holes = 0
    while files < options.files if options.files else time.monotonic() < started + options.minutes * 60:
        size = min(_BATCH, options.files - files) if options.files else _BATCH
        for found in fuzzing.batch(f"{options.seed}/{files}", size):
            fuzzing.counts["findings"] += 1
            key = _NUMBERS.sub("#", found.what)
            if key not in known:
                known.add(key)
                holes += found.what != _TOLERATED
                print(f"FOUND {found.what}: {_written(fuzzing, found, Path(options.folder), options.shrink)}", flush=True)
        files += size
        if time.monotonic() > told + 60:
            told = time.monotonic()
            print(_figures(fuzzing, files, told - started), flush=True)
    print(_figures(fuzzing, files, time.monotonic() - started), flush=True)
    return bool(holes)


def _written(fuzzing: Fuzzing, found: Found, folder: Path, seconds: float) -> Path:
    """Write a finding down, without what it does not need."""
    ends = time.monotonic() + seconds
    best = found.data
    width = len(best) // 2
    while width and time.monotonic() < ends and found.what != _TOLERATED:
        place = 0
        while place < len(best) and time.monotonic() < ends:
            shorter = best[:place] + best[place + width :]
            if found.what in fuzzing.alone(shorter):
                best = shorter
            else:
                place += width
        width //= 2
    folder.mkdir(exist_ok=True)
    path = folder / f"{re.sub(r'[^a-z]+', '-', found.what.lower())[:50]}-{hashlib.sha256(best).hexdigest()[:8]}"
    path.write_bytes(best)
    return path


def _figures(fuzzing: Fuzzing, files: int, seconds: float) -> str:
    return ", ".join(
        [f"{files} files in {seconds:.0f} s", *(f"{name}: {count}" for name, count in sorted(fuzzing.counts.items()))]
    )


if __name__ == "__main__":
    sys.exit(main())
