"""Compressed files of joblib are unpacked as far as their stream goes, and no further."""

import bz2
import gzip
import io
import lzma
import pickle
import zlib

import pytest

from jupyter_modelguard import ModelLoadBlockedError
from jupyter_modelguard.artifacts import unpacked
from jupyter_modelguard.artifacts.reach import Reached
from jupyter_modelguard.artifacts.unpacked import Unpacked
from jupyter_modelguard.engines import trace_cache

joblib = pytest.importorskip("joblib", reason="reads the files of these tests")
np = pytest.importorskip("numpy", reason="joblib keeps arrays apart")

COMPRESSORS = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zlib": zlib.compress,
    "lz4": lambda data: pytest.importorskip("lz4.frame", reason="joblib takes it from there").compress(data),
}
PART = 1 << 16


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(unpacked, "FIRST_PART", PART)
    monkeypatch.setattr(unpacked, "_PIECE", PART)
    monkeypatch.setattr(unpacked, "_INLINE", PART // 2)
    monkeypatch.setattr(trace_cache, "MOST_COMPARED", 0)  # far less than the first part, as it is without these small ones


@pytest.fixture
def sizes(monkeypatch):
    """How much each load unpacked."""
    seen = []
    close = Unpacked._close

    def note(self):
        seen.append(self.size)
        close(self)

    monkeypatch.setattr(Unpacked, "_close", note)
    return seen


@pytest.mark.parametrize("compressor", COMPRESSORS)
def test_what_lies_behind_the_stream_stays_packed(compressor, tmp_path, hold, small_parts, sizes):
    path = tmp_path / "model.joblib"
    path.write_bytes(COMPRESSORS[compressor](pickle.dumps({"x": np.float64}) + bytes(100 * PART)))
    hold()
    assert joblib.load(path) == {"x": np.float64}
    assert len(sizes) == 1
    assert sizes[0] <= 2 * PART


@pytest.mark.parametrize("compressor", COMPRESSORS)
def test_stream_of_many_parts_is_followed_to_its_end(compressor, tmp_path, hold, small_parts):
    path = tmp_path / "model.joblib"
    made = {"first": np.arange(100_000), "names": [str(number) for number in range(50_000)], "last": np.ones(3)}
    COMPRESSORS[compressor](b"")  # skips where it is not installed
    joblib.dump(made, path, compress=(compressor, 3))
    running = hold()
    loaded = joblib.load(path)
    assert loaded["names"] == made["names"]
    assert (loaded["first"] == made["first"]).all()
    assert (loaded["last"] == made["last"]).all()
    assert running.outcomes() == [("joblib.load", "loaded")]


@pytest.mark.parametrize("compressor", COMPRESSORS)
def test_command_far_behind_is_held(compressor, tmp_path, hold, small_parts, armed, canary):
    path = tmp_path / "model.joblib"
    path.write_bytes(COMPRESSORS[compressor](pickle.dumps([bytes(20 * PART), [str(number) for number in range(50_000)], armed])))
    joblib.load(path)
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        joblib.load(path)
    assert not canary.exists()


def turned(data):
    return bytes(255 - byte for byte in data)


@pytest.fixture
def registered(monkeypatch):
    """A compressor that the person brings: every bit turned round, behind a mark."""
    from joblib import compressor

    class Turned(compressor.CompressorWrapper):
        def decompressor_file(self, file):
            return io.BufferedReader(io.BytesIO(turned(file.read().removeprefix(b"TURN"))))

    monkeypatch.setitem(compressor._COMPRESSORS, "turned", Turned(obj=io.BytesIO, prefix=b"TURN"))


def test_file_of_a_compressor_that_the_person_registered(tmp_path, hold, registered, armed, canary):
    path = tmp_path / "model.turned"
    path.write_bytes(b"TURN" + turned(pickle.dumps({"x": np.float64})))
    other = tmp_path / "other.turned"
    other.write_bytes(b"TURN" + turned(pickle.dumps(armed)))
    joblib.load(other)
    canary.unlink()
    hold()
    assert joblib.load(path) == {"x": np.float64}
    with pytest.raises(ModelLoadBlockedError):
        joblib.load(other)
    assert not canary.exists()


def test_file_that_is_cut_off_gives_what_came_out(tmp_path, small_parts):
    path = tmp_path / "cut"
    path.write_bytes(gzip.compress(np.random.default_rng(0).bytes(3 * PART))[: 2 * PART])
    with Unpacked.of(Reached.at_path(str(path))) as reached:
        assert type(reached) is Unpacked
        assert PART <= len(reached.everything()) <= 2 * PART


def test_other_files_are_left_as_they_are(tmp_path):
    path = tmp_path / "plain"
    path.write_bytes(b"\x78\x9cno zlib at all")
    packed = Reached.at_path(str(path))
    with packed:
        assert Unpacked.of(packed) is packed


def test_private_file_is_removed(tmp_path, hold, small_parts, monkeypatch):
    import tempfile

    spools = tmp_path / "spools"
    spools.mkdir()
    path = tmp_path / "model.joblib"
    joblib.dump([np.arange(100_000)], path, compress=3)
    hold()
    monkeypatch.setattr(tempfile, "tempdir", str(spools))
    joblib.load(path)
    assert list(spools.iterdir()) == []
