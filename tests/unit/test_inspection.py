"""Classes that no list knows, judged live: what is cleared, and what each load-time method is refused for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines import installed
from jupyter_modelguard.engines.inspection import modules_to_import
from jupyter_modelguard.engines.trace import trace_stream
from jupyter_modelguard.types import RiskLevel

import opcodes  # isort: skip
from judging import level_of_piece as judged  # isort: skip
from judging import look_at_piece  # isort: skip
from opcodes import HEAD, mapping, text  # isort: skip
from unlisted_library import LIBRARY  # isort: skip

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType


def glob(name: str, module: str = "inspected_library") -> bytes:
    return opcodes.glob(module, name)


def made(name: str) -> bytes:
    return glob(name) + b")\x81"


def sought(owner: str, name: str) -> bytes:
    return opcodes.call(glob("getattr", "builtins"), glob(owner), text(name))


pytestmark = pytest.mark.usefixtures("kind")


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    (tmp_path / "inspected_library.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(str(tmp_path))
    python, packages = installed._roots()
    monkeypatch.setattr(installed, "_roots", lambda: (python, (*packages, str(tmp_path) + "/")))
    monkeypatch.setattr(
        installed, "_versions", lambda _: {}
    )  # to look through what all packages installed takes longer than a case
    import importlib

    yield importlib.import_module("inspected_library")
    del sys.modules["inspected_library"]


CLEARED = {
    "plain": made("Plain"),
    "methods of the plain object": made("Restored") + mapping(a=b"N") + b"b",
    "state": made("Plain") + mapping(a=b"N", b=made("Child")) + b"b",
    "child": made("Child"),
    "abstract": made("Abstract"),
    "method": made("Method") + mapping(a=b"N") + b"b",
    "called": glob("Plain") + b")R",
    "list": made("ListChild") + b"(NNe",
    "dictionary": made("DictChild") + b"NNs",
    "ordered": glob("Ordered") + b")RNNs",
    "set": made("SetChild"),
    "text": glob("StrChild") + text("a") + b"\x85\x81",
    "exception": glob("Broken") + text("a") + b"\x85R",
    "key": b"}" + made("Plain") + b"Ns",
    "init by new": made("Init"),
    "unused": glob("Plain") + b"0N",
    "slot state": made("Slotted") + b"N" + mapping(a=b"N") + b"\x86b",
    "slots beside attributes": made("Plain") + mapping(a=b"N") + mapping(b=b"N") + b"\x86b",
    "object in a slot": made("Slotted") + b"N" + mapping(a=made("Plain")) + b"\x86b",
    "named tuple": glob("Pair") + b"NN\x86\x81",
    "named tuple of objects": glob("Typed") + made("Plain") + b"N\x86\x81",
    "named tuple as a base": glob("Point") + b"NN\x86\x81",
    "named tuple as a key": b"}" + glob("Pair") + b"NN\x86\x81Ns",
    "member": glob("Color") + b"K\x01\x85R",
    "member with a tuple": glob("Color") + b"K\x01K\x02\x86\x85R",
    "member as a key": b"}" + glob("Color") + b"K\x01\x85RNs",
    "member that is a number": glob("Whole") + b"K\x01\x85R",
    "member by name": sought("Color", "RED"),
    "member by name as a key": b"}" + sought("Color", "RED") + b"Ns",
    "flag by name": sought("Bits", "A"),
    "flags": glob("Bits") + b"K\x03\x85R",
    "data class": made("Data") + mapping(a=b"N") + b"b",
    "object in place of a default": made("Data") + mapping(a=made("Plain")) + b"b",
    "frozen data class": made("Frozen") + mapping(a=b"N") + b"b",
    "frozen data class with slots": made("FrozenSlots") + b"]Nab",
    "protocol class": made("Default") + mapping(fit=made("Plain")) + b"b",
    "plain value under a method's name": made("Method") + mapping(fit=b"N") + b"b",
}
REFUSED = {
    "init": glob("Init") + b")R",
    "function": glob("function") + b")R",
    "function by inst": b"(iinspected_library\nfunction\n",
    "nested": glob("Outer.Inner") + b")\x81",
    "alias": made("Alias"),
    "metaclass": made("WithMeta"),
    "setstate": made("Setstate") + mapping(a=b"N") + b"b",
    "hash": b"}" + made("Hash") + b"Ns",
    "equality": b"}" + made("Eq") + b"Ns",
    "key in a tuple": b"}" + made("Eq") + b"\x85Ns",
    "append": made("Appends") + b"Na",
    "extend": made("Extends") + b"(NNe",
    "setitem": made("Indexes") + b"NNs",
    "items of no list": made("Plain") + b"Na",
    "items of no dictionary": made("Plain") + b"NNs",
    "tuple state": made("Plain") + b"(NNNtb",
    "property as a slot": made("Property") + b"N" + mapping(a=b"N") + b"\x86b",
    "slot with a setter of its own": made("Setattr") + b"N" + mapping(a=b"N") + b"\x86b",
    "frozen slot": made("Frozen") + b"N" + mapping(a=b"N") + b"\x86b",
    "protocol name as a slot": made("Plain") + b"N" + mapping(append=made("Plain")) + b"\x86b",
    "dictionary as a slot": made("Plain") + b"N" + mapping(__dict__=b"}") + b"\x86b",
    "slots that are no dictionary": made("Plain") + b"NK\x01\x86b",
    "list state": made("Plain") + b"]Nab",
    "list state of a frozen class": made("Frozen") + b"]Nab",
    "list state of a setstate of its own": made("OwnFrozen") + b"]Nab",
    "new of its own on a tuple": glob("Forged") + b"NN\x86\x81",
    "named tuple of objects as a key": b"}" + glob("Pair") + made("Plain") + b"N\x86\x81Ns",
    "objects given to a class": glob("ListChild") + b"]" + made("Plain") + b"a\x85R",
    "no member": glob("Color") + b"K\x09\x85R",
    "no member by name": sought("Color", "GREEN"),
    "method of an enumeration": sought("Color", "fit"),
    "table of an enumeration": sought("Color", "_member_map_"),
    "attribute of a class": sought("Method", "fit"),
    "member by name that is called": sought("Color", "RED") + b")R",
    "member by name that is built": sought("Color", "RED") + mapping(fit=b"N") + b"b",
    "member by name under a method's name": made("Method") + mapping(fit=sought("Color", "RED")) + b"b",
    "hash of its own by name": b"}" + sought("HashedColor", "RED") + b"Ns",
    "flags that are none": glob("Bits") + b"K\x08\x85R",
    "negative flags": glob("Bits") + b"J\xff\xff\xff\xff\x85R",
    "lookup of its own": glob("Asks") + b"K\x09\x85R",
    "flags with a lookup of their own": glob("AsksFlags") + b"K\x03\x85R",
    "member with a hash of its own": b"}" + glob("HashedColor") + b"K\x01\x85RNs",
    "member that is built": glob("Color") + b"K\x01\x85R" + mapping(fit=b"N") + b"b",
    "member by new": glob("Color") + b"K\x01\x85\x81",
    "enumeration made": glob("Color") + text("Other") + b"](\x8c\x01aK\x01\x86e\x86R",
    "object as a member": glob("Color") + made("Plain") + b"\x85R",
    "list as a member": glob("Color") + b"]\x85R",
    "member under a method's name": made("Method") + mapping(fit=glob("Color") + b"K\x01\x85R") + b"b",
    "class slot": made("Plain") + b"N" + mapping(__class__=glob("Child")) + b"\x86b",
    "missing": made("Missing"),
    "object as argument": glob("Plain") + made("Plain") + b"\x85R",
    "function as value": made("Plain") + mapping(a=glob("function")) + b"b",
    "class as value": made("Plain") + mapping(a=glob("Child")) + b"b",
    "object under a method's name": made("Method") + mapping(fit=made("Plain")) + b"b",
    "object under a protocol's name": made("Plain") + mapping(append=made("Plain")) + b"b",
    "object shown": made("Plain") + mapping(_repr_html_=made("Plain")) + b"b",
    "object shown by IPython": made("Plain") + mapping(_ipython_display_=made("Plain")) + b"b",
    "listed function under a method's name": made("Method") + mapping(fit=glob("log", "numpy")) + b"b",
    "state key that is no text": made("Plain") + b"}(NNub",
    "exception with state": glob("Broken") + b")R" + mapping(a=b"N") + b"b",
    "class built": glob("Plain") + b"Nb0N",
    "object called": made("Plain") + b")R",
}


@pytest.mark.parametrize("case", CLEARED)
def test_plain_class_is_cleared(case: str, library: ModuleType) -> None:
    assert judged(CLEARED[case]) is RiskLevel.DATA_ONLY


@pytest.mark.parametrize("case", REFUSED)
def test_class_that_would_run_asks(case: str, library: ModuleType) -> None:
    assert judged(REFUSED[case]).asks


@pytest.mark.parametrize(
    "name",
    ["New", "Setattr", "Getattr", "Getattribute", "Del", "Html", "Mime", "Display", "FakeClass", "FakeDict"],
)
def test_load_time_method_asks(name: str, library: ModuleType) -> None:
    assert judged(made(name)).asks


def test_dropped_object_is_judged(library: ModuleType) -> None:
    """A state that is given to an object which the stream then throws away counts all the same."""
    body = made("Method") + mapping(fit=made("Plain")) + b"b0N"
    assert judged(body).asks


def test_state_that_changes_behind_build_is_judged(library: ModuleType) -> None:
    """The dictionary is harmless again when all is read, but it was not when it became the object's attributes."""
    state = mapping(fit=made("Plain")) + b"q\x05"
    assert judged(made("Method") + state + b"b0" + b"h\x05" + text("fit") + b"Ns").asks


def test_file_outside_the_packages_asks(library: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "_roots", lambda: ((), ("/nowhere/",)))
    assert judged(CLEARED["plain"]).asks


def test_module_with_its_own_getattr_is_not_asked(library: ModuleType) -> None:
    asked = []
    library.__getattr__ = asked.append  # type: ignore[method-assign]
    assert judged(made("Missing")).asks
    assert not asked


def test_notebook_class_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    cls = type("Notebook", (), {"__module__": "__main__", "__qualname__": "Notebook"})
    monkeypatch.setattr(sys.modules["__main__"], "Notebook", cls, raising=False)
    assert judged(glob("Notebook", "__main__") + b")\x81") is RiskLevel.NOTE


def test_origin_is_told_in_words(library: ModuleType) -> None:
    found = look_at_piece(made("Plain") + b"0" + glob("nothing", "not_a_module_at_all")).report
    assert [use.origin for use in found.globals] == ["inspected_library, installed here", "not found here"]


def test_unlisted_library_is_never_imported(library: ModuleType) -> None:
    data = HEAD + glob("Thing", "pip._internal.main") + b"."
    assert modules_to_import(trace_stream(StreamSource(data=data), "pickle")) == ()


def test_planted_library_is_never_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "sklearn"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "planted_here.py").write_text("class Thing: pass\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    data = HEAD + glob("Thing", "sklearn.planted_here") + b"."
    assert modules_to_import(trace_stream(StreamSource(data=data), "pickle")) == ()


def test_function_that_does_nothing_may_stand_in_for_a_method(library: ModuleType) -> None:
    idle = glob("call_on_class_only", "gensim.utils")
    assert not judged(made("Method") + mapping(fit=idle) + b"b").asks
    assert judged(made("Method") + mapping(fit=glob("identity", "gensim.utils")) + b"b").asks


def test_one_idle_function_vouches_for_no_other(library: ModuleType) -> None:
    idle, other = glob("call_on_class_only", "gensim.utils"), glob("identity", "gensim.utils")
    both = made("Method") + mapping(fit=idle) + b"b" + made("Method") + mapping(fit=other) + b"b\x86"
    assert judged(both).asks
