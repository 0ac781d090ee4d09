"""What the guard costs: each load with and without it, in turn, as a ratio.

    python tests/benchmarks/overhead.py [--runs 9] [CASE ...]

Each case is a process of its own, which makes its files, loads once to warm up and then loads plain and guarded in turn, so that a
machine whose speed drifts bends both alike. The ratio is the median over the pairs; times are medians in milliseconds. The history's
writer is waited for after each guarded load, and not counted: it works in the background. An import happens once in a process, so
there each measurement is a process of its own. What is loaded for the first time was never looked at before; in a new kernel another one
has looked at it.
"""

import math
import os
import pickle
import shutil
import tempfile
from pathlib import Path

from in_turn import main, scaled, seconds

FIRST = ", for the first time"
NEW = ", in a new kernel"


def torch_500_mb(folder):
    import torch

    path = folder / "weights.pt"
    torch.save({f"layer{index}": torch.zeros(scaled(1_250_000)) for index in range(100)}, path)
    return lambda: torch.load(path, weights_only=False)


def torchscript_500_mb(folder):
    import warnings

    import torch

    warnings.simplefilter("ignore")  # torch calls TorchScript deprecated
    width = math.isqrt(scaled(1_250_000))
    path = folder / "script.pt"
    torch.jit.save(torch.jit.script(torch.nn.Sequential(*(torch.nn.Linear(width, width) for _ in range(100)))), path)
    return lambda: torch.jit.load(path)


def numpy_pickle_200_mb(folder):
    import numpy as np

    path = folder / "arrays.pkl"
    with path.open("wb") as file:
        pickle.dump([np.zeros(scaled(2_500_000)) for _ in range(10)], file, protocol=5)

    def load():
        with path.open("rb") as file:
            return pickle.load(file)

    return load


def frame_of_strings_400_mb(folder):
    import numpy as np
    import pandas as pd

    path = folder / "strings.pkl"
    names = np.char.add("name number ", np.arange(scaled(13_200_000)).astype(str))
    pd.DataFrame({"name": pd.array(names, dtype="str")}).to_pickle(path)
    return lambda: pd.read_pickle(path)


def joblib_forest(folder):
    import joblib
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier

    random = np.random.default_rng(0)
    features = random.random((2_000, 20))
    forest = RandomForestClassifier(scaled(200), random_state=0).fit(features, features[:, 0] > 0.5)
    path = folder / "forest.joblib"
    joblib.dump(forest, path)
    return lambda: joblib.load(path)


def million_plain_objects(folder):
    path = folder / "plain.pkl"
    with path.open("wb") as file:
        pickle.dump([{"id": index, "name": str(index)} for index in range(scaled(333_000))], file)

    def load():
        with path.open("rb") as file:
            return pickle.load(file)

    return load


def million_objects_of_a_class(folder):
    from argparse import Namespace

    path = folder / "objects.pkl"
    with path.open("wb") as file:
        pickle.dump([Namespace(x=index, y=None) for index in range(scaled(1_000_000))], file)

    def load():
        with path.open("rb") as file:
            return pickle.load(file)

    return load


def ten_thousand_tiny_files(folder):
    paths = [folder / f"{index}.pkl" for index in range(scaled(10_000))]
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
        for _ in range(scaled(200_000)):
            loads(data)

    return load


def import_pandas(_folder):
    def load():
        import pandas as pd  # noqa: F401

    return load


CASES = {
    "torch.load of 500 MB": (torch_500_mb, 1.03),
    "torch.load of 500 MB" + FIRST: (torch_500_mb, 1.03),
    "torch.jit.load of 500 MB": (torchscript_500_mb, 1.15),
    "200 MB numpy pickle": (numpy_pickle_200_mb, 1.1),
    "400 MB pickled frame of strings": (frame_of_strings_400_mb, 2.0),
    "joblib forest": (joblib_forest, 1.15),
    "joblib forest" + FIRST: (joblib_forest, 1.15),
    "joblib forest" + NEW: (joblib_forest, 1.15),
    "a million plain builtin objects": (million_plain_objects, 1.05),
    "a million objects of one honest class": (million_objects_of_a_class, 2.5),
    "10,000 tiny files": (ten_thousand_tiny_files, 1.6),
    "200,000 tiny in-memory pickles": (two_hundred_thousand_in_memory, 2.5),
    "import pandas": (import_pandas, 1.05),
}
ONCE = {"import pandas"}  # a second import is no import


def pairs_of(case, runs):
    """Run in the child: seconds of the load, plain and guarded, in turn."""
    import jupyter_modelguard
    from jupyter_modelguard.guard import current
    from jupyter_modelguard.hooks.floor import FLOOR

    with tempfile.TemporaryDirectory() as folder:
        load = CASES[case][0](Path(folder))
        load()
        jupyter_modelguard.install()
        guard = current()
        load()
        pairs = []
        for _ in range(runs):
            guard.patches.restore()
            FLOOR.close()
            plain = seconds(load)
            guard.open()
            if case.endswith(FIRST):
                shutil.rmtree(Path(os.environ["MODELGUARD_HOME"]) / "traces", ignore_errors=True)
            if case.endswith((FIRST, NEW)):
                guard.traces.clear()
            guarded = seconds(load)
            guard.store.flush()
            pairs.append((plain, guarded))
    return pairs


def once(case, mode):
    """Run in the child: seconds of something that can happen once in a process."""
    load = CASES[case][0](None)
    if mode == "guarded":
        import jupyter_modelguard

        jupyter_modelguard.install()
    return seconds(load)


def measure(case, mode, runs):
    """Run in the child; see `in_turn.main`."""
    return pairs_of(case, runs) if mode == "pairs" else once(case, mode)


if __name__ == "__main__":
    main(__doc__, {case: target for case, (_, target) in CASES.items()}, measure, once=ONCE)
