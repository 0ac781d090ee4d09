"""TorchScript, whichever call reads it: archives that only compute pass, and armed ones are held before they run."""

import io
import zipfile

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from torch_files import honest_script, script_that_maps  # isort: skip


torch = pytest.importorskip("torch", reason="torch is not installed")


pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]


def rewritten(content, edit):
    """A TorchScript archive with other code in it."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as other:
        for member in old.infolist():
            data = old.read(member)
            if not member.filename.endswith(".debug_pkl"):
                other.writestr(member.filename, edit(data.decode()).encode() if member.filename.endswith(".py") else data)
    return made.getvalue()


@pytest.fixture(scope="module")
def linear():
    """A small honest archive."""
    return honest_script()


def maps(canary):
    """An expression of TorchScript that makes the canary: shared maps of files are created."""
    return f'torch.from_file("{canary}", True, 4)'


def in_default(source, canary):
    return source.replace("input: Tensor)", f"input: Tensor,\n    more: Tensor={maps(canary)})")


def in_constant(source, canary):
    return source.replace("in_features : Final[int] = 2", f"in_features : Final[Tensor] = {maps(canary)}")


def in_saving_constant(source, canary):
    return source.replace("Final[int] = 2", f'Final[int] = torch.len([torch.save(3, "{canary}")])', 1)


@pytest.fixture
def with_setstate(canary):
    """An archive whose `__setstate__` makes the canary while it loads, as torch itself writes it."""

    return script_that_maps(canary)


@pytest.fixture(params=["__setstate__", "default", "constant", "saving constant"])
def armed_script(request, linear, canary, tmp_path, with_setstate):
    """An archive that makes the canary while it loads."""
    edits = {"default": in_default, "constant": in_constant, "saving constant": in_saving_constant}
    edit = edits.get(request.param)
    path = tmp_path / "script.pt"
    path.write_bytes(with_setstate if edit is None else rewritten(linear, lambda source: edit(source, canary)))
    return path


def by_path(path):
    return torch.jit.load(path)


def by_text(path):
    return torch.jit.load(str(path), map_location="cpu")


def by_file(path):
    with path.open("rb") as file:
        return torch.jit.load(file)


def by_bytes(path):
    return torch.jit.load(io.BytesIO(path.read_bytes()), "cpu", {"note.txt": ""})


def by_torch_load(path):
    return torch.load(path, weights_only=False)


def by_torch_load_of_bytes(path):
    return torch.load(io.BytesIO(path.read_bytes()), weights_only=False, map_location="cpu")


WAYS = [by_path, by_text, by_file, by_bytes, by_torch_load, by_torch_load_of_bytes]


def recorded(load):
    return "torch.load" if "torch_load" in load.__name__ else "torch.jit.load"


@pytest.mark.parametrize("load", [by_path, by_bytes, by_torch_load])
def test_script_that_runs_while_it_loads_is_asked_about(load, armed_script, hold, canary):
    load(armed_script)
    assert canary.exists(), "the archive is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        load(armed_script)
    assert not canary.exists()
    assert running.outcomes() == [(recorded(load), "blocked")]


@pytest.mark.parametrize("load", WAYS)
def test_allowed_script_loads(load, hold, canary, with_setstate, tmp_path):
    path = tmp_path / "script.pt"
    path.write_bytes(with_setstate)
    running = hold(says=True)
    assert torch.equal(load(path)(torch.ones(2)), torch.ones(2))
    assert canary.exists()
    assert running.outcomes() == [(recorded(load), "allowed")]


@pytest.mark.parametrize("load", WAYS)
def test_script_that_only_computes_loads_silently(load, hold, linear, tmp_path):
    path = tmp_path / "script.pt"
    path.write_bytes(linear)
    plain = load(path)
    running = hold()
    loaded = load(path)
    assert torch.equal(loaded(torch.ones(1, 2)), plain(torch.ones(1, 2)))
    assert running.outcomes() == [(recorded(load), "loaded")]
    assert running.history()[0].level.value == "note"


def test_extra_files_of_a_script_are_handed_out(hold, tmp_path):
    path = tmp_path / "script.pt"
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path, _extra_files={"labels.txt": "cat"})
    hold()
    wanted = {"labels.txt": ""}
    torch.jit.load(path, _extra_files=wanted)
    assert wanted == {"labels.txt": b"cat"}


def test_script_that_writes_when_it_is_called_is_asked_about(hold, linear, canary, tmp_path):
    path = tmp_path / "script.pt"
    mapped = f'torch.add(input, torch.from_file("{canary}", True, 2))'
    path.write_bytes(rewritten(linear, lambda source: source.replace("torch.linear(input,", f"torch.linear({mapped},")))
    torch.jit.load(path)(torch.ones(1, 2))
    assert canary.exists(), "the archive is not armed"
    hold()
    with pytest.raises(ModelLoadBlockedError):
        torch.jit.load(path)


@pytest.mark.parametrize("large", [False, True])
def test_script_that_is_rewritten_after_the_look(large, hold, linear, canary, tmp_path, monkeypatch):
    """A small archive is copied; of a large one the writer waits, or is refused when it does not want to."""
    import os

    from jupyter_modelguard.artifacts import still

    if large:
        monkeypatch.setattr(still, "_COPIED", 0)
    path = tmp_path / "script.pt"
    path.write_bytes(linear)
    running = hold()
    check = running.guard.check_stream

    def check_then_rewrite(*arguments):
        permit = check(*arguments)
        armed = rewritten(linear, lambda source: in_default(source, canary))
        try:
            with open(os.open(path, os.O_WRONLY | os.O_NONBLOCK), "wb") as file:
                file.truncate()
                file.write(armed)
        except BlockingIOError:
            pass
        (tmp_path / "other.pt").write_bytes(armed)
        (tmp_path / "other.pt").replace(path)
        return permit

    monkeypatch.setattr(running.guard, "check_stream", check_then_rewrite)
    assert torch.jit.load(path)(torch.ones(1, 2)).shape == (1, 2)
    assert not canary.exists()


def test_script_run_on_inputs_that_it_brings_is_not_proved(hold, linear, tmp_path):
    path = tmp_path / "script.pt"
    path.write_bytes(linear)
    hold()
    with pytest.raises(ModelLoadBlockedError, match="inputs"):
        torch.jit.load(path, _restore_shapes=True)


def test_file_that_is_no_archive_is_not_handed_to_torchs_interpreter(hold, tmp_path):
    path = tmp_path / "script.pt"
    torch.save({"weights": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
    hold()
    with pytest.raises(ModelLoadBlockedError, match="no archive"):
        torch.jit.load(path)


def test_missing_script_is_torchs_own_error(hold, tmp_path):
    hold()
    with pytest.raises(ValueError, match="does not exist"):
        torch.jit.load(tmp_path / "nothing.pt")
    with pytest.raises(ValueError, match="directory"):
        torch.jit.load(tmp_path)
