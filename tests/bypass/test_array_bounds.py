"""An array of objects larger than the list that fills it: numpy reads on behind the list and takes what is there for objects."""

import pickle
import struct

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from assembly import call, stream  # isort: skip

np = pytest.importorskip("numpy")

HONEST = pickle.dumps(np.array([None], dtype=object), 2)
SHAPE = b"K\x01K\x01\x85"  # version and shape of the state


@pytest.mark.parametrize("places", [0, 2, 1_000_000])
def test_array_of_objects_is_as_large_as_its_list(places, hold):
    data = HONEST.replace(SHAPE, b"K\x01J" + struct.pack("<i", places) + b"\x85", 1)
    assert data != HONEST
    hold()
    with pytest.raises(ModelLoadBlockedError):  # the plain load of the last one ends the process
        pickle.loads(data)


def test_list_that_is_filled_too_late(hold):
    # empty when the array takes it, of the right length when all is read
    head, _, tail = HONEST.partition(b"]q")
    place = tail[:1]
    late = head + b"]q" + place + tail[1:].replace(b"Na", b"", 1)
    assert late.endswith(b"b.")
    late = late[:-1] + b"h" + place + b"Na0."
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(late)


def test_honest_arrays_of_objects_load(hold):
    hold()
    for array in (np.array([None, {"a": 1}], dtype=object), np.zeros((0, 2), dtype=object), np.array(None, dtype=object)):
        assert pickle.loads(pickle.dumps(array)).shape == array.shape


def test_fields_that_move_for_one_use_alone(hold):
    """numpy keeps the very dictionary that describes the fields of a type, so that a later opcode moves them, and moves them back."""

    def part(value):
        return pickle.dumps(value, 2)[2:-1]

    def place(offset):
        return part("a") + part(np.dtype("<i8")) + b"J" + offset.to_bytes(4, "little") + b"\x86s"

    make, arguments, state = np.dtype([("a", "<i8")]).__reduce__()
    kind = part(make) + part(arguments) + b"R(" + b"".join(map(part, state[:4])) + b"}r\xf0\0\0\0" + place(0)
    kind += b"".join(map(part, state[5:])) + b"tbr\xf1\0\0\0"
    scalar = part(np._core.multiarray.scalar) + b"(j\xf1\0\0\0" + part(b"x" * 8) + b"tR"
    moved, back = (b"j\xf0\0\0\0" + place(offset) + b"0" for offset in (4096, 0))
    plain = b"\x80\x02" + kind + scalar + b"\x86."
    data = b"\x80\x02" + kind + moved + scalar + back + b"\x86."
    hold()
    assert pickle.loads(plain)[0] == np.dtype([("a", "<i8")])
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)


@pytest.mark.parametrize("kind", ["string", "large_string", "binary"])
@pytest.mark.parametrize("places", [(0, 1 << 30, 1 << 30), (0, 4, 4), (-8, 3, 3), (0, 3, 1), (3, 1, 3), (0, 1, 2, 1 << 20)])
def test_texts_of_arrow_lie_in_their_bytes(kind, places, hold):
    """Arrow goes where the numbers say: what lies in memory there is shown, or the process ends."""
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    hold()
    assert pickle.loads(texts_of_arrow(kind, (0, 1, 3))).to_pylist() in (["a", "bc"], [b"a", b"bc"])
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(texts_of_arrow(kind, places))


def texts_of_arrow(kind, places):
    code = "q" if kind.startswith("large") else "i"
    offsets = call("pyarrow.lib:py_buffer", struct.pack(f"<{len(places)}{code}", *places))
    buffers = [None, offsets, call("pyarrow.lib:py_buffer", b"abc")]
    made = call("pyarrow.lib:type_for_alias", kind)
    return stream(call("pyarrow.lib:_restore_array", (made, len(places) - 1, 0, 0, buffers, [], None)))


def test_many_texts_of_arrow_load(hold):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    table = pandas.DataFrame({"name": pandas.array([f"name {place}" for place in range(40_000)], dtype="string[pyarrow]")})
    data = pickle.dumps(table[3:], 5)
    hold()
    assert pickle.loads(data).equals(table[3:])
