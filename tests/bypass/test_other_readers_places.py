"""Files that one reader takes for numbers or text, and another one finds objects in, at a place that only it knows."""

import importlib
import io
import itertools
import pickle
import shelve
import struct
import tarfile
import warnings
import zipfile
import zlib

import pytest

from jupyter_modelguard.engines.scanner import scan_file
from jupyter_modelguard.policy.evaluate import evaluate


def level(path):
    return evaluate(scan_file(str(path))).level


ARCHIVES = {
    "version of torch": ({"m/data.pkl": pickle.dumps({"a": 1}, 2)}, "m/version"),
    "numbers of torch": ({"m/data.pkl": pickle.dumps({"a": 1}, 2), "m/version": b"3\n"}, "m/data/0"),
    "numbers of a package": ({"m/.data/extern_modules": b"os"}, "m/.data/0.storage"),
    "what a model was traced with": ({"m/data.pkl": pickle.dumps({"a": 1}, 2), "m/version": b"3\n"}, "m/traced_inputs/0"),
    "what Keras notes": ({"config.json": b'{"module": "keras", "class_name": "Sequential", "config": {}}'}, "metadata.json"),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_array_in_a_member_that_is_known_by_its_name(tmp_path, armed, canary, kind):
    """NumPy looks at what every member begins with, whoever else gave it its name."""
    np = pytest.importorskip("numpy", reason="it reads the archive")
    members, name = ARCHIVES[kind]
    array = io.BytesIO()
    np.save(array, np.array([armed], dtype=object), allow_pickle=True)
    path = tmp_path / "arrays.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for other, data in members.items():
            archive.writestr(other, data)
        archive.writestr(name, array.getvalue())
    with np.load(path, allow_pickle=True) as arrays:
        arrays[name]
    assert canary.exists(), "the file is not armed"
    assert level(path).asks


def test_tar_that_begins_like_a_sound(tmp_path, armed, canary):
    """Readers know a tar by a sum alone, and take that in binary, too."""
    made = io.BytesIO()
    data = pickle.dumps(armed)
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as archive:
        member = tarfile.TarInfo("a")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    block = bytearray(made.getvalue())
    block[257:265] = bytes(8)
    head = b"RIFF" + struct.pack("<I", len(block) - 8) + b"WAVEdata" + struct.pack("<I", len(block) - 20)
    block[: len(head)] = head
    block[148:156] = b" " * 8
    block[148:156] = b"\x80" + sum(block[:512]).to_bytes(7, "big")
    path = tmp_path / "sound.wav"
    path.write_bytes(block)
    with tarfile.open(path) as archive:
        pickle.load(archive.extractfile(archive.next()))
    assert canary.exists(), "the file is not armed"
    assert level(path).asks


def test_old_file_of_joblib_written_as_text(tmp_path, canary):
    """What zlib stores without packing it can be written in letters, all but its checksum, which a few of them mend."""
    joblib = pytest.importorskip("joblib", reason="it reads the file")
    length = 0x4141  # of letters, as the bytes that say it
    start = f"cos\nmkdir\n(S'{canary}'\ntR.".encode()
    for letter, count in itertools.product(range(ord("!"), ord("~")), range(9_000, 9_100)):
        data = (start + bytes([letter]) * count).ljust(length, b"~")
        checksum = struct.pack(">I", zlib.adler32(data))
        if min(checksum) > 0x7F:
            break
    packed = b"\x78\x5eA" + struct.pack("<HH", length, length ^ 0xFFFF) + data + checksum
    path = tmp_path / "notes.txt"
    path.write_bytes(b"ZF" + hex(length).encode().ljust(19) + packed)
    with pytest.warns(DeprecationWarning, match="joblib version less than"):
        joblib.load(path)
    assert canary.exists(), "the file is not armed"
    assert level(path).asks


def test_shelf_whose_pickle_stands_behind_text(tmp_path, canary):
    data = f"cos\nmkdir\n(S'{canary}'\ntR.".encode()
    (tmp_path / "shelf.dat").write_bytes(b"hello\n" + data)
    (tmp_path / "shelf.dir").write_text(f"'key', (6, {len(data)})\n")
    with shelve.open(str(tmp_path / "shelf"), "r") as shelf:
        shelf["key"]
    assert canary.exists(), "the file is not armed"
    assert level(tmp_path / "shelf.dat").asks


def test_shelf_of_plain_values_is_data(tmp_path):
    with shelve.Shelf(importlib.import_module("dbm.dumb").open(str(tmp_path / "shelf"), "n")) as shelf:
        shelf["key"] = {"a": [1, 2]}
        shelf["other"] = "text"
    report = scan_file(str(tmp_path / "shelf.dat"))
    assert report.format == "shelf"
    assert not any(finding.code for finding in report.findings)
    assert not report.globals


def test_pickle_that_has_the_name_of_what_a_model_was_traced_with(tmp_path, armed, canary):
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", pickle.dumps({"a": 1}, 2))
        archive.writestr("m/version", b"3\n")
        archive.writestr("m/traced_inputs.pkl", pickle.dumps(armed))
    with zipfile.ZipFile(path) as archive:
        pickle.loads(archive.read("m/traced_inputs.pkl"))
    assert canary.exists(), "the file is not armed"
    assert level(path).asks


def test_traced_model_only_computes(tmp_path):
    torch = pytest.importorskip("torch", reason="it writes the file")
    path = tmp_path / "traced.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.trace(torch.nn.Linear(4, 2), torch.ones(1, 4)).save(str(path))
    with zipfile.ZipFile(path) as archive:
        assert any(name.endswith("traced_inputs.pkl") for name in archive.namelist())
    assert not level(path).asks


@pytest.mark.parametrize("far", [False, True])
def test_pickle_behind_an_old_file_of_torch(tmp_path, armed, canary, far):
    """The next load of an open file goes on where the last one ended."""
    torch = pytest.importorskip("torch", reason="it writes the file")
    path = tmp_path / "model.pt"
    with path.open("wb") as file:
        torch.save({"a": torch.ones(2) if far else 1}, file, _use_new_zipfile_serialization=False)
        plain = file.tell()
        torch.save(armed, file, _use_new_zipfile_serialization=False) if far else pickle.dump(armed, file)
    with path.open("rb") as file:
        torch.load(file, weights_only=False)
        torch.load(file, weights_only=False) if far else pickle.load(file)
    assert canary.exists(), "the file is not armed"
    assert level(path).asks
    path.write_bytes(path.read_bytes()[:plain])
    assert not level(path).asks
