"""Large payloads are looked into where they lie: only where a check needs it, piece by piece, and the load gets what was looked at."""

from __future__ import annotations

import os
import pickle
import pickletools
import struct
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_modelguard.artifacts import payload
from jupyter_modelguard.artifacts.copy import PASSED_OVER, SKIP_AT_LEAST
from jupyter_modelguard.artifacts.payload import PayloadsPassedOver
from jupyter_modelguard.artifacts.replay import replay
from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.inspection import inspect_open
from jupyter_modelguard.engines.trace import trace_stream
from jupyter_modelguard.policy.evaluate import evaluate

if TYPE_CHECKING:
    from pathlib import Path

np = pytest.importorskip("numpy")
pa = pytest.importorskip("pyarrow", reason="the payloads are tables of Arrow")

ROWS = 40_000
WIDTH = 3  # bytes of each text


class Call:
    """Pickles as a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.parts = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.parts


def texts(offsets: Any, kind: type = bytes, offset: int = 0) -> Call:
    buffers = [None, Call(pa.py_buffer, kind(offsets.tobytes())), Call(pa.py_buffer, kind(bytes(ROWS * WIDTH)))]
    return Call(
        pa.lib._restore_array,
        (Call(pa.lib.type_for_alias, "large_string"), len(offsets) - 1 - offset, 0, offset, buffers, [], None),
    )


def offsets() -> Any:
    return np.arange(0, (ROWS + 1) * WIDTH, WIDTH, dtype="<i8")


def asks(data: bytes) -> bool:
    return evaluate(inspect_open(trace_stream(StreamSource(data=data), "pickle")).report).level.asks


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(payload, "PIECE", 72 << 8)
    return 72 << 8


KINDS = [(2, bytes), (3, bytes), (4, bytes), (5, bytes), (5, bytearray)]


@pytest.mark.parametrize(("protocol", "kind"), KINDS)
def test_large_offsets_that_fit_load(protocol: int, kind: type, small_pieces: int) -> None:
    assert offsets().nbytes > small_pieces
    assert not asks(pickle.dumps(texts(offsets(), kind), protocol))
    assert not asks(pickle.dumps(texts(offsets(), kind, offset=100), protocol))


@pytest.mark.parametrize(("protocol", "kind"), KINDS)
@pytest.mark.parametrize("place", [0, 1, 2303, 2304, 2305, 30_000, ROWS - 1, ROWS], ids=str)
@pytest.mark.parametrize("wrong", [-1, 1 << 40])
@pytest.mark.usefixtures("small_pieces")
def test_one_wrong_offset_among_many_asks(protocol: int, kind: type, place: int, wrong: int) -> None:
    places = offsets()
    places[place] = wrong
    assert asks(pickle.dumps(texts(places, kind), protocol))


@pytest.mark.usefixtures("small_pieces")
def test_wrong_offsets_before_a_slice_of_an_array_load() -> None:
    places = offsets()
    places[:3000] = -1
    assert not asks(pickle.dumps(texts(places, offset=3000), 5))
    assert asks(pickle.dumps(texts(places, offset=2999), 5))


@pytest.mark.parametrize("protocol", [3, 4])
def test_offsets_that_stand_before_the_name_of_an_array_are_looked_at(protocol: int) -> None:
    places = offsets()
    content = places.tobytes()
    assert not asks(pickle.dumps([content, array_of(content)], protocol))
    places[30_000] = -1
    content = places.tobytes()
    assert asks(pickle.dumps([content, array_of(content)], protocol))


def array_of(content: Any) -> Call:
    buffers = [None, Call(pa.py_buffer, content), Call(pa.py_buffer, bytes(ROWS * WIDTH))]
    return Call(pa.lib._restore_array, (Call(pa.lib.type_for_alias, "large_string"), ROWS, 0, 0, buffers, [], None))


def number_of(data: bytes, size: int) -> int:
    """Find under which number the reader stores a bytearray."""
    number = -1
    for opcode, argument, _ in pickletools.genops(data):
        number += opcode.name == "MEMOIZE"
        if opcode.name == "BYTEARRAY8" and len(argument) == size:
            return number + 1
    raise AssertionError("no such bytearray")


def test_bytearray_that_is_changed_after_it_was_looked_at_asks() -> None:
    data = pickle.dumps(texts(offsets(), bytearray), 5)
    number = number_of(data, 8 * (ROWS + 1))
    assert not asks(data)
    for value in (0, 1):
        assert asks(data[:-1] + b"h" + bytes([number]) + b"K\x07" + b"K" + bytes([value]) + b"s0.")


def test_bytearray_whose_mark_is_written_over_asks() -> None:
    """What the trace has behind the mark is whatever stood in memory there."""
    content = bytearray(offsets().tobytes())
    head = pickle.dumps([content], 5)
    number = number_of(head, len(content))
    # The bytearray comes before the name of an array, and its first bytes are set to what they are.
    change = b"h" + bytes([number]) + b"(" + b"".join(b"K" + bytes([place]) + b"K\0" for place in range(24)) + b"u0"
    tail = pickle.dumps(array_of(b"x" * 8), 5)
    tail = b"".join(piece for piece in (tail[2:3], tail[3:11], tail[11:]) if piece != tail[2:3] and piece != tail[3:11])
    old = b"C\x08" + b"x" * 8
    assert tail.count(old) == 1
    assert asks(head[:-1] + change + b"0" + tail.replace(old, b"h" + bytes([number])))


def test_argument_that_reads_like_a_bytearray_is_none() -> None:
    """The reader hands out another opcode for a large bytearray; where it is the number of something stored, the stream is refused."""
    import gc

    filler = b"".join(b"K\0\x94" for _ in range(160)) + b"(" + b"c" + b"pyarrow.lib\n_restore_array\n0"
    frame = filler + b"h"
    payload_like = (SKIP_AT_LEAST).to_bytes(8, "little")
    data = b"\x80\x05\x95" + struct.pack("<Q", len(frame)) + frame + b"\x96" + payload_like + bytes(SKIP_AT_LEAST) + b"."
    assert asks(data)
    gc.collect()


def test_load_gets_the_offsets_that_were_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "table.pkl"
    data = pickle.dumps(texts(offsets(), bytearray), 5)
    path.write_bytes(data)
    copy = trace_stream(StreamSource(path=str(path)), "pickle").copy
    assert copy is not None
    assert not copy.whole
    start = data.index(offsets().tobytes())
    assert sum(seal.length for seal in copy.seals) == 8 * (ROWS + 1)
    with path.open("r+b") as file:
        assert pickle.load(replay(copy, file.fileno(), 0)).to_pylist() == ["\0" * WIDTH] * ROWS
        for size in (1, 7, 4096, 1 << 20):
            reader = replay(copy, file.fileno(), 0)
            assert b"".join(iter(lambda read=reader, count=size: read.read(count), b"")) == data
        # A text may change: nothing goes by it.
        os.pwrite(file.fileno(), b"abc", len(data) - 60_000)
        assert pickle.load(replay(copy, file.fileno(), 0)).to_pylist().count("abc") <= 1
        os.pwrite(file.fileno(), struct.pack("<q", 1 << 40), start + 8 * 30_000)
        with pytest.raises(OSError, match="was changed after it was looked at"):
            pickle.load(replay(copy, file.fileno(), 0, "table.pkl"))
        with pytest.raises(OSError, match="was changed after it was looked at"):
            replay(copy, file.fileno(), 0).read()
        os.truncate(file.fileno(), start + 8 * 30_000)
        with pytest.raises(OSError, match="was changed after it was looked at"):
            replay(copy, file.fileno(), 0).read()


def test_digest_says_what_was_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "table.pkl"
    digests = []
    for places in (offsets(), np.maximum(offsets() - 1, 0)):
        path.write_bytes(pickle.dumps(texts(places), 5))
        digests.append(trace_stream(StreamSource(path=str(path)), "pickle").report.digest)
    assert digests[0] != digests[1]


def test_file_that_changes_between_two_looks_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    path.write_bytes(bytes(2 * SKIP_AT_LEAST))
    with path.open("r+b", buffering=0) as file:
        passed = PayloadsPassedOver(file)
        numbers = passed.at(16, SKIP_AT_LEAST)
        assert b"".join(numbers.pieces(5, 10_000)) == bytes(9_995)
        os.pwrite(file.fileno(), b"\1", 50_000)
        with pytest.raises(OSError, match="was changed while it was looked at"):
            list(numbers.pieces())
        assert file.tell() == 0


def test_mark_tells_where_a_payload_lies(tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    content = np.arange(SKIP_AT_LEAST, dtype="<i4").tobytes()
    path.write_bytes(b"head" + content)
    with path.open("rb", buffering=0) as file:
        passed = PayloadsPassedOver(file)
        trace = content[:8] + passed.mark(12, len(content) - 8)
        trace += bytes(len(content) - len(trace))
        found = passed.of(trace)
        assert found is not None
        assert b"".join(found.pieces()) == content
        assert passed.of(bytearray(trace)) is None
        assert passed.of(trace + b"more") is None
    assert PASSED_OVER in trace


@pytest.mark.parametrize("protocol", [4, 5])
def test_large_table_of_texts_is_proved_with_little_memory(protocol: int, tmp_path: Path, small_pieces: int) -> None:
    pd = pytest.importorskip("pandas", reason="the table is of pandas")
    pytest.importorskip("pyarrow", reason="its texts are Arrow's")
    path = tmp_path / "table.pkl"
    pd.DataFrame({"name": pd.array([f"name number {place}" for place in range(300_000)], dtype="string[pyarrow]")}).to_pickle(
        path, protocol=protocol
    )
    size = path.stat().st_size
    trace_stream(
        StreamSource(data=pickle.dumps(pd.DataFrame({"a": pd.array(["x"], dtype="string[pyarrow]")}))), "pickle"
    )  # imports and caches
    tracemalloc.start()
    try:
        trace = trace_stream(StreamSource(path=str(path)), "pickle")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert not evaluate(inspect_open(trace).report).level.asks
    # The interpreter's unpickler makes room for each payload once, and nothing writes there.
    assert peak < size + (3 << 20)
    assert trace.copy is not None
    assert sum(len(data) for _, data in trace.copy.segments) < 20_000
    assert max(seal.length for seal in trace.copy.seals) <= small_pieces
