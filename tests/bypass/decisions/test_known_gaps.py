"""What no decision can be held to, each shown: a test that fails here is a gap that closed, and moves to where the others are."""

import pickle
import subprocess
import sys

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.history.pending import fingerprint
from jupyter_modelguard.policy.trust import Trust
from jupyter_modelguard.types import Decision, Scope

from assembly import call, ref, stream  # isort: skip
from chooser import Chooser, guard_that_trusts, records  # isort: skip

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def payload(canary):
    return stream(call("builtins:open", str(canary), "w"))


def test_code_in_the_kernel_can_write_down_what_a_person_trusts(hold, tmp_path):
    """The file is this user's, and so is the code: nobody else could have written it."""
    from jupyter_modelguard.policy.trust_entry import TrustEntry
    from jupyter_modelguard.policy.trust_file import TrustFile
    from jupyter_modelguard.types import Scope

    hold()
    functions = (("acme.run", "acme 1.0, installed here"),)
    made = (
        "7f3a91c2",
        Scope.DIGEST,
        "pickle.load",
        "pickle",
        "a.pkl",
        "/a.pkl",
        "ab" * 32,
        "cd" * 32,
        functions,
        (),
        "ada",
        "",
        1.0,
    )
    forged = TrustEntry(*made)
    TrustFile(lambda: tmp_path / "trust").change(lambda entries: (*entries, forged))
    assert Trust(lambda: tmp_path / "trust").entries() == (forged,)


def test_code_in_the_kernel_can_accept_what_a_project_brings(hold, tmp_path):
    """As it can write down what is trusted: by the same user, in the same folder."""
    from jupyter_modelguard.policy.accepted import AcceptedFiles

    hold()
    accepted = AcceptedFiles(lambda: tmp_path / "trust")
    accepted.accept(tmp_path / "modelguard.lock", "ab" * 32, "nobody")
    assert accepted.accepts(tmp_path / "modelguard.lock", "ab" * 32)


def test_plain_data_passes_before_any_rule_is_looked_at(worker, tmp_path, monkeypatch):
    """A rule is about loads that are looked at: a stream that resolves nothing is done by then, and could do nothing."""
    from rulebooks import Desk, load

    desk = Desk(tmp_path, worker, monkeypatch)
    desk.system.write_text('[[rule]]\naction = "forbid"\nformat = "pickle"\n')
    path = tmp_path / "plain.pkl"
    path.write_bytes(pickle.dumps([1, 2]))
    with desk.guarding():
        assert load(path) == [1, 2]


def test_a_trusted_function_may_read_another_file_by_native_code(worker, tmp_path):
    """What h5py, pyarrow and their like open comes by no event of Python: the file is another one by then, and nobody is asked."""
    h5py = pytest.importorskip("h5py", reason="it opens files by native code")

    def weights(value):
        with h5py.File(tmp_path / "weights.h5", "w") as file:
            file["weight"] = value

    def load():
        with pickle.loads(data) as file:
            return file["weight"][()]

    data = stream(call("h5py._hl.files:File", str(tmp_path / "weights.h5"), "r"))
    person = Chooser()
    with guard_that_trusts(person, Trust(lambda: tmp_path / "trust"), worker, tmp_path):
        weights(1)
        assert load() == 1
        weights(2)
        assert load() == 2
    assert len(person.asked) == 1


CARD_THAT_DRAWS_NOTHING = """
import pathlib, pickle
from jupyter_modelguard.approval import widget
widget._STATIC = pathlib.Path({static!r})
%load_ext modelguard
"""


@pytest.fixture
def load_that_waits(payload, tmp_path):
    """A kernel in which an armed load waits for a person: its front end, and the cell."""
    pytest.importorskip("ipykernel")
    from front_end import FrontEnd, started_kernel

    for name, text in (("card.js", "export default {};"), ("card.css", "")):
        (tmp_path / name).write_text(text)
    home = tmp_path / "home"
    home.mkdir()
    with started_kernel(home) as started:
        front_end = FrontEnd(*started)
        code = CARD_THAT_DRAWS_NOTHING.format(static=str(tmp_path))
        assert front_end.reply(front_end.run(code))["status"] == "ok", front_end.text()
        front_end.listener = front_end.manager.blocking_client()  # another program, with the same connection file
        front_end.listener.start_channels(shell=True, iopub=True, stdin=False, hb=False, control=False)
        front_end.listener.wait_for_ready(timeout=60)
        yield front_end, front_end.run(f"pickle.loads({payload!r})")
        front_end.listener.stop_channels()


def test_program_of_the_same_user_can_click_with_the_key_of_the_connection(load_that_waits, canary):
    """The key lies in a file of this user, and what the card shows is published to whoever has it."""
    front_end, cell = load_that_waits
    listener = front_end.listener
    state = {}
    while "token" not in state:
        message = listener.get_iopub_msg(timeout=60)
        state = message["content"].get("data", {}).get("state", {}) if message["msg_type"] == "comm_open" else {}
    card = message["content"]["comm_id"]
    click = {"token": state["token"], "decision": "allow", "reason": "I read the code", "scope": "once"}
    click["finding"] = state["view"]["confirm"][0]
    front_end.wait_for(lambda: front_end.cards)
    for said in ({"ready": state["token"]}, click):  # a card that is drawn keeps the question, however slow this machine is
        content = {"comm_id": card, "data": {"method": "custom", "content": said}}
        listener.shell_channel.send(listener.session.msg("comm_msg", content))
    assert front_end.reply(cell)["status"] == "ok"
    assert canary.exists()


def test_program_of_the_same_user_can_write_the_answer_into_the_history(load_that_waits, canary):
    """It is the same row that `modelguard decide` writes."""
    front_end, cell = load_that_waits
    card = front_end.card()
    front_end.send(
        card, {"ready": front_end.cards[card]["token"]}
    )  # else the question moves to a prompt, however slow this machine is
    answer = """if True:
    from jupyter_modelguard.config import home
    from jupyter_modelguard.history.store import Store
    from jupyter_modelguard.types import Decision
    store = Store(home())
    assert store.decide(store.pending()[0].id, Decision(True, "nobody", "database", "I read the code"))
    """
    subprocess.run([sys.executable, "-c", answer], env=front_end.environment, check=True)
    assert front_end.reply(cell)["status"] == "ok"
    assert canary.exists()


def test_a_file_that_was_allowed_to_run_a_command_may_run_another_one(worker, tmp_path, canary):
    """The card said that it runs a command, and the finding was typed: which commands that starts in turn is not held against it."""
    made = call("os:system", "true")
    data = stream(call("builtins:print", made, call("uuid:_get_command_stdout", "touch", str(canary))))
    person = Chooser(Scope.ONCE)
    with guard_that_trusts(person, Trust(lambda: tmp_path / "trust"), worker, tmp_path):
        pickle.loads(data)
    assert person.asked[0].confirm
    assert canary.exists()


def test_a_function_that_was_allowed_may_write_files(worker, tmp_path):
    """The card shows the function, not what that reads and writes."""
    data = stream(call(call("builtins:getattr", ref("uuid:os"), "mkdir"), str(tmp_path / "made")))
    with guard_that_trusts(Chooser(Scope.ONCE), Trust(lambda: tmp_path / "trust"), worker, tmp_path):
        pickle.loads(data)
    assert (tmp_path / "made").is_dir()


def test_a_function_that_was_allowed_once_may_read_files(worker, tmp_path):
    """Trust for longer than once ends with such a read."""
    (tmp_path / "beside.txt").write_text("weights")
    person = Chooser(Scope.ONCE)
    with guard_that_trusts(person, Trust(lambda: tmp_path / "trust"), worker, tmp_path):
        assert pickle.loads(stream(call("linecache:getline", str(tmp_path / "beside.txt"), 1))) == "weights\n"
    assert len(person.asked) == 1


def test_an_approval_given_ahead_covers_a_file_of_which_data_alone_changed(worker, tmp_path):
    """`%modelguard allow ID` is for code-bearing bytes, as the card showed them: large data between them may be other data by then."""
    path = tmp_path / "model.pkl"
    person = Chooser(None)
    with guard_that_trusts(person, Trust(lambda: tmp_path / "trust"), worker, tmp_path) as guarded:
        path.write_bytes(stream(call("base64:b64encode", b"a" * 200_000)))
        with path.open("rb") as file, pytest.raises(ModelLoadBlockedError):
            pickle.load(file)
        ahead = {fingerprint(records(guarded)[0]): Decision(allow=True, by="ada", transport="prompt")}
        person.prior = lambda record: ahead.pop(fingerprint(record), None)
        path.write_bytes(stream(call("base64:b64encode", b"b" * 200_000)))
        with path.open("rb") as file:
            assert pickle.load(file).startswith(b"YmJi")  # base64 of "bbb"
