"""`torch.export`: the texts of a program that torch would evaluate, and the pickles in it."""

import contextlib
import io
import re
import zipfile

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from torch_files import saved  # isort: skip


torch = pytest.importorskip("torch", reason="torch is not installed")


pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def program():
    """A small honest program with a size that varies."""
    pytest.importorskip("sympy", reason="torch.export needs sympy")
    exported = torch.export.export(
        torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU()),
        (torch.ones(4, 3),),
        dynamic_shapes={"input": {0: torch.export.Dim("batch", min=2, max=10)}},
    )
    made = io.BytesIO()
    torch.export.save(exported, made)
    return made.getvalue()


def edited(content, edit):
    """The program with another text in it."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as other:
        for member in old.infolist():
            data = old.read(member)
            other.writestr(
                member.filename, edit(data.decode()).encode() if member.filename.endswith("models/model.json") else data
            )
    return made.getvalue()


def command(canary):
    return f"__import__('os').system('touch {canary}')"


def in_a_size(text, canary):
    return re.sub(r'"expr_str": "[^"]*"', f'"expr_str": "{command(canary)}"', text, count=1)


def in_a_name(text, canary):
    name = f'"input={command(canary)}"'
    return text.replace('"input"', name).replace(f'"name": {name}, "arg"', '"name": "input", "arg"')


def in_a_guard(text, canary):
    return text.replace('"guards_code": []', f'"guards_code": ["{command(canary)}"]')


@pytest.mark.parametrize("edit", [in_a_size, in_a_name, in_a_guard])
def test_text_of_a_program_is_asked_about_before_it_is_evaluated(edit, program, hold, canary, tmp_path):
    path = tmp_path / "program.pt2"
    path.write_bytes(edited(program, lambda text: edit(text, canary)))

    def use():
        torch.export.load(path).module()(torch.ones(3, 3))

    with contextlib.suppress(Exception):  # some break off behind the command
        use()
    assert canary.exists(), "the program is not armed"
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        use()
    assert not canary.exists()


def test_honest_program_loads_silently(program, hold, tmp_path):
    path = tmp_path / "program.pt2"
    path.write_bytes(program)
    plain = torch.export.load(path).module()
    running = hold()
    loaded = torch.export.load(path).module()
    assert torch.equal(loaded(torch.ones(3, 3)), plain(torch.ones(3, 3)))
    assert torch.equal(torch.export.load(io.BytesIO(program)).module()(torch.ones(3, 3)), plain(torch.ones(3, 3)))
    assert {outcome for _, outcome in running.outcomes()} == {"loaded"}


def test_pickle_inside_a_program_is_held(program, hold, armed, canary, tmp_path):
    path = tmp_path / "program.pt2"
    with zipfile.ZipFile(io.BytesIO(program)) as old, zipfile.ZipFile(path, "w") as other:
        for member in old.infolist():
            inputs = member.filename.endswith("sample_inputs/model.pt")
            other.writestr(member.filename, saved(((armed,), {})) if inputs else old.read(member))
    with contextlib.suppress(Exception):
        torch.export.load(path)
    assert canary.exists(), "the program is not armed"
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        torch.export.load(path)
    assert not canary.exists()
