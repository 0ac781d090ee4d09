"""A repository's own code: bytecode that claims a clean source, files under other suffixes, modules planted to be found."""

import importlib.util
import os
import py_compile
import sys

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

CLEAN = "dependencies = []\n\ndef model():\n    return 1\n"


@pytest.fixture
def code(canary):
    return f"open({str(canary)!r}, 'w').close()\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    made = tmp_path / "repository"
    made.mkdir()
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield made
    for name in ("hubconf", "beside", "evil", "planted"):
        sys.modules.pop(name, None)


def bytecode_of_another_source(folder, code):
    """The interpreter runs an unchecked .pyc whatever the source beside it says."""
    (folder / "beside.py").write_text(code)
    cached = importlib.util.cache_from_source(str(folder / "beside.py"))
    py_compile.compile(folder / "beside.py", cached, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    (folder / "beside.py").write_text("\n")
    return "import beside\n" + CLEAN


def bytecode_without_source(folder, code):
    (folder / "beside.py").write_text(code)
    py_compile.compile(folder / "beside.py", folder / "beside.pyc")
    (folder / "beside.py").unlink()
    return "import beside\n" + CLEAN


def bytecode_that_bears_a_library_s_name(folder, code):
    (folder / "beside.py").write_text(code)
    py_compile.compile(folder / "beside.py", folder / "beside.pyc", dfile=os.__file__)
    (folder / "beside.py").unlink()
    return "import beside\n" + CLEAN


def another_suffix(folder, code):
    (folder / "evil.txt").write_text(code)
    loader = "importlib.machinery.SourceFileLoader('evil', __file__.replace('hubconf.py', 'evil.txt'))"
    return f"import importlib.machinery\n{loader}.load_module()\n" + CLEAN


def the_code_itself(folder, code):
    return code + CLEAN


KINDS = [
    the_code_itself,
    bytecode_of_another_source,
    bytecode_without_source,
    bytecode_that_bears_a_library_s_name,
    another_suffix,
]


@pytest.mark.parametrize("kind", KINDS)
def test_code_of_a_repository_does_not_run(kind, folder, code, hold, plainly, canary):
    (folder / "hubconf.py").write_text(kind(folder, code))
    plainly("import torch\ntorch.hub.load(path, 'model', source='local')", "torch", path=str(folder))
    assert canary.exists()
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        torch.hub.load(str(folder), "model", source="local")
    assert not canary.exists()
    assert "hubconf" not in sys.modules


def test_bytecode_stays_out_of_an_approved_load(folder, code, hold, canary, monkeypatch):
    """The person was shown the clean source: that is what runs."""
    import time

    from jupyter_modelguard.types import Decision

    (folder / "hubconf.py").write_text(bytecode_of_another_source(folder, code))
    made = hold()
    monkeypatch.setattr(made.approver, "prior", lambda _record: None)
    monkeypatch.setattr(
        made.approver, "ask", lambda *_: Decision(allow=True, by="ada", transport="card", reason="read", at=time.time())
    )
    assert torch.hub.load(str(folder), "model", source="local") == 1
    assert not canary.exists()


def test_bytecode_stays_out_of_an_approved_pickle(folder, code, hold, plainly, canary, monkeypatch):
    """The person was told that the pickle uses a class of a file in the working directory, and can read that file."""
    import pickle
    import time

    from jupyter_modelguard.types import Decision

    bytecode_of_another_source(folder, code)
    source = "class Thing:\n    pass\n"
    (folder / "beside.py").write_text(source)
    data = b"\x80\x04cbeside\nThing\n)\x81."
    load = "import pickle, sys\nsys.path.insert(0, path)\npickle.loads(data)"
    plainly(load, path=str(folder), data=data)
    assert canary.exists()
    canary.unlink()
    sys.path.insert(0, str(folder))
    made = hold()
    monkeypatch.setattr(made.approver, "prior", lambda _record: None)
    monkeypatch.setattr(
        made.approver, "ask", lambda *_: Decision(allow=True, by="ada", transport="card", reason="read", at=time.time())
    )
    assert type(pickle.loads(data)).__name__ == "Thing"
    assert not canary.exists()
