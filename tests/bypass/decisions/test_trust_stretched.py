"""Trust in one load must not stretch to another one: functions that stand for something else, and what is read past the bytes in hand."""

import contextlib
import os
import pickle
import subprocess
import sys
import types
import warnings

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from assembly import call, stream  # isort: skip


def saved(folder, made):
    path = folder / "model.pkl"
    path.write_bytes(stream(made))
    return path


def load(path):
    with path.open("rb") as file:
        return pickle.load(file)


def test_function_of_a_notebook_is_another_one_in_the_next(guarded, person, tmp_path, monkeypatch):
    path = saved(tmp_path, call("__main__:build", 1))
    monkeypatch.setattr(sys.modules["__main__"], "build", lambda x: x, raising=False)
    load(path)
    assert person.offered() == ["once"]


@pytest.mark.parametrize("name", ["made_acme", "textwrap.extra"])
def test_function_of_a_module_that_a_cell_made(name, guarded, person, tmp_path, monkeypatch):
    module = types.ModuleType(name)
    module.build = lambda x: x
    monkeypatch.setitem(sys.modules, name, module)
    path = saved(tmp_path, call(f"{name}:build", 1))
    load(path)
    assert person.offered() == ["once"]


def test_file_that_a_trusted_load_imports_is_stopped(guarded, person, tmp_path, monkeypatch, canary):
    """The import system reads it for us, suspended: it never comes by the rule for files beside a trusted load."""
    monkeypatch.syspath_prepend(str(tmp_path))
    side = tmp_path / "planted_side.py"
    side.write_text("")
    path = saved(tmp_path, call("unittest.loader:defaultTestLoader.loadTestsFromName", "planted_side"))
    with pytest.raises(ModelLoadBlockedError, match="went beyond what was agreed to"):
        load(path)  # the file of code was not on the card; it is on the next one
    load(path)
    assert person.offered() == ["once", "digest"]
    monkeypatch.delitem(sys.modules, "planted_side")
    side.write_text(f"open({str(canary)!r}, 'w').close()")
    with pytest.raises(ModelLoadBlockedError, match=r"reached for the code file .*planted_side\.py.*not trusted any more"):
        load(path)
    assert not canary.exists()


def native(folder):
    pytest.importorskip("torch", reason="its function is a trusted one here")
    return call("torch._classes:classes.load_library", str(folder / "side.so"))


def archive(folder):
    torch = pytest.importorskip("torch", reason="the archive is one of its own")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(torch.nn.Identity()), str(folder / "side.pt"))
    return call("torch.jit._serialization:load", str(folder / "side.pt"))


def keras_file(folder):
    h5py = pytest.importorskip("h5py", reason="it writes the file")
    os.environ.setdefault("KERAS_BACKEND", "torch")
    pytest.importorskip("keras", reason="it reads the file")
    h5py.File(folder / "side.h5", "w").close()
    return call("keras.src.saving.saving_api:load_model", str(folder / "side.h5"))


REACHING = {
    "a database": lambda folder: call("sqlite3.dbapi2:connect", str(folder / "side.db")),
    "a connection": lambda _: call("multiprocessing.connection:Client", ("127.0.0.1", 9)),
    "a native library": native,
    "a TorchScript archive": archive,
    "a Keras file": keras_file,
}


@pytest.mark.parametrize("reaching", REACHING.values(), ids=REACHING)
@pytest.mark.filterwarnings("ignore")
def test_what_a_trusted_load_reaches_for_besides_its_bytes_is_stopped(reaching, guarded, person, tmp_path):
    """It can be something else by then, and nobody is shown that."""
    path = saved(tmp_path, reaching(tmp_path))
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):  # what is there does not matter
        try:
            load(path)
        except ModelLoadBlockedError:
            load(path)  # what was beyond the first card is on the second one
    assert person.offered() == ["once", "digest"]
    person.scope = None
    with pytest.raises(ModelLoadBlockedError, match="went beyond what was agreed to"):
        load(path)


def test_library_has_the_same_version_before_and_after_its_import():
    """Else a file that was trusted asks again, and in the next kernel an upgrade of the library goes unnoticed."""
    pytest.importorskip("sklearn")
    code = """
from jupyter_modelguard.engines.installed import version_of
before = version_of("sklearn"), version_of("numpy")
import sklearn
assert all(before)
assert before == (version_of("sklearn"), version_of("numpy")), before
"""
    subprocess.run([sys.executable, "-P", "-c", code], check=True, timeout=120)
