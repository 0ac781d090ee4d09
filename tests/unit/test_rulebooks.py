"""Which files count where, and what the command line and the doctor say of them."""

from __future__ import annotations

import hashlib
import json
import os
import pickle

import pytest

from jupyter_modelguard import cli, config, handle
from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.ipython import doctor
from jupyter_modelguard.policy.accepted import AcceptedFiles
from jupyter_modelguard.policy.places import Kind, Places
from jupyter_modelguard.policy.rulebook import Rulebook
from jupyter_modelguard.stages.proposing import report_blocked

FORBIDS = '[[rule]]\naction = "forbid"\nname = "no pickles"\nformat = "pickle"\n'


@pytest.fixture
def own(tmp_path, monkeypatch):
    """This person's folder, and a project in which the process is."""
    folder = tmp_path / "person" / "share" / "jupyter-modelguard"
    folder.mkdir(parents=True, mode=0o700)
    monkeypatch.setattr(config, "default_home", lambda: folder)
    monkeypatch.setattr(doctor, "default_home", lambda: folder)
    (tmp_path / "home").mkdir(mode=0o700)
    monkeypatch.setenv("MODELGUARD_HOME", str(tmp_path / "home"))
    config.home.cache_clear()
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    monkeypatch.chdir(project)
    yield folder
    config.home.cache_clear()


@pytest.fixture
def project(own, tmp_path):
    return tmp_path / "project"


def test_folder_of_the_process_counts_as_it_was_at_the_start(own, project, tmp_path, monkeypatch):
    rulebook = Rulebook(lambda: own)
    monkeypatch.chdir(tmp_path)
    (project / "modelguard.toml").write_text(FORBIDS)
    assert [file.place.path for file in rulebook.policy.files()] == [project / "modelguard.toml"]


def test_project_ends_at_its_repository_at_home_and_at_a_folder_that_is_open(own, project, tmp_path):
    below = project / "a" / "b"
    below.mkdir(parents=True)
    places = Places(lambda: own, below)
    assert places.project_folders() == (below, project / "a", project)
    (project / "a").chmod(0o777)
    assert Places(lambda: own, below).project_folders() == (below,)
    at_home = own.parents[2] / "work"
    at_home.mkdir()
    assert Places(lambda: own, at_home).project_folders() == (at_home,)
    assert Places(lambda: own).project_folders() == ()


def test_places_go_from_the_administrators_to_ones_own(own, project):
    kinds = [place.kind for place in Places(lambda: own, project).policies()]
    assert kinds == [Kind.SYSTEM, Kind.PREFIX, Kind.PROJECT, Kind.PROJECT, Kind.USER]


def test_policy_lists_rules_with_their_places_as_text(own, project, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "900")
    (own / "policy.toml").write_text(FORBIDS.replace("no pickles", "\\u001b[2Jno pickles"))
    (project / "modelguard.toml").write_text(
        f'[[rule]]\naction = "allow"\nreason = "ours"\ndigest = "{"ab" * 32}"\nexpires = 2020-01-01\n'
    )
    (project / "modelguard.lock").write_text("version = 7\n")
    assert cli.main(["policy"]) == 0
    said = capsys.readouterr().out
    assert f"{own / 'policy.toml'}:1" in said
    assert "\x1b[2J" not in said
    assert "expired on 2020-01-01" in said
    assert "this one is another version's" in said
    assert "No rule decided a load yet." in said


def test_check_says_which_rule_is_about_a_file(own, project, capsys):
    path = project / "model.pkl"
    path.write_bytes(b"ctextwrap\ndedent\n(Vtrue\ntR.")
    (project / "plain.pkl").write_bytes(pickle.dumps([1]))
    assert cli.main(["policy", "check", "model.pkl", "plain.pkl"]) == 0
    said = capsys.readouterr().out
    assert "model.pkl: no rule; a lock file, trust or a person decides" in said
    assert "plain.pkl: no rule; it loads without a question, on proof" in said
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (own / "policy.toml").write_text(f'[[rule]]\naction = "allow"\nname = "ours"\nreason = "Read."\ndigest = "{digest}"\n')
    (own / "policy.toml").chmod(0o600)
    cli.main(["policy", "check", "model.pkl"])
    assert f"allowed by ours ({own / 'policy.toml'}:1) · Read." in capsys.readouterr().out
    (project / "modelguard.toml").write_text(FORBIDS)
    cli.main(["policy", "check", "model.pkl"])
    assert f"forbidden by no pickles ({project / 'modelguard.toml'}:1)" in capsys.readouterr().out


def test_accept_and_check_want_a_file_and_forget_takes_back(own, project, capsys):
    assert cli.main(["policy", "accept"]) == 2
    assert "Which file?" in capsys.readouterr().err
    lock = project / "modelguard.lock"
    lock.write_text("version = 1\n")
    AcceptedFiles(lambda: own).accept(lock, "ab" * 32, "ada")
    assert cli.main(["policy", "forget", "modelguard.lock"]) == 0
    assert "does not count any more" in capsys.readouterr().out
    assert AcceptedFiles(lambda: own).entries() == ()


def test_lock_wants_a_load_that_was_allowed(own, project, tmp_path, capsys):
    from histories import full_record

    store = Store(tmp_path / "home")
    record = full_record(store)
    store.record(record)
    store.close()
    assert cli.main(["lock", record.id]) == 0
    assert "It was not allowed, so there is nothing to grant." in capsys.readouterr().out
    assert not (project / "modelguard.lock").exists()


def test_doctor_says_what_is_wrong_with_a_policy(own, project):
    def said():
        return doctor._policy()

    assert said() == (True, "Rules and lock files that count in this folder: none.")
    (own / "policy.toml").write_text(FORBIDS)
    (own / "policy.toml").chmod(0o600)
    assert said() == (True, "Rules and lock files that count in this folder: 1 rule, see %modelguard policy.")
    (own / "policy.toml").write_text("[[rule]]\n")
    assert not said().well
    assert f"{own / 'policy.toml'}:1: say what to do" in said().text


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_doctor_says_of_a_policy_that_others_may_write_that_it_allows_nothing(own):
    (own / "policy.toml").write_text(f'[[rule]]\naction = "allow"\nreason = "r"\ndigest = "{"ab" * 32}"\n')
    (own / "policy.toml").chmod(0o666)
    assert not doctor._policy().well
    assert "Others may write to" in doctor._policy().text


def test_acceptance_that_is_broken_accepts_nothing_and_is_not_written_over(own, project):
    accepted = AcceptedFiles(lambda: own)
    path = own / "accepted.json"
    for text in (
        "{",
        "[]",
        '{"version": 1}',
        '{"version": 2, "files": []}',
        '{"version": 1, "files": [{"path": 1}]}',
        "[" * 9_000,
    ):
        path.write_text(text)
        path.chmod(0o600)
        assert not accepted.accepts(project / "modelguard.lock", "ab" * 32)
        with pytest.raises(ConfigurationError):
            accepted.accept(project / "modelguard.lock", "ab" * 32, "ada")
        assert path.read_text() == text


def test_handle_of_a_script_leaves_the_guard_under_a_locked_policy(monkeypatch):
    class Guard:
        locked = True

        def be_strict(self, *_):
            pass

    stopped = []
    monkeypatch.setattr(handle.guard, "current", lambda: None)
    monkeypatch.setattr(handle.guard, "start", lambda *_, **__: Guard())
    monkeypatch.setattr(handle.guard, "stop", lambda: stopped.append(1))
    handle.install().close()
    assert stopped == []
    Guard.locked = False
    handle.install().close()
    assert stopped == [1]


def test_variable_that_names_another_file_has_nothing_written_to_it(tmp_path, monkeypatch):
    precious = tmp_path / ".bashrc"
    precious.write_text("kept")
    monkeypatch.setenv(config.BLOCKED, str(precious))
    report_blocked("00000001", "$(touch canary)")
    assert precious.read_text() == "kept"
    (tmp_path / f"{config.RUN_FOLDER}x").mkdir()
    run = tmp_path / f"{config.RUN_FOLDER}x" / "blocked"
    run.symlink_to(precious)
    monkeypatch.setenv(config.BLOCKED, str(run))
    report_blocked("00000001", "$(touch canary)")
    assert precious.read_text() == "kept"
    run.unlink()
    run.touch()
    report_blocked("00000001", "said")
    assert json.loads(run.read_text())["message"] == "said"
