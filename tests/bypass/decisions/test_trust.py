"""What was trusted loads without a question, as long as it is what was trusted."""

import io
import logging
import os
import pickle

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.policy.trust import Trust
from jupyter_modelguard.types import Outcome, RiskLevel, Scope

from assembly import call, stream  # isort: skip
from chooser import Chooser, guard_that_trusts, records  # isort: skip


@pytest.fixture
def trust(tmp_path):
    return Trust(lambda: tmp_path / "trust")


@pytest.fixture
def person():
    return Chooser()


@pytest.fixture
def guarded(person, trust, worker, tmp_path):
    with guard_that_trusts(person, trust, worker, tmp_path) as made:
        yield made


@pytest.fixture
def unknown(tmp_path, canary):
    """A file whose load opens the canary with a function that nothing vouches for."""
    path = tmp_path / "model.pkl"
    path.write_bytes(stream(call("logging.handlers:WatchedFileHandler", str(canary))))
    return path


def load(path, loader=None):
    with path.open("rb") as file:
        value = (loader or pickle.load)(file)
    if isinstance(value, logging.Handler):
        value.close()
    return value


def test_this_exact_file_loads_again_without_a_question(guarded, person, unknown, canary):
    load(unknown)
    assert canary.exists()
    canary.unlink()
    load(unknown)
    assert canary.exists()
    assert len(person.asked) == 1
    line = records(guarded)[0]
    assert (line.outcome, line.decision.transport, line.decision.by) == (Outcome.ALLOWED, "trust", "ada")
    assert line.decision.at < line.at
    assert line.decision.reason == "I read the code"


def test_an_answer_for_once_asks_again(guarded, person, unknown):
    person.scope = Scope.ONCE
    load(unknown)
    load(unknown)
    assert len(person.asked) == 2
    assert [choice.value for choice in person.asked[0].scopes] == ["once", "digest", "commit"]
    assert person.offered() == ["once", "digest"]
    assert person.choice("commit").hint == "Only for the code of a repository on a hub."


def test_the_next_kernel_knows_what_was_trusted(guarded, person, unknown, trust, tmp_path):
    load(unknown)
    again = Trust(lambda: tmp_path / "trust")
    assert [entry.name for entry in again.entries()] == ["model.pkl"]


def test_changed_file_asks_again_and_says_what_is_different(guarded, person, unknown, canary):
    load(unknown)
    unknown.write_bytes(stream([call("logging.handlers:WatchedFileHandler", str(canary)), call("colorsys:rgb_to_hsv", 1, 1, 1)]))
    person.scope = None
    with pytest.raises(ModelLoadBlockedError):
        load(unknown)
    assert person.fact("Changed").startswith("since ada trusted it on ")
    assert person.fact("Changed").endswith("1 function new: colorsys.rgb_to_hsv")
    assert person.asked[-1].consequence == "changed since it was trusted, can run code on this machine"


def test_same_functions_with_other_arguments_ask_again(guarded, person, unknown, canary, tmp_path):
    load(unknown)
    unknown.write_bytes(stream(call("logging.handlers:WatchedFileHandler", str(tmp_path / "other"))))
    person.scope = None
    with pytest.raises(ModelLoadBlockedError):
        load(unknown)
    assert not (tmp_path / "other").exists()
    assert "its content is different" in person.fact("Changed")


def test_trust_in_one_loader_is_none_in_another(guarded, person, unknown):
    """The same bytes through a loader that may run more of them."""
    dill = pytest.importorskip("dill")
    load(unknown)
    person.scope = None
    with pytest.raises(ModelLoadBlockedError):
        load(unknown, dill.load)
    assert "for pickle.load, this is dill.load" in person.fact("Trusted")
    load(unknown)
    assert len(person.asked) == 2


def test_bytes_in_memory_can_be_trusted_too(guarded, person, unknown):
    for _ in range(2):
        pickle.loads(unknown.read_bytes()).close()
    assert len(person.asked) == 1


def test_what_runs_a_command_is_offered_once_alone(guarded, person, canary, tmp_path):
    path = tmp_path / "armed.pkl"
    path.write_bytes(stream(call("os:system", f"touch {canary}")))
    load(path)
    assert canary.exists()
    assert [choice.value for choice in person.asked[0].scopes] == ["once"]
    load(path)
    assert len(person.asked) == 2
    assert records(guarded)[0].decision.scope is Scope.ONCE


def test_scope_that_was_not_offered_counts_once(guarded, person, unknown, trust):
    person.scope = Scope.COMMIT
    load(unknown)
    assert trust.entries() == ()
    assert records(guarded)[0].decision.scope is Scope.ONCE


def test_what_was_harmless_enough_to_trust_is_not_once_it_is_known_to_run_commands(guarded, person, unknown, monkeypatch):
    from jupyter_modelguard.stages import deciding, streams

    load(unknown)

    def graver(report):
        import dataclasses

        return dataclasses.replace(deciding.evaluate(report), level=RiskLevel.DANGEROUS)

    monkeypatch.setattr(streams, "evaluate", graver)
    person.scope = None
    with pytest.raises(ModelLoadBlockedError):
        load(unknown)


def test_function_of_a_file_beside_the_notebook_is_not_trusted(guarded, person, tmp_path, monkeypatch):
    """The bytes name it, and whoever can write the folder says what it does."""
    (tmp_path / "planted_acme.py").write_text("def build(x): return x\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "model.pkl"
    path.write_bytes(stream(call("planted_acme:build", 1)))
    load(path)
    assert person.offered() == ["once"]
    assert person.choice("digest").hint == "planted_acme.build comes from a file in the working directory, which can change."
    load(path)
    assert len(person.asked) == 2


def test_trusted_function_that_comes_from_elsewhere_asks_again(guarded, person, unknown, monkeypatch):
    from jupyter_modelguard.engines import inspection

    load(unknown)
    monkeypatch.setattr(inspection, "_origin", lambda _name: "logging 9, installed here")
    person.scope = None
    with pytest.raises(ModelLoadBlockedError):
        load(unknown)
    assert "is now from logging 9, installed here, was from Python" in person.fact("Changed")


def test_trusted_load_that_reads_a_file_beside_it_is_stopped_and_asks_again(guarded, person, tmp_path):
    side = tmp_path / "side.txt"
    side.write_text("first")
    path = tmp_path / "model.pkl"
    path.write_bytes(stream(call("tokenize:open", str(side))))
    load(path).close()
    side.write_text("second")
    with pytest.raises(ModelLoadBlockedError, match=r"reached for the file .*side\.txt.*not trusted any more"):
        load(path)
    load(path).close()
    assert len(person.asked) == 2


def test_trusted_load_that_reads_its_own_file_again_is_stopped(guarded, person, tmp_path):
    """By then it can hold something else."""
    path = tmp_path / "model.pkl"
    path.write_text(f"ctokenize\nopen\n(V{path}\ntR.")  # letters alone, as this function wants them
    load(path).close()
    with pytest.raises(ModelLoadBlockedError, match=r"reached for the file .*model\.pkl"):
        load(path)


def test_names_that_are_given_another_meaning_are_not_trusted(guarded, person, unknown):
    load(unknown, lambda file: pickle.load(file, fix_imports=False))
    assert person.offered() == ["once"]


def test_full_disk_asks(guarded, person, unknown, monkeypatch):
    from jupyter_modelguard.artifacts import reach

    def full(*_):
        raise OSError(28, "No space left on device")

    load(unknown)
    monkeypatch.setattr(reach, "empty_copy", full)
    load(unknown)
    assert len(person.asked) == 2
    assert records(guarded)[0].decision.scope is Scope.ONCE


def test_text_that_reads_otherwise_than_it_was_shown_is_not_trusted(guarded, person, unknown):
    load(unknown)
    load(unknown, lambda file: pickle.load(file, encoding="utf-7"))
    assert len(person.asked) == 2
    assert person.offered() == ["once"]


def test_forgetting_takes_trust_back(guarded, person, unknown, trust):
    load(unknown)
    (entry,) = trust.entries()
    assert trust.forget(entry.id) == (entry,)
    assert trust.forget(entry.id) == ()
    load(unknown)
    assert len(person.asked) == 2


def test_trust_is_given_once_however_often_it_is_given(guarded, person, unknown, trust):
    load(unknown)
    (entry,) = trust.entries()
    trust.forget(entry.id)
    load(unknown)
    load(unknown)
    assert len(trust.entries()) == 1


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_where_trust_cannot_be_kept_the_card_says_why_and_the_load_goes_on(guarded, person, unknown, tmp_path, caplog):
    (tmp_path / "trust").mkdir(mode=0o700)
    (tmp_path / "trust").chmod(0o777)
    load(unknown)
    assert person.offered() == ["once"]
    assert "Others may write to" in person.choice("digest").hint
    load(unknown)
    assert len(person.asked) == 2
    assert caplog.text.count("Others may write to") == 1
    assert not list((tmp_path / "trust").iterdir())


def test_folder_that_opens_while_the_card_is_shown_keeps_nothing(guarded, person, unknown, tmp_path, monkeypatch, caplog):
    (tmp_path / "trust").mkdir(mode=0o700)
    answer = person.ask

    def answer_and_open(record, view, changed):
        (tmp_path / "trust").chmod(0o777)
        return answer(record, view, changed)

    monkeypatch.setattr(person, "ask", answer_and_open)
    load(unknown)
    assert "Others may write to" in caplog.text
    assert records(guarded)[0].decision.scope is Scope.ONCE


def test_forged_file_in_the_folder_of_a_project_counts_for_nothing(guarded, person, unknown, tmp_path, monkeypatch):
    load(unknown)
    project = tmp_path / "project"
    (tmp_path / "trust").rename(project)
    monkeypatch.chdir(project)
    for name in ("MODELGUARD_HOME", "MODELGUARD_TRUST", "XDG_DATA_HOME", "HOME"):
        monkeypatch.setenv(name, str(project))
    load(unknown)
    assert len(person.asked) == 2


def test_unpickler_that_reads_several_streams_is_not_trusted(guarded, person, unknown):
    pickle.Unpickler(io.BytesIO(unknown.read_bytes())).load().close()
    assert person.offered() == ["once"]
