"""Containers of every format that a scan opens, written by the libraries whose loaders read them, around any bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

__all__ = ["CONTAINERS", "packed"]


def packed(random: Random, data: bytes) -> bytes:
    """Put bytes into a container, or two or three in one another."""
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        data = random.choice(CONTAINERS)(random, data)
    return data


def _gzip(random: Random, data: bytes) -> bytes:
    body = gzip.compress(data, random.choice([0, 1, 9]), mtime=0)
    kind = random.randrange(5)
    if kind == 0:  # with a name, a comment and a field of extras
        flags = random.choice([0x08, 0x10, 0x18, 0x04, 0x1C])
        extra = b"\x04\x00abcd" if flags & 4 else b""
        return (
            body[:3]
            + bytes([flags])
            + body[4:10]
            + extra
            + b"name\0" * bool(flags & 8)
            + b"said\0" * bool(flags & 16)
            + body[10:]
        )
    if kind == 1:
        return gzip.compress(data[: len(data) // 2], mtime=0) + gzip.compress(data[len(data) // 2 :], mtime=0)
    if kind == 2:
        return body + bytes(random.randrange(20))
    if kind == 3:
        return gzip.compress(b"", mtime=0) + body
    return body


def _bz2(random: Random, data: bytes) -> bytes:
    if random.random() < 0.3:
        return bz2.compress(b"") + bz2.compress(data)
    return bz2.compress(data, random.choice([1, 9]))


def _xz(random: Random, data: bytes) -> bytes:
    made = lzma.compress(data, check=random.choice([lzma.CHECK_NONE, lzma.CHECK_CRC32, lzma.CHECK_SHA256]), preset=0)
    if random.random() < 0.3:
        return lzma.compress(b"", preset=0) + made
    return made + bytes(4 * random.randrange(3)) if random.random() < 0.3 else made


def _lzma(random: Random, data: bytes) -> bytes:
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": random.choice([4096, 1 << 16, 1 << 20]), "lc": random.choice([0, 3])}]
    return lzma.compress(data, format=lzma.FORMAT_ALONE, filters=filters)


def _zlib(random: Random, data: bytes) -> bytes:
    made = zlib.compressobj(random.choice([0, 1, 6, 9]), zlib.DEFLATED, random.choice([9, 10, 12, 15]))
    return made.compress(data) + made.flush()


def _zip(random: Random, data: bytes) -> bytes:
    file = io.BytesIO()
    methods = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
    names = [
        "data.pkl",
        "archive/data.pkl",
        "archive/version",
        "a.npy",
        "config.json",
        "model.weights.h5",
        "x",
        "../x",
        "data.bin",
        "y.bin",
    ]
    with zipfile.ZipFile(_NoSeek(file) if random.random() < 0.2 else file, "w") as archive:
        for _ in range(random.choice([1, 1, 2, 3])):
            info = zipfile.ZipInfo(random.choice(names))
            info.compress_type = random.choice(methods)
            info.extra = random.choice([b"", b"", b"\x01\x00\x00\x00", b"FB\x04\x00ZZZZ"])
            archive.writestr(info, data if random.random() < 0.8 else b"3\n")
        if random.random() < 0.1:
            archive.comment = data[:60000]
    made = file.getvalue()
    return (data if random.random() < 0.5 else b"#!junk\n") + made if random.random() < 0.15 else made


class _NoSeek(io.RawIOBase):
    """Makes `zipfile` write the sizes behind the members."""

    def __init__(self, file: io.BytesIO) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._file.write(data)

    def flush(self) -> None:
        pass


def _torch_zip(random: Random, data: bytes) -> bytes:
    file = io.BytesIO()
    folder = random.choice(["archive", "model", ""])
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{folder}/data.pkl", data)
        archive.writestr(f"{folder}/byteorder", "little")
        archive.writestr(f"{folder}/data/0", bytes(16))
        archive.writestr(f"{folder}/version", "3\n")
        if random.random() < 0.2:
            archive.writestr(f"{folder}/.data/serialization_id", data)
        if random.random() < 0.1:
            archive.writestr(f"{folder}/data/1", data)
    return file.getvalue()


def _torch_legacy(random: Random, data: bytes) -> bytes:
    import pickle

    head = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    if random.random() < 0.2:
        head = head[: -random.randrange(1, 9)] + b"."
    return head + data + (pickle.dumps([], 2) if random.random() < 0.8 else data)


def _npy(random: Random, data: bytes) -> bytes:
    version = random.choice([1, 1, 2, 3])
    kind = random.choice(["'|O'", "'|O'", "'<f8'", "[('a', '|O'), ('b', '<i4')]", "'O8'"])
    shape = random.choice(["()", "(1,)", f"({len(data) // 8},)", "(0,)", f"({2**60},)"])
    text = f"{{'descr': {kind}, 'fortran_order': {random.choice(['False', 'True'])}, 'shape': {shape}, }}".encode()
    text += b" " * random.randrange(70) + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + data


def _npz(random: Random, data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", random.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
        archive.writestr("first.npy", _npy(random, data))
        archive.writestr(random.choice(["second.npy", "second", "first.npy"]), data)
    return file.getvalue()


def _tar(random: Random, data: bytes) -> bytes:
    file = io.BytesIO()
    form = random.choice([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
    with tarfile.open(fileobj=file, mode=random.choice(["w", "w", "w:gz", "w:bz2"]), format=form) as archive:
        for name in random.choice(
            [["a"], ["a", "a"], ["x/" * 60 + "long"], ["model.pkl", "weights.bin"], ["pickle", "storages", "tensors", "sources"]]
        ):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mtime = 0
            if random.random() < 0.1:
                info.type = random.choice([tarfile.SYMTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE, b"Z"])
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def _safetensors(random: Random, data: bytes) -> bytes:
    header: dict[str, Any] = {"w": {"dtype": "U8", "shape": [len(data)], "data_offsets": [0, len(data)]}}
    if random.random() < 0.3:
        header["__metadata__"] = {"format": "pt"}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def _behind(random: Random, data: bytes) -> bytes:
    """Several things one behind the other."""
    import pickle

    first = random.choice([pickle.dumps([1, 2]), pickle.dumps({"a": 1}, 0), b"N.", b"\x80\x04."])
    return random.choice([first + data, data + first, data + bytes(8), first + b"\0" * 3 + data])


CONTAINERS: tuple[Callable[[Random, bytes], bytes], ...] = (
    _gzip,
    _bz2,
    _xz,
    _lzma,
    _zlib,
    _zip,
    _zip,
    _torch_zip,
    _torch_zip,
    _torch_legacy,
    _npy,
    _npz,
    _tar,
    _safetensors,
    _behind,
)
