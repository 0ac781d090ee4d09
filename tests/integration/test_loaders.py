"""Every loader of the table with its real library: honest files load silently, armed ones are held before they run."""

import collections
import copyreg
import datetime as dt
import io
import json
import pickle
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

np = pytest.importorskip("numpy", reason="the arrays of these tests are numpy's")

torch_test = pytest.mark.torch
# Reading what libraries wrote must not fail for what the libraries themselves warn of.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@dataclass(frozen=True)
class Loader:
    """One way to load: how the file is made, how it is read, and what the history calls it."""

    name: str
    recorded: str
    dump: Any  # (library, value, path)
    load: Any  # (library, path)
    library: str = "pickle"
    value: str = "arrays"
    before: tuple[tuple[str, str], ...] = ()  # what the history says of the call that only opened the file


def dump_pickle(_library, value, path, protocol=None):
    path.write_bytes(pickle.dumps(value, protocol))


def read(path):
    return path.read_bytes()


def with_open(path, load):
    with path.open("rb") as file:
        return load(file)


class TheirUnpickler:
    """Named like a class of the user's own: one that resolves globals by its own `find_class`."""

    @staticmethod
    def load(library, path):
        class Mine(library.Unpickler):
            def find_class(self, module, name):
                return super().find_class(module, name)

        return with_open(path, lambda file: Mine(file).load())


def numpy_objects(_library, value, path):
    array = np.empty(1, dtype=object)
    array[0] = value
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=True)


def numpy_archive(_library, value, path):
    array = np.empty(1, dtype=object)
    array[0] = value
    with path.open("wb") as file:
        np.savez(file, first=array)


def load_archive(library, path):
    with library.load(path, allow_pickle=True) as archive:
        return archive["first"]


def legacy(library, value, path):
    library.save(value, path, _use_new_zipfile_serialization=False)


def compressed(method):
    return lambda library, value, path: library.dump(value, path, compress=(method, 3))


def torch_load(**options):
    return lambda library, path: library.load(path, weights_only=False, **options)


PICKLE = [
    Loader("pickle.load", "pickle.load", dump_pickle, lambda library, path: with_open(path, library.load)),
    Loader("pickle.loads", "pickle.loads", dump_pickle, lambda library, path: library.loads(read(path))),
    Loader(
        "pickle.loads of protocol 0",
        "pickle.loads",
        lambda library, value, path: dump_pickle(library, value, path, 0),
        lambda library, path: library.loads(read(path)),
    ),
    Loader(
        "pickle.Unpickler",
        "pickle.Unpickler",
        dump_pickle,
        lambda library, path: with_open(path, lambda file: library.Unpickler(file).load()),
    ),
    Loader(
        "pickle._Unpickler",
        "pickle.Unpickler",
        dump_pickle,
        lambda library, path: with_open(path, lambda file: library._Unpickler(file).load()),
    ),
    Loader("a subclass of Unpickler", "pickle.Unpickler", dump_pickle, TheirUnpickler.load),
    Loader(
        "cloudpickle.load",
        "cloudpickle.load",
        lambda library, value, path: path.write_bytes(library.dumps(value)),
        lambda library, path: with_open(path, library.load),
        "cloudpickle",
    ),
    Loader(
        "cloudpickle.loads",
        "cloudpickle.loads",
        lambda library, value, path: path.write_bytes(library.dumps(value)),
        lambda library, path: library.loads(read(path)),
        "cloudpickle",
    ),
    Loader(
        "dill.load",
        "dill.load",
        lambda library, value, path: path.write_bytes(library.dumps(value)),
        lambda library, path: with_open(path, library.load),
        "dill",
        "plain",
    ),
    Loader(
        "dill.loads",
        "dill.load",
        lambda library, value, path: path.write_bytes(library.dumps(value)),
        lambda library, path: library.loads(read(path)),
        "dill",
        "plain",
    ),
]
JOBLIB = [
    Loader(
        "joblib.load",
        "joblib.load",
        lambda library, value, path: library.dump(value, path),
        lambda library, path: library.load(path),
        "joblib",
    ),
    Loader(
        "joblib.load of a file object",
        "joblib.load",
        lambda library, value, path: library.dump(value, path),
        lambda library, path: with_open(path, library.load),
        "joblib",
    ),
    *(
        Loader(f"joblib.load of {method}", "joblib.load", compressed(method), lambda library, path: library.load(path), "joblib")
        for method in ("zlib", "gzip", "bz2", "lzma", "xz")
    ),
    Loader(
        "joblib.load mapped",
        "joblib.load",
        lambda library, value, path: library.dump(value, path),
        lambda library, path: library.load(path, mmap_mode="r"),
        "joblib",
    ),
]
ARRAYS = [
    Loader(
        "numpy.load of npy", "numpy.load", numpy_objects, lambda library, path: library.load(path, allow_pickle=True), "numpy"
    ),
    Loader("numpy.load of npz", "numpy.load", numpy_archive, load_archive, "numpy", before=(("numpy.load", "loaded"),)),
    Loader(
        "numpy.load of a pickle", "numpy.load", dump_pickle, lambda library, path: library.load(path, allow_pickle=True), "numpy"
    ),
    Loader(
        "pandas.read_pickle",
        "pandas.read_pickle",
        lambda library, value, path: library.to_pickle(value, path),
        lambda library, path: library.read_pickle(path),
        "pandas",
    ),
    Loader(
        "pandas.read_pickle of gzip",
        "pandas.read_pickle",
        lambda library, value, path: library.to_pickle(value, path, compression="gzip"),
        lambda library, path: library.read_pickle(path, compression="gzip"),
        "pandas",
    ),
]
TORCH = [
    Loader(
        "torch.load", "torch.load", lambda library, value, path: library.save(value, path), torch_load(), "torch", "checkpoint"
    ),
    Loader("torch.load of the old format", "torch.load", legacy, torch_load(), "torch", "checkpoint"),
    Loader(
        "torch.load of a BytesIO",
        "torch.load",
        lambda library, value, path: library.save(value, path),
        lambda library, path: library.load(io.BytesIO(read(path)), weights_only=False),
        "torch",
        "checkpoint",
    ),
    Loader(
        "torch.load of an open file",
        "torch.load",
        lambda library, value, path: library.save(value, path),
        lambda library, path: with_open(path, lambda file: library.load(file, weights_only=False)),
        "torch",
        "checkpoint",
    ),
    Loader(
        "torch.load mapped",
        "torch.load",
        lambda library, value, path: library.save(value, path),
        torch_load(mmap=True),
        "torch",
        "checkpoint",
    ),
    Loader(
        "torch.load with a pickle module",
        "torch.load",
        lambda library, value, path: library.save(value, path),
        torch_load(pickle_module=pickle),
        "torch",
        "checkpoint",
    ),
    Loader(
        "torch.serialization.load",
        "torch.load",
        lambda library, value, path: library.save(value, path),
        lambda library, path: library.serialization.load(path, weights_only=False),
        "torch",
        "checkpoint",
    ),
]
ALL = [
    *(pytest.param(loader, id=loader.name) for loader in (*PICKLE, *JOBLIB, *ARRAYS)),
    *(pytest.param(loader, id=loader.name, marks=torch_test) for loader in TORCH),
]


def arrays():
    return {
        "weights": np.arange(12, dtype="float32").reshape(3, 4),
        "names": np.array(["a", "bc"]),
        "made": dt.datetime(2024, 2, 29, 12, 30),
        "order": collections.OrderedDict(a=1, b=(2, {3})),
        "rng": np.random.RandomState(3).get_state(legacy=False),
    }


def plain():
    return {"made": dt.datetime(2024, 2, 29, 12, 30), "order": collections.OrderedDict(a=1, b=(2, {3}))}


def checkpoint():
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2))
    optimizer = torch.optim.Adam(model.parameters())
    return {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}


VALUES = {"arrays": arrays, "plain": plain, "checkpoint": checkpoint}


def library_of(loader):
    return pytest.importorskip(loader.library, reason=f"{loader.library} is not installed")


def alike(one, other):
    """Whether two loaded values are the same, arrays and tensors included."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and all(map(alike, one.tolist(), other.tolist()))
    if hasattr(one, "storage_offset"):
        return one.dtype == other.dtype and one.shape == other.shape and bool((one == other).all())
    return bool(one == other)


@pytest.mark.parametrize("loader", ALL)
def test_honest_file_loads_silently_and_like_the_plain_load(loader, hold, tmp_path):
    library, path = library_of(loader), tmp_path / "honest"
    loader.dump(library, VALUES[loader.value](), path)
    plain = loader.load(library, path)
    running = hold()
    loaded = loader.load(library, path)
    assert alike(loaded, plain)
    assert running.outcomes() == [*loader.before, (loader.recorded, "loaded")]


@pytest.mark.parametrize("loader", ALL)
def test_armed_file_is_held_before_it_runs(loader, hold, tmp_path, armed, canary):
    library, path = library_of(loader), tmp_path / "armed"
    loader.dump(library, {"weights": [1.5], "extra": armed}, path)
    loader.load(library, path)
    assert canary.exists(), "the file is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError, match=r"os\.system"):
        loader.load(library, path)
    assert not canary.exists()
    assert running.outcomes() == [*loader.before, (loader.recorded, "blocked")]


@pytest.mark.parametrize("loader", ALL)
def test_approved_file_runs_once_and_asks_again(loader, hold, tmp_path, armed, canary):
    library, path = library_of(loader), tmp_path / "armed"
    loader.dump(library, {"weights": [1.5], "extra": armed}, path)
    running = hold(says=True)
    for _ in range(2):
        loader.load(library, path)
        assert canary.exists()
        canary.unlink()
    assert running.outcomes() == [*loader.before, (loader.recorded, "allowed")] * 2
    assert len(running.guard.approver.asked) == 2


def test_joblib_keeps_arrays_mapped(hold, tmp_path):
    joblib = pytest.importorskip("joblib", reason="joblib is not installed")
    joblib.dump({"weights": np.arange(4096.0)}, tmp_path / "mapped")
    hold()
    assert isinstance(joblib.load(tmp_path / "mapped", mmap_mode="r")["weights"], np.memmap)


def test_scikit_learn_forest_loads_silently(hold, tmp_path):
    joblib = pytest.importorskip("joblib", reason="joblib is not installed")
    ensemble = pytest.importorskip("sklearn.ensemble", reason="scikit-learn is not installed")
    rng = np.random.default_rng(3)
    features, target = rng.normal(size=(60, 4)), rng.integers(0, 2, 60)
    forest = ensemble.RandomForestClassifier(5, random_state=3).fit(features, target)
    joblib.dump(forest, tmp_path / "forest.joblib")
    running = hold()
    assert (joblib.load(tmp_path / "forest.joblib").predict(features) == forest.predict(features)).all()
    assert running.outcomes() == [("joblib.load", "loaded")]


def test_plain_arrays_of_numpy_are_no_pickles(hold, tmp_path):
    np.save(tmp_path / "plain.npy", np.arange(5))
    np.savez(tmp_path / "plain.npz", first=np.arange(5))
    running = hold()
    assert np.load(tmp_path / "plain.npy").tolist() == list(range(5))
    assert np.load(tmp_path / "plain.npy", mmap_mode="r").tolist() == list(range(5))
    with np.load(tmp_path / "plain.npz") as archive:
        assert archive["first"].tolist() == list(range(5))
    assert {outcome for _, outcome in running.outcomes()} == {"loaded"}


def test_numpys_own_refusal_of_pickles_stays_numpys(hold, tmp_path, armed, canary):
    numpy_objects(np, armed, tmp_path / "armed.npy")
    running = hold()
    with pytest.raises(ValueError, match="allow_pickle"):
        np.load(tmp_path / "armed.npy")
    assert not canary.exists()
    assert running.outcomes() == [("numpy.load", "failed")]


def test_cloudpickled_function_asks_and_works_when_allowed(hold):
    cloudpickle = pytest.importorskip("cloudpickle", reason="cloudpickle is not installed")
    stream = cloudpickle.dumps(lambda number: number + 1)
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        cloudpickle.loads(stream)
    running.guard.close()
    running = hold(says=True)
    assert cloudpickle.loads(stream)(3) == 4
    assert running.outcomes()[-1][1] == "allowed"


def test_extension_codes_are_looked_at(hold, armed, canary):
    copyreg.add_extension("posix", "system", 240)
    try:
        stream = b"\x80\x02\x82\xf0" + pickle.dumps((f"touch '{canary}'",), 2)[2:-1] + b"R."
        pickle.loads(stream)
        assert canary.exists()
        canary.unlink()
        running = hold()
        with pytest.raises(ModelLoadBlockedError):
            pickle.loads(stream)
        assert not canary.exists()
        assert running.outcomes()[-1][1] == "blocked"
    finally:
        copyreg.remove_extension("posix", "system", 240)
        copyreg._extension_cache.pop(240, None)


# -- torch --------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="torch is not installed")


@torch_test
def test_weights_alone_pass_and_torch_refuses_the_rest_itself(torch, hold, tmp_path, armed, canary):
    torch.save(checkpoint(), tmp_path / "honest.pt")
    torch.save({"extra": armed}, tmp_path / "armed.pt")
    plain = torch.load(tmp_path / "honest.pt")
    running = hold()
    assert alike(torch.load(tmp_path / "honest.pt"), plain)
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        torch.load(tmp_path / "armed.pt")
    assert not canary.exists()
    assert running.outcomes() == [("torch.load", "loaded"), ("torch.load", "failed")]


@torch_test
def test_whole_module_of_torch_loads_silently(torch, hold, tmp_path):
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU())
    torch.save(model, tmp_path / "model.pt")
    running = hold()
    loaded = torch.load(tmp_path / "model.pt", weights_only=False)
    assert torch.equal(loaded(torch.ones(1, 3)), model(torch.ones(1, 3)))
    assert running.outcomes() == [("torch.load", "loaded")]


@pytest.fixture
def repository(tmp_path, canary):
    """A folder for torch.hub whose `hubconf.py` runs on import and imports a module beside it."""
    folder = tmp_path / "acme-hub"
    folder.mkdir()
    (folder / "beside.py").write_text(f"from pathlib import Path\nPath({str(canary)!r}).write_text('ran')\nANSWER = 42\n")
    (folder / "hubconf.py").write_text(
        "dependencies = []\nimport beside\n\ndef answer(more=0):\n    return beside.ANSWER + more\n"
    )
    yield folder
    for name in ("beside", "hubconf"):
        sys.modules.pop(name, None)


@torch_test
def test_hub_repository_is_asked_about_before_its_code_runs(torch, repository, hold, canary):
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        torch.hub.load(str(repository), "answer", source="local")
    assert not canary.exists()
    assert running.outcomes() == [("torch.hub.load", "blocked")]
    running.guard.close()
    running = hold(says=True)
    assert torch.hub.load(str(repository), "answer", source="local", more=1) == 43
    assert canary.exists()
    assert running.outcomes() == [("torch.hub.load", "allowed")]
    ((record, _view),) = running.guard.approver.asked
    assert {file.path.rpartition("/")[2] for file in record.artifact.files} == {"hubconf.py", "beside.py"}


@torch_test
def test_hub_import_reached_by_its_private_name_is_held(torch, repository, hold, canary):
    hold()
    with pytest.raises(ModelLoadBlockedError):
        torch.hub._import_module("hubconf", str(repository / "hubconf.py"))
    assert not canary.exists()


@torch_test
def test_checkpoint_with_a_configuration_of_plain_data(torch, hold, tmp_path):
    value = {"config": json.loads('{"layers": [1, 2], "name": "x"}'), "state": {"w": torch.zeros(2, dtype=torch.bfloat16)}}
    torch.save(value, tmp_path / "c.pt")
    hold()
    assert alike(torch.load(tmp_path / "c.pt", weights_only=False), value)
