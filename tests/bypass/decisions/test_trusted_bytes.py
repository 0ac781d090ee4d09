"""Trust in a file is trust in all of its bytes: payloads and tensors too, which the look skips, and the very ones that are loaded."""

import base64
import contextlib
import pickle
import zlib

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from assembly import call, stream  # isort: skip
from chooser import records  # isort: skip


def load(path):
    with path.open("rb") as file:
        return pickle.load(file)


def payload(letter):
    """A stream with a payload of many bytes: no opcode can hide in it, so the look skips it, but a function may be given it to run."""
    return stream(call("base64:b64encode", letter.encode() * 200_000))


def test_what_the_look_skips_is_part_of_what_is_trusted(guarded, person, tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(payload("a"))
    load(path)
    load(path)
    assert len(person.asked) == 1
    path.write_bytes(payload("b"))
    person.scope = None
    with pytest.raises(ModelLoadBlockedError):
        load(path)
    assert "its content is different" in person.fact("Changed")
    first, second = records(guarded)[:2]
    assert first.artifact.digest == second.artifact.digest


def test_trusted_bytes_are_the_bytes_that_are_loaded(guarded, person, tmp_path, monkeypatch):
    """A file swapped between the check and the load, payloads included."""
    path = tmp_path / "model.pkl"
    path.write_bytes(payload("a"))
    honest = load(path)
    check = guarded.check_stream

    def check_then_swap(*arguments):
        permit = check(*arguments)
        path.write_bytes(payload("b"))
        return permit

    monkeypatch.setattr(guarded, "check_stream", check_then_swap)
    assert load(path) == honest
    assert records(guarded)[0].decision.transport == "trust"


def test_file_swapped_while_it_is_decided_about_is_trusted_as_it_was_loaded(guarded, person, tmp_path, monkeypatch):
    path = tmp_path / "model.pkl"
    path.write_bytes(payload("a"))
    answer = person.ask

    def answer_then_swap(record, view, changed):
        path.write_bytes(payload("b"))
        return answer(record, view, changed)

    monkeypatch.setattr(person, "ask", answer_then_swap)
    loaded = load(path)
    assert loaded == base64.b64encode(b"b" * 200_000)
    monkeypatch.setattr(person, "ask", answer)
    person.scope = None
    assert load(path) == loaded
    path.write_bytes(payload("a"))
    with pytest.raises(ModelLoadBlockedError):
        load(path)


def test_compressed_joblib_file(guarded, person, tmp_path):
    joblib = pytest.importorskip("joblib")
    path = tmp_path / "model.joblib"
    path.write_bytes(zlib.compress(stream(call("textwrap:dedent", "weights"))))
    for _ in range(2):
        assert joblib.load(path) == "weights"
    assert len(person.asked) == 1


def test_joblib_that_maps_the_file_is_not_trusted(guarded, person, tmp_path):
    joblib = pytest.importorskip("joblib")
    path = tmp_path / "model.joblib"
    path.write_bytes(stream(call("textwrap:dedent", "weights")))
    joblib.load(path, mmap_mode="r")
    assert person.offered() == ["once"]


def test_side_files_of_an_old_joblib_are_not_trusted(guarded, person, tmp_path):
    joblib = pytest.importorskip("joblib")
    np = pytest.importorskip("numpy")
    np.save(tmp_path / "side.npy", np.arange(3))
    side = b"side.npy"
    state = b"}(X\x08\x00\x00\x00filenameX" + len(side).to_bytes(4, "little") + side
    state += b"X\x08\x00\x00\x00subclasscnumpy\nndarray\nX\n\x00\x00\x00allow_mmap\x89u"
    wrapper = b"cjoblib.numpy_pickle\nNDArrayWrapper\n)\x81" + state + b"b"
    path = tmp_path / "model.joblib"
    path.write_bytes(b"\x80\x02" + wrapper + b"ctextwrap\ndedent\n(X\x01\x00\x00\x00atR\x86.")
    with contextlib.suppress(Exception):  # what is put together here is no model
        joblib.load(path)
    assert person.offered() == ["once"]


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


class Odd:
    """What nothing vouches for, around a tensor."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce__(self):
        import copy

        return copy.copy, (self.tensor,)


def checkpoint(torch, path, value, **options):
    torch.save({"weights": Odd(torch.full((1000,), float(value)))}, path, **options)


@pytest.mark.torch
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_tensors_of_a_checkpoint_are_part_of_what_is_trusted(torch, zipped, guarded, person, tmp_path):
    """An unknown function is given them, so that they may be code; the digest of the code-bearing part leaves them out."""
    path = tmp_path / "model.pt"
    for value, loads in ((1, 2), (2, 1)):
        checkpoint(torch, path, value, _use_new_zipfile_serialization=zipped)
        assert [float(torch.load(path, weights_only=False)["weights"][0]) for _ in range(loads)] == [value] * loads
    assert len(person.asked) == 2
    assert (
        "its content is different" in person.fact("Changed") or not zipped
    )  # the other format writes names of its own each time
    assert [record.decision.transport for record in records(guarded)] == ["card", "trust", "card"]


@pytest.mark.torch
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_checkpoint_swapped_between_check_and_load_is_loaded_as_it_was_trusted(
    torch, zipped, guarded, person, tmp_path, monkeypatch
):
    path = tmp_path / "model.pt"
    checkpoint(torch, path, 1, _use_new_zipfile_serialization=zipped)
    torch.load(path, weights_only=False)
    check = guarded.check_stream

    def check_then_swap(*arguments):
        permit = check(*arguments)
        checkpoint(torch, path, 2, _use_new_zipfile_serialization=zipped)
        return permit

    monkeypatch.setattr(guarded, "check_stream", check_then_swap)
    assert torch.load(path, weights_only=False)["weights"][0] == 1
    assert records(guarded)[0].decision.transport == "trust"


@pytest.mark.torch
def test_checkpoint_that_is_mapped_is_not_trusted(torch, guarded, person, tmp_path):
    """Its tensors are read from the file while they are used."""
    path = tmp_path / "model.pt"
    checkpoint(torch, path, 1)
    torch.load(path, weights_only=False, mmap=True)
    assert person.offered() == ["once"]


@pytest.mark.torch
def test_checkpoint_of_another_reader_is_not_trusted(torch, guarded, person, tmp_path):
    path = tmp_path / "model.pt"
    checkpoint(torch, path, 1)
    torch.load(path, weights_only=False)
    torch.load(path, weights_only=False, pickle_module=pytest.importorskip("dill"))
    assert person.offered() == ["once"]


def with_pandas(path):
    return pytest.importorskip("pandas").read_pickle(path)


def with_numpy(path):
    return pytest.importorskip("numpy").load(path, allow_pickle=True)


def with_dill(path):
    with path.open("rb") as file:
        return pytest.importorskip("dill").load(file)


def with_joblib(path):
    return pytest.importorskip("joblib").load(path)


@pytest.mark.parametrize("read", [load, with_pandas, with_numpy, with_dill, with_joblib])
def test_each_loader_that_reads_its_bytes_alone_can_be_trusted(read, guarded, person, tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(stream(call("textwrap:dedent", "weights")))
    assert [read(path) for _ in range(2)] == ["weights", "weights"]
    assert len(person.asked) == 1
    assert records(guarded)[0].decision.transport == "trust"


def test_trusted_file_passes_where_nobody_can_be_asked(guarded, person, worker, tmp_path, monkeypatch):
    from jupyter_modelguard.approval.order import Approver

    path = tmp_path / "model.pkl"
    path.write_bytes(stream(call("textwrap:dedent", "weights")))
    load(path)
    monkeypatch.setattr(guarded._streams._deciding, "approver", Approver(guarded.store))
    assert load(path) == "weights"
    path.write_bytes(stream(call("textwrap:dedent", "others")))
    with pytest.raises(ModelLoadBlockedError, match="Nobody could be asked"):
        load(path)


def test_large_file_that_is_written_to_while_it_is_loaded_is_let_go_of(guarded, person, tmp_path, monkeypatch):
    """It is held by a lease in place of a copy, and a lease lasts no longer than the kernel has patience."""
    from jupyter_modelguard.artifacts import reach

    monkeypatch.setattr(reach, "_COPIED", 10)
    path = tmp_path / "model.pkl"
    path.write_bytes(payload("a"))
    load(path)
    assert load(path) == base64.b64encode(b"a" * 200_000)
    monkeypatch.setattr(reach.Reached, "kept", False)
    with pytest.raises(ModelLoadBlockedError, match="changed while it was loaded"):
        load(path)
