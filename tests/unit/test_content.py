"""The sha256 of all bytes: the same in memory and in a file, with a copy and without."""

import hashlib
import os

import pytest

from jupyter_modelguard.artifacts import content, reach
from jupyter_modelguard.artifacts.content import digest_of_bytes, digest_of_file
from jupyter_modelguard.artifacts.reach import Reached


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(content, "_BLOCK", 300)


@pytest.fixture
def written(tmp_path):
    def write(data):
        (tmp_path / "file").write_bytes(data)
        return os.open(tmp_path / "file", os.O_RDONLY)

    return write


@pytest.mark.parametrize("size", [0, 1, 299, 999, 1000, 1001, 5000, 9999])
@pytest.mark.parametrize("start", [0, 7])
def test_file_and_memory_have_the_same_digest(size, start, written, tmp_path):
    data = os.urandom(size)
    descriptor = written(b"x" * start + data)
    copy = os.open(tmp_path / "copy", os.O_RDWR | os.O_CREAT)
    assert digest_of_file(descriptor, start) == digest_of_file(descriptor, start, copy) == digest_of_bytes(data)
    assert os.pread(copy, size + 1, start) == data
    os.close(copy)
    os.close(descriptor)


def test_digest_is_what_sha256sum_gives(written):
    data = os.urandom(5000)
    descriptor = written(data)
    assert digest_of_file(descriptor, 0) == hashlib.sha256(data).hexdigest()
    os.close(descriptor)


def test_file_that_cannot_be_read_says_so(tmp_path):
    with pytest.raises(OSError, match="directory"):
        digest_of_file(os.open(tmp_path, os.O_RDONLY), 0)


@pytest.fixture
def held(tmp_path, monkeypatch):
    """A large file that is held by a lease."""
    monkeypatch.setattr(reach, "_COPIED", 10)
    path = tmp_path / "large"
    path.write_bytes(b"a" * 5000)
    with Reached.at_path(str(path)) as reached:
        assert reached.hold() == digest_of_bytes(b"a" * 5000)
        if reached._leased is None:
            pytest.skip("no leases on this file system")
        yield reached


def test_large_file_is_held_without_a_copy_and_nobody_writes_it(held, tmp_path):
    with pytest.raises(BlockingIOError):
        os.open(tmp_path / "large", os.O_RDWR | os.O_NONBLOCK)
    assert held.kept
    with held.held() as file:
        assert file.read() == b"a" * 5000


def test_lease_that_was_broken_says_so(held, tmp_path, monkeypatch):
    import fcntl

    held._until = 0.0
    fcntl.fcntl(held._leased, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    (tmp_path / "large").write_bytes(b"b" * 5000)
    assert not held.kept


def test_position_of_the_callers_file_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(reach, "_COPIED", 10)
    path = tmp_path / "large"
    path.write_bytes(b"a" * 5000)
    with path.open("rb") as file, Reached.of_file(file, 0) as reached:
        reached.hold()
        with reached.held() as again:
            again.read(100)
        assert file.tell() == 0


def test_file_that_is_open_for_writing_is_copied(tmp_path, monkeypatch):
    monkeypatch.setattr(reach, "_COPIED", 10)
    path = tmp_path / "large"
    path.write_bytes(b"a" * 5000)
    with path.open("r+b") as writer, Reached.at_path(str(path)) as reached:
        before = reached.hold()
        writer.write(b"b")
        writer.flush()
        assert reached._leased is None
        assert reached.digest() == before
        assert reached.kept
