"""What the guard costs: each load with and without it, in turn, as a ratio.

    python tests/benchmarks/overhead.py [--runs 7] [CASE ...]

Each measurement is a fresh process that makes its own files, loads once to warm up and then times the load alone. Guarded and plain take
turns, so that a machine whose speed drifts bends both alike; the ratio is the median over pairs. Times are medians in milliseconds.
"""

import argparse
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCALE = 1.0  # --quick divides the work by ten


def torch_500_mb(folder):
    import torch

    path = folder / "weights.pt"
    torch.save({f"layer{index}": torch.zeros(int(1_250_000 * SCALE)) for index in range(100)}, path)
    return lambda: torch.load(path, weights_only=False)


def numpy_pickle_200_mb(folder):
    import numpy as np

    path = folder / "arrays.pkl"
    with path.open("wb") as file:
        pickle.dump([np.zeros(int(2_500_000 * SCALE)) for _ in range(10)], file, protocol=5)

    def load():
        with path.open("rb") as file:
            return pickle.load(file)

    return load


def joblib_forest(folder):
    import joblib
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier

    random = np.random.default_rng(0)
    features = random.random((2_000, 20))
    forest = RandomForestClassifier(int(200 * SCALE), random_state=0).fit(features, features[:, 0] > 0.5)
    path = folder / "forest.joblib"
    joblib.dump(forest, path)
    return lambda: joblib.load(path)


def million_plain_objects(folder):
    path = folder / "plain.pkl"
    with path.open("wb") as file:
        pickle.dump([{"id": index, "name": str(index)} for index in range(int(333_000 * SCALE))], file)

    def load():
        with path.open("rb") as file:
            return pickle.load(file)

    return load


def million_objects_of_a_class(folder):
    from argparse import Namespace

    path = folder / "objects.pkl"
    with path.open("wb") as file:
        pickle.dump([Namespace(x=index, y=None) for index in range(int(1_000_000 * SCALE))], file)

    def load():
        with path.open("rb") as file:
            return pickle.load(file)

    return load


def ten_thousand_tiny_files(folder):
    paths = [folder / f"{index}.pkl" for index in range(int(10_000 * SCALE))]
    for index, path in enumerate(paths):
        path.write_bytes(pickle.dumps({"index": index, "scores": [0.1, 0.2, 0.3], "label": "tiny"}))

    def load():
        for path in paths:
            with open(path, "rb") as file:
                pickle.load(file)

    return load


def two_hundred_thousand_in_memory(_folder):
    data = pickle.dumps({"index": 1, "scores": [0.1, 0.2, 0.3], "label": "tiny"})

    def load():
        loads = pickle.loads
        for _ in range(int(200_000 * SCALE)):
            loads(data)

    return load


def import_pandas(_folder):
    def load():
        import pandas  # noqa: F401

    return load


CASES = {
    "torch.load of 500 MB": (torch_500_mb, 1.03),
    "200 MB numpy pickle": (numpy_pickle_200_mb, 1.1),
    "joblib forest": (joblib_forest, 1.15),
    "a million plain builtin objects": (million_plain_objects, 1.05),
    "a million objects of one honest class": (million_objects_of_a_class, 2.5),
    "10,000 tiny files": (ten_thousand_tiny_files, 1.6),
    "200,000 tiny in-memory pickles": (two_hundred_thousand_in_memory, 2.5),
    "import pandas": (import_pandas, 1.05),
}
ONCE = {"import pandas"}  # nothing to warm up: a second import is no import


def measure(case, *, guarded, folder):
    """Run in the child: seconds of the load alone."""
    load = CASES[case][0](Path(folder))
    if guarded:
        import jupyter_modelguard

        jupyter_modelguard.install()
    if case not in ONCE:
        load()
    started = time.perf_counter()
    load()
    return time.perf_counter() - started


def child(case, mode, quick):
    """Run one measurement in a fresh process."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-P", __file__, "--child", mode, "--folder", folder, *(["--quick"] if quick else []), case]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, env={**_environment(), "MODELGUARD_HOME": home})
        if answer.returncode:
            raise RuntimeError(answer.stderr)
        return float(answer.stdout.strip().splitlines()[-1])


def _environment():
    import os

    return dict(os.environ)


def main():
    """Print the table, or one measurement when called as a child."""
    global SCALE
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work: to see that it runs, not for figures")
    parser.add_argument("--child", choices=("plain", "guarded"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        SCALE = 0.1
    if options.child:
        print(measure(options.cases[0], guarded=options.child == "guarded", folder=options.folder))
        return
    header = f"{'case':<40}{'plain ms':>12}{'guarded ms':>12}{'ratio':>8}{'target':>8}"
    print(header)
    for case in options.cases or CASES:
        pairs = [(child(case, "plain", options.quick), child(case, "guarded", options.quick)) for _ in range(options.runs)]
        plain, guarded = (statistics.median(values) * 1e3 for values in zip(*pairs, strict=True))
        ratio = statistics.median(with_guard / without for without, with_guard in pairs)
        line = f"{case:<40}{plain:>12.1f}{guarded:>12.1f}{ratio:>8.2f}{CASES[case][1]:>8.2f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
