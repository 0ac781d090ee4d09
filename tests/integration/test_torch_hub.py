"""PyTorch Hub with the real torch: archives from loopback, a prepared cache, local folders, and one question about all files."""

import builtins
import inspect
import os
import sys
import types

import pytest

from jupyter_modelguard import guard
from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.ipython import status
from jupyter_modelguard.ipython.doctor import diagnosis

from github_archives import Archives, archive  # isort: skip

torch = pytest.importorskip("torch", reason="torch.hub is torch's")

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

COMMIT = "0a1b2c3" + "0" * 33
HUBCONF = """
dependencies = ["torch", "json"]
import sizes
from nets import dense
from nets.dense import Dense as _Dense

def tiny(width=sizes.WIDTH):
    '''A model of one number.'''
    import late_part
    return _Dense(width + late_part.MORE)
"""


@pytest.fixture(scope="module")
def github():
    made = Archives()
    yield made
    made.close()


@pytest.fixture
def files(canary):
    """A repository each of whose files says when it runs."""
    says = f"with open({str(canary)!r}, 'a') as file: print(__name__, file=file)\n"
    return {
        "hubconf.py": says + HUBCONF,
        "sizes.py": says + "WIDTH = 5\n",
        "nets/__init__.py": says,
        "nets/dense.py": says + "from .parts import Part\nclass Dense(Part):\n    pass\n",
        "nets/parts.py": says + "class Part:\n    def __init__(self, width):\n        self.width = width\n",
        "late_part.py": says + "MORE = 1\n",
        "README.md": "# tiny\n",
    }


@pytest.fixture
def hub(github, tmp_path, monkeypatch, files):
    """torch.hub with a cache of this test's own, which downloads from loopback and must not ask for itself."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setattr(torch.hub, "_git_archive_link", github.link)
    monkeypatch.setattr(builtins, "input", lambda *_: pytest.fail("torch asked too"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    for ref in ("main", "v1", COMMIT):
        github.of[f"acme/tiny/{ref}"] = archive(files)
    github.asked.clear()
    yield torch.hub
    forget()


def forget():
    for name in [name for name in sys.modules if name.partition(".")[0] in {"hubconf", "sizes", "nets", "late_part", "planted"}]:
        del sys.modules[name]


def ran(canary):
    return set(canary.read_text().split()) if canary.exists() else set()


LOADS = {
    "torch.hub.load": lambda hub, ref: hub.load(f"acme/tiny:{ref}", "tiny", skip_validation=True).width == 6,
    "torch.hub.help": lambda hub, ref: hub.help(f"acme/tiny:{ref}", "tiny", skip_validation=True) == "A model of one number.",
    "torch.hub.list": lambda hub, ref: hub.list(f"acme/tiny:{ref}", skip_validation=True) == ["tiny"],
}


@pytest.mark.parametrize("loader", LOADS)
def test_archive_is_asked_about_once_and_torch_asks_nothing(loader, hub, hold, canary, tmp_path):
    running = hold()
    with pytest.raises(ModelLoadBlockedError, match="acme"):
        LOADS[loader](hub, "main")
    assert ran(canary) == set()
    assert running.outcomes() == [(loader, "blocked")]
    assert [name for name in os.listdir(tmp_path / "torch" / "hub") if name != "trusted_list"] == [], "torch would trust it"
    running.guard.close()
    running = hold(says=True)
    assert LOADS[loader](hub, "main")
    ((record, _view),) = running.guard.approver.asked
    shown = {file.path for file in record.artifact.files}
    assert shown == {"hubconf.py", "sizes.py", "late_part.py", "nets/__init__.py", "nets/dense.py", "nets/parts.py"}
    assert {"hubconf.py", "sizes", "nets", "nets.dense", "nets.parts"} <= ran(canary)
    assert running.outcomes() == [(loader, "allowed")]
    assert record.request.source == "https://github.com/acme/tiny/tree/main"


@pytest.mark.parametrize("ref", ["v1", COMMIT])
def test_tag_and_commit_of_the_name_are_what_is_downloaded(ref, hub, hold, github):
    running = hold(says=True)
    assert LOADS["torch.hub.load"](hub, ref)
    assert github.asked == [f"/acme/tiny/{ref}"]
    ((record, _view),) = running.guard.approver.asked
    assert record.request.source.endswith(f"/tree/{ref}")


@pytest.mark.parametrize("trust", [True, False, "check", None])
def test_every_way_to_say_trust_leads_to_our_question(trust, hub, hold, canary):
    hold()
    with pytest.raises(ModelLoadBlockedError):
        hub.load("acme/tiny:main", "tiny", trust_repo=trust, skip_validation=True)
    assert ran(canary) == set()


def test_torch_asks_as_ever_where_nobody_guards(hub, monkeypatch, canary):
    said = []
    monkeypatch.setattr(builtins, "input", lambda text: said.append(text) or "n")
    with pytest.raises(Exception, match="Untrusted repository"):
        hub.load("acme/tiny:main", "tiny", skip_validation=True)
    assert len(said) == 1
    monkeypatch.setattr(builtins, "input", lambda _: "y")
    assert LOADS["torch.hub.load"](hub, "main")
    assert "hubconf.py" in ran(canary), "the repository is not armed"


def test_folder_of_a_prepared_cache_is_asked_about_and_stays(hub, hold, tmp_path, files, canary):
    folder = tmp_path / "torch" / "hub" / "acme_tiny_main"
    write(folder, files)
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        LOADS["torch.hub.load"](hub, "main")
    assert ran(canary) == set()
    assert (folder / "hubconf.py").exists(), "the person's own cache"
    running.guard.close()
    hold(says=True)
    assert LOADS["torch.hub.load"](hub, "main")


def test_reloaded_repository_that_is_kept_blocked_takes_no_trusted_place(hub, hold, tmp_path, files, canary):
    write(tmp_path / "torch" / "hub" / "acme_tiny_main", files)
    hold()
    with pytest.raises(ModelLoadBlockedError):
        hub.load("acme/tiny:main", "tiny", force_reload=True, skip_validation=True)
    assert not (tmp_path / "torch" / "hub" / "acme_tiny_main").exists()
    assert ran(canary) == set()


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_local_folder_is_asked_about_once(hub, hold, tmp_path, files, canary):
    write(tmp_path / "tiny", files)
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        hub.load(str(tmp_path / "tiny"), "tiny", source="local")
    assert ran(canary) == set()
    assert running.outcomes() == [("torch.hub.load", "blocked")]
    running.guard.close()
    running = hold(says=True)
    assert hub.load(str(tmp_path / "tiny"), "tiny", source="local").width == 6
    ((record, _view),) = running.guard.approver.asked
    assert record.request.source == str(tmp_path / "tiny")


def test_package_behind_a_link_to_a_folder_is_shown_and_runs(hub, hold, tmp_path, files):
    write(tmp_path / "tiny", files)
    (tmp_path / "tiny" / "nets").rename(tmp_path / "elsewhere")
    (tmp_path / "tiny" / "nets").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "tiny")
    running = hold(says=True)
    assert hub.load(str(tmp_path / "tiny"), "tiny", source="local").width == 6
    ((record, _view),) = running.guard.approver.asked
    assert "nets/parts.py" in {file.path for file in record.artifact.files}


def test_module_of_the_working_directory_that_hubconf_imports_is_in_the_same_question(
    hub, hold, tmp_path, files, canary, monkeypatch
):
    place = tmp_path / "work"
    write(place, {"planted.py": files["sizes.py"] + "PLANTED = True\n"})
    monkeypatch.syspath_prepend(str(place))
    write(tmp_path / "tiny", {**files, "hubconf.py": "import planted\n" + files["hubconf.py"]})
    hub.load(str(tmp_path / "tiny"), "tiny", source="local")
    assert "planted" in ran(canary), "the repository is not armed"
    canary.unlink()
    forget()
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        hub.load(str(tmp_path / "tiny"), "tiny", source="local")
    assert ran(canary) == set()
    running.guard.close()
    running = hold(says=True)
    assert hub.load(str(tmp_path / "tiny"), "tiny", source="local").width == 6
    ((record, _view),) = running.guard.approver.asked
    assert str(place / "planted.py") in {file.path for file in record.artifact.files}


def test_package_that_a_dependency_is_looked_for_in_is_in_the_same_question(hub, hold, tmp_path, files, canary, monkeypatch):
    """torch looks for `planted.part` with `find_spec`, which imports `planted`."""
    write(tmp_path / "work", {"planted/__init__.py": files["sizes.py"], "planted/part.py": ""})
    monkeypatch.syspath_prepend(str(tmp_path / "work"))
    write(tmp_path / "tiny", {**files, "hubconf.py": files["hubconf.py"].replace('"json"', '"planted.part"')})
    hub.load(str(tmp_path / "tiny"), "tiny", source="local")
    assert "planted" in ran(canary), "the repository is not armed"
    canary.unlink()
    forget()
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        hub.load(str(tmp_path / "tiny"), "tiny", source="local")
    assert ran(canary) == set()
    running.guard.close()
    running = hold(says=True)
    assert hub.load(str(tmp_path / "tiny"), "tiny", source="local").width == 6
    assert len(running.guard.approver.asked) == 1


def test_torch_that_has_renamed_what_is_guarded_is_reported_and_still_runs_nothing_unasked(
    hub, hold, tmp_path, files, canary, monkeypatch, caplog
):
    renamed = types.ModuleType("torch.hub")
    exec(compile(inspect.getsource(hub).replace("_import_module", "_run_hubconf"), hub.__file__, "exec"), vars(renamed))
    monkeypatch.setitem(sys.modules, "torch.hub", renamed)
    write(tmp_path / "tiny", files)
    assert renamed.load(str(tmp_path / "tiny"), "tiny", source="local").width == 6
    assert ran(canary), "the repository is not armed"
    canary.unlink()
    forget()
    running = hold(says=True)
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert line == "torch.hub has no _import_module any more: held by the audit hook alone. modelguard doctor says more."
    told = ("not found", "torch.hub._import_module is no more: held by the audit hook alone")
    assert told in status.facts(running.guard)
    monkeypatch.setattr(guard, "_current", running.guard)
    assert [said for said in diagnosis() if not said.well and "torch.hub._import_module." in said.text]
    with pytest.raises(ModelLoadBlockedError, match="hubconf"):
        renamed.load(str(tmp_path / "tiny"), "tiny", source="local")
    assert ran(canary) == set()


def test_weights_from_an_address_load_silently_and_armed_ones_are_held(hub, hold, github, tmp_path, armed, canary):
    for name, value in {"honest": {"weight": torch.ones(2)}, "armed": {"weight": torch.ones(2), "extra": armed}}.items():
        torch.save(value, tmp_path / f"{name}.pt")
        github.of[f"{name}.pt"] = (tmp_path / f"{name}.pt").read_bytes()
    address = github.link("", "", "").rstrip("/")
    hub.load_state_dict_from_url(f"{address}/armed.pt", progress=False, weights_only=False, model_dir=tmp_path / "plain")
    assert canary.exists(), "the file is not armed"
    canary.unlink()
    running = hold()
    assert hub.load_state_dict_from_url(f"{address}/honest.pt", progress=False)["weight"].tolist() == [1, 1]
    with pytest.raises(ModelLoadBlockedError, match="system"):
        hub.load_state_dict_from_url(f"{address}/armed.pt", progress=False, weights_only=False)
    assert not canary.exists()
    assert [outcome for _, outcome in running.outcomes()] == ["loaded", "blocked"]
