"""Readers that do more than the unpickler that was traced, or read the same bytes otherwise.

joblib and torch go on with what a stream gave them (attributes, iteration, hashes), joblib reads raw arrays between opcodes, the pure
Python unpickler is not the C one, and a caller may ask for text to be read differently. Each armed file here is built of classes that
are harmless to make; the code that must not run is a method that only the loader calls.
"""

import datetime as dt
import io
import pickle

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

np = pytest.importorskip("numpy")
joblib = pytest.importorskip("joblib")

HEAD = b"\x80\x02"
RAN = []


class Answers:
    """Has an answer of its own to what a loader asks; making one runs nothing."""

    @property
    def dtype(self):
        RAN.append("dtype")
        return np.dtype("O")

    def __iter__(self):
        RAN.append("__iter__")
        return iter(())

    def __call__(self, *_):
        RAN.append("__call__")

    def transpose(self):
        RAN.append("transpose")
        return self


class Extends:
    def extend(self, _items):
        RAN.append("extend")


class Starts:
    def __init__(self):
        RAN.append("__init__")


class Items(list):
    pass


@pytest.fixture(autouse=True)
def classes(in_notebook):
    RAN.clear()
    in_notebook(Answers, Extends, Starts, Items)


def mine(name):
    return b"c__main__\n" + name.encode() + b"\n"


def bare(name):
    return mine(name) + b")\x81"


def wrapper(shape, dtype, order="C", **options):
    made = joblib.numpy_pickle.NumpyArrayWrapper(np.ndarray, shape, order, np.dtype(dtype), **options)
    return pickle.dumps(made, protocol=2)[2:-1]


def nested():
    """Put a raw array inside the objects of an array: there the plain unpickler reads, to which the array is opcodes."""
    hidden = b"0" + mine("Starts") + b")R."
    return HEAD + wrapper((1,), "O") + HEAD + bare("Starts") + b"0" + wrapper((len(hidden),), "u1") + hidden + b"." + b"."


def legacy(keys):
    sizes = {"short": 2, "int": 4, "long": 4}
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": sizes}
    parts = (0x1950A86A20F9469CFC6C, 1001, system, {"weights": [1]})
    return b"".join(pickle.dumps(part, 2) for part in parts) + keys


def torch_load(data):
    return pytest.importorskip("torch").load(io.BytesIO(data), weights_only=False)


def python_load(data):
    return pickle._Unpickler(io.BytesIO(data)).load()


def load_leniently(data):
    return pickle.loads(data, encoding="ascii", errors="ignore")


def joblib_load(data):
    return joblib.load(io.BytesIO(data))


ATTACKS = {
    "joblib asks the objects of an array for their type": (
        joblib_load,
        HEAD + wrapper((1, 2), "O", "F") + HEAD + bare("Answers") + b"." + b".",
    ),
    "a raw array inside the objects of an array": (joblib_load, nested()),
    "torch iterates over the keys of the legacy format": (torch_load, legacy(HEAD + bare("Answers") + b".")),
    "letters left out of a state's keys": (
        load_leniently,
        HEAD + bare("Items") + b"}U\x07ext\xffend" + bare("Answers") + b"sb" + b"K\x01a.",
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_reader_with_ways_of_its_own_is_held(name, hold):
    load, data = ATTACKS[name]
    try:
        load(data)
    except AttributeError:
        assert RAN  # joblib stumbles later, which is too late
    assert RAN
    RAN.clear()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        load(data)
    assert not RAN


@pytest.mark.parametrize("load", [python_load, joblib_load])
def test_nothing_is_appended_where_nothing_is_given(load, hold):
    # the C unpickler leaves the object alone; the Python one called `extend` of whatever class it is
    data = HEAD + bare("Extends") + b"(e."
    load(data)
    assert RAN == ["extend"]
    RAN.clear()
    hold()
    assert isinstance(load(data), Extends)
    assert not RAN


def test_objects_are_not_mapped_into_memory(hold, tmp_path):
    path = tmp_path / "objects.joblib"
    path.write_bytes(HEAD + wrapper((1,), "O", allow_mmap=True) + b"\x01" * 64)
    hold()
    with pytest.raises(ModelLoadBlockedError):
        joblib.load(path, mmap_mode="r")


def test_opcodes_of_ones_own_are_not_proved_by_a_plain_trace(hold):
    class Skipping(pickle._Unpickler):
        """Jumps over raw bytes, as joblib does."""

        dispatch = dict(pickle._Unpickler.dispatch)  # noqa: RUF012 as pickle itself has it

        def load_none(self):
            self.read(2)
            self.append(None)

        dispatch[pickle.NONE[0]] = load_none

    data = HEAD + b"N0(" + bare("Items") + b"0t."
    hold()
    with pytest.raises(ModelLoadBlockedError, match="a way of its own"):
        Skipping(io.BytesIO(data)).load()


@pytest.mark.parametrize("mode", ["r", "c", "r+"])
def test_joblib_maps_arrays_as_the_caller_asks(mode, hold, tmp_path):
    path = tmp_path / "arrays.joblib"
    joblib.dump({"weights": np.arange(1000.0)}, path)
    hold()
    found = joblib.load(path, mmap_mode=mode)["weights"]
    assert isinstance(found, np.memmap)
    assert found.sum() == 499500


class Once:
    """Buffers that can be taken once, as from a connection."""

    def __init__(self, buffers):
        self.waiting = list(buffers)

    def __iter__(self):
        while self.waiting:
            yield self.waiting.pop(0)


@pytest.mark.parametrize("kind", [list, iter, Once])
def test_out_of_band_buffers_are_taken_once_each(kind, hold):
    buffers = []
    data = pickle.dumps([np.arange(3), np.arange(4)], 5, buffer_callback=buffers.append)
    hold()
    found = pickle.loads(data, buffers=kind(buffers))
    assert [len(array) for array in found] == [3, 4]


def test_out_of_band_buffers_go_on_in_the_next_stream(hold):
    buffers = []
    data = b"".join(pickle.dumps(np.arange(size), 5, buffer_callback=buffers.append) for size in (3, 4))
    hold()
    reader = pickle.Unpickler(io.BytesIO(data), buffers=buffers)
    assert [len(reader.load()), len(reader.load())] == [3, 4]


class OnlyForward(io.RawIOBase):
    """Says where it stands, but cannot go back: a decompressor, a download."""

    def __init__(self, data):
        self.inner = io.BytesIO(data)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self.inner.readinto(buffer)

    def tell(self):
        return self.inner.tell()

    def seek(self, *_):
        raise OSError("cannot go back")


def test_file_that_only_goes_forward_is_read_once(hold):
    day = dt.datetime(2020, 1, 1)
    file = OnlyForward(pickle.dumps(day) + pickle.dumps("next"))
    hold()
    assert pickle.load(file) == day
    assert pickle.load(file) == "next"
