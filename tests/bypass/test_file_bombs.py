"""Small files that grow, nest or loop beyond any size: a scan says so within its limits, and the next one works.

42.zip and its kin: https://www.bamsoftware.com/hacks/zipbomb/.
"""

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from jupyter_modelguard.engines.worker import Worker
from jupyter_modelguard.policy.evaluate import evaluate

from fuzz_running import wrong_ranges  # isort: skip

_SECONDS = 1.5
_MEMORY = 1 << 30
HEAD = b"\x80\x04"


def zipped(*members, method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def tuples_as_a_key():
    return HEAD + b"K\x01\x94" + b"".join(b"0h%ch%c\x86\x94" % (place, place) for place in range(40)) + b"0}h%cNs." % 40


def nested_key():
    return HEAD + b"}" + b")" + b"\x85" * 150_000 + b"Ns."


def billion_laughs():
    return HEAD + b"](K\x01K\x01e\x94" + b"".join(b"0](" + b"h%c" % place * 9 + b"e\x94" for place in range(60)) + b"."


def memo_bomb():
    return HEAD + b"Nr\xff\xff\xff\x7f."


def huge_number():
    return HEAD + b"\x8b\xff\xff\xff\x7f" + bytes(20) + b"."


def huge_text():
    return HEAD + b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f."


def huge_bytearray():
    return b"\x80\x05\x96\x00\x00\x00\x00\x00\x01\x00\x00."


def huge_frame():
    return HEAD + b"\x95\xff\xff\xff\xff\xff\xff\xff\x7fN."


def huge_npy():
    text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1152921504606846976,), }\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(80)


def deep_npy():
    text = b"{'descr': " + b"(" * 9_900 + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def deep_safetensors():
    text = b'{"a":' * 200_000
    return struct.pack("<Q", len(text)) + text


def wide_safetensors():
    text = b"{" + b" " * 100_000_001 + b"}"
    return struct.pack("<Q", len(text)) + text


def safetensors_of_numbers():
    header = {"w": {"dtype": "U8", "shape": [2**62], "data_offsets": [0, 2**62]}}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text


def deep_zips():
    data = pickle.dumps(1)
    for _ in range(12):
        data = zipped(("inside.zip", data), method=zipfile.ZIP_STORED)
    return data


def deep_gzips():
    data = pickle.dumps(1)
    for _ in range(12):
        data = gzip.compress(data, mtime=0)
    return data


def zips_of_zips():
    """Sixteen archives of sixteen archives and so on, five deep."""
    data = zipped(*((f"{place}", bytes(1 << 20)) for place in range(4)))
    for _ in range(4):
        data = zipped(*((f"{place}.zip", data) for place in range(16)))
    return data


def overlapping_zip():
    """Every entry of the directory leads to the same member."""
    one = zipped(("data", bytes(1 << 24)))
    start = one.rfind(b"PK\x01\x02")
    end = one.rfind(b"PK\x05\x06")
    directory = one[start:end] * 5_000
    return one[:start] + directory + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 5_000, 5_000, len(directory), start, 0)


def growing_gzip():
    return gzip.compress(gzip.compress(bytes(1 << 24), mtime=0) * 80, mtime=0)  # more than a gigabyte, in many members


def growing_bz2():
    return bz2.compress(bz2.compress(bytes(9_000_000)) * 130)


def greedy_xz():
    """An LZMA stream whose head asks for a dictionary of four gigabytes."""
    made = bytearray(lzma.compress(bytes(100), format=lzma.FORMAT_ALONE))
    made[1:5] = b"\xff\xff\xff\xff"
    return bytes(made)


def sparse_tar():
    info = tarfile.TarInfo("sparse")
    info.type = tarfile.GNUTYPE_SPARSE
    info.size = 0
    head = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    head[386:398], head[398:410] = b"00000000000\0", b"00000000000\0"
    head[483:495] = b"\x80" + b"\x00" * 5 + b"\x01" + b"\x00" * 5  # a terabyte
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + bytes(1024)


def long_named_tar():
    """A header whose name is said to be a terabyte long."""
    info = tarfile.TarInfo("././@LongLink")
    info.type = tarfile.GNUTYPE_LONGNAME
    info.size = 1 << 40
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


BOMBS = [
    tuples_as_a_key,
    nested_key,
    memo_bomb,
    huge_number,
    huge_text,
    huge_bytearray,
    huge_frame,
    huge_npy,
    deep_npy,
    deep_safetensors,
    wide_safetensors,
    safetensors_of_numbers,
    deep_zips,
    deep_gzips,
    zips_of_zips,
    overlapping_zip,
    growing_gzip,
    growing_bz2,
    greedy_xz,
    sparse_tar,
    long_named_tar,
]


@pytest.fixture(scope="module")
def impatient():
    made = Worker(seconds=_SECONDS, memory=_MEMORY)
    yield made
    made.close()


@pytest.fixture(scope="module")
def patient():
    made = Worker(memory=_MEMORY)
    yield made
    made.close()


@pytest.fixture
def honest(tmp_path):
    path = tmp_path / "honest.pkl"
    path.write_bytes(pickle.dumps({"a": [1, 2, 3]}))
    return str(path)


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_not_inspected_and_the_next_scan_works(bomb, impatient, honest, tmp_path):
    path = tmp_path / "bomb"
    path.write_bytes(bomb())
    report = impatient.scan(str(path))
    assert evaluate(report).level.value == "uninspected", report
    assert wrong_ranges(report, path.stat().st_size) == ""
    assert evaluate(impatient.scan(honest, seconds=60)).level.value == "data_only"  # another process may take long to start


def ten_million_opcodes():
    return b"\x80\x02" + b"N0" * 5_000_000 + b"N."


@pytest.mark.parametrize("make", [billion_laughs, ten_million_opcodes])
def test_what_is_only_large_is_data(make, patient, tmp_path):
    path = tmp_path / "large.pkl"
    path.write_bytes(make())
    assert evaluate(patient.scan(str(path))).level.value == "data_only"


def peak(worker):
    """The most memory that a worker's process ever had, in bytes of address space; it can import nothing of these tests."""
    said = worker.attempt(Path.read_text, Path("/proc/self/status"))
    return next(int(line.split()[1]) << 10 for line in said.splitlines() if line.startswith("VmPeak"))


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="Linux tells what a process takes")
def test_memory_stays_within_the_limit(patient, tmp_path):
    """Bombs that ask for more than there is get none of it."""
    before = peak(patient)
    for bomb in (huge_text, huge_bytearray, huge_npy, greedy_xz, wide_safetensors):
        path = tmp_path / "bomb"
        path.write_bytes(bomb())
        assert evaluate(patient.scan(str(path))).level.value == "uninspected"
    assert peak(patient) <= before + _MEMORY
