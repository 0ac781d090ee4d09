"""Every loader of the table with its real library: honest files load silently, armed ones are held before they run."""

import copyreg
import pickle

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from ways_to_load import ALL, VALUES, alike, library_of, numpy_objects  # isort: skip

np = pytest.importorskip("numpy", reason="the arrays of these tests are numpy's")

# Reading what libraries wrote must not fail for what the libraries themselves warn of.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.mark.parametrize("loader", ALL)
def test_honest_file_loads_silently_and_like_the_plain_load(loader, hold, tmp_path):
    library, path = library_of(loader), tmp_path / "honest"
    loader.dump(library, VALUES[loader.value](), path)
    plain = loader.load(library, path)
    running = hold()
    loaded = loader.load(library, path)
    assert alike(loaded, plain)
    assert running.outcomes() == [*loader.before, (loader.recorded, "loaded")]


@pytest.mark.parametrize("loader", ALL)
def test_armed_file_is_held_before_it_runs(loader, hold, tmp_path, armed, canary):
    library, path = library_of(loader), tmp_path / "armed"
    loader.dump(library, {"weights": [1.5], "extra": armed}, path)
    loader.load(library, path)
    assert canary.exists(), "the file is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError, match=r"os\.system"):
        loader.load(library, path)
    assert not canary.exists()
    assert running.outcomes() == [*loader.before, (loader.recorded, "blocked")]


@pytest.mark.parametrize("loader", ALL)
def test_approved_file_runs_once_and_asks_again(loader, hold, tmp_path, armed, canary):
    library, path = library_of(loader), tmp_path / "armed"
    loader.dump(library, {"weights": [1.5], "extra": armed}, path)
    running = hold(says=True)
    for _ in range(2):
        loader.load(library, path)
        assert canary.exists()
        canary.unlink()
    assert running.outcomes() == [*loader.before, (loader.recorded, "allowed")] * 2
    assert len(running.guard.approver.asked) == 2


def test_joblib_keeps_arrays_mapped(hold, tmp_path):
    joblib = pytest.importorskip("joblib", reason="joblib is not installed")
    joblib.dump({"weights": np.arange(4096.0)}, tmp_path / "mapped")
    hold()
    assert isinstance(joblib.load(tmp_path / "mapped", mmap_mode="r")["weights"], np.memmap)


def test_scikit_learn_forest_loads_silently(hold, tmp_path):
    joblib = pytest.importorskip("joblib", reason="joblib is not installed")
    ensemble = pytest.importorskip("sklearn.ensemble", reason="scikit-learn is not installed")
    rng = np.random.default_rng(3)
    features, target = rng.normal(size=(60, 4)), rng.integers(0, 2, 60)
    forest = ensemble.RandomForestClassifier(5, random_state=3).fit(features, target)
    joblib.dump(forest, tmp_path / "forest.joblib")
    running = hold()
    assert (joblib.load(tmp_path / "forest.joblib").predict(features) == forest.predict(features)).all()
    assert running.outcomes() == [("joblib.load", "loaded")]


def test_plain_arrays_of_numpy_are_no_pickles(hold, tmp_path):
    np.save(tmp_path / "plain.npy", np.arange(5))
    np.savez(tmp_path / "plain.npz", first=np.arange(5))
    running = hold()
    assert np.load(tmp_path / "plain.npy").tolist() == list(range(5))
    assert np.load(tmp_path / "plain.npy", mmap_mode="r").tolist() == list(range(5))
    with np.load(tmp_path / "plain.npz") as archive:
        assert archive["first"].tolist() == list(range(5))
    assert {outcome for _, outcome in running.outcomes()} == {"loaded"}


def test_numpys_own_refusal_of_pickles_stays_numpys(hold, tmp_path, armed, canary):
    numpy_objects(np, armed, tmp_path / "armed.npy")
    running = hold()
    with pytest.raises(ValueError, match="allow_pickle"):
        np.load(tmp_path / "armed.npy")
    assert not canary.exists()
    assert running.outcomes() == [("numpy.load", "failed")]


def test_cloudpickled_function_asks_and_works_when_allowed(hold):
    cloudpickle = pytest.importorskip("cloudpickle", reason="cloudpickle is not installed")
    stream = cloudpickle.dumps(lambda number: number + 1)
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        cloudpickle.loads(stream)
    running.guard.close()
    running = hold(says=True)
    assert cloudpickle.loads(stream)(3) == 4
    assert running.outcomes()[-1][1] == "allowed"


def test_extension_codes_are_looked_at(hold, armed, canary):
    copyreg.add_extension("posix", "system", 240)
    try:
        stream = b"\x80\x02\x82\xf0" + pickle.dumps((f"touch '{canary}'",), 2)[2:-1] + b"R."
        pickle.loads(stream)
        assert canary.exists()
        canary.unlink()
        running = hold()
        with pytest.raises(ModelLoadBlockedError):
            pickle.loads(stream)
        assert not canary.exists()
        assert running.outcomes()[-1][1] == "blocked"
    finally:
        copyreg.remove_extension("posix", "system", 240)
        copyreg._extension_cache.pop(240, None)
