"""What a hub is asked about code, against a hub on this machine that also answers slowly, wrongly or elsewhere."""

import contextlib
import dataclasses
import http.server
import json
import sys
import threading
import time
import types

import pytest

from jupyter_modelguard.approval import hub_facts, hub_reading
from jupyter_modelguard.approval.faces.plain import card_text
from jupyter_modelguard.approval.hub_facts import HubFacts, facts_of
from jupyter_modelguard.types import Artifact

from full_view import full_view  # isort: skip

COMMIT = "a91d07c4" * 5
INFO = {
    "id": "acme/chat",
    "sha": "e02b5d1f" * 5,
    "createdAt": "2026-11-14T08:00:00.000Z",
    "lastModified": "2026-11-21T08:00:00.000Z",
    "downloads": 1214,
    "likes": 3,
    "securityRepoStatus": {"scansDone": True, "filesWithIssues": []},
}
TALK = {
    "discussions": [
        {"num": 3, "title": "How to quantize?"},
        {"num": 7, "title": "MALWARE? \u202e<img src=x>"},
        {"num": 9, "title": "这个模型有病毒"},
        {"num": 12, "title": "Вредоносный код внутри"},
        {"num": "13", "title": "virus"},
        {"num": 14, "title": ["virus"]},
        "virus",
    ]
}


class Answers(http.server.BaseHTTPRequestHandler):
    routes = None
    asked = None

    def do_GET(self):
        self.asked.append((self.path, dict(self.headers)))
        answer = self.routes.get(self.path.partition("?")[0])
        if callable(answer):
            answer(self)
            return
        body = json.dumps(answer).encode() if not isinstance(answer, bytes) else answer
        self.send_response(404 if answer is None else 200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


@pytest.fixture(scope="module")
def running():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def hub(running):
    Answers.routes = {"/api/models/acme/chat": INFO, "/api/models/acme/chat/discussions": TALK}
    Answers.asked = []
    return running


@pytest.fixture
def client(hub, monkeypatch):
    """The hub's own client, as far as it says where to ask."""
    constants = types.SimpleNamespace(ENDPOINT=hub, HF_HUB_OFFLINE=False)
    monkeypatch.setitem(sys.modules, "huggingface_hub", types.SimpleNamespace(constants=constants))
    return constants


def code(source=f"hf:acme/chat@{COMMIT}", format="python-code"):  # noqa: A002 the field's name
    return Artifact("chat", source, format)


def taken(facts, seconds=10.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := facts.take():
            return found
        threading.Event().wait(0.01)
    return ()


def said(facts, label="The hub says"):
    return [fact.text for fact in facts if fact.label == label]


def test_what_the_hub_knows_is_said_in_lines(hub):
    facts = facts_of(hub, "acme/chat", COMMIT)
    assert said(facts) == [
        (
            "created 2026-11-14 · last changed 2026-11-21 · 1,214 downloads last month · 3 likes"
            " · its scan reported no issue, which proves nothing"
        )
    ]
    assert said(facts, "Revision") == ["pinned to a91d07c, the main branch is at e02b5d1"]
    talk = said(facts, "Discussed there")
    assert [line.rpartition("/")[2] for line in talk] == ["7", "9", "12"]
    assert talk[0].endswith(f"{hub}/acme/chat/discussions/7")
    assert said(facts_of(hub, "acme/chat", ""), "Revision")[0].startswith("not pinned: the code can change at any time")


def test_issues_of_its_scan_are_named(hub):
    status = {"scansDone": True, "filesWithIssues": [{"path": "a.bin", "level": "unsafe"}, {"path": 3}, "x"]}
    Answers.routes["/api/models/acme/chat"] = INFO | {"securityRepoStatus": status}
    assert "its scan found issues: a.bin (unsafe), ? (?)" in said(facts_of(hub, "acme/chat", ""))[0]


def test_no_token_is_sent(client, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_a_secret")
    assert taken(HubFacts(code()))
    assert len(Answers.asked) == 2
    assert "hf_a_secret" not in str(Answers.asked)
    assert not any(name.lower() in {"authorization", "cookie"} for _, headers in Answers.asked for name in headers)


@pytest.mark.parametrize(
    "source",
    ["hf:acme/../chat", "hf:../..", "hf:acme/chat?x=1", "hf:acme/chat\r\nX: y", "hf:a/b/c", "hf:\u0430cme/chat", "/models/chat"],
)
def test_what_is_no_name_of_a_repository_is_not_asked_about(client, source):
    assert taken(HubFacts(code(source)), 0.1) == ()
    assert Answers.asked == []


def test_offline_mode_and_a_missing_client_ask_nothing(client, monkeypatch):
    client.HF_HUB_OFFLINE = True
    assert taken(HubFacts(code()), 0.1) == ()
    client.HF_HUB_OFFLINE, client.ENDPOINT = False, "http://user:secret@127.0.0.1:9"
    assert taken(HubFacts(code()), 0.1) == ()
    monkeypatch.delitem(sys.modules, "huggingface_hub")
    assert taken(HubFacts(code()), 0.1) == ()
    assert taken(HubFacts(code(format="pickle")), 0.1) == ()
    assert Answers.asked == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"<html>not found</html>", "its answer could not be read"),
        (b"[" * 100_000, "its answer could not be read"),
        (b"[1]", "its answer could not be read"),
        (b"\xff\xfe\x00", "its answer could not be read"),
        (b'{"x": "' + b"y" * (1 << 20) + b'"}', "its answer was too long"),
        (None, "nothing without a token, and none is sent"),
    ],
)
def test_garbage_is_one_line(hub, answer, why):
    Answers.routes["/api/models/acme/chat"] = answer
    (fact,) = facts_of(hub, "acme/chat", COMMIT)
    assert fact.text == f"nothing: {why}"


def test_values_of_other_types_are_left_out(hub):
    strange = {"sha": 3, "createdAt": {}, "lastModified": "x" * 9_999, "downloads": -1, "likes": True, "securityRepoStatus": []}
    Answers.routes["/api/models/acme/chat"] = strange
    Answers.routes["/api/models/acme/chat/discussions"] = {"discussions": {"0": 1}}
    facts = facts_of(hub, "acme/chat", COMMIT)
    assert [fact.text for fact in facts] == ["its scan: no result", "pinned to a91d07c"]


def test_redirect_to_another_host_is_not_followed_and_one_within_the_host_is(hub):
    def to(place):
        def answer(handler):
            handler.send_response(307)
            handler.send_header("Location", place)
            handler.end_headers()

        return answer

    port = hub.rpartition(":")[2]
    for place in (f"http://localhost:{port}/api/models/acme/new", "http://169.254.169.254/latest", "file:///etc/passwd"):
        Answers.routes["/api/models/acme/chat"] = to(place)
        (fact,) = facts_of(hub, "acme/chat", COMMIT)
        assert fact.text in {"nothing: it pointed to another host, which was not asked", "nothing: it answered 307"}
    assert all(path.startswith("/api/models/acme/chat") for path, _ in Answers.asked)
    Answers.routes |= {"/api/models/acme/chat": to("/api/models/acme/new"), "/api/models/acme/new": INFO}
    assert "3 likes" in said(facts_of(hub, "acme/chat", COMMIT))[0]


def test_hub_that_hangs_or_drips_is_one_line(client, monkeypatch):
    over = threading.Event()

    def drip(handler):
        handler.send_response(200)
        handler.end_headers()
        with contextlib.suppress(OSError):
            while not over.wait(0.05):
                handler.wfile.write(b" ")

    monkeypatch.setattr(hub_facts, "_SECONDS", 0.3)
    try:
        for answer in (drip, lambda _handler: over.wait(5)):
            Answers.routes["/api/models/acme/chat"] = answer
            (fact,) = taken(HubFacts(code()))
            assert fact.text == "nothing: it took too long"
    finally:
        over.set()


def test_hub_that_is_not_there_is_one_line():
    (fact,) = facts_of("http://127.0.0.1:9", "acme/chat", COMMIT)
    assert fact.text == "nothing: it could not be reached"
    with pytest.raises(hub_reading.HubSilentError):
        hub_reading.read_json("file:///etc/passwd", time.monotonic() + 1)


def test_titles_of_strangers_stay_text_and_short(hub):
    Answers.routes["/api/models/acme/chat/discussions"] = {
        "discussions": [{"num": number, "title": "virus \u202e\x1b[2J" + "x" * 5_000} for number in range(1, 60)]
    }
    facts = facts_of(hub, "acme/chat", COMMIT)
    assert len(facts) == 7
    assert max(len(fact.text) for fact in facts) < 250
    assert said(facts, "Discussed there")[-1].startswith("55 more of this kind")
    assert not set(card_text(dataclasses.replace(full_view(), facts=facts))) & set("\u202e\x1b")


def test_words_do_not_find_everyday_titles():
    everyday = [
        "How do I fine-tune this?",
        "GGUF version",
        "Great model!",
        "License",
        "Add chat template",
        "Fix config",
        "请问如何微调",
    ]
    assert [title for title in everyday if hub_facts._speaks(title)] == []
    assert hub_facts._speaks("SECURITY: arbitrary code execution when loading")
    assert hub_facts._speaks("bu model zararli, kötü amaçlı")  # noqa: RUF001 a Turkish title
