"""Archives that readers understand differently: flags, checksums, two names for one member, two directories, data before the archive.

https://github.com/mmaitre314/picklescan/security/advisories: GHSA-7q5r-7gvp-wc82 and GHSA-w8jq-xcqf-f792 (CVE-2025-1944, CVE-2025-1945),
GHSA-mjqp-26hc-grxg (CVE-2025-10156), GHSA-97f8-7cmv-76j2.
"""

import io
import os
import pickle
import struct
import zipfile

import pytest

from jupyter_modelguard.engines.scan import scan
from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.policy.evaluate import evaluate

from assembly import call, stream  # isort: skip
from torch_files import honest_script, saved, script_that_maps  # isort: skip

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

END = b"PK\x05\x06"
ENTRY = b"PK\x01\x02"


def directory(archive):
    """Where the central directory of what `torch.save` writes is: its place, its size, and how many members it has."""
    locator = archive.rfind(b"PK\x06\x07")
    if locator < 0:
        end = archive.rfind(END)
        count, size, place = struct.unpack("<HII", archive[end + 10 : end + 20])
        return place, size, count
    end = struct.unpack("<Q", archive[locator + 8 : locator + 16])[0]
    count, size, place = struct.unpack("<QQQ", archive[end + 32 : end + 56])
    return place, size, count


def entries(archive):
    place, size, _ = directory(archive)
    at = place
    while at < place + size:
        name, extra, comment = struct.unpack("<HHH", archive[at + 28 : at + 34])
        yield at, archive[at + 46 : at + 46 + name]
        at += 46 + name + extra + comment


def pickled(archive):
    """The places of data.pkl's entry in the directory and of its local header."""
    at = next(at for at, name in entries(archive) if name.endswith(b"data.pkl"))
    return at, struct.unpack("<I", archive[at + 42 : at + 46])[0]


def changed(archive, place, content):
    return archive[:place] + content + archive[place + len(content) :]


def encrypted_flag(archive):
    at, local = pickled(archive)
    flags = struct.unpack("<H", archive[at + 8 : at + 10])[0] | 1
    return changed(changed(archive, at + 8, struct.pack("<H", flags)), local + 6, struct.pack("<H", flags))


def encrypted_in_the_directory_alone(archive):
    at, _ = pickled(archive)
    return changed(archive, at + 8, struct.pack("<H", struct.unpack("<H", archive[at + 8 : at + 10])[0] | 1))


def strong_encryption(archive):
    at, local = pickled(archive)
    return changed(changed(archive, at + 8, struct.pack("<H", 0x40)), local + 6, struct.pack("<H", 0x40))


def patched_data(archive):
    at, local = pickled(archive)
    return changed(changed(archive, at + 8, struct.pack("<H", 0x20)), local + 6, struct.pack("<H", 0x20))


def wrong_checksum(archive):
    at, local = pickled(archive)
    return changed(changed(archive, at + 16, b"\xde\xad\xbe\xef"), local + 14, b"\xde\xad\xbe\xef")


def another_local_name(archive):
    _, local = pickled(archive)
    return changed(archive, local + 30, b"archive/data.txt")


def hidden_directory(archive):
    return behind(saved({"weights": torch.zeros(2)}), archive)


def behind(honest, archive):
    """An honest archive before the armed one: Python reads the record before the end, torch the one that the locator names."""
    (armed_at, armed_size, armed_count), (place, size, count) = directory(archive), directory(honest)
    body = honest[:place]
    moved = b""
    for at, name in entries(archive):
        extra, comment = struct.unpack("<HH", archive[at + 30 : at + 34])
        entry = archive[at : at + 46 + len(name) + extra + comment]
        moved += changed(entry, 42, struct.pack("<I", struct.unpack("<I", entry[42:46])[0] + len(body)))
    body += archive[:armed_at]

    def record(entries_, length, start):
        return struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, entries_, entries_, length, start)

    armed_record = len(body) + len(moved)
    whole = body + moved + record(armed_count, armed_size, len(body))
    whole += honest[place : place + size] + record(count, size, len(whole))
    whole += struct.pack("<4sIQI", b"PK\x06\x07", 0, armed_record, 1)
    return whole + struct.pack("<4sHHHHIIH", END, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)


def data_before(archive):
    return b"PK\x03\x04" + b"\0" * 60 + archive


def plain(archive):
    return archive


def with_comment(archive):
    end = archive.rfind(END)
    return archive[: end + 20] + struct.pack("<H", 4) + b"word"


def a_member_twice(archive):
    file = io.BytesIO(archive)
    with zipfile.ZipFile(file, "a") as more:
        more.writestr("archive/DATA.PKL", pickle.dumps({"weights": 1}))
    return file.getvalue()


def compressed(archive):
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as fresh:
        for name in old.namelist():
            fresh.writestr(name, old.read(name))
    return file.getvalue()


WAYS = [
    plain, encrypted_flag, encrypted_in_the_directory_alone, strong_encryption, patched_data, wrong_checksum, another_local_name,
    hidden_directory, data_before, with_comment, a_member_twice, compressed,
]  # fmt: skip


class Armed:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.system, (f"touch {self.canary}",)


@pytest.fixture
def archive(request, tmp_path, canary):
    path = tmp_path / "weights.pt"
    path.write_bytes(request.param(saved({"weights": torch.zeros(2), "more": Armed(canary)})))
    return path


@pytest.mark.parametrize("archive", WAYS, indirect=True, ids=[way.__name__ for way in WAYS])
def test_archive_is_held(archive, hold, plainly, canary):
    plainly("import torch\ntorch.load(path, weights_only=False)", "torch", path=str(archive))
    runs = canary.exists()
    canary.unlink(missing_ok=True)
    hold()
    try:
        torch.load(archive, weights_only=False)
    except ModelLoadBlockedError:
        pass
    except (RuntimeError, ValueError, pickle.UnpicklingError):
        assert not runs, "an error that is not the block's"  # what torch itself refuses is no attack
    else:
        assert archive.read_bytes().count(b"data.pkl") > 2, "loaded the honest half alone"
    assert not canary.exists()


@pytest.mark.parametrize("archive", WAYS, indirect=True, ids=[way.__name__ for way in WAYS])
def test_scan_does_not_call_an_archive_clean_that_runs(archive):
    assert evaluate(scan(archive)).level.asks


@pytest.fixture(scope="session")
def script(tmp_path_factory):
    """A TorchScript archive that makes its canary as soon as torch's interpreter has it: there no event is raised."""
    canary = tmp_path_factory.mktemp("script") / "canary"

    return script_that_maps(canary), canary


@pytest.mark.parametrize("load", ["torch.jit.load(path)", "torch.load(path, weights_only=False)"])
def test_script_behind_an_honest_script(load, script, hold, plainly, tmp_path):
    armed, canary = script
    path = tmp_path / "script.pt"
    path.write_bytes(behind(honest_script(), armed))
    plainly(f"import torch\n{load}", "torch", path=str(path))
    assert canary.exists()
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        eval(load, {"torch": torch, "path": path})
    assert not canary.exists()


def legacy(*parts):
    return b"".join(pickle.dumps(part, 2) if not isinstance(part, bytes) else part for part in parts)


# https://github.com/mmaitre314/picklescan/security/advisories/GHSA-97f8-7cmv-76j2
def test_magic_number_that_is_computed(hold, plainly, tmp_path, canary):
    number = stream(call("builtins:eval", "0x1950A86A20F9469CFC6C"))
    payload = stream(call("os:system", f"touch {canary}"))
    path = tmp_path / "weights.pt"
    path.write_bytes(legacy(number, 1001, {}, payload, []))
    plainly("import torch\ntorch.load(path, weights_only=False)", "torch", path=str(path))
    assert canary.exists()
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        torch.load(path, weights_only=False)
    assert not canary.exists()


def tar_of_an_old_torch(payload):
    import tarfile

    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in (
            ("storages", pickle.dumps(0) + pickle.dumps([])),
            ("tensors", pickle.dumps(0)),
            ("pickle", payload),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


# CVE-2025-32434 was this format: weights_only=True did not reach it
def test_tar_of_an_old_torch(hold, plainly, tmp_path, canary):
    path = tmp_path / "weights.tar"
    path.write_bytes(tar_of_an_old_torch(stream(call("os:system", f"touch {canary}"))))
    plainly("import torch\ntorch.load(path, weights_only=False)", "torch", path=str(path))
    assert canary.exists()
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        torch.load(path, weights_only=False)
    assert not canary.exists()
