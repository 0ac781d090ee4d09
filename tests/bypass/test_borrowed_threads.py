"""A loader handed to something that runs functions for others is no traffic of that something.

Pools, data loaders and caches exchange pickles of their own, which the guard leaves alone. What they only run on somebody's behalf is a
load like any other: `executor.submit(pickle.loads, data)` once ran unseen, because the nearest frame was the pool's.
"""

import asyncio
import concurrent.futures
import datetime as dt
import io
import multiprocessing
import multiprocessing.pool
import pickle

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.hooks.attribution import is_traffic


def in_thread_pool(load, *arguments):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(load, *arguments).result()


def in_map(load, *arguments):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return list(pool.map(load, *[[argument] for argument in arguments]))


def in_multiprocessing_thread(load, *arguments):
    with multiprocessing.pool.ThreadPool(1) as pool:
        return pool.apply(load, arguments)


def in_event_loop(load, *arguments):
    return asyncio.run(asyncio.to_thread(load, *arguments))


def in_joblib_thread(load, *arguments):
    joblib = pytest.importorskip("joblib")
    return joblib.Parallel(2, backend="threading")(joblib.delayed(load)(*arguments) for _ in range(2))


def in_data_loader(load, *arguments):
    data = pytest.importorskip("torch.utils.data")
    return list(data.DataLoader(list(arguments), batch_size=None, collate_fn=load))


def in_forked_pool(load, *arguments):
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        return pool.submit(load, *arguments).result(timeout=60)


def in_forked_daemon(load, *arguments):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply_async(load, arguments).get(timeout=60)


def from_unpickler(data):
    return pickle.Unpickler(io.BytesIO(data)).load()


WAYS = [in_thread_pool, in_map, in_multiprocessing_thread, in_event_loop, in_joblib_thread, in_data_loader]
FORKED = [in_forked_pool, in_forked_daemon]
forks = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@forks
@pytest.mark.parametrize("way", [*WAYS, *FORKED])
def test_loader_run_by_a_pool_is_held(way, hold, armed, canary):
    data = pickle.dumps(armed)
    way(pickle.loads, data)
    canary.unlink()  # the way works
    hold()
    with pytest.raises(ModelLoadBlockedError):
        way(pickle.loads, data)
    assert not canary.exists()


@pytest.mark.parametrize("way", [in_thread_pool, in_event_loop])
def test_reader_run_by_a_pool_is_held(way, hold, armed, canary):
    hold()
    with pytest.raises(ModelLoadBlockedError):
        way(from_unpickler, pickle.dumps(armed))
    assert not canary.exists()


@forks
@pytest.mark.parametrize("way", FORKED)
def test_forked_children_prove_their_loads_and_end(way, hold):
    day = dt.datetime(2020, 1, 1)
    hold()
    assert way(pickle.loads, pickle.dumps(day)) == day


@pytest.mark.torch
def test_metadata_of_a_distributed_checkpoint_is_no_traffic(hold, tmp_path, armed, canary):
    # torch.distributed.checkpoint reads `.metadata` with pickle.load
    checkpoint = pytest.importorskip("torch.distributed.checkpoint")
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / ".metadata").write_bytes(pickle.dumps(armed))
    hold()
    with pytest.raises(ModelLoadBlockedError):
        checkpoint.FileSystemReader(tmp_path / "checkpoint").read_metadata()
    assert not canary.exists()


@pytest.mark.parametrize(
    "module",
    [
        "asyncio.threads",
        "concurrent.futures.process",
        "concurrent.futures.thread",
        "dask.local",
        "datasets.arrow_dataset",
        "IPython.core.interactiveshell",
        "ipykernel.kernelbase",
        "joblib.memory",
        "joblib.parallel",
        "loky.process_executor",
        "multiprocessing.pool",
        "multiprocessing.process",
        "torch.distributed.checkpoint.filesystem",
        "torch.utils.data._utils.fetch",
        "torch.utils.data.datapipes.utils.decoder",
    ],
)
def test_modules_that_run_functions_for_others_are_no_traffic(module):
    assert not is_traffic(module)


def test_cache_of_joblib_keeps_working(hold, tmp_path):
    joblib = pytest.importorskip("joblib")
    np = pytest.importorskip("numpy")
    calls = []

    def compute(width):
        calls.append(width)
        return {"weights": np.ones(width)}

    hold()
    cached = joblib.Memory(tmp_path / "cache", verbose=0).cache(compute)
    cached(3)
    assert cached(3)["weights"].sum() == 3
    assert calls == [3]
