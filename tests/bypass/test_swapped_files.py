"""A file that is replaced between the look and the load, also by one of another format, which takes another way through the loader."""

import io
import pickle

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

np = pytest.importorskip("numpy")

# joblib and torch warn of the formats that these files are swapped for.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")

ARRAY = {"weights": np.arange(3)}


@pytest.fixture
def swap(hold, monkeypatch):
    """Replace a file as soon as it was looked at."""

    def arrange(path, content):
        made = hold()
        check = made.check_stream

        def check_then_swap(*arguments):
            permit = check(*arguments)
            path.write_bytes(content)
            return permit

        monkeypatch.setattr(made, "check_stream", check_then_swap)

    return arrange


def same_names(armed):
    """A stream that names what the honest file names, and what it does not."""
    return pickle.dumps([ARRAY, armed])


def load_pickle(path):
    with path.open("rb") as file:
        return pickle.load(file)


def load_frame(path):
    return pytest.importorskip("pandas").read_pickle(path, compression=None)


def load_array(path):
    return np.load(path, allow_pickle=True)


def load_joblib(path):
    return pytest.importorskip("joblib").load(path)


@pytest.mark.parametrize("load", [load_pickle, load_frame, load_array, load_joblib])
def test_what_files_are_swapped_for_runs_without_the_guard(load, tmp_path, armed, canary):
    path = tmp_path / "weights.pkl"
    path.write_bytes(same_names(armed))
    load(path)
    assert canary.exists()


@pytest.mark.parametrize("load", [load_pickle, load_frame, load_array, load_joblib])
def test_swapped_file_is_read_as_it_was_looked_at(load, swap, tmp_path, armed, canary):
    path = tmp_path / "weights.pkl"
    path.write_bytes(pickle.dumps(ARRAY))
    swap(path, same_names(armed))
    assert list(load(path)["weights"]) == [0, 1, 2]
    assert not canary.exists()


def test_pickle_is_loaded_from_the_bytes_that_were_proved(swap, tmp_path, armed, canary):
    path = tmp_path / "weights.pkl"
    path.write_bytes(pickle.dumps(ARRAY))
    swap(path, same_names(armed))
    with path.open("rb") as file:
        assert list(pickle.load(file)["weights"]) == [0, 1, 2]
    assert not canary.exists()


def test_joblib_file_is_loaded_from_the_bytes_that_were_proved(swap, tmp_path, armed, canary):
    joblib = pytest.importorskip("joblib")
    path = tmp_path / "weights.joblib"
    joblib.dump(ARRAY, path)
    swap(path, same_names(armed))
    assert list(joblib.load(path)["weights"]) == [0, 1, 2]
    assert not canary.exists()


def test_joblib_file_does_not_become_one_of_its_very_old_format(swap, tmp_path, armed, canary):
    # a file that begins with ZF takes a reader of its own, which opens the file again
    joblib = pytest.importorskip("joblib")
    import zlib

    path = tmp_path / "weights.joblib"
    joblib.dump(ARRAY, path)
    data = pickle.dumps(ARRAY)
    swap(path, b"ZF" + hex(len(data)).encode().ljust(19) + zlib.compress(data))
    with pytest.raises(ModelLoadBlockedError, match="replaced"):
        joblib.load(path)


@pytest.mark.torch
@pytest.mark.parametrize("other", ["legacy", "script"])
def test_torch_archive_does_not_become_another_format(other, swap, tmp_path, armed, canary):
    torch = pytest.importorskip("torch")
    path = tmp_path / "weights.pt"
    torch.save({"weights": torch.zeros(3), **ARRAY}, path)
    swapped = io.BytesIO()
    if other == "legacy":
        torch.save({"weights": torch.zeros(3), **ARRAY}, swapped, _use_new_zipfile_serialization=False)
    else:
        import zipfile

        with zipfile.ZipFile(swapped, "w") as archive:
            for name in ("data.pkl", "constants.pkl", "version"):
                archive.writestr(f"archive/{name}", b"3\n" if name == "version" else pickle.dumps(()))
    swap(path, swapped.getvalue())
    with pytest.raises(ModelLoadBlockedError, match=r"replaced|TorchScript"):
        torch.load(path, weights_only=False)


@pytest.mark.torch
def test_torch_archive_is_loaded_from_the_opcodes_that_were_proved(swap, tmp_path, armed, canary):
    torch = pytest.importorskip("torch")
    path = tmp_path / "weights.pt"
    torch.save({"weights": torch.ones(3), **ARRAY}, path)
    swapped = io.BytesIO()
    torch.save({"weights": torch.ones(3), **ARRAY, "extra": armed}, swapped)
    swap(path, swapped.getvalue())
    assert "extra" not in torch.load(path, weights_only=False)
    assert not canary.exists()


@pytest.mark.torch
def test_checkpoint_does_not_run_as_torchscript(hold, tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "weights.pt"
    torch.save({"weights": torch.ones(3)}, path)
    hold()
    with pytest.raises(RuntimeError, match=r"constants\.pkl"):  # torch's own word: it runs nothing without them
        torch.jit.load(path)
