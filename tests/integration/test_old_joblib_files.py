"""Files of joblib before 0.10: a pickle, compressed in a way of its own, and arrays in files beside it."""

import pickle
import zlib

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

np = pytest.importorskip("numpy", reason="joblib keeps arrays")
joblib = pytest.importorskip("joblib", reason="reads the files")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
ARRAY = np.arange(6.0)


def packed(data):
    return b"ZF" + hex(len(data)).encode().ljust(19) + zlib.compress(data)


@pytest.fixture(params=["compressed", "plain"])
def model(request, tmp_path):
    """A file whose array lies beside it."""
    from joblib.numpy_pickle_compat import NDArrayWrapper

    np.save(tmp_path / "model_01.npy", ARRAY)
    data = pickle.dumps({"weights": NDArrayWrapper("model_01.npy", np.ndarray), "depth": 3})
    path = tmp_path / "model.joblib"
    path.write_bytes(packed(data) if request.param == "compressed" else data)
    return path


def test_arrays_beside_a_file_are_asked_about(model, hold):
    running = hold()
    with pytest.raises(ModelLoadBlockedError, match="NDArrayWrapper"):
        joblib.load(model)
    assert running.outcomes() == [("joblib.load", "blocked")]


def test_arrays_beside_a_file_load_when_a_person_allows_it(model, hold):
    hold(says=True)
    loaded = joblib.load(model)
    assert loaded["depth"] == 3
    assert (loaded["weights"] == ARRAY).all()


def test_array_that_is_swapped_for_objects_after_it_was_allowed_runs_nothing(model, hold, armed, canary):
    swapped = np.array([armed], dtype=object)
    np.save(model.parent / "model_01.npy", swapped, allow_pickle=True)
    joblib.load(model)
    assert canary.exists(), "the array is not armed"
    canary.unlink()
    hold(says=True)
    with pytest.raises(ModelLoadBlockedError):
        joblib.load(model)
    assert not canary.exists()


def swapping(running, path, content):
    ask = running.guard.approver.ask

    def swap(record, view, changed):
        path.write_bytes(content)
        return ask(record, view, changed)

    running.guard.approver.ask = swap


def test_file_that_is_swapped_after_it_was_shown_loads_as_it_was_shown(model, hold, armed, canary):
    old = model.read_bytes().startswith(b"ZF")
    armed_data = pickle.dumps(armed)
    swapping(hold(says=True), model, packed(armed_data) if old else armed_data)
    assert joblib.load(model)["depth"] == 3
    assert not canary.exists()


def test_file_that_is_swapped_for_one_of_another_format_is_refused(model, hold, armed, canary):
    old = model.read_bytes().startswith(b"ZF")
    armed_data = pickle.dumps(armed)
    swapping(hold(says=True), model, armed_data if old else packed(armed_data))
    with pytest.raises(ModelLoadBlockedError, match="replaced"):
        joblib.load(model)
    assert not canary.exists()


@pytest.mark.parametrize("elsewhere", ["absolute", "../secret.npy", "parts/../../secret.npy"])
@pytest.mark.parametrize("kind", ["NDArrayWrapper", "ZNDArrayWrapper"])
def test_array_that_lies_elsewhere_is_not_read_although_the_file_was_allowed(elsewhere, kind, hold, tmp_path):
    """The question shows a class, and an allowed load would read whatever file its state names."""
    from joblib import numpy_pickle_compat

    (tmp_path / "models" / "parts").mkdir(parents=True)
    name = str(tmp_path / "secret.npy") if elsewhere == "absolute" else elsewhere
    if kind == "NDArrayWrapper":
        np.save(tmp_path / "secret.npy", ARRAY)
        made = numpy_pickle_compat.NDArrayWrapper(name, np.ndarray)
    else:
        (tmp_path / "secret.npy").write_bytes(packed(ARRAY.tobytes()))
        made = numpy_pickle_compat.ZNDArrayWrapper(name, (np.ndarray, (0,), b"b"), (1, ARRAY.shape, ARRAY.dtype, False))
    path = tmp_path / "models" / "model.joblib"
    path.write_bytes(pickle.dumps([made]))
    assert (joblib.load(path)[0] == ARRAY).all()
    hold(says=True)
    with pytest.raises(ModelLoadBlockedError, match="not beside the file"):
        joblib.load(path)
