"""What stands behind the end of a member, where its own loader does not go and another one does; found by `fuzz.py`."""

import io
import pickle
import zipfile

import pytest

from jupyter_modelguard.engines.scanner import scan_file
from jupyter_modelguard.policy.evaluate import evaluate

np = pytest.importorskip("numpy", reason="the members are its own")


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def saved(value):
    file = io.BytesIO()
    np.save(file, value, allow_pickle=True)
    return file.getvalue()


def level(path):
    return evaluate(scan_file(str(path))).level


def test_archive_behind_the_pickle_of_a_torch_file(tmp_path, armed, canary):
    """`zipfile` finds it by its end, and NumPy what is in it."""
    hidden = pickle.dumps([1]) + zipped(first=saved(np.array([armed], dtype=object)))
    path = tmp_path / "model.pt"
    path.write_bytes(zipped(**{"archive/data.pkl": hidden, "archive/version": b"3\n"}))
    with zipfile.ZipFile(path) as outer, zipfile.ZipFile(io.BytesIO(outer.read("archive/data.pkl"))) as inner:
        np.load(io.BytesIO(inner.read("first")), allow_pickle=True)
    assert canary.exists(), "the file is not armed"
    assert level(path).asks
    path.write_bytes(zipped(**{"archive/data.pkl": pickle.dumps([1]), "archive/version": b"3\n"}))
    assert not level(path).asks


def test_array_of_objects_behind_one_of_numbers(tmp_path, armed, canary):
    """Several calls of `numpy.save` may write to one file, and as many of `numpy.load` read it."""
    path = tmp_path / "arrays.npz"
    path.write_bytes(zipped(**{"one.npy": saved(np.ones(2)) + saved(np.array([armed], dtype=object))}))
    with zipfile.ZipFile(path) as archive, archive.open("one.npy") as file:
        np.load(file)
        np.load(file, allow_pickle=True)
    assert canary.exists(), "the file is not armed"
    assert level(path).asks
    path.write_bytes(zipped(**{"one.npy": saved(np.ones(2))}))
    assert not level(path).asks
