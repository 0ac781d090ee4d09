"""Files that are no models: the loader's own error or a clear one, a line in the history, and no question about nothing."""

import io
import os
import pickle
import signal
import sqlite3
import sys

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

np = pytest.importorskip("numpy", reason="the arrays of these tests are numpy's")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")
NAMED = {"pickle.load", "pickle.Unpickler", "pickle._Unpickler", "dill.load"}  # the user opens the file


def with_open(path, load):
    with open(path, "rb") as file:
        return load(file)


def numpy_objects(path, value):
    array = np.empty(1, dtype=object)
    array[0] = value
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=True)


def dump_pickle(path, value):
    path.write_bytes(pickle.dumps(value))


def joblib(path, value, **options):
    sys.modules["joblib"].dump(value, path, **options)


def torch(path, value, **options):
    import torch

    torch.save({name: torch.from_numpy(array) for name, array in value.items()}, path, **options)


LOADERS = {  # library, how the whole file is made, how it is loaded
    "pickle.load": ("pickle", dump_pickle, lambda library, path: with_open(path, library.load)),
    "pickle.Unpickler": (
        "pickle",
        dump_pickle,
        lambda library, path: with_open(path, lambda file: library.Unpickler(file).load()),
    ),
    "pickle._Unpickler": (
        "pickle",
        dump_pickle,
        lambda library, path: with_open(path, lambda file: library._Unpickler(file).load()),
    ),
    "dill.load": ("dill", dump_pickle, lambda library, path: with_open(path, library.load)),
    "joblib.load": ("joblib", joblib, lambda library, path: library.load(path)),
    "joblib.load of zlib": (
        "joblib",
        lambda path, value: joblib(path, value, compress=3),
        lambda library, path: library.load(path),
    ),
    "joblib.load of gzip": (
        "joblib",
        lambda path, value: joblib(path, value, compress=("gzip", 3)),
        lambda library, path: library.load(path),
    ),
    "numpy.load of npy": ("numpy", numpy_objects, lambda library, path: library.load(path, allow_pickle=True)),
    "numpy.load of a pickle": ("numpy", dump_pickle, lambda library, path: library.load(path, allow_pickle=True)),
    "pandas.read_pickle": ("pandas", dump_pickle, lambda library, path: library.read_pickle(path)),
    "torch.load": ("torch", torch, lambda library, path: library.load(path, weights_only=False)),
    "torch.load of weights": ("torch", torch, lambda library, path: library.load(path)),
    "torch.load of the old format": (
        "torch",
        lambda path, value: torch(path, value, _use_new_zipfile_serialization=False),
        lambda library, path: library.load(path, weights_only=False),
    ),
    "torch.load of a BytesIO": (
        "torch",
        torch,
        lambda library, path: library.load(io.BytesIO(path.read_bytes()), weights_only=False),
    ),
    "torch.jit.load": ("torch", torch, lambda library, path: library.jit.load(str(path))),
}
BAD = {
    "truncated": lambda whole: whole[: len(whole) * 2 // 3],
    "without its last byte": lambda whole: whole[:-1],
    "empty": lambda _: b"",
    "text": lambda _: b"this is not a pickle at all\n" * 9,
    "json": lambda _: b'{"a": 1}',
    "an empty zip": lambda _: b"PK\x05\x06" + b"\0" * 18,
}
OWN = (EOFError, pickle.UnpicklingError, RuntimeError, ValueError, OSError)


def marked(loader):
    return pytest.param(loader, marks=pytest.mark.torch) if loader.startswith("torch") else loader


def attempt(load, library, path):
    try:
        load(library, path)
    except Exception as error:  # noqa: BLE001 whatever it is, it is compared
        return error
    return None


@pytest.fixture
def made(tmp_path):
    """Make a bad file for a loader, and say what the plain load raises for it."""

    def make(loader, bad):
        name, dump, load = LOADERS[loader]
        library = pytest.importorskip(name, reason=f"{name} is not installed")
        whole = tmp_path / "whole"
        dump(whole, {"weights": np.arange(5000.0)})
        path = tmp_path / "bad-file"
        path.write_bytes(BAD[bad](whole.read_bytes()))
        return library, load, path, attempt(load, library, path)

    return make


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("loader", [marked(loader) for loader in LOADERS])
def test_error_is_the_loaders_or_a_clear_one_and_is_recorded(loader, bad, made, hold):
    library, load, path, plain = made(loader, bad)
    running = hold()
    error = attempt(load, library, path)
    recorded = running.history()
    assert len(recorded) == 1
    if plain is None:  # zlib's reader does not miss the last byte
        assert error is None
        assert recorded[0].outcome.value == "loaded"
        return
    if isinstance(error, ModelLoadBlockedError):
        # What only Python's own reader of zips finds broken may be whole to torch, so a person has to say so.
        assert (loader.startswith("torch"), bad) == (True, "without its last byte")
        assert "the zip archive cannot be read" in str(error)
        assert recorded[0].outcome.value == "blocked"
        return
    assert type(error) is type(plain) or isinstance(error, OWN)
    assert str(error) or not str(plain)
    assert recorded[0].outcome.value == "failed"
    assert recorded[0].error.startswith(type(error).__name__)


@pytest.mark.parametrize("loader", ["pickle.load", "pickle.Unpickler", "dill.load", "numpy.load of npy", "pandas.read_pickle"])
def test_truncated_arrays_show_the_very_error_of_the_plain_load(loader, made, hold):
    library, load, path, plain = made(loader, "truncated")
    running = hold(says=True)
    error = attempt(load, library, path)
    assert (type(error), str(error)) == (type(plain), str(plain))
    assert running.guard.approver.asked == []


@pytest.mark.parametrize("loader", [marked(loader) for loader in LOADERS if loader not in NAMED | {"torch.load of a BytesIO"}])
def test_missing_file_and_folder_raise_the_loaders_error(loader, tmp_path, hold):
    name, _, load = LOADERS[loader]
    library = pytest.importorskip(name, reason=f"{name} is not installed")
    paths = (tmp_path / "missing", tmp_path)
    plain = []
    for path in paths:
        with pytest.raises((OSError, ValueError)) as raised:
            load(library, path)
        plain.append(raised.type)
    running = hold()
    for path, kind in zip(paths, plain, strict=True):
        with pytest.raises(kind):
            load(library, path)
    assert {outcome for _, outcome in running.outcomes()} <= {"failed"}


def test_armed_stream_that_breaks_off_is_asked_about(armed, canary, hold):
    """What stands before the break runs before it breaks."""
    stream = pickle.dumps([armed, list(range(500)), "tail"], 2)[:-20]  # no frames: each opcode runs as it is read
    with pytest.raises((EOFError, pickle.UnpicklingError)):
        pickle.loads(stream)
    assert canary.exists(), "the stream is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError, match=r"os\.system"):
        pickle.loads(stream)
    assert not canary.exists()
    assert running.outcomes() == [("pickle.loads", "blocked")]


def test_stream_with_persistent_ids_that_breaks_off_is_not_called_broken(hold):
    """A loader of the user's own may know what the ids mean; the trace does not."""

    class Theirs(pickle.Pickler):
        def persistent_id(self, value):
            return "the id" if value == "large" else None

    buffer = io.BytesIO()
    Theirs(buffer, 2).dump(["large", np.float64(2)])
    hold()

    class Mine(pickle.Unpickler):
        def persistent_load(self, pid):
            return pid

    with pytest.raises(ModelLoadBlockedError):
        Mine(io.BytesIO(buffer.getvalue())).load()


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_database_survives_the_kill_of_a_kernel_that_waits(home, armed_pickle, canary):
    jupyter_client = pytest.importorskip("jupyter_client", reason="jupyter_client is not installed")
    manager = jupyter_client.KernelManager()
    manager.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager.start_kernel(env={**os.environ, "MODELGUARD_HOME": str(home)})
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        client.execute("%load_ext jupyter_modelguard\n%config ModelGuardConfig.ask_with = 'prompt'", allow_stdin=True)
        client.execute("import pickle; pickle.loads(pickle.dumps([1, 2]))", allow_stdin=True)
        client.execute(f"pickle.load(open({str(armed_pickle)!r}, 'rb'))", allow_stdin=True)
        client.get_stdin_msg(timeout=30)  # it waits
        os.kill(manager.provisioner.pid, signal.SIGKILL)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert not canary.exists()

    from jupyter_modelguard.history.store import Store

    with sqlite3.connect(home / "history.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    store = Store(home)
    assert store.pending() == ()
    records = {record.request.loader: record for record in store.history(10)}
    store.close()
    assert records["pickle.load"].outcome.value == "abandoned"
    assert records["pickle.load"].request.source == str(armed_pickle)


def test_what_is_no_file_gets_the_loaders_error(hold):
    hold()
    with pytest.raises(TypeError, match="readline"):
        pickle.load(b"bytes")
