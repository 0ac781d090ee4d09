"""An array of objects larger than the list that fills it: numpy reads on behind the list and takes what is there for objects."""

import pickle
import struct

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

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
