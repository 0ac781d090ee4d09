"""What this scanner and others make of armed and honest files, side by side.

    python tests/benchmarks/side_by_side.py [--peers /path/to/python] [--only-armed]

The armed files are those of `tests/corpus`, each loaded in its real loader first, and left out if it does not leave its canary here. The
honest ones are those of `tests/integration/honest_*.py`, written by the real libraries, published weights among them. The other scanners
run in an environment of their own:

    python -m venv peers && peers/bin/python -m pip install picklescan fickling modelscan modelaudit

`peers.py` says which of their words count as blocked and as warned. Ours blocks what it would ask about (RUNS_CODE, UNINSPECTED,
DANGEROUS), and warns with NOTE. A folder counts once, by the worst of its files.
"""

import argparse
import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "corpus"), str(TESTS / "bypass"), str(TESTS / "shared"), str(TESTS / "integration")]
os.environ.setdefault("KERAS_BACKEND", "torch")
warnings.simplefilter("ignore")

from armed import WARM, gather  # noqa: E402 found on that path
from make import write_all  # noqa: E402
from plain_loads import PlainLoads  # noqa: E402

RANK = {"blocked": 3, "warned": 2, "clean": 1, "skipped": 0}
FAMILIES = ("honest_torch", "honest_language", "honest_tables", "honest_daily", "honest_others")
ENDINGS = {
    b"\x93NUMPY": ".npy",
    b"\x89HDF": ".h5",
    b"\x80": ".pkl",
    b"{": ".json",
    b"CBM1": ".cbm",
    b"tree": ".txt",
    b"ARROW1": ".arrow",
}
ROW = "{:<20} {:>8} {:>18} {:>24} {:>15} {:>25}"


def proved(paths):
    """Load each sample where nobody is guarded; give those that left their canary."""
    works = {}
    servers = {}
    for name, path in paths.items():
        sample = gather()[name]
        modules = ("keras",) if "keras" in sample.needs else WARM
        if modules not in servers:
            servers[modules] = PlainLoads(*modules)
        servers[modules].run(sample.source, str(path.parent), path=str(path))
        canary, deadline = path.parent / "canary", time.monotonic() + 2
        while not canary.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        if canary.exists():
            works[name] = path
            canary.rmdir() if canary.is_dir() else canary.unlink()
        else:
            print(f"left out, no canary here: {name}")
    for server in servers.values():
        server.close()
    return works


def honest(folder):
    """Write the honest files that can be written here."""
    for name in ("honest_files", *FAMILIES):
        if name not in sys.modules:
            spec = importlib.util.spec_from_file_location(name, TESTS / "integration" / f"{name}.py")
            sys.modules[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[name])
    paths = {}
    for number, (name, file) in enumerate(sorted(sys.modules["honest_files"].FILES.items())):
        path = Path(folder, f"{number}", "file")
        path.parent.mkdir(parents=True)
        try:
            with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing), contextlib.redirect_stderr(nothing):
                file.write(path)
        except Exception as error:  # noqa: BLE001 a library that is not here, or does not work here
            print(f"left out, cannot be written here: {name} ({type(error).__name__})")
            continue
        paths[name] = (
            path.rename(path.with_suffix(suffix_of(path))) if path.is_file() else path if path.is_dir() else with_ending(path)
        )
    return paths


def with_ending(path):
    """Find what a library wrote under the name with an ending of its own."""
    return next(path.parent.glob(f"{path.name}.*"))


def suffix_of(path):
    """Give a file the ending that people would, which other scanners go by."""
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(b"PK"):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        if any(name.endswith("data.pkl") for name in names):
            return ".pt"
        return ".keras" if "config.json" in names else ".npz" if all(name.endswith(".npy") for name in names) else ".zip"
    return next((suffix for mark, suffix in ENDINGS.items() if head.startswith(mark)), ".pkl")


def files_of(path):
    """List what a sample consists of; its canary is none of it."""
    if path.is_dir():
        return [one for one in sorted(path.rglob("*")) if one.is_file()]
    return [one for one in sorted(path.parent.glob(f"{path.name}*")) if one.is_file() and one.stat().st_size]


def ours(files):
    """Give this scanner's verdicts, whether a finding is behind each, and the seconds."""
    from jupyter_modelguard.engines.worker import Worker
    from jupyter_modelguard.policy.evaluate import evaluate
    from jupyter_modelguard.types import RiskLevel

    worker, verdicts, levels = Worker(), [], []
    started = time.perf_counter()
    for file in files:
        level = evaluate(worker.scan(str(file))).level
        levels.append(level)
        verdicts.append("blocked" if level.asks else "warned" if level is RiskLevel.NOTE else "clean")
    return verdicts, levels, time.perf_counter() - started


def worst(verdicts, places):
    """Give the worst verdict of each sample."""
    return [max((verdicts[place].partition(":")[0] for place in of), key=RANK.__getitem__) for of in places]


def show(name, verdicts, armed_places, honest_places):
    bad, good = worst(verdicts, armed_places), worst(verdicts, honest_places)
    blocked, warned = bad.count("blocked"), bad.count("warned")
    print(
        ROW.format(
            name,
            blocked,
            blocked + warned,
            len(bad) - blocked - warned,
            good.count("blocked"),
            good.count("blocked") + good.count("warned"),
        )
    )
    return bad, good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", help="the Python that has the other scanners")
    parser.add_argument("--only-armed", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        written, missing = write_all(Path(folder, "armed"))
        for name, module in missing.items():
            print(f"left out, no {module} here: {name}")
        armed = proved(written)
        good = {} if options.only_armed else honest(Path(folder, "honest"))
        files, places = [], {}
        for kind, paths in (("armed", armed), ("honest", good)):
            for name, path in paths.items():
                found = files_of(path)
                places[kind, name] = range(len(files), len(files) + len(found))
                files += found
        armed_places = [of for (kind, _), of in places.items() if kind == "armed"]
        honest_places = [of for (kind, _), of in places.items() if kind == "honest"]
        print(f"\n{len(armed)} armed samples that ran, {len(good)} honest ones; {len(files)} files\n")
        print(
            ROW.format(
                "scanner", "blocked", "blocked or warned", "called clean or skipped", "honest blocked", "honest blocked or warned"
            )
        )
        verdicts, levels, took = ours(files)
        bad, fine = show("modelguard", verdicts, armed_places, honest_places)
        seconds = {"modelguard": took}
        if options.peers:
            asked = json.dumps([str(file) for file in files])
            command = [options.peers, str(TESTS / "benchmarks" / "peers.py")]
            answers = json.loads(subprocess.run(command, input=asked, capture_output=True, text=True, check=True).stdout)
            for name, answer in answers.items():
                show(name, answer["verdicts"], armed_places, honest_places)
                seconds[name] = answer["seconds"]
        told = [any(levels[place].value in ("runs_code", "dangerous") for place in of) for of in armed_places]
        print(f"\nmodelguard tells what {sum(told)} of {len(told)} armed samples run ({sum(told) / len(told):.1%})")
        print("seconds for all files: " + ", ".join(f"{name} {took:.1f}" for name, took in seconds.items()))
        report("not told, only not inspected", [name for name, one in zip(armed, told, strict=True) if not one])
        report("armed and called clean", [name for name, one in zip(armed, bad, strict=True) if one != "blocked"])
        report("honest and blocked", [name for name, one in zip(good, fine, strict=True) if one == "blocked"])
        report("honest and noted", [name for name, one in zip(good, fine, strict=True) if one == "warned"])


def report(what, names):
    if names:
        print(f"{what}: {', '.join(names)}")


if __name__ == "__main__":
    main()
