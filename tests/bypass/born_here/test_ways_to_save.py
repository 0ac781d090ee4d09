"""Each library that saves, and the thread that looks at what it saved."""

import os
import pickle
import subprocess
import sys

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from chooser import records  # isort: skip
from own_saves import Opens, load  # isort: skip


def by_joblib(path, thing):
    joblib = pytest.importorskip("joblib")
    joblib.dump(thing, path)
    return lambda: joblib.load(path)


def by_compressed_joblib(path, thing):
    joblib = pytest.importorskip("joblib")
    joblib.dump(thing, path, compress=3)
    return lambda: joblib.load(path)


def by_torch(path, thing):
    torch = pytest.importorskip("torch")
    torch.save({"thing": thing, "weights": torch.zeros(3)}, path)
    return lambda: torch.load(path, weights_only=False)


def by_large_torch(path, thing):
    torch = pytest.importorskip("torch")
    torch.save({"thing": thing, "weights": torch.zeros(3_000_000)}, path)
    return lambda: torch.load(path, weights_only=False)


def by_large_pickle(path, thing):
    with path.open("wb") as file:
        pickle.dump([thing, b"x" * 6_000_000], file)
    return lambda: load(path)


def by_old_torch(path, thing):
    torch = pytest.importorskip("torch")
    torch.save({"thing": thing, "weights": torch.zeros(3)}, path, _use_new_zipfile_serialization=False)
    return lambda: torch.load(path, weights_only=False)


def by_pandas(path, thing):
    pandas = pytest.importorskip("pandas")
    pandas.to_pickle(thing, path)
    return lambda: pandas.read_pickle(path)


def by_compressed_pandas(path, thing):
    pandas = pytest.importorskip("pandas")
    pandas.to_pickle(thing, f"{path}.gz")
    return lambda: pandas.read_pickle(f"{path}.gz")


def by_cloudpickle(path, thing):
    cloudpickle = pytest.importorskip("cloudpickle")
    with path.open("wb") as file:
        cloudpickle.dump(thing, file)
    return lambda: load(path)


def by_dill(path, thing):
    dill = pytest.importorskip("dill")
    with path.open("wb") as file:
        dill.dump(thing, file)
    return lambda: load(path, dill.load)


WAYS = [
    by_joblib,
    by_compressed_joblib,
    by_torch,
    by_large_torch,
    by_large_pickle,
    by_old_torch,
    by_pandas,
    by_compressed_pandas,
    by_cloudpickle,
    by_dill,
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_each_library_that_saves(way, guarded, person, path, canary):
    way(path, Opens(canary))()
    assert canary.exists()
    assert person.asked == []
    assert records(guarded)[0].decision.transport == "born"


@pytest.mark.parametrize("way", [by_large_torch, by_large_pickle])
def test_large_file_that_is_written_to_before_it_is_looked_at_is_not_remembered(
    way, guarded, person, born, path, canary, monkeypatch
):
    look = guarded._saving._look

    def change_then_look(saved):
        with path.open("r+b") as file:
            file.seek(-100, os.SEEK_END)
            byte = file.read(1)
            file.seek(-100, os.SEEK_END)
            file.write(byte)
        look(saved)

    monkeypatch.setattr(guarded._saving, "_look", change_then_look)
    loaded = way(path, Opens(canary))
    assert born.entries() == ()
    with pytest.raises(ModelLoadBlockedError):
        loaded()


LOOKS = """
import pathlib, sys, threading
from jupyter_modelguard import config
config.default_home = lambda: pathlib.Path(sys.argv[2])
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell.instance().run_line_magic("load_ext", "jupyter_modelguard")
from jupyter_modelguard import guard
made, imported = guard.current(), []
class Finder:
    def find_spec(self, name, path=None, target=None):
        if threading.current_thread().name == "modelguard-saves" and not name.startswith("encodings."):  # they import nothing else
            imported.append(name)
sys.meta_path.insert(0, Finder())
import pickle, mine
with open(sys.argv[1], "wb") as file:
    pickle.dump(mine.Mine(), file)
made.begin_cell()
made.born.catch_up()
print(len(made.born.entries()), imported)
"""


def test_look_imports_nothing_beside_the_users_code(tmp_path):
    """Two threads that import modules which import each other can each get the other's by half."""
    (tmp_path / "mine.py").write_text("class Mine:\n    def __setstate__(self, state):\n        pass\n    x = 1\n")
    (tmp_path / "home").mkdir(mode=0o700)
    environment = os.environ | {
        "MODELGUARD_HOME": str(tmp_path / "home"),
        "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)]),
    }
    command = [sys.executable, "-c", LOOKS, str(tmp_path / "mine.pkl"), str(tmp_path / "trust")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1) == ["1", "[]\n"]
