"""What a scan costs, beside the real load of the same file and other scanners of it.

    python tests/benchmarks/scanning.py [--runs 5] [--peers /path/to/python] [CASE ...]

Ours is asked in its limited process, which is warm: it was started before and has read the file once. Every other column is a process of
its own that does the same thing several times; what it imports is not counted, and printed below. Times are the best of several, in
milliseconds: what else a machine does only ever adds to them. `--peers` names a Python that has picklescan, fickling, modelscan or
modelaudit; one that takes longer than a minute is stopped and shown as a dash. The command includes the start of Python and of the limited
process, which is cold then.
"""

import argparse
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from pathlib import Path

from in_turn import scaled

PEERS = ("picklescan", "fickling", "modelscan", "modelaudit")
LONGEST = 60  # seconds of a peer
COMMAND = "modelguard scan of a tiny file"


def torch_500_mb(folder):
    import torch

    path = folder / "weights.pt"
    torch.save({f"layer{index}": torch.zeros(scaled(1_250_000)) for index in range(100)}, path)
    return path


def numpy_210_mb(folder):
    import numpy as np

    path = folder / "arrays.pkl"
    path.write_bytes(pickle.dumps([np.zeros(scaled(2_625_000)) for _ in range(10)], protocol=5))
    return path


def many_tensors(folder):
    import torch

    path = folder / "many.pt"
    torch.save({f"block.{index}.weight": torch.zeros(2) for index in range(scaled(20_000))}, path)
    return path


def many_records(folder):
    path = folder / "records.pkl"
    records = [{"id": index, "name": f"row {index}", "score": index / 7} for index in range(scaled(300_000))]
    path.write_bytes(pickle.dumps(records))
    return path


def many_objects(folder):
    path = folder / "objects.pkl"
    path.write_bytes(pickle.dumps([Namespace(x=index, y=None) for index in range(scaled(300_000))]))
    return path


def tiny(folder):
    path = folder / "tiny.pkl"
    path.write_bytes(pickle.dumps({"a": [1, 2, 3]}))
    return path


CASES = {  # how the file is made, and the target: milliseconds, or times the real load
    "torch, 500 MB": (torch_500_mb, "20 ms"),
    "pickle of numpy arrays, 210 MB": (numpy_210_mb, "50 ms"),
    "torch, 20,000 tensors": (many_tensors, "0.3 ×"),
    "pickle of 300,000 records": (many_records, "1.5 ×"),
    "pickle of 300,000 objects": (many_objects, "1.5 ×"),
    "a tiny pickle": (tiny, "2 ms"),
    COMMAND: (tiny, "400 ms"),
}


def ours(path):
    from jupyter_modelguard.engines.worker import Worker

    worker = Worker()
    worker.scan(path)
    return lambda: worker.scan(path)


def load(path):
    if path.endswith(".pt"):
        import torch

        return lambda: torch.load(path, weights_only=False)

    def unpickled():
        with open(path, "rb") as file:
            return pickle.load(file)

    return unpickled


def picklescan(path):
    from picklescan.scanner import scan_file_path

    return lambda: scan_file_path(path)


def fickling(path):
    import zipfile

    from fickling.analysis import check_safety
    from fickling.fickle import Pickled

    def scan():
        if path.endswith(".pt"):
            with zipfile.ZipFile(path) as archive:
                return check_safety(Pickled.load(archive.read(next(name for name in archive.namelist() if "data.pkl" in name))))
        with open(path, "rb") as file:
            return check_safety(Pickled.load(file))

    return scan


def modelscan(path):
    from modelscan.modelscan import ModelScan

    return lambda: ModelScan().scan(Path(path))


def modelaudit(path):
    from modelaudit.core import scan_model_directory_or_file

    return lambda: scan_model_directory_or_file(path, cache_enabled=False)


def command(path):
    code = "import sys; from jupyter_modelguard.cli import main; sys.exit(main())"
    return lambda: subprocess.run([sys.executable, "-c", code, "scan", path], stdout=subprocess.DEVNULL, check=True)


def measured(way, path, runs):
    """Run in the child: the seconds of its imports, and of each run."""
    started = time.perf_counter()
    work = globals()[way](path)
    imports = time.perf_counter() - started
    times = []
    for _ in range(runs):
        before = time.perf_counter()
        work()
        times.append(time.perf_counter() - before)
        if sum(times) > LONGEST / 4:
            break
    return imports, times


def child(python, way, path, runs):
    """Measure in a process of its own; None where that failed or took too long."""
    variables = os.environ | {"PROMPTFOO_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1", "NO_ANALYTICS": "1"}
    line = [python, __file__, "--child", way, "--runs", str(runs), path]
    try:
        answer = subprocess.run(line, capture_output=True, text=True, check=False, env=variables, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        return None
    return json.loads(answer.stdout.strip().splitlines()[-1]) if not answer.returncode else None


def said(found):
    return "–" if found is None else f"{min(found[1]) * 1e3:.1f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="less than 1: to see that it runs, not for figures")
    parser.add_argument("--peers", metavar="PYTHON", help="a Python that has them")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measured(options.child, options.cases[0], options.runs)))
        return
    os.environ["BENCHMARK_SCALE"] = str(options.scale)
    peers = PEERS if options.peers else ()
    imports = {}
    columns = ("ours", "target", "met", "load", *peers)
    print(f"{'milliseconds':<34}" + "".join(f"{column:>12}" for column in columns))
    for case in options.cases or CASES:
        make, target = CASES[case]
        with tempfile.TemporaryDirectory() as folder:
            path = str(make(Path(folder)))
            own = child(sys.executable, "command" if case == COMMAND else "ours", path, options.runs)
            real = None if case == COMMAND else child(sys.executable, "load", path, options.runs)
            others = {} if case == COMMAND else {name: child(options.peers, name, path, options.runs) for name in peers}
        imports |= {name: found[0] for name, found in others.items() if found is not None and name not in imports}
        number, unit = target.split()
        limit = float(number) / 1e3 if unit == "ms" else float(number) * min(real[1])
        met = "yes" if own is not None and min(own[1]) <= limit else "no"
        cells = (said(own), target, met, said(real), *(said(others.get(name)) for name in peers))
        print(f"{case:<34}" + "".join(f"{cell:>12}" for cell in cells), flush=True)
    print("The limited process was warm, but for the command, which starts it.")
    if imports:
        print("Imports, not counted: " + ", ".join(f"{name} {seconds * 1e3:.0f} ms" for name, seconds in imports.items()))


if __name__ == "__main__":
    main()
