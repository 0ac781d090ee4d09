"""Libraries whose own loaders read pickles or plain formats: honest files silently, armed ones held, both in the name of the call."""

import base64
import io
import json
import pickle
import shelve
import zipfile
from dataclasses import dataclass
from typing import Any

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

np = pytest.importorskip("numpy", reason="the arrays of these tests are numpy's")

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning", "ignore::ResourceWarning"
)


@dataclass(frozen=True)
class Loader:
    """One library's loader: how a file is written around a value, how it is read, and what the history calls it."""

    name: str
    recorded: str
    library: str
    dump: Any  # (library, value, path)
    load: Any  # (library, path)
    needs: tuple[str, ...] = ()


def pickled(_library, value, path):
    path.write_bytes(pickle.dumps(value))


def in_shelf(_library, value, path):
    with shelve.open(str(path)) as shelf:
        shelf["first"] = value


def from_shelf(_library, path):
    with shelve.open(str(path)) as shelf:
        return shelf["first"]


def all_from_shelf(_library, path):
    with shelve.open(str(path)) as shelf:
        return dict(shelf)


def in_archive(library, value, path):
    array = np.empty(1, dtype=object)
    array[0] = value
    with path.open("wb") as file:
        library.savez(file, plain=np.arange(3), first=array)


def from_archive(library, path):
    with library.load(path, allow_pickle=True) as archive:
        return archive["plain"], archive["first"]


def lazily_from_archive(library, path):
    with library.load(path, allow_pickle=True) as archive:
        return dict(archive.items())


def lightning(library, value, path):
    import torch

    module = network()
    torch.save(
        {
            "state_dict": module.state_dict(),
            "pytorch-lightning_version": library.__version__,
            "hyper_parameters": {},
            "callbacks": {},
            "extra": value,
        },
        path,
    )


def network():
    import pytorch_lightning
    import torch

    class Net(pytorch_lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(2, 1)

    return Net()


def reinforcement(library, value, path):
    """The archive that stable-baselines3 writes: JSON with cloudpickles in base64."""
    text = base64.b64encode(pickle.dumps(value)).decode()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", json.dumps({"extra": {":type:": "<class>", ":serialized:": text}, "gamma": 0.5}))
        archive.writestr("_stable_baselines3_version", library.__version__)


def from_zip_file(library, path):
    import stable_baselines3.common.save_util as saving

    return saving.load_from_zip_file(path)[0]["extra"]


def gensim_load(library, path):
    from gensim.utils import SaveLoad

    return SaveLoad.load(str(path))


LOADERS = [
    Loader("shelve", "shelve.open", "shelve", in_shelf, from_shelf),
    Loader("shelve, all of it", "shelve.open", "shelve", in_shelf, all_from_shelf),
    Loader("numpy.load of npz", "numpy.load", "numpy", in_archive, from_archive),
    Loader("numpy.load of npz, all of it", "numpy.load", "numpy", in_archive, lazily_from_archive),
    Loader(
        "pytorch_lightning",
        "pytorch_lightning.load_from_checkpoint",
        "pytorch_lightning",
        lightning,
        lambda library, path: type(network()).load_from_checkpoint(path, weights_only=False),
        needs=("torch",),
    ),
    Loader(
        "stable_baselines3",
        "stable_baselines3.load_from_zip_file",
        "stable_baselines3",
        reinforcement,
        from_zip_file,
        needs=("torch",),
    ),
    Loader(
        "stable_baselines3.load_from_pkl",
        "stable_baselines3.load_from_pkl",
        "stable_baselines3.common.save_util",
        pickled,
        lambda library, path: library.load_from_pkl(path),
        needs=("torch",),
    ),
    Loader(
        "gensim SaveLoad",
        "gensim.SaveLoad.load",
        "gensim.utils",
        lambda library, value, path: library.pickle(_holder(value), str(path)),
        gensim_load,
    ),
    Loader(
        "gensim unpickle", "gensim.utils.unpickle", "gensim.utils", pickled, lambda library, path: library.unpickle(str(path))
    ),
    Loader(
        "statsmodels",
        "statsmodels.load_pickle",
        "statsmodels.iolib.smpickle",
        pickled,
        lambda library, path: library.load_pickle(str(path)),
    ),
    Loader(
        "srsly.pickle_loads",
        "srsly.cloudpickle.loads",
        "srsly",
        lambda library, value, path: path.write_bytes(library.pickle_dumps(value)),
        lambda library, path: library.pickle_loads(path.read_bytes()),
    ),
    Loader(
        "mmengine.fileio.load of a pickle",
        "mmengine.fileio.load",
        "mmengine.fileio",
        pickled,
        lambda library, path: library.load(path, file_format="pkl"),
    ),
    Loader(
        "six.moves.cPickle",
        "pickle.loads",
        "six.moves.cPickle",
        pickled,
        lambda library, path: library.loads(path.read_bytes()),
    ),
    Loader(
        "pandas.compat.pickle_compat",
        "pickle.Unpickler",
        "pandas.compat.pickle_compat",
        pickled,
        lambda library, path: library.Unpickler(io.BytesIO(path.read_bytes())).load(),
    ),
]
PICKLED = [pytest.param(loader, id=loader.name) for loader in LOADERS]


def _holder(value):
    from gensim.utils import SaveLoad

    made = SaveLoad()
    made.extra = value
    return made


def library_of(loader):
    for name in loader.needs:
        pytest.importorskip(name, reason=f"{name} is not installed")
    return pytest.importorskip(
        loader.library, reason=f"{loader.library.partition('.')[0]} is not installed", exc_type=ImportError
    )


@pytest.mark.parametrize("loader", PICKLED)
def test_honest_file_loads_silently(loader, hold, tmp_path):
    library, path = library_of(loader), tmp_path / "honest"
    loader.dump(library, {"weights": [1.5, 2], "name": "x"}, path)
    running = hold()
    loader.load(library, path)
    outcomes = running.outcomes()
    assert {outcome for _, outcome in outcomes} == {"loaded"}
    assert loader.recorded in {name for name, _ in outcomes}


@pytest.mark.parametrize("loader", PICKLED)
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
    assert (loader.recorded, "blocked") in running.outcomes()
    assert {outcome for _, outcome in running.outcomes()} <= {"loaded", "blocked"}
