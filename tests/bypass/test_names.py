"""Names that are not what they seem: codes, Python 2's names, names that lie about themselves."""

import copyreg
import importlib
import io
import pickle
import sys

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.hooks.scopes import LoadHeld

from assembly import call, stream  # isort: skip
from opcodes import HEAD, dots, python2, text  # isort: skip

HELD = (ModelLoadBlockedError, LoadHeld)


@pytest.fixture
def code():
    """A code for `io.open`, as `copyreg.add_extension` gives it, and cached, as one earlier load leaves it."""
    copyreg.add_extension("io", "open", 0xF1)
    pickle.loads(b"\x80\x02\x82\xf1.")
    yield b"\x80\x02\x82\xf1"
    copyreg.remove_extension("io", "open", 0xF1)


def late(data):
    return pickle.loads(data)


READERS = {
    "loads": late,
    "load": lambda data: pickle.load(io.BytesIO(data)),
    "Unpickler": lambda data: pickle.Unpickler(io.BytesIO(data)).load(),
    "_Unpickler": lambda data: pickle._Unpickler(io.BytesIO(data)).load(),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("cached", [True, False])
def test_extension_code(cached, reader, code, hold, canary):
    data = code + b"(" + text(str(canary)) + text("w") + b"tR."
    READERS[reader](data).close()
    canary.unlink()
    if not cached:
        copyreg._extension_cache.clear()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        READERS[reader](data)
    assert not canary.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [("__builtin__", "eval"), ("__builtin__", "open"), ("commands", "getoutput"), ("cPickle", "loads"), ("itertools", "imap")],
)
def test_name_of_python_2(module, name, strike, canary):
    touch = text(f"touch {canary}")
    arguments = {
        "eval": [text(f"open({str(canary)!r}, 'w')")],
        "open": [text(str(canary)), text("w")],
        "getoutput": [touch],
        "loads": [b"B" + (len(inner := stream(call("os:system", f"touch {canary}")))).to_bytes(4, "little") + inner],
        "imap": [dots("posix", "system"), b"](" + touch + b"e"],
    }[name]
    data = python2(module, name, *arguments)
    if name == "imap":
        data = b"\x80\x02" + dots("__builtin__", "list") + data[2:-1] + b"\x85R."
    strike(data)


def test_planted_module_with_a_name_of_python_2(hold, tmp_path, canary, monkeypatch):
    (tmp_path / "__builtin__.py").write_text(f"open({str(canary)!r}, 'w').close()\nset = set\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    data = HEAD + dots("__builtin__", "set") + b")R."
    pickle.loads(data)
    assert canary.exists()
    canary.unlink()
    del sys.modules["__builtin__"]
    importlib.invalidate_caches()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)
    assert not canary.exists()


@pytest.mark.parametrize(
    "name",
    [
        ("random", "_os.system"),
        ("collections", "_sys.modules"),
        ("logging", "os.system"),
        ("json", "codecs.open"),
        ("os", "path.os.system"),
    ],
)
def test_dotted_name_reaches_no_other_module(name, hold):
    data = HEAD + text(name[0]) + text(name[1]) + b"\x93."
    assert pickle.loads(data) is not None
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)


class Lying(str):
    """Equal to a harmless name, and resolved by the letters it really has."""

    __slots__ = ("says",)

    def __new__(cls, letters, says):
        made = super().__new__(cls, letters)
        made.says = says
        return made

    def __eq__(self, other):
        return other == self.says

    def __hash__(self):
        return hash(self.says)


def test_name_that_is_a_kind_of_str(hold, canary):
    class Reader(pickle.Unpickler):
        def find_class(self, module, name):
            return super().find_class(module, Lying("open", name))

    data = HEAD + text("builtins") + text("set") + b"\x93(" + text(str(canary)) + text("w") + b"tR."
    Reader(io.BytesIO(data)).load().close()
    canary.unlink()
    hold()

    class Reader(pickle.Unpickler):
        def find_class(self, module, name):
            return super().find_class(module, Lying("open", name))

    with pytest.raises(HELD):
        Reader(io.BytesIO(data)).load()
    assert not canary.exists()


def test_find_class_without_super(hold, canary):
    def reader():
        class Reader(pickle.Unpickler):
            def find_class(self, module, name):
                return getattr(importlib.import_module(module), name)

        return Reader

    data = stream(call("io:open", str(canary), "w"))
    reader()(io.BytesIO(data)).load().close()
    canary.unlink()
    early = reader()
    hold()
    for kind in (early, reader()):
        with pytest.raises(HELD):
            kind(io.BytesIO(data)).load()
    assert not canary.exists()


@pytest.mark.parametrize("base", [lambda: pickle.Unpickler, lambda: pickle._Unpickler])
def test_persistent_load_that_hands_out_functions(base, hold, canary):
    def load(data):
        class Reader(base()):
            def persistent_load(self, pid):
                return {"open": open, "weights": [1.0]}[pid]

        return Reader(io.BytesIO(data)).load()

    data = HEAD + text("open") + b"Q(" + text(str(canary)) + text("w") + b"tR."
    load(data).close()
    canary.unlink()
    hold()
    with pytest.raises(HELD):
        load(data)
    assert not canary.exists()
