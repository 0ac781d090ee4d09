"""Files that are kept as they are while they are looked at and loaded by their path."""

import os
import sys

import pytest

from jupyter_modelguard.artifacts import lease, still

SIZE = still._COPIED + 1


@pytest.fixture
def large(tmp_path):
    path = tmp_path / "model.pt"
    path.write_bytes(b"a" * SIZE)
    return path


def first_byte(path):
    with open(path, "rb") as file:
        return file.read(1)


@pytest.fixture
def leased(large):
    with still.StillFile.at_path(str(large)) as kept:
        if kept._leased is None:
            pytest.skip("no leases on this file system")
        yield kept


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="leases are Linux's")
def test_large_file_is_not_copied_and_nobody_writes_it(leased, large):
    with pytest.raises(BlockingIOError):
        os.open(large, os.O_RDWR | os.O_NONBLOCK)
    assert leased.kept


def test_file_in_its_place_is_not_read(large, tmp_path):
    with still.StillFile.at_path(str(large)) as kept:
        (tmp_path / "other.pt").write_bytes(b"b" * SIZE)
        (tmp_path / "other.pt").replace(large)
        assert first_byte(kept.path) == b"a"


def test_file_that_is_open_for_writing_is_copied(large):
    with open(large, "r+b") as writer, still.StillFile.at_path(str(large)) as kept:
        writer.write(b"b")
        writer.flush()
        assert first_byte(kept.path) == b"a"
        assert kept.size == SIZE


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="leases are Linux's")
@pytest.mark.parametrize("kind", ["fuse.sshfs", "nfs4", "overlay"])
def test_file_on_a_file_system_of_somebody_else_is_copied(kind, large, tmp_path, monkeypatch):
    device = large.stat().st_dev
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"36 35 {os.major(device)}:{os.minor(device)} / /data rw,noatime master:1 - {kind} source rw\n")
    monkeypatch.setattr(lease, "_MOUNTS", mounts)
    with still.StillFile.at_path(str(large)) as kept:
        assert kept._leased is None
        assert first_byte(kept.path) == b"a"
