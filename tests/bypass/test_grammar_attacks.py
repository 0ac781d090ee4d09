"""Streams that run code when they are loaded: each writes a canary with plain pickle, and none may be taken for harmless."""

from __future__ import annotations

import contextlib
import copyreg
import pickle
import struct
import sys
from typing import TYPE_CHECKING

import pytest

from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.trace import trace_stream
from jupyter_modelguard.policy.evaluate import evaluate

from judging import look  # isort: skip
from opcodes import HEAD, call, content, glob, many, mapping, text  # isort: skip

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# The payloads leave files open, on purpose of no one.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

OPEN = glob("io", "open")
HANDLER = glob("logging", "FileHandler")  # a class that creates the file it is given


def system(canary: str) -> bytes:
    return call(glob("os", "system"), text(f"echo > {canary}"))


def evaluated(canary: str) -> bytes:
    return call(glob("builtins", "eval"), text(f"open({canary!r}, 'w')"))


def nested_getattr(canary: str) -> bytes:
    found = call(glob("builtins", "getattr"), glob("random", "_os"), text("system"))
    return call(found, text(f"echo > {canary}"))


def shadowed_append(canary: str) -> bytes:
    return call(glob("types", "SimpleNamespace")) + mapping(append=HANDLER) + b"b" + text(canary) + b"a"


def shadowed_setstate(canary: str) -> bytes:
    return call(glob("types", "SimpleNamespace")) + mapping(__setstate__=HANDLER) + b"b" + text(canary) + b"b"


def randomstate_apply(canary: str) -> bytes:
    return call(glob("numpy.random._pickle", "__randomstate_ctor"), text(canary), HANDLER)


def generator_apply(canary: str) -> bytes:
    return call(glob("numpy.random._pickle", "__generator_ctor"), text(canary), HANDLER)


def type_v2_apply(canary: str) -> bytes:
    return call(
        glob("torch._tensor", "_rebuild_from_type_v2"), OPEN, glob("builtins", "object"), many(text(canary), text("w")), b"}"
    )


def dotted(canary: str) -> bytes:
    return call(glob("random", "_os.system"), text(f"echo > {canary}"))


def inst(canary: str) -> bytes:
    return b"(" + text(canary) + b"ilogging\nFileHandler\n"


def obj(canary: str) -> bytes:
    return b"(" + HANDLER + text(canary) + b"o"


def newobj_ex(canary: str) -> bytes:
    """`io.FileIO.__new__` writes nothing, so its `__init__` follows as a call through `copyreg`."""
    return glob("logging", "FileHandler") + many(text(canary)) + b"R" + b"0" + glob("io", "FileIO") + b")" + b"}" + b"\x92"


def partial(canary: str) -> bytes:
    return call(call(glob("functools", "partial"), OPEN, text(canary)), text("w"))


def methodcaller(canary: str) -> bytes:
    caller = call(glob("operator", "methodcaller"), text("touch"))
    return call(caller, call(glob("pathlib", "PosixPath"), text(canary)))


def mapped(canary: str) -> bytes:
    lazy = call(glob("builtins", "map"), HANDLER, b"](" + text(canary) + b"e")
    return call(glob("builtins", "list"), lazy)


def filtered(canary: str) -> bytes:
    lazy = call(glob("builtins", "filter"), HANDLER, b"](" + text(canary) + b"e")
    return call(glob("builtins", "set"), lazy)


def factory(canary: str) -> bytes:
    """A defaultdict whose factory is a partial: the stream itself asks for a missing key through a listed container."""
    made = call(glob("functools", "partial"), OPEN, text(canary), text("w"))
    return call(glob("operator", "getitem"), call(glob("collections", "defaultdict"), made), text("x"))


def function_defaults(canary: str) -> bytes:
    """BUILD with slot state replaces the defaults of a library function, then the function is called without arguments."""
    state = b"N" + mapping(__defaults__=many(text("x"), HANDLER)) + b"\x86"
    changed = glob("numpy.random._pickle", "__randomstate_ctor") + state + b"b"
    return changed + b"0" + call(glob("numpy.random._pickle", "__randomstate_ctor"), text(canary))


def class_swap(canary: str) -> bytes:
    """An object becomes one of another class, whose methods then act on it."""
    cell = glob("logging", "LogRecord")
    swapped = cell + b")\x81" + b"N" + mapping(__class__=glob("types", "SimpleNamespace")) + b"\x86b0"
    return system(canary) + b"0" + swapped + b"N"


def extension(canary: str) -> bytes:
    return b"\x82\xf0" + many(text(canary)) + b"R"


def pickle_in_pickle(canary: str) -> bytes:
    inner = HEAD + system(canary) + b"."
    return call(glob("pickle", "loads"), content(inner))


def late_state(canary: str) -> bytes:
    """The attribute is harmless when BUILD is read and the payload runs through another opcode of the same stream."""
    return (
        mapping(append=b"N")
        + b"q\x000"
        + call(glob("types", "SimpleNamespace"))
        + mapping(append=HANDLER)
        + b"b"
        + text(canary)
        + b"a"
    )


def python2_name(canary: str) -> bytes:
    return b"c__builtin__\neval\n" + many(text(f"open({canary!r}, 'w')")) + b"R"


ATTACKS: dict[str, Callable[[str], bytes]] = {
    made.__name__: made
    for made in (
        system, evaluated, nested_getattr, shadowed_append, shadowed_setstate, randomstate_apply, generator_apply,
        type_v2_apply, dotted, inst, obj, newobj_ex, partial, methodcaller, mapped, filtered, factory, function_defaults, class_swap,
        pickle_in_pickle, late_state, python2_name,
    )
}  # fmt: skip


def load_plainly(data: bytes) -> None:
    with contextlib.suppress(Exception):  # many attacks end in an error once they have done their work
        pickle.loads(data)


@pytest.mark.parametrize("attack", ATTACKS)
def test_attack_asks(attack: str, kind: str, tmp_path: Path) -> None:
    if "torch" in attack or attack == "type_v2_apply":
        pytest.importorskip("torch")
    canary = tmp_path / "canary"
    data = (b"\x80\x02" if attack == "python2_name" else HEAD) + ATTACKS[attack](str(canary)) + b"."
    load_plainly(data)
    assert canary.exists(), "the attack does not work, so the test shows nothing"
    canary.unlink()
    _restore()

    traced = look(data)

    assert not canary.exists()
    assert evaluate(traced.report).level.asks


def _restore() -> None:
    """Give the function whose defaults one attack replaces its own again."""
    from numpy.random import _pickle

    vars(_pickle)["__randomstate_ctor"].__defaults__ = ("MT19937", vars(_pickle)["__bit_generator_ctor"])


def test_cached_extension_code_asks(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    copyreg.add_extension("logging", "FileHandler", 0xF0)
    try:
        data = HEAD + extension(str(canary)) + b"."
        load_plainly(data)
        assert canary.exists()
        canary.unlink()
        traced = look(data)
        assert not canary.exists()
        assert evaluate(traced.report).level.asks
    finally:
        copyreg.remove_extension("logging", "FileHandler", 0xF0)


def test_planted_python2_module_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    canary = tmp_path / "canary"
    (tmp_path / "__builtin__.py").write_text(f"open({str(canary)!r}, 'w').close()\nset = set\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    data = HEAD + call(glob("__builtin__", "set")) + b"."
    load_plainly(data)
    assert canary.exists()
    canary.unlink()
    del sys.modules["__builtin__"]

    traced = look(data)

    assert not canary.exists()
    assert evaluate(traced.report).level.asks


def test_frame_that_ends_inside_an_opcode_asks(tmp_path: Path) -> None:
    """Readers of Python disagree here: without `peek` the rest of a frame is lost when an argument reaches across its end."""
    body = text("os") + text("system")
    whole = body + b"X" + struct.pack("<I", 5) + b"abcde0" * 2 + b"N."
    cut = len(body) + 3
    data = HEAD + b"\x95" + struct.pack("<Q", cut) + whole
    traced = trace_stream(StreamSource(data=data), "pickle")
    assert evaluate(traced.report).level.asks
    assert traced.report.coverage.missed


def test_nothing_of_a_stream_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "planted_by_stream.py").write_text("class Thing: pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    data = HEAD + call(glob("planted_by_stream", "Thing")) + b"."
    traced = look(data)
    assert "planted_by_stream" not in sys.modules
    assert evaluate(traced.report).level.asks
