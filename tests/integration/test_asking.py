"""The ways to ask, in a real kernel, with this test as the front end and as the person."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("jupyter_client")
pytest.importorskip("ipykernel")

from asked_loads import prepare  # isort: skip
from front_end import FrontEnd, started_kernel  # isort: skip


@pytest.fixture
def static(tmp_path):
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / "card.js").write_text("export default {};")
    (folder / "card.css").write_text("")
    return folder


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """One for most tests here: each makes an approver and a session of the history of its own in it."""
    with started_kernel(tmp_path_factory.mktemp("history")) as started:
        yield started


@pytest.fixture
def front_end(kernel):
    made = FrontEnd(*kernel)
    yield made
    if not made.replies.keys() >= set(made.cells):
        made.manager.interrupt_kernel()  # a test that failed leaves its cell waiting
    last = made.run("None")
    made.wait_for(lambda: last in made.idle)  # so that nothing of this test reaches the next one


def allow(token, **changed):
    return {"token": token, "decision": "allow", "reason": "I made this file", "scope": "once", "finding": "", **changed}


def test_a_click_on_the_card_resumes_the_running_cell(front_end, static):
    prepare(front_end, static)
    cell = front_end.run("decision = ask(); print('went on:', decision.allow, decision.transport, decision.reason)")
    card = front_end.card()
    token = front_end.cards[card]["token"]
    assert front_end.cards[card]["view"]["scopes"][0]["button"] == "Run 1 unknown function once"
    front_end.send(card, {"ready": token})
    front_end.send(card, allow(token))
    assert front_end.reply(cell)["status"] == "ok"
    front_end.wait_for(lambda: "went on: True card I made this file" in front_end.text())
    assert front_end.cards[card]["state"] == "receipt"
    assert "bad.pkl ran 1 unknown function · allowed once by" in front_end.cards[card]["receipt"]
    (output,) = [bundle for bundle in front_end.outputs if bundle.get("_id")]
    assert output["text/plain"].startswith("▣ modelguard · bad.pkl ran 1 unknown function")
    assert "application/vnd.jupyter.widget-view+json" not in output


def test_keep_blocked_on_the_card_denies(front_end, static):
    prepare(front_end, static)
    cell = front_end.run("print('went on:', ask().allow)")
    card = front_end.card()
    front_end.send(card, {"token": front_end.cards[card]["token"], "decision": "deny"})
    front_end.reply(cell)
    front_end.wait_for(lambda: "went on: False" in front_end.text())
    assert front_end.cards[card]["state"] == "denied"
    assert "▢ modelguard · bad.pkl kept blocked by" in front_end.text()


def test_messages_that_do_not_fit_are_ignored(front_end, static):
    prepare(front_end, static, level="DANGEROUS", judgement="DANGEROUS")
    cell = front_end.run("print('went on:', ask().allow)")
    card = front_end.card()
    token = front_end.cards[card]["token"]
    front_end.send(card, {"ready": token})
    front_end.send(card, allow("another token", finding="os.system"))
    front_end.send(card, allow(token, finding="os.system", reason="because"))
    front_end.send(card, allow(token, finding="os.system", scope="commit"))
    front_end.send(card, allow(token, finding="os.remove"))
    front_end.send(card, allow(token))
    front_end.send(card, {"decision": "allow"})
    assert front_end.replies.get(cell) is None
    front_end.send(card, {"token": token, "decision": "deny"})
    front_end.reply(cell)
    front_end.wait_for(lambda: "went on: False" in front_end.text())


def test_the_typed_finding_lets_a_dangerous_file_run(front_end, static):
    prepare(front_end, static, level="DANGEROUS", judgement="DANGEROUS")
    cell = front_end.run("print('went on:', ask().allow)")
    card = front_end.card()
    assert front_end.cards[card]["view"]["confirm"] == ["os.system"]
    front_end.send(card, allow(front_end.cards[card]["token"], finding=" OS.system "))
    front_end.reply(cell)
    front_end.wait_for(lambda: "went on: True" in front_end.text())


def test_two_loads_of_a_cell_share_one_output(front_end, static):
    prepare(front_end, static)
    cell = front_end.run("print('went on:', ask().allow, ask().allow)")
    first = front_end.card()
    front_end.send(first, allow(front_end.cards[first]["token"]))
    second = front_end.card(after=first)
    front_end.send(second, {"token": front_end.cards[second]["token"], "decision": "deny"})
    front_end.reply(cell)
    front_end.wait_for(lambda: "went on: True False" in front_end.text())
    (output,) = [bundle for bundle in front_end.outputs if bundle.get("_id")]
    assert [line[0] for line in output["text/plain"].splitlines()] == ["▣", "▢"]


def test_a_cell_that_clears_its_output_gets_its_card_where_it_is_seen(front_end, static):
    prepare(front_end, static)
    code = "from IPython.display import clear_output; first = ask(); clear_output(); print('went on:', first.allow, ask().allow)"
    cell = front_end.run(code)
    first = front_end.card()
    front_end.send(first, allow(front_end.cards[first]["token"]))
    second = front_end.card(after=first)
    places = front_end.wait_for(lambda: (shown := [bundle for bundle in front_end.outputs if bundle.get("_id")])[1:] and shown)
    assert places[0]["_id"] != places[1]["_id"]
    front_end.send(second, {"token": front_end.cards[second]["token"], "decision": "deny"})
    front_end.reply(cell)
    front_end.wait_for(lambda: "went on: True False" in front_end.text())


def test_two_threads_are_asked_at_once(front_end, static):
    prepare(front_end, static)
    code = """
    made = {}
    threads = [threading.Thread(target=lambda name=name: made.update({name: ask().allow})) for name in "ab"]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    print('went on:', sorted(made.values()))
    """
    cell = front_end.run(textwrap.dedent(code))
    decide = (
        "from jupyter_modelguard.config import home; from jupyter_modelguard.history.store import Store;"
        "from jupyter_modelguard.types import Decision; s = Store(home()); a, b = [w.id for w in s.pending()];"
        "s.decide(a, Decision(True, 'bob', 'database')); s.decide(b, Decision(False, 'bob', 'database'))"
    )
    front_end.wait_for(lambda: [bundle for bundle in front_end.outputs if bundle.get("_id")])
    if front_end.cards:  # one card, with a row for the load that came second
        one = front_end.wait_for(lambda: next((key for key, card in front_end.cards.items() if card.get("others")), None))
        front_end.send(one, allow(front_end.cards[one]["token"]))
        front_end.send(one, {"token": front_end.cards[one]["others"][0]["token"], "decision": "deny"})
    else:
        front_end.wait_for(lambda: len({bundle["_id"] for bundle in front_end.outputs if bundle.get("_id")}) == 2)
        subprocess.run([sys.executable, "-c", decide], env=front_end.environment, check=True)
    front_end.reply(cell)
    front_end.wait_for(lambda: "went on: [False, True]" in front_end.text())


def test_without_a_card_a_prompt_asks(front_end, static):
    prepare(front_end, static, ready=0.2)
    cell = front_end.run("print('went on:', ask())")
    front_end.wait_for(lambda: front_end.prompts)
    front_end.client.input("run")
    front_end.wait_for(lambda: len(front_end.prompts) == 2)
    front_end.client.input("3")
    front_end.reply(cell)
    front_end.wait_for(lambda: "went on: Decision(allow=True" in front_end.text())
    assert "I read the code" in front_end.text()
    assert "Run 1 unknown function once?" in front_end.prompts[0]


@pytest.fixture
def first_front_end(tmp_path_factory):
    """The first of a kernel of its own, in which no card was made yet."""
    with started_kernel(tmp_path_factory.mktemp("history")) as started:
        yield FrontEnd(*started)


def test_enter_alone_keeps_it_blocked(first_front_end, tmp_path):
    front_end = first_front_end
    prepare(front_end, tmp_path / "nothing built here")
    cell = front_end.run("print('went on:', ask().allow)")
    front_end.wait_for(lambda: front_end.prompts)
    assert not front_end.cards
    front_end.client.input("")
    front_end.reply(cell)
    front_end.wait_for(lambda: "went on: False" in front_end.text())


def test_a_front_end_without_input_is_never_asked(front_end, static):
    prepare(front_end, static)
    cell = front_end.run("print('went on:', ask())", allow_stdin=False)
    front_end.reply(cell)
    front_end.wait_for(lambda: "went on: Decision(allow=False, by='headless'" in front_end.text())
    assert not front_end.cards
    assert not front_end.prompts


def test_interrupting_the_wait_keeps_it_blocked(front_end, static):
    prepare(front_end, static)
    cell = front_end.run("decision = ask(); print('went on:', decision.allow, decision.reason)")
    card = front_end.card()
    front_end.send(card, {"ready": front_end.cards[card]["token"]})
    front_end.manager.interrupt_kernel()
    front_end.reply(cell)
    front_end.wait_for(lambda: "went on: False interrupted" in front_end.text())
    assert front_end.reply(front_end.run("1"))["status"] == "ok"


def test_a_row_decided_in_another_process_ends_the_wait(front_end, static):
    prepare(front_end, static)
    cell = front_end.run("decision = ask(); print('went on:', decision.allow, decision.by)")
    card = front_end.card()
    front_end.send(card, {"ready": front_end.cards[card]["token"]})
    program = """
    from jupyter_modelguard.config import home
    from jupyter_modelguard.history.store import Store
    from jupyter_modelguard.types import Decision
    store = Store(home())
    (waiting,) = store.pending()
    print(store.decide(waiting.id, Decision(True, "bob", "database", "I read the code")))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], env=front_end.environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True"
    front_end.reply(cell)
    front_end.wait_for(lambda: "went on: True bob" in front_end.text())
    assert front_end.cards[card]["state"] == "receipt"


def test_a_forked_child_is_not_asked(front_end, static):
    prepare(front_end, static)
    code = """
    import os
    receive, send = os.pipe()
    if (child := os.fork()) == 0:
        os.write(send, repr(ask()).encode())
        os._exit(0)
    os.close(send)
    print('child:', os.read(receive, 10_000).decode())
    os.waitpid(child, 0)
    """
    assert front_end.reply(front_end.run(textwrap.dedent(code)))["status"] == "ok"
    front_end.wait_for(lambda: "child: Decision(allow=False, by='headless'" in front_end.text())
    assert not front_end.cards


def test_a_thread_is_asked_too(front_end, static):
    prepare(front_end, static)
    code = """
    made = []
    thread = threading.Thread(target=lambda: made.append(ask()))
    thread.start()
    thread.join()
    print('went on:', made[0].allow)
    """
    cell = front_end.run(textwrap.dedent(code))

    def answer():
        # ipykernel 7 shows a card; before it, a thread waits for the row
        return front_end.cards or "modelguard decide" in front_end.text()

    front_end.wait_for(answer)
    if front_end.cards:
        card = front_end.card()
        front_end.send(card, allow(front_end.cards[card]["token"]))
    else:
        program = (
            "from jupyter_modelguard.config import home; from jupyter_modelguard.history.store import Store;"
            "from jupyter_modelguard.types import Decision; s = Store(home());"
            "s.decide(s.pending()[0].id, Decision(True, 'bob', 'database'))"
        )
        subprocess.run([sys.executable, "-c", program], env=front_end.environment, check=True)
    front_end.reply(cell)
    front_end.wait_for(lambda: "went on: True" in front_end.text())
