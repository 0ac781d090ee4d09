"""What lies beside, behind or compressed in a file: joblib's compressors and side files, arrays of objects in npz archives.

CVE-2020-13092 and CVE-2024-34997 (joblib), CVE-2019-6446 (numpy).
"""

import bz2
import gzip
import io
import lzma
import pickle
import zipfile
import zlib

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from assembly import call, stream  # isort: skip

np = pytest.importorskip("numpy")
joblib = pytest.importorskip("joblib")
pytestmark = pytest.mark.filterwarnings("ignore")


def zlib_of_an_old_joblib(data):
    return b"ZF" + hex(len(data)).encode().ljust(19) + zlib.compress(data)


COMPRESSORS = {
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "xz": lzma.compress,
    "nothing": bytes,
}


@pytest.fixture
def payload(canary):
    return call("builtins:open", str(canary), "w")


def strikes(load, hold, canary):
    try:
        load()
    except ModelLoadBlockedError:
        raise
    except Exception:  # noqa: BLE001 some stumble over what comes out
        assert canary.exists()
    assert canary.exists(), "the attack does not work"
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        load()
    assert not canary.exists()


@pytest.mark.parametrize("suffix", [".joblib", ".gz", ".z", ""])
@pytest.mark.parametrize("compressor", COMPRESSORS)
def test_compressed_file_of_joblib(compressor, suffix, payload, hold, tmp_path, canary):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(COMPRESSORS[compressor](stream(payload)))
    strikes(lambda: joblib.load(path), hold, canary)


def test_file_of_a_very_old_joblib(payload, hold, tmp_path, canary):
    """They take a reader of their own."""
    path = tmp_path / "weights.z"
    path.write_bytes(zlib_of_an_old_joblib(stream(payload)))
    strikes(lambda: joblib.load(path), hold, canary)


def test_file_of_a_very_old_joblib_with_plain_data_loads(hold, tmp_path):
    path = tmp_path / "weights.z"
    path.write_bytes(zlib_of_an_old_joblib(pickle.dumps({"weights": [1.5, 2]})))
    hold()
    assert joblib.load(path) == {"weights": [1.5, 2]}


def test_lz4_file_of_joblib(payload, hold, tmp_path, canary):
    frame = pytest.importorskip("lz4.frame")
    path = tmp_path / "weights.lz4"
    path.write_bytes(frame.compress(stream(payload)))
    strikes(lambda: joblib.load(path), hold, canary)


class Armed:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return open, (str(self.canary), "w")


@pytest.mark.parametrize("compress", [0, 3, ("xz", 2)])
def test_array_of_objects_in_a_file_of_joblib(compress, hold, tmp_path, canary):
    joblib.dump({"weights": np.array([1, Armed(canary)], dtype=object)}, tmp_path / "weights.joblib", compress=compress)
    strikes(lambda: joblib.load(tmp_path / "weights.joblib"), hold, canary)


@pytest.mark.parametrize("module", ["joblib.numpy_pickle_compat", "joblib.numpy_pickle"])
def test_side_file_of_joblib(module, hold, tmp_path, canary):
    """Files of an old joblib keep arrays in files of their own, which may be pickles."""
    pytest.importorskip("joblib.numpy_pickle_compat")
    np.save(tmp_path / "side.npy", np.array([Armed(canary)], dtype=object), allow_pickle=True)
    text = f"\x80\x02c{module}\nNDArrayWrapper\n".encode("latin1")
    side = str(tmp_path / "side.npy").encode()
    names = b"X" + len(side).to_bytes(4, "little") + side
    state = b"}(X\x08\x00\x00\x00filename" + names + b"X\x08\x00\x00\x00subclasscnumpy\nndarray\nX\n\x00\x00\x00allow_mmap\x89u"
    path = tmp_path / "weights.joblib"
    path.write_bytes(text + b")\x81" + state + b"b.")
    hold()
    with pytest.raises(ModelLoadBlockedError):
        joblib.load(path)
    assert not canary.exists()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("how", ["by key", "by items", "as a file", "mapped"])
def test_member_of_an_npz_archive(save, how, hold, tmp_path, canary):
    path = tmp_path / "weights.npz"
    save(path, honest=np.arange(3), armed=np.array([Armed(canary)], dtype=object))

    def load():
        target = io.BytesIO(path.read_bytes()) if how == "as a file" else path
        with np.load(target, allow_pickle=True, mmap_mode="r" if how == "mapped" else None) as archive:
            assert len(archive["honest"]) == 3
            return dict(archive) if how == "by items" else archive["armed"]

    strikes(load, hold, canary)


def test_archive_opened_before_the_guard(hold, tmp_path, canary):
    path = tmp_path / "weights.npz"
    np.savez(path, armed=np.array([Armed(canary)], dtype=object))
    with np.load(path, allow_pickle=True) as archive:
        hold()
        with pytest.raises(ModelLoadBlockedError):
            archive["armed"]
    assert not canary.exists()


def test_array_that_is_a_pickle(payload, hold, tmp_path, canary):
    path = tmp_path / "weights.npy"
    path.write_bytes(stream(payload))
    strikes(lambda: np.load(path, allow_pickle=True), hold, canary)


@pytest.mark.parametrize("container", ["zip", "tar", "gz", "bz2", "xz"])
def test_compressed_pickle_of_pandas(container, payload, hold, tmp_path, canary):
    import tarfile

    pandas = pytest.importorskip("pandas")
    path = tmp_path / f"weights.{container}"
    data = stream(payload)
    if container == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x", data)
    elif container == "tar":
        with tarfile.open(path, "w") as archive:
            member = tarfile.TarInfo("x")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    else:
        path.write_bytes({"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}[container](data))
    strikes(lambda: pandas.read_pickle(path), hold, canary)


def test_pickle_in_a_container_that_no_loader_opens(payload, tmp_path):
    """7z: loaders want it unpacked first, so the scan alone meets it, and must not call it clean."""
    from jupyter_modelguard.engines.scan import scan
    from jupyter_modelguard.policy.evaluate import evaluate

    path = tmp_path / "weights.bin"
    path.write_bytes(b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(24) + stream(payload))
    assert evaluate(scan(path)).level.asks
