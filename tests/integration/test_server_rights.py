"""Who may ask the server what: every address with every verb, as everybody who must not."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("jupyter_server")

from jupyter_servers import ADA, EVE, GRACE, sample, started_server  # isort: skip

# Each address with its verbs, on purpose written down once more: one that is added has to be thought about here.
ROUTES = {
    "/jupyter-modelguard/status": {"GET"},
    "/jupyter-modelguard/scans": {"GET"},
    "/jupyter-modelguard/scans/([0-9a-f]{1,32})/([0-9a-f]{8})": {"GET", "DELETE"},
    "/jupyter-modelguard/notebooks": {"GET"},
    "/jupyter-modelguard/approvals": {"GET"},
    "/jupyter-modelguard/approvals/([0-9a-f]{1,32})/([0-9a-f]{8})": {"POST"},
    "/jupyter-modelguard/sessions": {"GET"},
    "/jupyter-modelguard/trust": {"GET"},
    "/jupyter-modelguard/trust/([0-9a-f]{8})": {"DELETE"},
    "/jupyter-modelguard/export": {"GET"},
    "/jupyter-modelguard(/.*)?": {"GET", "POST", "PUT", "PATCH", "DELETE"},
}
VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
NOWHERE = "/jupyter-modelguard(/.*)?"
ANSWER = json.dumps({"decision": "deny"})


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    folder.chmod(0o700)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory, home):
    with started_server(tmp_path_factory.mktemp("people"), home, people=True) as started:
        yield started


@pytest.fixture(scope="module")
def browser_server(tmp_path_factory, home):
    with started_server(tmp_path_factory.mktemp("browser"), home) as started:
        yield started


def every_request():
    for pattern in ROUTES:
        for verb in VERBS:
            yield pattern, verb, ANSWER if verb in {"POST", "PUT", "PATCH"} else None


def test_these_are_all_the_addresses(server):
    known = {pattern.removesuffix("$"): set(verbs) - {"OPTIONS"} for pattern, verbs in server.inside()["routes"].items()}
    assert known == ROUTES


@pytest.mark.parametrize("token", [None, "wrong", ADA[:-1]], ids=["no token", "wrong token", "half a token"])
def test_nobody_is_answered_without_the_right_token(server, token):
    for pattern, verb, body in every_request():
        status, headers, text = server.send(verb, sample(pattern), body, token=token, prefix="")
        assert status == 403 or (status == 405 and verb not in ROUTES[pattern]), (verb, pattern, status)
        assert headers["Content-Type"] == "application/json"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert verb == "HEAD" or set(json.loads(text)) == {"message", "next"}


def test_another_user_without_rights_is_refused_everywhere(server):
    for pattern, verb, body in every_request():
        status, _, _ = server.send(verb, sample(pattern), body, token=EVE, prefix="")
        assert status == (403 if verb in ROUTES[pattern] else 405), (verb, pattern)


def test_who_may_only_look_changes_nothing(server):
    for pattern, verb, body in every_request():
        status, _, _ = server.send(verb, sample(pattern), body, token=GRACE, prefix="")
        if verb not in ROUTES[pattern]:
            assert status == 405, (verb, pattern)
        elif pattern == NOWHERE:
            assert status == 404, (verb, pattern)
        elif verb == "GET":
            assert status in {200, 404}, (verb, pattern)
        else:
            assert status == 403, (verb, pattern)
    assert server.ask("GET", "/status", token=GRACE)[1]["may_decide"] is False
    assert server.ask("GET", "/status", token=ADA)[1]["may_decide"] is True


def test_the_one_with_rights_gets_past_all_that(server):
    for pattern, verb, body in every_request():
        status, headers, _ = server.send(verb, sample(pattern), body, token=ADA, prefix="")
        assert status in ({200, 404} if verb in ROUTES[pattern] else {405}), (verb, pattern, status)
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "html" not in headers["Content-Type"]


def test_a_preflight_says_nothing(server):
    for pattern in ROUTES:
        status, _, text = server.send("OPTIONS", sample(pattern), token=None, prefix="")
        assert (status, text) == (200, b"")


def test_a_cookie_alone_changes_nothing(browser_server):
    """What another page can have a browser send has the cookie, but not the text that goes with it."""
    _, headers, _ = browser_server.send("GET", "/status")
    cookie = headers["Set-Cookie"].partition(";")[0]
    for pattern, verb, body in every_request():
        if verb not in ROUTES[pattern] - {"GET"}:
            continue
        sent = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{browser_server.port}"}
        status, _, _ = browser_server.send(verb, sample(pattern), body, token=None, prefix="", headers=sent)
        assert status == 403, (verb, pattern)
        sent = {**sent, "Cookie": f"{cookie}; _xsrf=00ff00ff", "X-XSRFToken": "00ff00ff"}
        status, _, _ = browser_server.send(verb, sample(pattern), body, token=None, prefix="", headers=sent)
        assert status == 404, (verb, pattern)  # through, and there is no such thing
        sent["Origin"] = "http://evil.test"
        status, _, _ = browser_server.send(verb, sample(pattern), body, token=None, prefix="", headers=sent)
        assert status in {403, 404}, (verb, pattern)


def test_a_token_has_no_name_and_the_login_name_is_taken(browser_server, server):
    from jupyter_modelguard.config import user_name

    assert browser_server.ask("GET", "/status")[1]["user"] == user_name()
    assert server.ask("GET", "/status", token=GRACE)[1]["user"] == "grace"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"deny"',
        b"\xff\xfe{}",
        b"{}",
        b'{"decision": "maybe"}',
        b'{"decision": ["deny"]}',
        b'{"decision": "allow", "reason": 7}',
        b'{"decision": "allow", "scope": {}}',
        b'{"decision": "deny", "token": "x"}',
        b'{"decision": "deny", "instead": null}',
        b"[" * 10_000,
    ],
)
def test_a_malformed_answer_is_refused_with_a_sentence(server, body):
    status, said = server.ask("POST", "/approvals/0123456789abcdef/7f3a91c2", body)
    assert (status, set(said)) == (400, {"message", "next"})
    assert said["message"].startswith("The body is no answer: ")
    assert said["next"]


@pytest.mark.parametrize("verb", ["GET", "POST", "DELETE"])
def test_a_large_body_is_refused(server, verb):
    pattern = {"GET": "/status", "POST": "/approvals/00/7f3a91c2", "DELETE": "/trust/7f3a91c2"}[verb]
    status, said = server.ask(verb, pattern, json.dumps({"decision": "deny", "instead": "x" * 17_000}))
    assert (status, said["next"]) == (413, "Send less.")


@pytest.mark.parametrize(
    "query",
    [
        "/scans?txt=yolo",
        "/scans?level=harmless",
        "/scans?outcome=ok",
        "/scans?since=yesterday",
        "/scans?since=nan",
        "/scans?since=-1",
        "/scans?limit=501",
        "/scans?limit=0",
        "/scans?limit=x",
        "/scans?offset=-1",
        "/scans?offset=99999999999999999999",
        "/scans?limit=1&limit=2",
        "/scans?text=" + "x" * 201,
        "/scans?text=%ff",
        "/notebooks?limit=1",
        "/notebooks?notebook=" + "x" * 1001,
        "/export?format=pdf",
        "/export?names=some",
        "/status?verbose=1",
    ],
)
def test_what_is_not_understood_is_refused_with_a_sentence(server, query):
    status, said = server.ask("GET", query)
    assert (status, set(said)) == (400, {"message", "next"})
    assert said["message"]


@pytest.mark.parametrize("address", ["/scans/XYZ/7f3a91c2", "/scans/00/7f3a", "/trust/" + "0" * 500, "/scans/00/../status", ""])
def test_an_address_of_another_form_is_nowhere(server, address):
    status, headers, text = server.send("GET", address)
    assert (status, headers["Content-Type"]) == (404, "application/json")
    assert "html" not in text.decode().lower()


def test_jupyterlab_may_add_what_keeps_a_browser_from_remembering(server):
    assert server.ask("GET", "/scans?1732283000000")[0] == 200
    assert server.ask("GET", "/scans?text=&level=&outcome=&notebook=&since=&limit=&offset=&1732283000000")[0] == 200
