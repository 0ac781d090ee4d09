"""A lock file lets pass what was reviewed, and nothing else: no other bytes, functions or loader, and nothing that nobody accepted."""

import datetime as dt
import os

import pytest

from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.ipython.locking import write_lock
from jupyter_modelguard.types import Outcome, Scope

from assembly import call, stream  # isort: skip
from chooser import Chooser, records  # isort: skip
from rulebooks import blocked, load  # isort: skip

DAY = dt.timedelta(1)


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
        desk.rewrite((digest, wrong))
        with desk.guarding():
            blocked(unknown)
    assert not canary.exists()
    assert "wildcards and prefixes do not count" in caplog.text
    desk.lock.write_text(text)
    desk.rewrite(('"logging.handlers.WatchedFileHandler"', '"logging.handlers.*"'))
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
    desk.rewrite((f"until = {today - DAY}", f"until = {today}"))
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
    desk.rewrite(pair)
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
    desk.rewrite((old["digest"], f'digest = "{report.digest}"'), (old["content"], f'content = "{content}"'))
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
