"""Data of honest folders is known to its last byte, and nothing passes for it by its first."""

import base64
import importlib
import io
import pickle
import struct
import sys
import wave
import zlib

import pytest
from messages import field
from scanned import level, missed, rules

from jupyter_modelguard.engines.scanner import scan_file
from jupyter_modelguard.types import RiskLevel


class Exit:
    def __reduce__(self):
        return sys.exit, ()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def sound():
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(bytes(101))
    return data.getvalue()


MEDIA = {
    "png": b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(13)) + chunk(b"IDAT", b"xyz") + chunk(b"IEND", b""),
    "jpeg": b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xdb\x00\x03c\xff\xda\x00\x03dnumbers\xff\x00more\xff\xd0of them\xff\xd9",
    "gif": b"GIF89a\x01\x00\x01\x00\x80\x00\x00" + bytes(6) + b"!\xf9\x04\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;",
    "riff": sound(),
    "bmp": b"BM" + struct.pack("<IIII", 60, 0, 54, 40) + bytes(42),
    "ogg": b"OggS" + bytes(22) + b"\x02\x03\x04" + bytes(7),
    "flac": b"fLaC\x80\x00\x00\x22" + bytes(34) + b"\xff\xf8" + bytes(40),
}


@pytest.mark.parametrize("kind", MEDIA)
def test_pictures_and_sounds_are_data_to_their_end_and_no_further(tmp_path, kind):
    path = tmp_path / "file"
    path.write_bytes(MEDIA[kind])
    assert scan_file(str(path)).format == kind
    assert level(path) is RiskLevel.DATA_ONLY
    if kind != "flac":  # which does not say where it ends
        path.write_bytes(MEDIA[kind] + b"\xf7" * 20)
        assert level(path) is RiskLevel.UNINSPECTED
    path.write_bytes(MEDIA[kind][:-4] if kind != "flac" else MEDIA[kind][:20])
    assert level(path) is RiskLevel.UNINSPECTED


def test_real_pictures_are_data(tmp_path):
    pil = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    for kind in ("png", "jpeg", "gif", "bmp", "webp"):
        path = tmp_path / f"file.{kind}"
        pil.effect_noise((40, 30), 50).convert("RGB").save(path)
        assert level(path) is RiskLevel.DATA_ONLY


def test_archive_behind_a_picture_is_still_looked_into(tmp_path):
    import zipfile

    path = tmp_path / "file.png"
    path.write_bytes(MEDIA["png"])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("data.pkl", pickle.dumps(Exit()))
    assert level(path) is not RiskLevel.DATA_ONLY
    assert scan_file(str(path)).globals


def packed(value):
    if isinstance(value, dict):
        return bytes([0x80 | len(value)]) + b"".join(packed(one) for pair in value.items() for one in pair)
    if isinstance(value, bytes):
        return b"\xc6" + struct.pack(">I", len(value)) + value
    if isinstance(value, str):
        return bytes([0xA0 | len(value)]) + value.encode()
    if isinstance(value, list):
        return b"\xdd" + struct.pack(">I", len(value)) + b"".join(packed(one) for one in value)
    return b"\xc0" if value is None else bytes([value])


def test_msgpack_is_data_to_its_last_byte(tmp_path):
    path = tmp_path / "key2row"
    data = packed({"a": [1, 2, None], "b": b"\x00" * 300, "c": {"d": []}})
    path.write_bytes(data)
    assert scan_file(str(path)).format == "msgpack"
    assert level(path) is RiskLevel.DATA_ONLY
    for other in (data + b"\x01", data[:-1], b"\x81" + data, b"\xdd\xff\xff\xff\xff" + data, b"\x91" * 5000 + b"\x01"):
        path.write_bytes(other)
        assert level(path) is RiskLevel.UNINSPECTED


def test_array_of_objects_in_msgpack_is_a_pickle(tmp_path):
    path = tmp_path / "arrays.msgpack"
    for protocol in (0, 2, 5):
        array = {b"nd": 1, b"type": b"O", b"kind": b"O", b"data": pickle.dumps(Exit(), protocol)}
        path.write_bytes(packed({"w": array}))
        assert scan_file(str(path)).globals
        assert level(path).asks


def test_extensions_of_msgpack_are_not_taken_for_data(tmp_path):
    path = tmp_path / "file.msgpack"
    path.write_bytes(b"\x82\xa1a\xd6\xff" + bytes(4) + b"\xa1b\x01")  # a time
    assert level(path) is RiskLevel.DATA_ONLY
    path.write_bytes(b"\x81\xa1a\xd5\x07\x01\x02")
    assert level(path) is RiskLevel.UNINSPECTED
    inner = b"\x93\x91\x01\xa7float32\xc4\x04" + bytes(4)
    path.write_bytes(b"\x81\xa1a\xc7" + bytes([len(inner)]) + b"\x01" + inner)  # an array of flax
    assert level(path) is RiskLevel.DATA_ONLY


def test_sentence_pieces_are_data(tmp_path):
    path = tmp_path / "spiece.model"
    piece = field(1, field(1, "<unk>") + b"\x15" + bytes(4) + field(3, 2))
    data = piece * 3 + field(2, field(3, 1) + field(4, 60)) + field(3, field(1, "nmt_nfkc") + field(2, b"\x00\xff"))
    path.write_bytes(data)
    assert scan_file(str(path)).format == "sentencepiece"
    assert level(path) is RiskLevel.DATA_ONLY
    path.write_bytes(data + field(9, "x" * 50) + b"\x07")
    assert level(path) is RiskLevel.UNINSPECTED


@pytest.fixture
def arrow():
    return pytest.importorskip("pyarrow", reason="pyarrow is not installed")


def write(arrow, table, path, kind):
    if kind == "parquet":
        importlib.import_module("pyarrow.parquet").write_table(table, path)
    elif kind == "file":
        with arrow.ipc.new_file(path, table.schema) as file:
            file.write(table)
    else:
        with arrow.ipc.new_stream(path, table.schema) as file:
            file.write(table)
            file.write(table)


@pytest.mark.parametrize("kind", ["file", "stream", "parquet"])
def test_tables_are_data_and_types_that_are_pickles_are_told(tmp_path, arrow, kind):
    path = str(tmp_path / "table")
    write(arrow, arrow.table({"a": [1, 2], "b": ["x", "y"], "c": [[1], [2, 3]]}), path, kind)
    assert level(path) is RiskLevel.DATA_ONLY
    noted = {"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": pickle.dumps(Exit(), 0)}
    schema = arrow.schema([arrow.field("a", arrow.int64(), metadata=noted)])
    write(arrow, arrow.table({"a": [1]}, schema=schema), path, kind)
    assert rules(path) == {"arrow-python-type"}
    assert level(path) is RiskLevel.DANGEROUS


@pytest.mark.parametrize("kind", ["file", "stream", "parquet"])
def test_tables_that_are_cut_or_continued_are_not_inspected(tmp_path, arrow, kind):
    path = tmp_path / "table"
    write(arrow, arrow.table({"a": list(range(1000))}), str(path), kind)
    data = path.read_bytes()
    for other in (data[: len(data) // 2], data + b"\xf7" * 30, data[:8] + b"\xf7" * (len(data) - 8)):
        path.write_bytes(other)
        assert level(path) is RiskLevel.UNINSPECTED


def test_columns_in_other_files_are_told(tmp_path, arrow):

    for place, expected in (("/etc/passwd", {"table-outside"}), ("../x.parquet", {"table-outside"}), ("part.parquet", set())):
        collected = []
        importlib.import_module("pyarrow.parquet").write_table(
            arrow.table({"a": [1]}), tmp_path / "part.parquet", metadata_collector=collected
        )
        collected[0].set_file_path(place)
        collected[0].write_metadata_file(tmp_path / "_metadata")
        assert rules(tmp_path / "_metadata") == expected


def test_text_of_base64_is_no_table(tmp_path):
    path = tmp_path / "notes"
    path.write_bytes(b"PAR1" + base64.b64encode(b"x" * 300) + b"PAR1")
    assert missed(path)
