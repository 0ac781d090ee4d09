"""What a card sends: which message counts as its answer, and how it is heard while the kernel is busy with the load."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from jupyter_modelguard.approval.answer import CardAnswer
from jupyter_modelguard.approval.present import build_view
from jupyter_modelguard.approval.tap import ShellTap
from jupyter_modelguard.types import (
    Assessment,
    HistoryRecord,
    LoadRequest,
    Outcome,
    RiskLevel,
    ScanReport,
)


def test_the_first_message_of_a_card_that_fits_counts():
    report = ScanReport("bad.pkl", "pickle", "ab" * 32, 12)
    record = HistoryRecord("7f3a91c2", 1.0, LoadRequest("pickle.load", "pickle.load(f)", "/tmp/bad.pkl"), Outcome.BLOCKED)
    view = build_view(record, Assessment(RiskLevel.RUNS_CODE, report))
    answer = CardAnswer("token", view)
    answer.take({"method": "custom", "content": {"ready": "another"}})
    assert not answer.ready
    answer.take({"method": "custom", "content": {"ready": "token"}})
    assert answer.ready
    for wrong in (
        {"method": "update", "content": {"token": "token", "decision": "deny"}},
        {"method": "custom", "content": {"token": "tökén", "decision": "deny"}},
        {"method": "custom", "content": {"token": None, "decision": "deny"}},
        {"method": "custom", "content": {"token": "token", "decision": "allow", "reason": ["I made this file"], "scope": "once"}},
        {"method": "custom", "content": {"token": "token", "decision": "allow", "reason": "I made this file", "scope": {}}},
        {"method": "custom", "content": ["token"]},
        {},
    ):
        answer.take(wrong)
    assert answer.decision is None
    answer.take({"method": "custom", "content": {"token": "token", "decision": "deny"}})
    answer.take(
        {"method": "custom", "content": {"token": "token", "decision": "allow", "reason": "I made this file", "scope": "once"}}
    )
    assert answer.decided.is_set()
    assert not answer.decision.allow


class Stream:
    def __init__(self, delivered):
        self._recv_callback = delivered.append
        self._recv_copy = False
        self.socket = SimpleNamespace(poll=lambda *_: 0)

    def on_recv(self, callback, copy=True):
        self._recv_callback, self._recv_copy = callback, copy

    def flush(self, *_):
        pass


@pytest.fixture
def wired():
    from jupyter_client.session import Session

    class Wired:
        pass

    delivered = []
    kernel = Wired()
    kernel.session = Session(key=b"secret")
    kernel.shell_stream = Stream(delivered)
    kernel.delivered = delivered
    return kernel


def frames(session, message_type, content):
    return [b"client", *session.serialize(session.msg(message_type, content))]


def test_the_tap_hears_its_comm_and_forwards_everything(wired):
    from jupyter_client.session import Session

    tap = ShellTap.install(wired)
    assert ShellTap.install(wired) is tap
    heard = []
    tap.listen("mine", heard.append)
    stranger = Session(key=b"another")
    sent = [
        frames(wired.session, "comm_msg", {"comm_id": "mine", "data": {"n": 1}}),
        frames(wired.session, "comm_msg", {"comm_id": "other", "data": {"n": 2}}),
        frames(wired.session, "execute_request", {"comm_id": "mine", "data": {"n": 3}}),
        frames(stranger, "comm_msg", {"comm_id": "mine", "data": {"n": 4}}),
        [b"no", b"message"],
    ]
    for message in sent:
        wired.shell_stream._recv_callback(message)
    assert heard == [{"n": 1}]
    assert wired.delivered == sent
    wired.session.deserialize(wired.session.feed_identities(sent[0])[1])  # the kernel itself still accepts the message
    tap.remove()
    assert wired.shell_stream._recv_callback == wired.delivered.append


def test_a_kernel_without_the_private_parts_has_no_tap():
    assert ShellTap.install(SimpleNamespace()) is None
    assert ShellTap.install(SimpleNamespace(shell_stream=SimpleNamespace(_recv_callback=None), session=None)) is None


def test_the_tap_of_an_old_kernel_hears_on_the_main_thread_alone(wired):
    tap = ShellTap.install(wired)
    assert tap.hears
    heard = []
    thread = threading.Thread(target=lambda: heard.append(tap.hears))
    thread.start()
    thread.join()
    assert heard == [False]
