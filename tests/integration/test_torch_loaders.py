"""Torch's other ways to load, with the real library: honest files pass, armed ones are held before they run."""

import contextlib
import io
import pickle
import re
import zipfile

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from scripts import script_that_maps  # isort: skip

torch = pytest.importorskip("torch", reason="torch is not installed")

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]


# -- TorchScript --------------------------------------------------------------------------------------------------------------------


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
    made = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), made)
    return made.getvalue()


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


# -- weights only, with names that somebody added ------------------------------------------------------------------------------------


class Touches:
    """A class that the user declares safe, whose `__setstate__` makes the canary."""

    def __setstate__(self, state):
        with open(state["path"], "w") as file:
            file.write("ran")


class Plain:
    """A class that the user declares safe, and that is."""


@pytest.fixture
def safe(monkeypatch):
    """Put names on torch's list of safe globals for one test."""

    def add(*entries):
        context = torch.serialization.safe_globals(list(entries))
        context.__enter__()
        opened.append(context)

    opened = []
    yield add
    for context in opened:
        context.__exit__(None, None, None)


def saved(value, **options):
    made = io.BytesIO()
    torch.save(value, made, **options)
    return made.getvalue()


def armed_object(canary):
    made = Touches()
    made.path = str(canary)
    return {"weights": torch.ones(2), "extra": made}


@pytest.mark.parametrize("zipped", [True, False])
def test_class_declared_safe_runs_nothing_before_it_was_asked_about(zipped, hold, safe, canary, tmp_path):
    path = tmp_path / "weights.pt"
    path.write_bytes(saved(armed_object(canary), _use_new_zipfile_serialization=zipped))
    safe(Touches)
    torch.load(path, weights_only=True)
    assert canary.exists(), "the file is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        torch.load(path, weights_only=True)
    assert not canary.exists()
    assert running.outcomes() == [("torch.load", "blocked")]


@pytest.mark.parametrize("zipped", [True, False])
def test_weights_load_silently_beside_a_class_declared_safe(zipped, hold, safe, tmp_path):
    path = tmp_path / "weights.pt"
    path.write_bytes(saved({"weights": torch.ones(2)}, _use_new_zipfile_serialization=zipped))
    safe(Touches)
    running = hold()
    assert torch.equal(torch.load(path, weights_only=True)["weights"], torch.ones(2))
    assert torch.equal(torch.load(io.BytesIO(path.read_bytes()))["weights"], torch.ones(2))
    assert running.outcomes() == [("torch.load", "loaded"), ("torch.load", "loaded")]


@pytest.mark.parametrize("zipped", [True, False])
def test_restricted_machine_reads_the_bytes_that_were_looked_at(zipped, hold, safe, canary, tmp_path, monkeypatch):
    path = tmp_path / "weights.pt"
    options = {"_use_new_zipfile_serialization": zipped}
    path.write_bytes(saved({"weights": torch.ones(2)}, **options))
    safe(Touches)
    running = hold()
    check = running.guard.check_stream

    def check_then_rewrite(*arguments):
        permit = check(*arguments)
        path.write_bytes(saved(armed_object(canary), **options))
        return permit

    monkeypatch.setattr(running.guard, "check_stream", check_then_rewrite)
    with contextlib.suppress(RuntimeError):  # the numbers behind the opcodes of the old format are not where they were
        assert list(torch.load(path, weights_only=True)) == ["weights"]
    assert not canary.exists()


def test_class_declared_safe_under_the_name_of_another(hold, safe, canary, tmp_path):
    path = tmp_path / "weights.pt"
    content = saved({"weights": torch.ones(2), "extra": armed_object(canary)["extra"]})
    name = f"{Touches.__module__}\n{Touches.__qualname__}".encode()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(path, "w") as other:
        for member in old.infolist():
            other.writestr(member.filename, old.read(member).replace(name, b"collections\nOrderedDict2"))
    safe((Touches, "collections.OrderedDict2"))
    torch.load(path, weights_only=True)
    assert canary.exists(), "the file is not armed"
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        torch.load(path, weights_only=True)
    assert not canary.exists()


def test_script_given_to_the_restricted_machine_is_torchs_own_error(hold, safe, linear, tmp_path):
    path = tmp_path / "script.pt"
    path.write_bytes(linear)
    hold()
    with pytest.raises(RuntimeError, match="TorchScript"):
        torch.load(path, weights_only=True)
    safe(Plain)
    with pytest.raises(RuntimeError, match="TorchScript"):
        torch.load(path, weights_only=True)


# -- torch.package -------------------------------------------------------------------------------------------------------------------

CODE = """\
from pathlib import Path
Path({canary!r}).write_text("ran")

class Thing:
    pass
"""


@pytest.fixture
def package(tmp_path, canary):
    """An archive whose module makes the canary when it is imported, with a pickle of an instance and one of tensors."""
    path = tmp_path / "package.pt"
    with torch.package.PackageExporter(path) as exporter:
        exporter.extern(["pathlib", "torch.**", "collections"])
        exporter.save_source_string("acme.things", CODE.format(canary=str(canary)))
        exporter.save_text("acme", "note.txt", "hello")
        exporter.save_pickle("weights", "w.pkl", {"w": torch.ones(3), "again": torch.zeros(2)})
    importer = torch.package.PackageImporter(path)
    thing = importer.import_module("acme.things").Thing()
    canary.unlink()
    made = tmp_path / "whole.pt"
    with torch.package.PackageExporter(made, [importer, torch.package.sys_importer]) as exporter:
        exporter.extern(["pathlib", "torch.**", "collections"])
        exporter.intern("acme.**")
        exporter.save_pickle("model", "model.pkl", {"thing": thing})  # torch reads no tensors from folders
        exporter.save_pickle("weights", "w.pkl", {"w": torch.ones(3), "again": torch.zeros(2)})
        exporter.save_text("acme", "note.txt", "hello")
    return made


def importer_of(path):
    return torch.package.PackageImporter(path)


def unpacked(path):
    folder = path.with_suffix("")
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            target = folder / name.partition("/")[2]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(name))
    return folder


OPENED = {
    "path": lambda path: importer_of(str(path)),
    "pathlib": importer_of,
    "bytes": lambda path: importer_of(io.BytesIO(path.read_bytes())),
    "folder": lambda path: importer_of(unpacked(path)),
    "reader": lambda path: importer_of(torch._C.PyTorchFileReader(str(path))),
}
PACKAGE_WAYS = {
    "load_pickle": lambda importer: importer.load_pickle("model", "model.pkl"),
    "import_module": lambda importer: importer.import_module("acme.things"),
    "__import__": lambda importer: importer.__import__("acme.things"),
}


@pytest.mark.parametrize("opened", OPENED.values(), ids=OPENED)
@pytest.mark.parametrize("way", PACKAGE_WAYS.values(), ids=PACKAGE_WAYS)
def test_code_of_a_package_is_asked_about_before_it_runs(way, opened, package, hold, canary):
    way(opened(package))
    assert canary.exists(), "the package is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        way(opened(package))
    assert not canary.exists()
    assert [outcome for _, outcome in running.outcomes()] == ["blocked"]


@pytest.mark.parametrize("opened", OPENED.values(), ids=OPENED)
def test_package_that_was_allowed_loads_with_one_question(opened, package, hold, canary):
    running = hold(says=True)
    importer = opened(package)
    loaded = importer.load_pickle("model", "model.pkl")
    assert type(loaded["thing"]).__name__ == "Thing"
    assert canary.exists()
    ((record, _view),) = running.guard.approver.asked
    assert [file.path for file in record.artifact.files] == ["acme/things.py"]
    importer.import_module("acme.things")
    assert len(running.guard.approver.asked) == 1
    assert running.outcomes() == [("torch.package.PackageImporter.load_pickle", "allowed")]


def test_package_of_tensors_loads_silently(hold, tmp_path):
    path = tmp_path / "weights.pt"
    with torch.package.PackageExporter(path) as exporter:
        exporter.extern(["torch.**", "collections"])
        exporter.save_pickle("weights", "w.pkl", {"w": torch.ones(3), "name": "x"})
        exporter.save_text("weights", "note.txt", "hello")
        exporter.save_binary("weights", "raw.bin", b"123")
    running = hold()
    importer = torch.package.PackageImporter(path)
    assert torch.equal(importer.load_pickle("weights", "w.pkl")["w"], torch.ones(3))
    assert importer.load_text("weights", "note.txt") == "hello"
    assert importer.load_binary("weights", "raw.bin") == b"123"
    assert ("torch.package.PackageImporter.load_pickle", "loaded") in running.outcomes()


def test_pickle_of_a_package_is_traced(hold, tmp_path, armed, canary):
    path = tmp_path / "weights.pt"
    with torch.package.PackageExporter(path) as exporter:
        exporter.extern(["posix", "os"])
        exporter.save_pickle("weights", "w.pkl", {"w": 1, "extra": armed})
    torch.package.PackageImporter(path).load_pickle("weights", "w.pkl")
    assert canary.exists(), "the package is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        torch.package.PackageImporter(path).load_pickle("weights", "w.pkl")
    assert not canary.exists()
    assert running.outcomes() == [("torch.package.PackageImporter.load_pickle", "blocked")]


def test_importer_that_was_made_before_the_guard_is_held(package, hold, canary):
    importer = torch.package.PackageImporter(package)
    hold()
    with pytest.raises(ModelLoadBlockedError):
        importer.load_pickle("model", "model.pkl")
    with pytest.raises(ModelLoadBlockedError):
        importer.import_module("acme.things")
    assert not canary.exists()


def test_unpickler_of_a_package_by_itself_resolves_nothing(hold, tmp_path, armed, canary):
    path = tmp_path / "weights.pt"
    with torch.package.PackageExporter(path) as exporter:
        exporter.extern(["posix", "os"])
        exporter.save_pickle("weights", "w.pkl", {"extra": armed})
    importer = torch.package.PackageImporter(path)
    stream = importer.load_binary("weights", "w.pkl")
    hold()
    with pytest.raises(ModelLoadBlockedError):
        importer.Unpickler(io.BytesIO(stream)).load()
    assert not canary.exists()


def test_package_runs_the_code_that_was_looked_at(package, hold, canary, tmp_path, monkeypatch):
    running = hold(says=True)
    check = running.guard.check_stream

    def check_then_rewrite(*arguments):
        permit = check(*arguments)
        content = package.read_bytes()
        package.write_bytes(content.replace(b'write_text("ran")', b'write_text("bad")'))
        return permit

    monkeypatch.setattr(running.guard, "check_stream", check_then_rewrite)
    torch.package.PackageImporter(package).load_pickle("model", "model.pkl")
    assert canary.read_text() == "ran"


def test_missing_resource_of_a_package_is_its_own_error(hold, tmp_path):
    path = tmp_path / "weights.pt"
    with torch.package.PackageExporter(path) as exporter:
        exporter.save_text("weights", "note.txt", "hello")
    hold()
    with pytest.raises(RuntimeError, match="not_here"):
        torch.package.PackageImporter(path).load_pickle("weights", "not_here.pkl")
    with pytest.raises(RuntimeError):
        torch.package.PackageImporter(tmp_path / "nothing.pt")


# -- native code ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("namespace", ["ops", "classes"])
def test_library_of_operators_is_asked_about(namespace, hold, tmp_path):
    path = tmp_path / "libacme.so"
    path.write_bytes(b"\x7fELF")
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        getattr(torch, namespace).load_library(str(path))
    assert running.outcomes() == [(f"torch.{namespace}.load_library", "blocked")]


@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("torch._inductor.aoti_load_package", lambda path: torch._C._aoti.AOTIModelPackageLoader(path, "model", False, 1, -1)),
        ("torch.jit.jit_module_from_flatbuffer", lambda path: torch.jit.jit_module_from_flatbuffer(path)),  # noqa: PLW0108 by its name
    ],
)
def test_compiled_program_is_asked_about(name, load, hold, tmp_path):
    path = tmp_path / "program.pt2"
    path.write_bytes(b"PK\x05\x06" + bytes(18))
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        load(str(path))
    assert running.outcomes() == [(name, "blocked")]


# -- exported programs ---------------------------------------------------------------------------------------------------------------


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


# -- distributed checkpoints, and weights from an address ----------------------------------------------------------------------------


@pytest.fixture
def checkpoint_folder(tmp_path):
    checkpoint = pytest.importorskip("torch.distributed.checkpoint", reason="torch was built without it")
    folder = tmp_path / "checkpoint"
    checkpoint.save({"w": torch.arange(3.0), "epoch": 3}, checkpoint_id=folder, no_dist=True)
    return folder


def load_checkpoint(folder):
    state = {"w": torch.zeros(3), "epoch": 0}
    torch.distributed.checkpoint.load(state, checkpoint_id=folder, no_dist=True)
    return state


def test_distributed_checkpoint_loads_silently(checkpoint_folder, hold, tmp_path):
    from torch.distributed.checkpoint.format_utils import dcp_to_torch_save

    running = hold()
    assert load_checkpoint(checkpoint_folder)["epoch"] == 3
    dcp_to_torch_save(checkpoint_folder, tmp_path / "whole.pt")
    assert torch.equal(torch.load(tmp_path / "whole.pt")["w"], torch.arange(3.0))
    assert {outcome for _, outcome in running.outcomes()} == {"loaded"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_metadata_of_a_distributed_checkpoint_is_held(checkpoint_folder, hold, armed, canary):
    (checkpoint_folder / ".metadata").write_bytes(pickle.dumps(armed))
    with contextlib.suppress(BaseException):
        load_checkpoint(checkpoint_folder)
    assert canary.exists(), "the checkpoint is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        load_checkpoint(checkpoint_folder)
    with pytest.raises(ModelLoadBlockedError):
        torch.distributed.checkpoint.FileSystemReader(checkpoint_folder).read_metadata()
    assert not canary.exists()
    assert ("torch.distributed.checkpoint.load", "blocked") in running.outcomes()


def test_weights_from_an_address_are_held(hold, armed, canary, tmp_path):
    (tmp_path / "bad.pt").write_bytes(saved({"extra": armed}))
    (tmp_path / "good.pt").write_bytes(saved({"w": torch.ones(2)}))

    def load(name):
        address = (tmp_path / name).as_uri()
        return torch.hub.load_state_dict_from_url(address, model_dir=tmp_path / "cache", progress=False, weights_only=False)

    load("bad.pt")
    assert canary.exists(), "the file is not armed"
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        load("bad.pt")
    assert not canary.exists()
    assert torch.equal(load("good.pt")["w"], torch.ones(2))
