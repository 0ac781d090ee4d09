"""What the guard costs programs that work in several processes or threads: their speed with it, as a share of their speed without it.

    python tests/benchmarks/workers.py [--runs 9] [CASE ...]

Each case is a process of its own, which works plain and guarded in turn, so that a machine whose speed drifts bends both alike. Pools are
started anew for each measurement, because what is forked keeps the guard, and are warm before it begins. The share is the median over the
pairs; 0.97 is wanted.
"""

import contextlib
import multiprocessing
import tempfile

from in_turn import main, scaled, seconds

TARGET = 0.97


@contextlib.contextmanager
def data_loader():
    import torch
    from torch.utils.data import DataLoader

    torch.set_num_threads(1)
    loader = DataLoader(Pictures(scaled(6_000)), batch_size=32, num_workers=2, multiprocessing_context="fork")

    def work():
        total = 0.0
        for pictures, labels in loader:
            total += float(pictures.mean()) + len(labels)
        return total

    yield work


class Pictures:
    """Small pictures that take a little work each, as transforms do."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        import torch

        picture = torch.full((3, 64, 64), float(index))
        return picture.flip(2).sub(0.5).div(0.25), {"label": index, "name": str(index)}


def _parallel_fit(backend, **settings):
    @contextlib.contextmanager
    def case():
        import joblib
        import numpy as np
        from sklearn.ensemble import RandomForestClassifier

        random = np.random.default_rng(0)
        features = random.random((scaled(4_000), 20))
        labels = features[:, 0] > 0.5

        def work():
            with joblib.parallel_config(backend, n_jobs=2, **settings):
                forests = [RandomForestClassifier(5, random_state=seed) for seed in range(12)]
                return joblib.Parallel()(joblib.delayed(fit)(forest, features, labels) for forest in forests)

        work()
        yield work
        if backend == "loky":
            from joblib.externals.loky import get_reusable_executor

            get_reusable_executor().shutdown(wait=True)

    return case


def fit(forest, features, labels):
    return forest.fit(features, labels)


def _map(method):
    @contextlib.contextmanager
    def case():
        rows = [{"id": index, "text": f"row {index}", "scores": (0.1, 0.2)} for index in range(scaled(30_000))]
        with multiprocessing.get_context(method).Pool(2) as pool:
            list(pool.imap(tokenize, rows[:100]))
            yield lambda: sum(1 for _ in pool.imap(tokenize, rows, chunksize=4))

    return case


def _map_arrays():
    @contextlib.contextmanager
    def case():
        import numpy as np

        rows = [np.full(256, index) for index in range(scaled(15_000))]
        with multiprocessing.get_context("fork").Pool(2) as pool:
            list(pool.imap(double, rows[:100]))
            yield lambda: sum(1 for _ in pool.imap(double, rows, chunksize=4))

    return case


def tokenize(row):
    return {**row, "tokens": row["text"].split()}


def double(array):
    return array * 2


@contextlib.contextmanager
def datasets_map():
    import datasets

    datasets.disable_progress_bars()
    datasets.disable_caching()
    made = datasets.Dataset.from_dict({"text": [f"row {index}" for index in range(scaled(40_000))]})
    made.map(split, num_proc=2)
    yield lambda: made.map(split, num_proc=2)


def split(row):
    return {"tokens": row["text"].split()}


CASES = {
    "DataLoader, two forked workers": data_loader,
    "joblib parallel fit, processes": _parallel_fit("loky"),
    "joblib parallel fit, threads": _parallel_fit("threading"),
    "Pool.imap of 30,000 small objects, forked": _map("fork"),
    "Pool.imap of 30,000 small objects, spawned": _map("spawn"),
    "Pool.imap of 15,000 arrays, forked": _map_arrays(),
    "datasets.map with two processes": datasets_map,
}


def pairs_of(case, runs):
    """Run in the child: seconds of the work, plain and guarded, in turn."""
    import jupyter_modelguard
    from jupyter_modelguard.guard import current
    from jupyter_modelguard.hooks.floor import FLOOR

    measured(CASES[case])
    jupyter_modelguard.install()
    guard = current()
    measured(CASES[case])
    pairs = []
    for run in range(runs):
        took = {}
        for guarded in (False, True) if run % 2 else (True, False):  # neither always comes first
            guard.patches.restore()
            FLOOR.close()
            if guarded:
                guard.open()
            took[guarded] = measured(CASES[case])
        guard.open()
        pairs.append((took[False], took[True]))
    return pairs


def measured(case):
    with case() as work:
        return seconds(work)


if __name__ == "__main__":
    main(
        __doc__,
        dict.fromkeys(CASES, TARGET),
        lambda case, _mode, runs: pairs_of(case, runs),
        share=True,
        environment={"MODELGUARD_HEADLESS": "deny", "HF_DATASETS_CACHE": tempfile.gettempdir()},
    )
