"""A lock file lets pass what was reviewed, and nothing else: no other bytes, functions or loader, and nothing that nobody accepted."""

import datetime as dt
import os
import pickle

import pytest

from jupyter_modelguard.errors import ConfigurationError, ModelLoadBlockedError
from jupyter_modelguard.ipython.locking import write_lock
from jupyter_modelguard.types import Outcome, Scope

from assembly import call, stream  # isort: skip
from chooser import Chooser, records  # isort: skip
from rulebooks import Desk, load  # isort: skip

DAY = dt.timedelta(1)


@pytest.fixture
def desk(tmp_path, worker, monkeypatch):
    monkeypatch.delenv("MODELGUARD_HEADLESS", raising=False)
    return Desk(tmp_path, worker, monkeypatch)


@pytest.fixture
def unknown(desk, canary):
    """A file whose load opens the canary with a function that nothing vouches for."""
    path = desk.project / "model.pkl"
    path.write_bytes(stream(call("logging.handlers:WatchedFileHandler", str(canary))))
    return path


@pytest.fixture
def locked(desk, unknown, canary):
    """A lock file that was written from what a person allowed, and accepted."""
    with desk.guarding(Chooser(Scope.ONCE)) as made:
        load(unknown)
        write_lock(desk.lock, made.deciding.allowed, made.trust)
    assert canary.exists()
    canary.unlink()
    desk.accept(desk.lock)
    return desk.lock


def blocked(path, loader=None):
    with pytest.raises(ModelLoadBlockedError) as caught:
        load(path, loader)
    return str(caught.value)


def rewritten(desk, *pairs):
    text = desk.lock.read_text()
    for before, after in pairs:
        assert before in text
        text = text.replace(before, after)
    desk.lock.write_text(text)
    desk.accept(desk.lock)


def test_what_is_locked_loads_where_nobody_can_be_asked(desk, unknown, locked, canary):
    with desk.guarding() as made:
        load(unknown)
        line = records(made)[0]
    assert canary.exists()
    assert (line.outcome, line.decision.transport, line.decision.by) == (Outcome.ALLOWED, "lock", "ada")
    line_number = desk.lock.read_text().splitlines().index("[[entry]]") + 1
    assert line.decision.reason == f"I read the code · {desk.lock}:{line_number}"


@pytest.mark.parametrize("how", ["forgotten", "changed after it was accepted", "never accepted"])
def test_lock_that_was_not_accepted_as_it_is_lets_nothing_pass(desk, unknown, locked, canary, how):
    accepted = desk.rulebook().accepted
    if how == "forgotten":
        accepted.withdraw(desk.lock)
    elif how == "never accepted":
        (desk.own / "accepted.json").unlink()
    else:
        desk.lock.write_text(f"{desk.lock.read_text()}\n")
    with desk.guarding():
        said = blocked(unknown)
    assert not canary.exists()
    assert "Nobody could be asked" in said
    assert f"Lock file: {desk.lock}:" in said
    assert "[[entry]]" not in said
    person = Chooser(Scope.ONCE)
    with desk.guarding(person):
        load(unknown)
    assert person.fact("Lock file").endswith(
        f"covers it, and was not accepted: modelguard policy accept {desk.lock}, or modelguard run --lock"
    )


def test_named_on_the_command_line_it_counts_as_it_was_then(desk, unknown, locked, canary):
    desk.rulebook().accepted.withdraw(desk.lock)
    with desk.guarding(named=desk.lock):
        desk.lock.write_text("version = 1\n")
        load(unknown)
    assert canary.exists()


def test_named_lock_that_is_missing_broken_or_a_link_is_an_error(desk, locked, tmp_path):
    (tmp_path / "link.lock").symlink_to(desk.lock)
    (tmp_path / "broken.lock").write_text("version = 1\n[[entry]]\n")
    for name in ("none.lock", "link.lock", "broken.lock"):
        with pytest.raises(ConfigurationError, match=rf"{name}:\d: "):
            desk.rulebook(tmp_path / name)


def test_changed_file_is_stopped(desk, unknown, locked, canary):
    unknown.write_bytes(unknown.read_bytes() + b"beyond the end, where no opcode is read")
    with desk.guarding():
        blocked(unknown)
    unknown.write_bytes(stream(call("logging.handlers:WatchedFileHandler", f"{canary}x")))
    with desk.guarding():
        blocked(unknown)
    assert not canary.exists()


def test_same_bytes_elsewhere_pass_and_through_another_loader_do_not(desk, unknown, locked, canary, tmp_path):
    dill = pytest.importorskip("dill")
    copy = tmp_path / "copy.pkl"
    copy.write_bytes(unknown.read_bytes())
    with desk.guarding():
        load(copy)
        blocked(unknown, dill.load)


def test_function_that_comes_from_elsewhere_is_stopped(desk, unknown, locked, canary, monkeypatch):
    from jupyter_modelguard.engines import inspection

    monkeypatch.setattr(inspection, "_origin", lambda _name: "logging 9, installed here")
    with desk.guarding():
        blocked(unknown)
    assert not canary.exists()


def test_entry_with_a_wildcard_or_a_prefix_makes_the_file_count_for_nothing(desk, unknown, locked, canary, caplog):
    text = desk.lock.read_text()
    digest = next(line for line in text.splitlines() if line.startswith("content = "))
    for wrong in ('content = "*"', 'content = ""', f'{digest[:40]}"', 'content = "**"'):
        desk.lock.write_text(text)
        rewritten(desk, (digest, wrong))
        with desk.guarding():
            blocked(unknown)
    assert not canary.exists()
    assert "wildcards and prefixes do not count" in caplog.text
    desk.lock.write_text(text)
    rewritten(desk, ('"logging.handlers.WatchedFileHandler"', '"logging.handlers.*"'))
    with desk.guarding():
        blocked(unknown)
    assert not canary.exists()


def test_expired_entry_lets_nothing_pass_and_one_that_ends_today_does(desk, unknown, locked, canary):
    today = dt.datetime.now().astimezone().date()
    desk.lock.write_text(f"{desk.lock.read_text()}until = {today - DAY}\n")
    desk.accept(desk.lock)
    with desk.guarding():
        blocked(unknown)
    assert not canary.exists()
    rewritten(desk, (f"until = {today - DAY}", f"until = {today}"))
    with desk.guarding():
        load(unknown)
    assert canary.exists()


@pytest.mark.parametrize(
    "pair",
    [
        ('by = "ada"', 'by = ""'),
        ('reason = "I read the code"', 'reason = ""'),
        ("version = 1", "version = 2"),
        ("[[entry]]", "[[entries]]"),
        ('scope = "digest"', 'scope = "once"'),
        ('loader = "pickle.load"', "loader = 1"),
        ("at = ", "until = 'some day'\nat = "),
    ],
)
def test_file_that_is_not_as_it_must_be_lets_nothing_pass_and_says_where(desk, unknown, locked, canary, caplog, pair):
    rewritten(desk, pair)
    with desk.guarding():
        blocked(unknown)
    assert not canary.exists()
    assert f"{desk.lock}:" in caplog.text


def test_link_in_place_of_an_accepted_lock_lets_nothing_pass(desk, unknown, locked, canary, tmp_path):
    real = tmp_path / "real.lock"
    desk.lock.rename(real)
    desk.lock.symlink_to(real)
    with desk.guarding():
        blocked(unknown)
    assert not canary.exists()


def test_accepted_lock_of_another_project_lets_nothing_pass_here(desk, unknown, locked, canary):
    elsewhere = desk.folder / "elsewhere"
    elsewhere.mkdir()
    desk.lock.rename(elsewhere / "modelguard.lock")
    desk.project = elsewhere
    with desk.guarding():
        blocked(unknown)
    assert not canary.exists()


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_acceptance_that_others_could_have_written_accepts_nothing(desk, unknown, locked, canary, caplog):
    (desk.own / "accepted.json").chmod(0o666)
    with desk.guarding():
        blocked(unknown)
    (desk.own / "accepted.json").chmod(0o600)
    desk.own.chmod(0o777)
    with desk.guarding():
        blocked(unknown)
    desk.own.chmod(0o700)
    forged = desk.folder / "forged.json"
    (desk.own / "accepted.json").rename(forged)
    (desk.own / "accepted.json").symlink_to(forged)
    with desk.guarding():
        blocked(unknown)
    assert not canary.exists()
    assert "No file of a project counts" in caplog.text


def test_lock_in_a_folder_that_anybody_may_write_to_is_no_projects(desk, unknown, locked, canary):
    below = desk.project / "open" / "notebooks"
    below.mkdir(parents=True)
    (desk.project / "open").chmod(0o777)
    desk.project = below
    with desk.guarding():
        blocked(unknown)
    assert not canary.exists()


def test_locked_load_that_reads_a_file_beside_it_is_stopped(desk, tmp_path):
    side = tmp_path / "side.txt"
    side.write_text("first")
    path = desk.project / "model.pkl"
    path.write_bytes(stream(call("tokenize:open", str(side))))
    with desk.guarding(Chooser(Scope.ONCE)) as made:
        load(path).close()
        write_lock(desk.lock, made.deciding.allowed, made.trust)
    desk.accept(desk.lock)
    side.write_text("second")
    with desk.guarding():
        assert "reached for the file" in blocked(path)


def test_what_runs_a_command_is_never_locked(desk, canary):
    path = desk.project / "armed.pkl"
    path.write_bytes(stream(call("os:system", f"touch {canary}")))
    with desk.guarding(Chooser(Scope.ONCE)) as made:
        load(path)
        said = write_lock(desk.lock, made.deciding.allowed, made.trust)
    assert said == "armed.pkl: A file that runs a command is asked about each time."
    assert not desk.lock.exists()
    canary.unlink()
    with desk.guarding():
        assert "No lock file can let it pass: A file that runs a command is asked about each time." in blocked(path)
    assert not canary.exists()


def test_entry_forged_for_what_runs_a_command_lets_nothing_pass(desk, unknown, locked, canary):
    from jupyter_modelguard.engines.scan import scan_each

    path = desk.project / "armed.pkl"
    path.write_bytes(stream(call("os:system", f"touch {canary}")))
    import hashlib

    report = next(iter(scan_each(str(path))))
    lines = desk.lock.read_text().splitlines()
    old = {line.partition(" = ")[0]: line for line in lines if line.startswith(("digest", "content"))}
    functions = ", ".join(f'["{use.name}", "{use.origin}"]' for use in report.globals)
    start, end = lines.index("functions = ["), lines.index("]")
    lines[start : end + 1] = [f"functions = [{functions}]"]
    desk.lock.write_text("\n".join(lines))
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    rewritten(desk, (old["digest"], f'digest = "{report.digest}"'), (old["content"], f'content = "{content}"'))
    with desk.guarding():
        blocked(path)
    assert not canary.exists()


def test_policy_goes_before_the_lock(desk, unknown, locked, canary):
    desk.system.write_text('[[rule]]\naction = "forbid"\nname = "none of it"\n')
    with desk.guarding():
        assert "none of it" in blocked(unknown)
    desk.system.write_text('[[rule]]\naction = "ask"\n')
    with desk.guarding():
        blocked(unknown)
    assert not canary.exists()


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
    assert 'source = "model.pkl"' in entry
    desk.lock.write_text(f"version = 1\n\n{entry}\n")
    desk.accept(desk.lock)
    with desk.guarding():
        blocked(unknown)  # nobody signed it
    rewritten(desk, ('by = ""', 'by = "grace"'), ('reason = ""', 'reason = "Reviewed in PR 7"'))
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
