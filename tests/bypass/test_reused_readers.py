"""A reader that is used again remembers what the first stream stored; the proof of the second begins with nothing."""

import io
import os
import pickle
import struct

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.hooks.gate import Permit

from opcodes import HEAD, dots, text  # isort: skip

RAN = []


class Answers:
    def __call__(self, *_):
        RAN.append("__call__")


class Items(list):
    pass


class Members(set):
    def update(self, *_):
        RAN.append("update")


@pytest.fixture(autouse=True)
def classes(in_notebook):
    RAN.clear()
    in_notebook(Answers, Items, Members)


def bare(name):
    return dots("__main__", name) + b")\x81"


# The first stream stores an object that can be called as number 0. The second stores a word: as number 0 of a fresh reader and as number 1
# of this one; then it takes number 0 for what the list's `extend` is.
FIRST = HEAD + bare("Answers") + b"\x94."
SECOND = HEAD + text("a word") + b"\x940" + bare("Items") + b"}" + text("extend") + b"h\x00sb(K\x07e."


def c_reader(file):
    return pickle.Unpickler(file)


def python_reader(file):
    return pickle._Unpickler(file)


@pytest.mark.parametrize("make", [c_reader, python_reader])
def test_second_stream_does_not_reach_into_the_first(make, hold):
    reader = make(io.BytesIO(FIRST + SECOND))
    reader.load()
    reader.load()
    assert RAN == ["__call__"]
    RAN.clear()
    hold()
    reader = make(io.BytesIO(FIRST + SECOND))
    assert type(reader.load()) is Answers
    with pytest.raises(ModelLoadBlockedError):
        reader.load()
    assert not RAN


@pytest.mark.parametrize("make", [c_reader, python_reader])
def test_honest_streams_of_one_reader_load(make, hold):
    import datetime as dt

    days = [dt.datetime(2020, 1, day) for day in (1, 2)]
    hold()
    reader = make(io.BytesIO(b"".join(pickle.dumps(day) for day in days)))
    assert [reader.load(), reader.load()] == days


@pytest.mark.parametrize("load", [pickle.loads, lambda data: pickle._Unpickler(io.BytesIO(data)).load()])
def test_members_are_not_added_by_a_method_of_the_class(load, hold):
    # the C reader adds to any kind of set by itself; the Python one calls `update` of whatever set it is
    data = HEAD + bare("Members") + b"(K\x01\x90."
    pickle._loads(data)
    assert RAN == ["update"]
    RAN.clear()
    hold()
    with pytest.raises(BaseException, match="Members"):  # `pickle.loads` was bound before the guard
        load(data)
    assert not RAN


@pytest.mark.parametrize("place", [0, 7])
def test_numbers_of_one_s_own_are_no_reach_into_another_stream(place, hold):
    np = pytest.importorskip("numpy")
    data = pickle.dumps([np.arange(3), np.arange(4)], 2)  # protocol 2 numbers what it stores
    moved = pickle.dumps("word", 2).replace(b"q\x00", b"r" + struct.pack("<I", place))
    hold()
    reader = pickle.Unpickler(io.BytesIO(moved + data))
    reader.load()
    assert [len(array) for array in reader.load()] == [3, 4]


def reached(target, *names):
    """Attributes of attributes, by the `getattr` that is number 0 of the reader."""
    for name in names:
        target = b"h\x00" + target + text(name) + b"\x86R"
    return target


def test_second_stream_calls_nothing_that_the_first_resolved(hold, canary):
    """A stream that resolves no global at all raises no event; what the first one left behind is all that it needs."""
    first = HEAD + dots("builtins", "getattr") + b"\x94" + dots("builtins", "str") + text("lower") + b"\x86R0N."
    place = object.__subclasses__().index(os._wrap_close)
    classes = reached(text(""), "__class__", "__base__", "__subclasses__") + b")R"
    wrap_close = reached(classes, "__getitem__") + b"K" + bytes([place]) + b"\x85R"
    if place > 255:
        wrap_close = reached(classes, "__getitem__") + b"M" + struct.pack("<H", place) + b"\x85R"
    system = reached(reached(wrap_close, "__init__", "__globals__"), "get") + text("system") + b"\x85R"
    second = HEAD + system + text(f"touch '{canary}'") + b"\x85R."
    reader = c_reader(io.BytesIO(first + second))
    reader.load()
    reader.load()
    assert canary.exists()
    canary.unlink()
    hold()
    reader = c_reader(io.BytesIO(first + second))
    assert reader.load() is None
    with pytest.raises(ModelLoadBlockedError):
        reader.load()
    assert not canary.exists()


def test_second_stream_of_plain_data_reaches_back(hold):
    """Two objects of one `pickle.Pickler`: the second refers to what both share."""
    file = io.BytesIO()
    writer = pickle.Pickler(file)
    shared = {"weights": [1.5, 2.5]}
    writer.dump(shared)
    writer.dump([shared, "more"])
    file.seek(0)
    hold()
    reader = c_reader(file)
    assert reader.load() is reader.load()[0]


def test_second_stream_that_uses_what_the_first_resolved_is_asked_about(hold, monkeypatch):
    """Two arrays of one `pickle.Pickler`: the second is made by the function that the first one named."""
    np = pytest.importorskip("numpy")
    file = io.BytesIO()
    writer = pickle.Pickler(file)
    writer.dump(np.arange(3))
    writer.dump(np.arange(4))
    end = file.tell()
    file.seek(0)
    made = hold()
    reader = c_reader(file)
    assert len(reader.load()) == 3
    place = file.tell()
    with pytest.raises(ModelLoadBlockedError, match="memo"):
        reader.load()
    file.seek(place)
    monkeypatch.setattr(made, "check_named", lambda *_: Permit("", approved=True))
    monkeypatch.setattr(made, "settle", lambda *_: None)
    assert len(reader.load()) == 4
    assert file.tell() == end
