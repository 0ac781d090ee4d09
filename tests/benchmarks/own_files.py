"""What it costs to save, and to load what is trusted or was saved here: with and without the guard, in turn, as a ratio.

    python tests/benchmarks/own_files.py [--runs 9] [CASE ...]

Each case is a process of its own. Saves are timed alone: what the guard does with them afterwards happens in the background, and is waited
for, not counted. A trusted file was agreed to once before; with "in a new kernel" every load is the first one there.
The ratio is the median over the pairs; times are medians in milliseconds.
"""

import os
import pickle
import tempfile
import time
from argparse import Namespace
from pathlib import Path

from in_turn import main, scaled, seconds

NEW = ", in a new kernel"


class Reduced:
    """What nothing vouches for, and harmless: the load is asked about."""

    def __reduce__(self):
        import textwrap

        return textwrap.dedent, ("weights",)


def pickled(thing, path):
    with open(path, "wb") as file:
        pickle.dump(thing, file)


def unpickled(path):
    with open(path, "rb") as file:
        return pickle.load(file)


def million_objects(folder):
    things = [Namespace(x=index, y=None) for index in range(scaled(1_000_000))]
    return lambda: pickled([Reduced(), things], folder / "things.pkl"), lambda: unpickled(folder / "things.pkl")


def torch_500_mb(folder):
    import torch

    made = {f"layer{index}": torch.zeros(scaled(1_250_000)) for index in range(100)}
    path = folder / "weights.pt"
    return lambda: torch.save({"extra": Reduced(), **made}, path), lambda: torch.load(path, weights_only=False)


def numpy_200_mb(folder):
    import numpy as np

    arrays = [np.zeros(scaled(2_500_000)) for _ in range(10)]
    return lambda: pickled([Reduced(), *arrays], folder / "arrays.pkl"), lambda: unpickled(folder / "arrays.pkl")


def forest(folder):
    import joblib
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier

    random = np.random.default_rng(0)
    features = random.random((2_000, 20))
    model = RandomForestClassifier(scaled(200), random_state=0).fit(features, features[:, 0] > 0.5)
    path = folder / "forest.joblib"
    return lambda: joblib.dump([model, Reduced()], path), lambda: joblib.load(path)


def state_dict_of_2_mb(folder):
    import torch

    made = torch.nn.Linear(700, 700).state_dict()
    path = folder / "small.pt"

    def save():
        for _ in range(20):
            torch.save(made, path)

    return save, lambda: torch.load(path, weights_only=False)


def thousand_small_files(folder):
    paths = [folder / f"{index}.pkl" for index in range(scaled(1_000))]

    def save():
        for path in paths:
            pickled({"index": 1, "scores": [0.1, 0.2, 0.3], "label": "tiny"}, path)

    return save, lambda: [unpickled(path) for path in paths]


def thousand_small_own_files(folder):
    paths = [folder / f"{index}.pkl" for index in range(scaled(1_000))]

    def save():
        for path in paths:
            pickled(Reduced(), path)

    return save, lambda: [unpickled(path) for path in paths[:10]]


CASES = {
    "save a million objects": (million_objects, 1.05),
    "save 500 MB by torch": (torch_500_mb, 1.05),
    "save 200 MB of numpy": (numpy_200_mb, 1.05),
    "save a forest by joblib": (forest, 1.1),
    "save 2 MB by torch, 20 times": (state_dict_of_2_mb, 1.1),
    "save 1,000 small files of plain data": (thousand_small_files, 1.1),
    "save 1,000 small files that would ask": (thousand_small_own_files, 1.3),
    "load a trusted million objects": (million_objects, 1.1),
    "load a trusted million objects" + NEW: (million_objects, 1.1),
    "load a trusted 500 MB by torch": (torch_500_mb, 2.0),
    "load a trusted 200 MB of numpy": (numpy_200_mb, 3.0),
}


class Agrees:
    """A person who trusts the file that they are shown."""

    asked = 0

    def prior(self, _record):
        return None

    def ask(self, _record, _view, _changed):
        from jupyter_modelguard.types import Decision, Scope

        self.asked += 1
        return Decision(allow=True, by="ada", transport="card", scope=Scope.DIGEST, at=time.time())


def pairs_of(case, runs):
    """Run in the child: seconds plain and guarded, in turn."""
    from jupyter_modelguard import guard
    from jupyter_modelguard.engines.kept_traces import KeptTraces
    from jupyter_modelguard.engines.worker import Worker
    from jupyter_modelguard.history.store import Store
    from jupyter_modelguard.hooks.floor import FLOOR
    from jupyter_modelguard.policy.trust import Trust
    from jupyter_modelguard.stages.born_here import BornHere
    from jupyter_modelguard.stages.own_kernel import OwnKernel

    with tempfile.TemporaryDirectory() as named:
        folder = Path(named)
        save, load = CASES[case][0](folder)
        save()
        saves = case.startswith("save")
        act = save if saves else load
        person = Agrees()
        store = Store(Path(os.environ["MODELGUARD_HOME"]))
        born = BornHere(lambda: folder / "trust") if saves else None
        trust = Trust(lambda: folder / "trust")
        kept = KeptTraces(lambda: folder / "traces", lambda: folder / "trust")
        made = guard.Guard(Worker(), person, store, trust=trust, born=born, kernel=OwnKernel(own=saves), kept=kept)
        made.open()
        act()
        pairs = []
        for _ in range(runs):
            made.patches.restore()
            FLOOR.close()
            plain = seconds(act)
            made.open()
            if case.endswith(NEW):
                made.traces.clear()
            guarded = seconds(act)
            if born is not None:
                born.catch_up()
            made.store.flush()
            pairs.append((plain, guarded))
        assert person.asked == (not saves), "it was asked about again"
        assert not saves or "would ask" not in case or born.entries()
        made.close()
    return pairs


if __name__ == "__main__":
    main(__doc__, {case: target for case, (_, target) in CASES.items()}, lambda case, _mode, runs: pairs_of(case, runs))
