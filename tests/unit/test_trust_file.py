"""Where trust is kept: who could have written it, what a broken file grants, and kernels that write at once."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
import subprocess
import sys
import textwrap

import pytest

from jupyter_modelguard import config
from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.policy import own_file
from jupyter_modelguard.policy.trust_entry import TrustEntry, entry_to_plain
from jupyter_modelguard.policy.trust_file import TrustFile
from jupyter_modelguard.types import Scope

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and links of POSIX")
ENTRY = TrustEntry(
    id="7f3a91c2",
    scope=Scope.DIGEST,
    loader="pickle.load",
    format="pickle",
    name="yolo.pkl",
    source="/models/yolo.pkl",
    digest="ab" * 32,
    content="cd" * 32,
    functions=(("acme.Model", "acme 1.0, installed here"),),
    files=(),
    by="ada",
    reason="I read the code",
    at=1_700_000_000.0,
)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "share" / "jupyter-modelguard"


@pytest.fixture
def kept(folder):
    """A file that trusts something."""
    made = TrustFile(lambda: folder)
    made.change(lambda entries: (*entries, ENTRY))
    return made


def test_nothing_is_trusted_before_anything_was_and_looking_makes_no_folder(folder):
    assert TrustFile(lambda: folder).read() == ()
    assert not folder.exists()


@posix
def test_what_is_kept_is_closed_to_others_and_read_by_the_next_kernel(kept, folder):
    assert TrustFile(lambda: folder).read() == (ENTRY,)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_no_environment_variable_leads_elsewhere(monkeypatch, tmp_path):
    before = config.default_home()
    for name in ("HOME", "XDG_DATA_HOME", "MODELGUARD_HOME", "USERPROFILE", "LOCALAPPDATA", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    assert config.default_home() == before


def elsewhere(folder):
    """A folder with a forged entry, as a project could bring it."""
    forged = folder.parent.parent / "project"
    forged.mkdir()
    (forged / "trust.json").write_text(json.dumps({"version": 1, "entries": [entry_to_plain(ENTRY)]}))
    return forged


def replaced_by_a_link(folder):
    forged = elsewhere(folder)
    folder.rename(folder.with_name("before"))
    folder.symlink_to(forged)


def file_replaced_by_a_link(folder):
    forged = elsewhere(folder)
    (folder / "trust.json").unlink()
    (folder / "trust.json").symlink_to(forged / "trust.json")


def file_replaced_by_a_pipe(folder):
    (folder / "trust.json").unlink()
    os.mkfifo(folder / "trust.json")


def opened_to(mode, *path):
    def change(folder):
        folder.joinpath(*path).chmod(mode)

    return change


def given_to_another(*path):
    def change(folder):
        if os.getuid():
            pytest.skip("only an administrator can give a file away")
        os.chown(folder.joinpath(*path), 12345, -1)

    return change


@posix
@pytest.mark.parametrize(
    ("attack", "said"),
    [
        pytest.param(replaced_by_a_link, "is a link", id="the folder is a link"),
        pytest.param(file_replaced_by_a_link, "is a link", id="the file is a link"),
        pytest.param(file_replaced_by_a_pipe, "is no regular file", id="the file is a pipe"),
        pytest.param(opened_to(0o777), "Others may write to", id="everybody may write to the folder"),
        pytest.param(opened_to(0o770), "Others may write to", id="a group may write to the folder"),
        pytest.param(opened_to(0o777, ".."), "Others may rename", id="everybody may write to the folder above"),
        pytest.param(opened_to(0o666, "trust.json"), "Others may write to", id="everybody may write to the file"),
        pytest.param(given_to_another(), "belongs to another user", id="another's folder"),
        pytest.param(given_to_another(".."), "belongs to another user", id="another's folder above"),
        pytest.param(given_to_another("trust.json"), "belongs to another user", id="another's file"),
    ],
)
def test_what_others_could_have_written_grants_nothing_and_says_so(kept, folder, attack, said):
    assert kept.read() == (ENTRY,)
    attack(folder)
    with pytest.raises(ConfigurationError, match=said):
        kept.read()
    with pytest.raises(ConfigurationError, match=said):
        kept.change(lambda entries: (*entries, dataclasses.replace(ENTRY, id="00000000")))


@posix
def test_folder_that_everybody_may_add_to_but_not_rename_in_may_stand_above(kept, folder):
    folder.parent.chmod(0o1777)
    assert kept.read() == (ENTRY,)


PLAIN = entry_to_plain(ENTRY)


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"version": 1}',
        b'{"version": 1, "entries": {}}',
        *(
            json.dumps({"version": 1, "entries": [PLAIN, {**PLAIN, **changed}]}).encode()
            for changed in (
                {"digest": ""},
                {"digest": "AB" * 32},
                {"content": ""},
                {"content": "*"},
                {"scope": "once"},
                {"scope": "always"},
                {"scope": ["digest"]},
                {"functions": [["one"]]},
                {"functions": "acme.Model"},
                {"files": [["a.py", "short"]]},
                {"id": "<b>"},
                {"at": float("nan")},
                {"at": 1e300},
                {"at": True},
                {"by": None},
                {"more": 1},
            )
        ),
    ],
)
def test_broken_file_grants_nothing_and_is_moved_aside(kept, folder, caplog, text):
    (folder / "trust.json").write_bytes(text)
    assert kept.read() == ()
    assert "nothing is trusted" in caplog.text
    (aside,) = folder.glob("trust.json.broken-*")
    assert aside.read_bytes() == text
    kept.change(lambda entries: (*entries, ENTRY))
    assert kept.read() == (ENTRY,)


def test_file_of_another_version_grants_nothing_and_is_left(kept, folder):
    text = json.dumps({"version": 2, "entries": [PLAIN]})
    (folder / "trust.json").write_text(text)
    with pytest.raises(ConfigurationError, match="another version"):
        kept.change(lambda entries: entries[:0])
    assert (folder / "trust.json").read_text() == text


def test_write_that_fails_leaves_what_was_there(kept, folder, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        kept.change(lambda entries: entries[:0])
    assert kept.read() == (ENTRY,)
    assert sorted(path.name for path in folder.iterdir()) == ["trust.json", "trust.lock"]


@pytest.mark.parametrize("changed", [{"at": float("nan")}, {"at": -1.0}, {"digest": "none"}, {"content": ""}, {"id": "me"}])
def test_entry_that_could_not_be_read_again_is_not_written_over_the_others(kept, changed):
    with pytest.raises(OSError, match="an entry is bound to nothing"):
        kept.change(lambda entries: (*entries, dataclasses.replace(ENTRY, **changed)))
    assert kept.read() == (ENTRY,)


def test_kernels_that_write_at_once_lose_nothing(folder):
    program = """
    import dataclasses, pathlib, sys
    from jupyter_modelguard.policy.trust_entry import entry_from_plain
    from jupyter_modelguard.policy.trust_file import TrustFile
    import json
    entry = entry_from_plain(json.loads(sys.argv[2]))
    kept = TrustFile(lambda: pathlib.Path(sys.argv[1]))
    for number in range(20):
        fresh = dataclasses.replace(entry, id=f"{sys.argv[3]}{number:07x}")
        kept.change(lambda entries: (*entries, fresh))
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(folder), json.dumps(PLAIN)]
    kernels = [subprocess.Popen([*command, str(kernel)]) for kernel in range(3)]
    assert [kernel.wait(60) for kernel in kernels] == [0, 0, 0]
    ids = [entry.id for entry in TrustFile(lambda: folder).read()]
    assert sorted(ids) == sorted(f"{kernel}{number:07x}" for kernel in range(3) for number in range(20))


@posix
def test_another_process_that_never_lets_go_is_not_waited_for_long(kept, folder, monkeypatch):
    import fcntl

    monkeypatch.setattr(own_file, "_PATIENCE", 0.05)
    with (folder / "trust.lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError, match=r"trust\.lock"):
            kept.change(lambda entries: entries[:0])
        assert kept.read() == (ENTRY,)
