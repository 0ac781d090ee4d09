"""A load that waits in a real kernel, decided through the server: the way back after the page was reloaded."""

from __future__ import annotations

import pickle

import pytest

pytest.importorskip("jupyter_server")
pytest.importorskip("ipykernel")

from front_end import FrontEnd, started_kernel  # isort: skip
from jupyter_servers import started_server  # isort: skip

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
ALLOW = {"decision": "allow", "reason": "I read the code", "finding": ""}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("together")
    (made / "home").mkdir(mode=0o700)
    (made / "static").mkdir()
    (made / "static" / "card.js").write_text("export default {};")
    (made / "static" / "card.css").write_text("")
    return made


@pytest.fixture(scope="module")
def server(folder):
    with started_server(folder / "server", folder / "home") as started:
        yield started


@pytest.fixture(scope="module")
def kernel(folder):
    with started_kernel(folder / "home") as started:
        yield started


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(b"\x80\x04ctextwrap\ndedent\n(" + pickle.dumps(tmp_path.name, 3)[2:-1] + b"tR.")
    return path


@pytest.fixture
def front_end(kernel, folder, model):
    made = FrontEnd(*kernel)
    code = SETUP.format(trust=str(folder / "server" / "trust"), static=str(folder / "static"), model=str(model))
    assert made.reply(made.run(code))["status"] == "ok", made.text()
    yield made
    if not made.replies.keys() >= set(made.cells):
        made.manager.interrupt_kernel()


def drawn(front_end):
    """Wait for the card, and say that it is there."""
    card = front_end.card()
    front_end.send(card, {"ready": front_end.cards[card]["token"]})


def waiting(server, front_end):
    (found,) = front_end.wait_for(lambda: server.ask("GET", "/approvals")[1]["approvals"])
    return found, f"/approvals/{found['session']}/{found['id']}"


def test_allowed_in_the_sidebar_the_cell_goes_on(server, front_end, model):
    cell = front_end.run("print(load())")
    drawn(front_end)
    found, address = waiting(server, front_end)
    assert found["view"]["object"] == model.name
    assert server.ask("POST", address, {**ALLOW, "scope": "once", "seen": found["seen"]})[0] == 200
    assert front_end.reply(cell)["status"] == "ok"
    assert "allowed once by" in front_end.text()
    detail = front_end.wait_for(
        lambda: (said := server.ask("GET", f"/scans/{found['session']}/{found['id']}")[1])["row"]["outcome"] == "allowed" and said
    )
    assert detail["row"]["transport"] == "sidebar"
    assert detail["trail"][-1]["how"] == 'in the sidebar, "I read the code"'
    assert server.ask("POST", address, {**ALLOW, "scope": "once", "seen": found["seen"]})[0] == 409


def test_kept_blocked_in_the_sidebar_the_cell_fails(server, front_end):
    cell = front_end.run("load()")
    drawn(front_end)
    _, address = waiting(server, front_end)
    assert server.ask("POST", address, {"decision": "deny"}) == (
        200,
        {"decided": True, "allow": False, "by": server_user(server)},
    )
    assert front_end.reply(cell)["ename"] == "ModelLoadBlockedError"


def test_trusted_in_the_sidebar_and_forgotten_there(server, front_end):
    cell = front_end.run("load()")
    drawn(front_end)
    found, address = waiting(server, front_end)
    assert server.ask("POST", address, {**ALLOW, "scope": "digest", "seen": found["seen"]})[0] == 200
    assert front_end.reply(cell)["status"] == "ok"
    (entry,) = server.ask("GET", "/trust")[1]["trusted"]
    assert (entry["id"], entry["scope"], entry["by"]) == (found["id"], "digest", server_user(server))
    detail = front_end.wait_for(
        lambda: (said := server.ask("GET", f"/scans/{found['session']}/{found['id']}")[1])["row"]["outcome"] == "allowed" and said
    )
    assert detail["trusted"] == found["id"]
    assert server.ask("DELETE", f"/trust/{found['id']}") == (200, {"forgotten": found["id"]})
    assert server.ask("DELETE", f"/trust/{found['id']}")[0] == 404
    again = front_end.run("load()")
    drawn(front_end)
    _, address = waiting(server, front_end)
    assert server.ask("POST", address, {"decision": "deny"})[0] == 200
    assert front_end.reply(again)["status"] == "error"


def test_the_kernel_says_which_history_it_writes(server, front_end):
    front_end.run("from jupyter_modelguard import guard; print('place', guard.current().store.place)")
    place = server.ask("GET", "/status")[1]["place"]
    assert front_end.wait_for(lambda: f"place {place}" in front_end.text())
    alive = [one for one in server.ask("GET", "/sessions")[1]["sessions"] if one["alive"]]
    assert len(alive) == 1


def server_user(server):
    return server.ask("GET", "/status")[1]["user"]
