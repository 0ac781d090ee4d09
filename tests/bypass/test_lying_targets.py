"""Paths and files that give one answer to the guard and another to the loader."""

import contextlib
import io
import os
import pickle

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from assembly import call, stream  # isort: skip

np = pytest.importorskip("numpy")
HONEST = {"weights": np.arange(3)}


class Alternating(os.PathLike):
    """Names the honest file first, the armed one next, and so on."""

    def __init__(self, *paths):
        self.paths = list(paths)
        self.asked = 0

    def __fspath__(self):
        self.asked += 1
        return str(self.paths[(self.asked - 1) % len(self.paths)])


class Changing(io.BytesIO):
    """Gives the armed bytes once it was rewound."""

    def __init__(self, honest, armed):
        super().__init__(honest)
        self.armed = armed

    def seek(self, *where):
        if self.armed is not None and where[0] == 0 and self.tell():
            armed, self.armed = self.armed, None
            super().seek(0)
            self.truncate()
            self.write(armed)
        return super().seek(*where)


class NamedLikeAnother(io.BytesIO):
    def __init__(self, data, name):
        super().__init__(data)
        self.name = name

    def fileno(self):
        return os.open(self.name, os.O_RDONLY)


def with_torch(path):
    return pytest.importorskip("torch").load(path, weights_only=False)


LOADERS = {
    "joblib.load": lambda target: pytest.importorskip("joblib").load(target),
    "numpy.load": lambda target: np.load(target, allow_pickle=True),
    "pandas.read_pickle": lambda target: pytest.importorskip("pandas").read_pickle(target, compression=None),
    "torch.load": with_torch,
}


@pytest.fixture
def files(tmp_path, canary):
    honest, armed = tmp_path / "honest.pkl", tmp_path / "armed.pkl"
    honest.write_bytes(pickle.dumps(HONEST))
    armed.write_bytes(stream({"weights": call("builtins:open", str(canary), "w")}))
    return honest, armed


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("loader", LOADERS)
def test_path_that_leads_elsewhere_each_time(loader, first, files, hold, canary):
    load = LOADERS[loader]
    if loader == "torch.load":
        torch = pytest.importorskip("torch")
        torch.save(HONEST, files[0])
        torch.save({"more": Armed(canary)}, files[1])
    try:
        load(files[1])
    except Exception:  # noqa: BLE001 some stumble over what comes out
        assert canary.exists()
    canary.unlink()
    hold()
    for _ in range(3):
        with contextlib.suppress(ModelLoadBlockedError, TypeError, ValueError, OSError):
            load(Alternating(*(files[first:] + files[:first])))
        assert not canary.exists()


class Armed:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return open, (str(self.canary), "w")


@pytest.mark.parametrize("name", ["load", "Unpickler"])
def test_file_that_changes_when_it_is_rewound(name, files, hold, canary):
    honest, armed = (path.read_bytes() for path in files)
    hold()
    load = pickle.load if name == "load" else lambda file: pickle.Unpickler(file).load()
    try:
        loaded = load(Changing(honest, armed))
    except ModelLoadBlockedError:
        pass
    else:
        assert list(loaded["weights"]) == [0, 1, 2]
    assert not canary.exists()


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.filterwarnings("ignore")
def test_file_that_bears_the_name_of_an_honest_one(loader, files, hold, canary):
    honest, armed = files
    hold()
    with pytest.raises(ModelLoadBlockedError):
        LOADERS[loader](NamedLikeAnother(armed.read_bytes(), str(honest)))
    assert not canary.exists()


def test_bytes_that_show_themselves_otherwise(files, hold, canary):
    class Other(bytes):
        def __bytes__(self):
            return pickle.dumps(HONEST)

        def __buffer__(self, _flags):
            return memoryview(pickle.dumps(HONEST))

    hold()
    with contextlib.suppress(ModelLoadBlockedError):
        assert list(pickle.loads(Other(files[1].read_bytes()))["weights"]) == [0, 1, 2]
    assert not canary.exists()


def test_device_and_pipe_are_no_file(hold, tmp_path):
    joblib = pytest.importorskip("joblib")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    hold()
    with pytest.raises(OSError, match="not a regular file"):
        joblib.load(pipe)
