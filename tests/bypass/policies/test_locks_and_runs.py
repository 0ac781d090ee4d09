"""Where nobody is asked a lock file counts, what it would take is proposed, and a repository's code is locked at its commit."""

import pickle

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.ipython.locking import write_lock
from jupyter_modelguard.types import Scope

from assembly import call, stream  # isort: skip
from chooser import Chooser  # isort: skip
from rulebooks import blocked, load  # isort: skip


# -- the environment -------------------------------------------------------------------------------------------------------------


def test_environment_that_denies_goes_by_no_lock(desk, unknown, locked, canary, monkeypatch):
    monkeypatch.setenv("MODELGUARD_HEADLESS", "deny")
    with desk.guarding(named=desk.lock):
        blocked(unknown)
    assert not canary.exists()


def test_environment_that_says_lock_goes_by_nothing_else_that_was_decided(desk, unknown, canary, monkeypatch):
    person = Chooser(Scope.DIGEST)
    with desk.guarding(person):
        load(unknown)
        load(unknown)
        assert len(person.asked) == 1
        monkeypatch.setenv("MODELGUARD_HEADLESS", "lock")
        load(unknown)
        assert len(person.asked) == 2


def test_no_variable_names_a_lock_or_accepts_one(desk, unknown, locked, canary, monkeypatch):
    desk.rulebook().accepted.withdraw(desk.lock)
    forged = desk.folder / "forged"
    forged.mkdir(mode=0o700)
    (forged / "accepted.json").write_text((desk.own / "accepted.json").read_text())
    for name in ("MODELGUARD_LOCK", "MODELGUARD_HOME", "MODELGUARD_ACCEPT", "MODELGUARD_BLOCKED", "HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(desk.lock if name.endswith("LOCK") else forged))
    with desk.guarding():
        blocked(unknown)
    assert not canary.exists()


# -- what is proposed ------------------------------------------------------------------------------------------------------------


def test_blocked_load_says_the_entry_that_lets_it_pass_once_it_is_signed(desk, unknown, canary):
    with desk.guarding():
        said = blocked(unknown)
    entry = said[said.index("[[entry]]") :]
    assert 'source = "models/model.pkl"' in entry
    desk.lock.write_text(f"version = 1\n\n{entry}\n")
    desk.accept(desk.lock)
    with desk.guarding():
        blocked(unknown)  # nobody signed it
    desk.rewrite(('by = ""', 'by = "grace"'), ('reason = ""', 'reason = "Reviewed in PR 7"'))
    with desk.guarding():
        load(unknown)
    assert canary.exists()


def test_names_of_strangers_stay_text_in_a_lock_file(desk, canary):
    path = desk.project / 'a"\n[[entry]]\nby = "ada"\t\x1b[2J.pkl'
    path.write_bytes(stream(call("logging.handlers:WatchedFileHandler", str(canary))))
    with desk.guarding(Chooser(Scope.ONCE)) as made:
        load(path)
        write_lock(desk.lock, made.deciding.allowed, made.trust)
    assert "\x1b" not in desk.lock.read_text()
    assert desk.lock.read_text().count("\n[[entry]]\n") == 1
    (file,) = desk.rulebook().locks.files()
    assert [entry.granted.name for entry in file.entries] == [path.name]
    canary.unlink()
    desk.accept(desk.lock)
    with desk.guarding():
        load(path)
    assert canary.exists()


def test_card_and_trust_are_as_ever_where_there_is_no_lock(desk, unknown):
    person = Chooser(Scope.DIGEST)
    with desk.guarding(person):
        load(unknown)
        pickle.loads(unknown.read_bytes()).close()
    assert len(person.asked) == 2
    assert person.fact("Lock file") == ""


# -- a repository's own code -----------------------------------------------------------------------------------------------------


def code(text, path="modeling.py"):
    import hashlib

    from jupyter_modelguard.types import CodeFile

    return CodeFile(path, hashlib.sha256(text).hexdigest(), text)


def asks_for(made, origin, *files):
    from jupyter_modelguard.types import LoadRequest

    permit = made.check_code(LoadRequest("AutoModel.from_pretrained", "", origin), origin, files)
    made.settle(permit, None)
    return permit


def test_code_of_a_repository_is_locked_at_its_commit(desk):
    pinned, first, second = f"hf:acme/yolo@{'4f' * 20}", code(b"import math\n"), code(b"VALUE = 1\n", "configuration.py")
    with desk.guarding(Chooser(Scope.ONCE)) as made:
        asks_for(made, pinned, first, second)
        write_lock(desk.lock, made.deciding.allowed, made.trust)
    text = desk.lock.read_text()
    assert 'source = "hf:acme/yolo"' in text
    assert f'commit = "{"4f" * 20}"' in text
    desk.accept(desk.lock)
    with desk.guarding() as made:
        permit = asks_for(made, pinned, first, second)
        assert set(permit.files) == {first.digest, second.digest}
        asks_for(made, pinned, first)  # some of the files that were shown
        for origin, files in (
            (pinned, (first, code(b"import os\n", "configuration.py"))),
            (pinned, (first, second, code(b"", "new.py"))),
            (f"hf:acme/yolo@{'5a' * 20}", (first,)),
            ("hf:acme/yolo@main", (first,)),
            (f"hf:evil/yolo@{'4f' * 20}", (first,)),
        ):
            with pytest.raises(ModelLoadBlockedError):
                asks_for(made, origin, *files)


def test_rule_allows_code_by_the_digests_of_all_its_files(desk):
    first, second = code(b"import math\n"), code(b"VALUE = 1\n", "configuration.py")
    desk.system.write_text(
        f'[[rule]]\naction = "allow"\nreason = "Read."\ndigest = ["{first.digest}", "{second.digest}"]\n'
        f'[[rule]]\naction = "allow"\nreason = "Read."\nsource = "{desk.folder}/**"\n'
    )
    with desk.guarding() as made:
        asks_for(made, "hf:acme/yolo@main", first, second)
        for origin, files in (
            ("hf:acme/yolo@main", (first, code(b"import os\n", "more.py"))),
            (str(desk.folder / "repository"), (code(b"import os\n"),)),
        ):
            with pytest.raises(ModelLoadBlockedError):
                asks_for(made, origin, *files)
