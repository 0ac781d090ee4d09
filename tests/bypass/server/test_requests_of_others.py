"""Whoever may only look, and pages of other origins, against one real server."""

import contextlib
import http.client
import json
import select

import pytest

pytest.importorskip("jupyter_server")

from jupyter_modelguard.config import user_name
from jupyter_modelguard.server import extension
from jupyter_modelguard.server.routes import LANES, ApprovalRoute, ApprovalsRoute, ExportRoute, ScansRoute
from jupyter_modelguard.types import Outcome

from histories import VIEW, full_record  # isort: skip
from jupyter_servers import ADA, EVE, GRACE  # isort: skip

READ = ("/status", "/scans", "/notebooks", "/approvals", "/sessions", "/trust", "/export?format=csv", "/scans/00/7f3a91c2")


def test_exports_and_searches_keep_nobody_from_deciding():
    """Two exports of a long history took both threads, for minutes, and decisions stood behind them."""
    deciding = {ApprovalRoute.lane, ApprovalsRoute.lane}
    assert deciding.isdisjoint({ExportRoute.lane, ScansRoute.lane})
    assert {ExportRoute.lane, ScansRoute.lane, *deciding} == set(LANES)
    assert min(LANES.values()) >= 1
    assert extension.LANES is LANES


def test_decisions_are_taken_while_exports_are_written(server, kernels):
    for number in range(300):
        kernels.record(full_record(kernels, at=float(number)))
    kernels.flush()
    with contextlib.ExitStack() as opened:
        exports = []
        for _ in range(6):
            one = opened.enter_context(contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)))
            one.request("GET", "/jupyter-modelguard/export?format=json", headers={"Authorization": f"token {GRACE}"})
            exports.append(one)
        assert server.ask("GET", "/approvals") == (200, {"approvals": []})
        written, _, _ = select.select([one.sock for one in exports], [], [], 0)
        assert len(written) < 4, "it was answered only after the exports"
        assert [one.getresponse().status for one in exports] == [200] * 6


def test_no_answer_is_kept_by_a_browser_or_on_the_way(server):
    for path in READ:
        _, headers, _ = server.send("GET", path)
        assert headers["Cache-Control"] == "no-store", path
        assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", READ)
def test_a_name_that_another_page_gave_this_machine_is_refused(server, path):
    """DNS rebinding: the page's own name leads here."""
    assert server.send("GET", path, headers={"Host": "evil.test"})[0] == 403


def test_forms_of_another_page_decide_and_delete_nothing(server, kernels):
    record = full_record(kernels)
    kernels.record(record)
    kernels.flush()
    address = f"/scans/{kernels.session}/{record.id}"
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        for verb, path in (("POST", f"/approvals/{kernels.session}/{record.id}"), ("DELETE", address), ("POST", address)):
            sent = {"Content-Type": kind, "Origin": "http://evil.test"}
            status, _, _ = server.send(verb, path, b'{"decision": "allow"}', token=None, headers=sent)
            assert status in {400, 403, 404, 405}
    sent = {"X-HTTP-Method-Override": "DELETE"}
    for method in ("?_method=DELETE", "?method=DELETE"):
        assert server.send("GET", address + method, headers=sent)[0] == 400
    assert server.ask("GET", address)[0] == 200


def test_looking_decides_nothing_and_ends_no_question(server, kernels):
    record = full_record(kernels, outcome=Outcome.WAITING, decision=None)
    assert kernels.ask(record, VIEW)
    for path in READ:
        server.send("GET", path, token=GRACE)
    assert [one.id for one in kernels.pending()] == [record.id]
    assert kernels.answer(record.id) is None
    for token in (GRACE, ADA):  # a card that cannot be drawn cannot be answered from here, with no rights and with all
        assert server.ask("POST", f"/approvals/{kernels.session}/{record.id}", {"decision": "allow"}, token=token)[0] in {
            403,
            400,
        }
    assert kernels.answer(record.id) is None


def test_events_are_not_for_pages_of_other_origins(server):
    websocket = pytest.importorskip("websocket", reason="websocket-client is not installed")
    address = f"ws://127.0.0.1:{server.port}/api/events/subscribe"
    for headers in ({}, {"Authorization": "token wrong"}):
        with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
            websocket.create_connection(address, timeout=30, origin="http://evil.test", header=headers)


def test_nobody_decides_in_the_name_of_the_one_whose_server_it_is():
    from jupyter_server.auth import User

    from jupyter_modelguard.server.identity import name_of

    made_up = "4e8b72fc17954f06903033fef7a2610f"
    assert name_of(User(made_up, "Anonymous Metis", "Anonymous Metis")) == user_name()
    assert name_of(User(made_up, made_up)) == made_up, "whoever may choose a name in a hub could choose this one"
    assert name_of(User("anonymous", "anonymous")) == "anonymous"


def test_whoever_may_hear_events_hears_names(server, kernels):
    """Known: whoever may read `events` on Jupyter's bus hears who loaded what, also without rights to the history."""
    websocket = pytest.importorskip("websocket", reason="websocket-client is not installed")
    address = f"ws://127.0.0.1:{server.port}/api/events/subscribe"
    with contextlib.closing(websocket.create_connection(address, timeout=60, header={"Authorization": f"token {EVE}"})) as heard:
        assert server.ask("GET", "/scans", token=EVE)[0] == 403
        record = full_record(kernels)
        kernels.record(record)
        kernels.flush()
        while (event := json.loads(heard.recv())).get("id") != record.id:
            pass
    assert (event["name"], event["by"]) == ("yolo.pt", "ada")
