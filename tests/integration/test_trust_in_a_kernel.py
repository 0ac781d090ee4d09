"""Trust in a real kernel: chosen on a card, kept for the next kernel, asked about again when something is different."""

from __future__ import annotations

import contextlib
import pickle
import re
import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("jupyter_client")
pytest.importorskip("ipykernel")

from front_end import FrontEnd, started_kernel  # isort: skip

SETUP = """
import pathlib, pickle
from jupyter_modelguard import config
config.default_home = lambda: pathlib.Path({trust!r})
from jupyter_modelguard.approval import widget
widget._STATIC = pathlib.Path({static!r})
%load_ext modelguard
def load():
    with open({model!r}, "rb") as file:
        return pickle.load(file)
"""


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.pkl"
    write(path, "textwrap", "dedent", "weights")
    return path


def write(path, module, name, argument):
    path.write_bytes(b"\x80\x04c" + f"{module}\n{name}\n(".encode() + pickle.dumps(argument, 3)[2:-1] + b"tR.")


@pytest.fixture
def kernel(tmp_path, model):
    """Start a kernel with the extension loaded; all of them trust the same."""
    static = tmp_path / "static"
    static.mkdir()
    (static / "card.js").write_text("export default {};")
    (static / "card.css").write_text("")
    code = SETUP.format(trust=str(tmp_path / "trust"), static=str(static), model=str(model))
    home = tmp_path / "home"
    home.mkdir()
    with contextlib.ExitStack() as opened:

        def start():
            front_end = FrontEnd(*opened.enter_context(started_kernel(home)))
            assert front_end.reply(front_end.run(code))["status"] == "ok", front_end.text()
            return front_end

        yield start


def allow(front_end, card, scope):
    token = front_end.cards[card]["token"]
    front_end.send(card, {"token": token, "decision": "allow", "reason": "I read the code", "scope": scope, "finding": ""})


def deny(front_end, card):
    front_end.send(card, {"token": front_end.cards[card]["token"], "decision": "deny"})


def loads_silently(front_end, mark):
    shown = len(front_end.cards)
    reply = front_end.reply(front_end.run(f"print('{mark}', load())"))
    front_end.wait_for(lambda: f"{mark} weights" in front_end.text())
    return reply["status"] == "ok" and len(front_end.cards) == shown


def trusted(front_end):
    """Load, and trust the file for good on its card."""
    cell = front_end.run("load()")
    card = front_end.card()
    allow(front_end, card, "digest")
    assert front_end.reply(cell)["status"] == "ok"
    return card


def test_file_trusted_on_the_card_loads_in_this_and_in_the_next_kernel(kernel):
    first = kernel()
    cell = first.run("load()")
    card = first.card()
    scopes = first.cards[card]["view"]["scopes"]
    assert [(scope["value"], scope["enabled"]) for scope in scopes] == [("once", True), ("digest", True), ("commit", False)]
    assert scopes[1]["button"] == "Run 1 unknown function and remember this file"
    allow(first, card, "commit")  # greyed: a message that names it is none of this card's
    allow(first, card, "digest")
    assert first.reply(cell)["status"] == "ok"
    first.wait_for(lambda: "allowed and remembered by" in first.text())
    assert loads_silently(first, "again")
    second = kernel()
    assert loads_silently(second, "elsewhere")
    second.reply(second.run("%modelguard history 1"))
    second.wait_for(lambda: re.search(r'"I read the code", trusted since \d{4}-', second.text()))


def test_changed_file_asks_and_the_card_says_that_it_changed(kernel, model):
    front_end = kernel()
    card = trusted(front_end)
    write(model, "base64", "b64encode", b"weights")
    cell = front_end.run("load()")
    second = front_end.card(after=card)
    fact = front_end.cards[second]["view"]["facts"][0]
    assert fact["label"] == "Changed"
    assert "1 function new: base64.b64encode · 1 function gone: textwrap.dedent" in fact["text"]
    allow(front_end, card, "digest")  # a click on the old card again
    assert front_end.replies.get(cell) is None
    deny(front_end, second)
    assert front_end.reply(cell)["status"] == "error"


def test_forget_takes_it_back(kernel):
    front_end = kernel()
    card = trusted(front_end)
    identity = front_end.cards[card]["view"]["id"]
    front_end.reply(front_end.run("%modelguard forget"))
    front_end.wait_for(lambda: "Trusted on this machine" in front_end.text())
    front_end.reply(front_end.run(f"%modelguard forget {identity[:6]}"))
    front_end.wait_for(lambda: "Not trusted any more, the next load asks: model.pkl" in front_end.text())
    cell = front_end.run("load()")
    deny(front_end, front_end.card(after=card))
    assert front_end.reply(cell)["status"] == "error"


def test_answer_from_another_terminal_is_remembered_by_the_kernel(kernel, tmp_path):
    front_end = kernel()
    cell = front_end.run("load()")
    card = front_end.card()
    front_end.send(card, {"ready": front_end.cards[card]["token"]})
    program = """
    import pathlib, sys
    from jupyter_modelguard import config
    config.default_home = lambda: pathlib.Path(sys.argv[1])  # where the key is that seals what this person allows
    from jupyter_modelguard.approval.decide import decide_pending
    from jupyter_modelguard.history.store import Store
    from rich.console import Console
    lines = iter(["run", "3", "2"])
    store = Store(config.home())
    print(decide_pending(store, store.pending()[0].id, Console(), lambda question: next(lines)))
    """
    command = [sys.executable, "-c", textwrap.dedent(program), tmp_path / "trust"]
    done = subprocess.run(command, env=front_end.environment, capture_output=True, text=True, check=True)
    said = " ".join(done.stdout.split())
    assert "This repository at this commit: cannot be chosen. Only for the code of a repository on a hub." in said
    assert "Allowed and remembered." in said
    assert front_end.reply(cell)["status"] == "ok"
    assert loads_silently(front_end, "again")


def test_allow_asks_on_stdin_and_no_cell_answers_it(kernel):
    front_end = kernel()
    cell = front_end.run("load()")
    card = front_end.card()
    identity = front_end.cards[card]["view"]["id"]
    deny(front_end, card)
    front_end.reply(cell)
    reply = front_end.reply(front_end.run(f"%modelguard allow {identity}\nrun\n3\n2", allow_stdin=False))
    assert reply["status"] == "error"
    cell = front_end.run(f"%modelguard allow {identity}")
    for number, answer in enumerate(["run", "3", "2"], 1):
        front_end.wait_for(lambda number=number: len(front_end.prompts) == number)
        front_end.client.input(answer)
    assert front_end.reply(cell)["status"] == "ok"
    front_end.wait_for(lambda: "The next load of this same file passes and is remembered." in front_end.text())
    assert loads_silently(front_end, "first")
    assert loads_silently(front_end, "second")


def test_environment_that_goes_by_no_person_goes_by_no_earlier_answer_either(kernel):
    front_end = kernel()
    trusted(front_end)
    code = "import os; os.environ['MODELGUARD_HEADLESS'] = 'deny'\nload()"
    assert front_end.reply(front_end.run(code))["status"] == "error"
    front_end.wait_for(lambda: "MODELGUARD_HEADLESS is deny" in front_end.text())
