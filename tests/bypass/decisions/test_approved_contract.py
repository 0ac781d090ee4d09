"""An approval is a contract: what a load reaches for beyond what the card showed ends it, and is named."""

import pickle

import pytest

from jupyter_modelguard.approval.transport import changed_meanwhile
from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.history.pending import fingerprint
from jupyter_modelguard.policy.trust import Trust
from jupyter_modelguard.types import Decision, Scope

from assembly import call, ref, stream  # isort: skip
from chooser import Chooser, guard_that_trusts, records  # isort: skip


@pytest.fixture
def person():
    return Chooser(Scope.ONCE)


@pytest.fixture
def guarded(person, worker, tmp_path):
    with guard_that_trusts(person, Trust(lambda: tmp_path / "trust"), worker, tmp_path) as made:
        yield made


def chain_of_attributes(_folder, canary):
    return call(call("builtins:getattr", ref("uuid:os"), "system"), f"touch '{canary}'")


def program(_folder, canary):
    return call("uuid:_get_command_stdout", "touch", str(canary))


def second_pickle(_folder, canary):
    return call("pickle:_loads", stream(call("os:mknod", str(canary))))


def file_of_code(folder, canary):
    (folder / "planted_contract.py").write_text(f"open({str(canary)!r}, 'w').close()")
    return call("unittest.loader:defaultTestLoader.loadTestsFromName", "planted_contract")


def connection(_folder, _canary):
    return call("multiprocessing.connection:Client", ("127.0.0.1", 9))


BEYOND = {  # each with what the person is told of it, and one thing that the card did show
    chain_of_attributes: ("another program", "uuid.os"),
    program: ("another program", "uuid._get_command_stdout"),
    second_pickle: ("os.mknod", "pickle._loads"),
    file_of_code: ("the code file", "loadTestsFromName"),
}


@pytest.mark.parametrize("attack", BEYOND)
def test_attack_works_where_nobody_is_guarded(attack, plainly, tmp_path, canary):
    source = "import pickle, sys\nsys.path.insert(0, place)\npickle.loads(data)"
    plainly(source, data=stream(attack(tmp_path, canary)), place=str(tmp_path))
    assert canary.exists()


@pytest.mark.parametrize("attack", BEYOND)
def test_what_was_not_on_the_card_ends_the_load_and_is_named(attack, guarded, person, tmp_path, canary, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    surprise, shown = BEYOND[attack]
    with pytest.raises(ModelLoadBlockedError, match="went beyond what was agreed to") as blocked:
        pickle.loads(stream(attack(tmp_path, canary)))
    assert not canary.exists()
    first, card = str(blocked.value).splitlines()[:2]
    assert f"reached for {surprise}" in first
    assert card.startswith("On its card: ")
    assert shown in card
    (record,) = records(guarded)
    assert (record.outcome.value, record.decision.allow) == ("blocked", True)
    assert record.error.startswith(surprise)
    assert person.surprised == [record.error]


def test_connection_ends_the_load(guarded):
    with pytest.raises(ModelLoadBlockedError, match=r"a connection to \('127.0.0.1', 9\)"):
        pickle.loads(stream(connection(None, None)))


def test_looking_up_a_name_ends_the_load(guarded):
    """What is looked up reaches whoever answers for the name."""
    with pytest.raises(ModelLoadBlockedError, match=r"the address of 'secret\.invalid'"):
        pickle.loads(stream(call("logging.handlers:SysLogHandler", ("secret.invalid", 514))))


@pytest.mark.parametrize("attack", BEYOND)
def test_next_card_shows_it_and_its_approval_covers_it(attack, guarded, person, tmp_path, canary, monkeypatch):
    """Honest work must have a way on: what was seen once can be agreed to."""
    monkeypatch.syspath_prepend(str(tmp_path))
    data = stream(attack(tmp_path, canary))
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)
    assert not person.fact("Stopped before")
    pickle.loads(data)
    assert BEYOND[attack][0] in person.fact("Stopped before")
    assert canary.exists()


def test_command_that_was_seen_wants_its_finding_typed_next_time(guarded, person, canary):
    data = stream(program(None, canary))
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)
    assert not person.asked[-1].confirm
    person.scope = None
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)
    assert person.asked[-1].confirm
    assert person.offered() == ["once"]


def test_another_surprise_is_not_covered(guarded, tmp_path, canary):
    """What one file was stopped at is on its own card alone."""
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(stream(program(None, canary)))
    with pytest.raises(ModelLoadBlockedError, match="a connection"):
        pickle.loads(stream(connection(None, None)))


def test_honest_load_that_was_approved_goes_on(guarded, person, tmp_path):
    """Files that are read, libraries that are imported and threads: none of it is beyond a card."""
    (tmp_path / "notes.txt").write_text("read")
    data = stream(call("linecache:getline", str(tmp_path / "notes.txt"), 1))
    assert pickle.loads(data) == "read\n"
    assert len(person.asked) == 1


def payload(letter):
    return stream(call("base64:b64encode", letter.encode() * 200_000))


def test_file_that_changes_while_somebody_decides_is_looked_at_and_shown_again(guarded, person, tmp_path, monkeypatch):
    """No opcode hides in a large payload, but a function may be given it to run."""
    path = tmp_path / "model.pkl"
    path.write_bytes(payload("a"))
    answer = person.ask

    def swap_then_answer(record, view, changed):
        if not person.asked:
            path.write_bytes(payload("b"))
        said = answer(record, view, changed)
        return changed_meanwhile() if changed() else said

    monkeypatch.setattr(person, "ask", swap_then_answer)
    with path.open("rb") as file:
        assert pickle.load(file).startswith(b"YmJi")  # base64 of "bbb"
    assert len(person.asked) == 2


def test_approval_given_ahead_is_for_the_functions_that_were_shown(guarded, person, tmp_path, canary):
    path = tmp_path / "model.pkl"
    path.write_bytes(payload("a"))
    person.scope = None
    with path.open("rb") as file, pytest.raises(ModelLoadBlockedError):
        pickle.load(file)
    ahead = {fingerprint(records(guarded)[0]): Decision(allow=True, by="ada", transport="prompt")}
    person.prior = lambda record: ahead.pop(fingerprint(record), None)
    path.write_bytes(stream(call("base64:b64encode", call("os:mknod", str(canary)))))
    with path.open("rb") as file, pytest.raises(ModelLoadBlockedError):
        pickle.load(file)
    path.write_bytes(payload("a"))
    with path.open("rb") as file:
        assert pickle.load(file).startswith(b"YWFh")  # base64 of "aaa"
    assert not canary.exists()
