"""The way of a decision, attacked: whoever has no key, an old click or another card's token decides nothing.

The kernel is a real one, the file is armed, and each attack is followed by the click that counts, so that a test in which nothing could
ever have been decided fails.
"""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("jupyter_client")
pytest.importorskip("ipykernel")

import zmq  # isort: skip
from jupyter_client.session import Session  # isort: skip

from front_end import FrontEnd, started_kernel  # isort: skip

SETUP = """
import pathlib, pickle, threading
from jupyter_modelguard import config
config.default_home = lambda: pathlib.Path({trust!r})
from jupyter_modelguard.approval import widget
widget._STATIC = pathlib.Path({static!r})
%load_ext modelguard
def load(name):
    with open(pathlib.Path({folder!r}) / name, "rb") as file:
        return pickle.load(file)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("decisions")


@pytest.fixture(scope="module")
def front_end(folder):
    static = folder / "static"
    static.mkdir()
    (static / "card.js").write_text("export default {};")
    (static / "card.css").write_text("")
    (folder / "home").mkdir()
    with started_kernel(folder / "home") as started:
        made = FrontEnd(*started)
        code = SETUP.format(trust=str(folder / "trust"), static=str(static), folder=str(folder))
        assert made.reply(made.run(code))["status"] == "ok", made.text()
        yield made


class Leaves:
    """Unpickled, it runs a command that leaves a file."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        import os

        return os.system, (f"echo ran > '{self.canary}'",)


@pytest.fixture
def armed(folder, request):
    """Two armed files, `(name, canary)` each."""
    made = []
    for number in (1, 2):
        name = f"{request.node.name}-{number}"
        canary = folder / f"{name}.canary"
        (folder / name).write_bytes(pickle.dumps(Leaves(canary)))
        made.append((name, canary))
    return made


def waiting(front_end, name):
    """Load a file; give the cell and its card."""
    before = set(front_end.cards)
    cell = front_end.run(f"load({name!r})")
    return cell, front_end.wait_for(lambda: next((one for one in front_end.shown() if one not in before), None))


def allowing(token):
    return {"token": token, "decision": "allow", "reason": "I read the code", "scope": "once", "finding": "os.system"}


def click(front_end, card, content):
    """The frames of a message to a card, as the front end's own session signs them."""
    message = front_end.client.session.msg("comm_msg", {"comm_id": card, "data": {"method": "custom", "content": content}})
    return front_end.client.session.serialize(message)


@contextlib.contextmanager
def stranger(front_end):
    """A connection to the kernel's shell channel of somebody who only knows its port."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.linger = 0
        socket.connect(front_end.client._make_url("shell"))
        yield socket


def is_heard(front_end, cell, card, socket=None):
    """Whether what was sent so far decided; a message that fits nothing, sent last and the same way, is answered with the card's state."""
    front_end.cards[card]["state"] = "asked again"
    content = {"token": front_end.cards[card]["token"], "decision": "neither"}
    if socket is None:
        front_end.send(card, content)
    else:
        socket.send_multipart(click(front_end, card, content))
    front_end.wait_for(lambda: front_end.cards[card]["state"] != "asked again")
    return front_end.cards[card]["state"] != "stopped" or front_end.replies.get(cell) is not None


def test_click_without_the_key_of_the_connection_decides_nothing(front_end, armed):
    (name, canary), _ = armed
    cell, card = waiting(front_end, name)
    content = allowing(front_end.cards[card]["token"])
    forged = Session(key=b"not the key of this kernel")
    message = forged.msg("comm_msg", {"comm_id": card, "data": {"method": "custom", "content": content}})
    unsigned = [*click(front_end, card, content)]
    unsigned[1] = b""
    with stranger(front_end) as socket:
        socket.send_multipart(forged.serialize(message))
        socket.send_multipart(unsigned)
        assert not is_heard(front_end, cell, card, socket)
        assert not canary.exists()
        socket.send_multipart(click(front_end, card, content))  # with the key, the same connection is heard
        assert front_end.reply(cell)["status"] == "ok"
    assert canary.exists()


def test_click_of_the_last_time_decides_nothing(front_end, armed):
    (name, canary), _ = armed
    cell, card = waiting(front_end, name)
    frames = click(front_end, card, allowing(front_end.cards[card]["token"]))
    with stranger(front_end) as socket:
        socket.send_multipart(frames)
        assert front_end.reply(cell)["status"] == "ok"
        assert canary.exists()
        canary.unlink()
        cell, second = waiting(front_end, name)
        socket.send_multipart(frames)
        front_end.send(second, allowing(front_end.cards[card]["token"]))
        assert not is_heard(front_end, cell, second, socket)
        assert not is_heard(front_end, cell, second)
    assert not canary.exists()
    front_end.send(second, allowing(front_end.cards[second]["token"]))
    assert front_end.reply(cell)["status"] == "ok"
    assert canary.exists()


def test_token_of_one_card_decides_about_no_other(front_end, armed):
    """Two loads wait at once in one card; one is kept blocked, and nothing but the other's own token lets that go on."""
    (one, one_canary), (other, other_canary) = armed
    before = set(front_end.cards)
    code = f"""
    kept = {{}}
    def work(name):
        try:
            load(name)
        except RuntimeError as error:
            kept[name] = error
    threads = [threading.Thread(target=work, args=(name,)) for name in {[one, other]!r}]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    print("kept blocked:", sorted(kept))
    """
    cell = front_end.run(textwrap.dedent(code))
    card = front_end.wait_for(
        lambda: next((one for one in front_end.cards if one not in before and front_end.cards[one].get("others")), None)
    )
    rows = [front_end.cards[card], *front_end.cards[card]["others"]]
    tokens = {row["view"]["object"]: row["token"] for row in rows}
    for token in (f"{tokens[one]}{tokens[other]}", tokens[one][:-1], ""):
        front_end.send(card, allowing(token))
    assert not is_heard(front_end, cell, card)
    assert not one_canary.exists()
    assert not other_canary.exists()
    front_end.send(card, {"token": tokens[one], "decision": "deny"})
    front_end.send(card, allowing(tokens[one]))
    assert not other_canary.exists()
    front_end.send(card, allowing(tokens[other]))
    front_end.reply(cell)
    front_end.wait_for(lambda: f"kept blocked: ['{one}']" in front_end.text())
    assert not one_canary.exists()
    assert other_canary.exists()


def test_of_many_answers_from_other_processes_one_counts_and_its_giver_alone_is_told_so(front_end, armed, folder):
    """Eight processes race for one row, half of them with yes: what the kernel does is what the one who was first said."""
    (name, canary), _ = armed
    cell, card = waiting(front_end, name)
    front_end.send(card, {"ready": front_end.cards[card]["token"]})
    program = """
    import pathlib, sys
    from jupyter_modelguard import config
    config.default_home = lambda: pathlib.Path(sys.argv[2])  # where the key is that seals what this person allows
    from jupyter_modelguard.history.store import Store
    from jupyter_modelguard.types import Decision
    store = Store(config.home())
    identity = store.pending()[0].id
    print(flush=True)
    sys.stdin.readline()
    print(store.decide(identity, Decision(sys.argv[1] == "yes", "bob", "database", "I read the code")))
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    with contextlib.ExitStack() as opened:
        racing = [
            opened.enter_context(
                subprocess.Popen(
                    [*command, word, folder / "trust"],
                    env=front_end.environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for word in ("yes", "no") * 4
        ]
        for process in racing:
            process.stdout.readline()
        for process in racing:
            process.stdin.write("\n")
            process.stdin.flush()
        said = [process.communicate()[0].strip() for process in racing]
    assert sorted(said) == ["False"] * 7 + ["True"]
    allowed = said.index("True") % 2 == 0
    assert (front_end.reply(cell)["status"] == "ok") == allowed
    assert canary.exists() == allowed


def test_clock_that_is_set_back_or_forward_opens_nothing(front_end, armed):
    """Once stays once, and who waits goes on waiting, whatever the clock says."""
    (name, canary), _ = armed
    cell, card = waiting(front_end, name)
    front_end.send(card, allowing(front_end.cards[card]["token"]))
    assert front_end.reply(cell)["status"] == "ok"
    canary.unlink()
    front_end.reply(front_end.run("import time; as_it_is = time.time"))
    try:
        for shift in (-10 * 365 * 86_400, 10 * 365 * 86_400):
            front_end.reply(front_end.run(f"time.time = lambda: as_it_is() + {shift}"))
            cell, card = waiting(front_end, name)
            assert not is_heard(front_end, cell, card)
            front_end.send(card, {"token": front_end.cards[card]["token"], "decision": "deny"})
            assert front_end.reply(cell)["status"] == "error"
    finally:
        front_end.reply(front_end.run("time.time = as_it_is"))
    assert not canary.exists()
