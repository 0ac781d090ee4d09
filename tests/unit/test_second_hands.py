"""What a stream may do to bytes that it made something of."""

import pickle

import pytest

from jupyter_modelguard.artifacts.copy import StreamCopy
from jupyter_modelguard.engines.second_hands import reaches_bytes_again

BYTES = b"\x96" + (4).to_bytes(8, "little") + b"abcd"


def reaches(data: bytes) -> bool:
    return reaches_bytes_again(StreamCopy(((0, data),), len(data)))


def test_pickler_leaves_its_bytes_alone() -> None:
    shared = ["text", {"a": (1, 2)}]
    made = [bytearray(b"one"), shared, bytearray(b"two"), shared, {"a": {1, 2}, "b": frozenset({3})}]
    assert not reaches(pickle.dumps(made, 5))


@pytest.mark.parametrize("stored", [b"\x94", b"q\x00", b"r\x00\x00\x00\x00", b"p0\n"])
@pytest.mark.parametrize("fetched", [b"h\x00", b"j\x00\x00\x00\x00", b"g0\n"])
def test_bytes_that_are_fetched_again(stored: bytes, fetched: bytes) -> None:
    assert reaches(b"\x80\x05" + BYTES + stored + b"0" + fetched + b".")


@pytest.mark.parametrize("between", [b"2", b"N0\x94", b"(1q\x07", b"(K\x00K\x01uq\x07", b"q\x01q\x02"])
def test_bytes_that_are_doubled_or_stored_later(between: bytes) -> None:
    assert reaches(b"\x80\x05" + BYTES + between + b".")


def test_number_that_means_something_else_by_then() -> None:
    assert not reaches(b"\x80\x05" + BYTES + b"q\x000Nq\x000h\x00.")


def test_stream_that_cannot_be_followed() -> None:
    assert reaches(b"\x80\x05\xff.")


def test_streams_one_after_another_have_nothing_in_common() -> None:
    assert not reaches(b"\x80\x05" + BYTES + b"q\x00." + b"\x80\x05Nq\x000h\x00.")
    assert reaches(b"\x80\x05N." + b"\x80\x05" + BYTES + b"q\x000h\x00.")
