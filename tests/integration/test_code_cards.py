"""The card of a repository's code in a real kernel, with the real transformers: what the hub knows comes after it, in its own time."""

from __future__ import annotations

import http.server
import json
import threading

import pytest

pytest.importorskip("jupyter_client")
pytest.importorskip("ipykernel")
pytest.importorskip("transformers", reason="transformers is not installed")

from front_end import FrontEnd, started_kernel  # isort: skip

COMMIT = "4f2c9e1" + "0" * 33
SOURCE = """
from transformers import PretrainedConfig
open({canary!r}, "a").write("x")

class AcmeConfig(PretrainedConfig):
    model_type = "acme_shown"
"""
SETUP = """
import pathlib
from jupyter_modelguard import config
config.default_home = lambda: pathlib.Path({trust!r})
from jupyter_modelguard.approval import widget
widget._STATIC = pathlib.Path({static!r})
%load_ext modelguard
import transformers
def load():
    transformers.AutoConfig.from_pretrained(
        "acme/yolo", cache_dir={cache!r}, revision={commit!r}, local_files_only=True, trust_remote_code=True)
"""


class Hub(http.server.BaseHTTPRequestHandler):
    answers = threading.Event()
    seen = None

    def do_GET(self):
        self.seen.append(dict(self.headers))
        self.answers.wait(20)
        talk = {"discussions": [{"num": 7, "title": "malware \u202e<b>"}]}
        body = json.dumps(talk if self.path.endswith("discussions") else {"sha": COMMIT, "likes": 3}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


@pytest.fixture
def hub(monkeypatch):
    Hub.seen = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
        monkeypatch.setenv("HF_TOKEN", "hf_a_secret")
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        yield server
        Hub.answers.set()
        server.shutdown()


@pytest.fixture
def kernel(tmp_path, hub, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    snapshot = tmp_path / "cache" / "models--acme--yolo" / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text(
        json.dumps({"model_type": "acme_shown", "auto_map": {"AutoConfig": "configuration_acme.AcmeConfig"}})
    )
    (snapshot / "configuration_acme.py").write_text(SOURCE.format(canary=str(tmp_path / "canary")))
    static, home = tmp_path / "static", tmp_path / "home"
    for folder in (static, home):
        folder.mkdir()
    (static / "card.js").write_text("export default {};")
    (static / "card.css").write_text("")
    code = SETUP.format(trust=str(tmp_path / "trust"), static=str(static), cache=str(tmp_path / "cache"), commit=COMMIT)
    with started_kernel(home) as started:
        front_end = FrontEnd(*started)
        assert front_end.reply(front_end.run(code))["status"] == "ok", front_end.text()
        yield front_end


def test_card_can_be_answered_while_the_hub_is_silent_and_shows_what_it_says_later(kernel, tmp_path):
    cell = kernel.run("load()")
    card = kernel.card()
    token = kernel.cards[card]["token"]
    kernel.send(card, {"ready": token})
    kernel.wait_for(lambda: Hub.seen)
    assert kernel.cards[card]["late"] == []
    Hub.answers.set()
    late = kernel.wait_for(lambda: kernel.cards[card]["late"])
    assert [line["label"] for line in late] == ["The hub says", "Revision", "Discussed there"]
    assert late[1]["text"] == "pinned to 4f2c9e1, where the main branch is"
    assert "hf_a_secret" not in str(Hub.seen)
    assert not (tmp_path / "canary").exists()
    view = kernel.cards[card]["view"]
    assert view["title"] == "Stopped before importing code from acme/yolo@4f2c9e1"
    assert "HF_TOKEN" in str(view["facts"])
    assert "hf_a_secret" not in str(kernel.cards[card])
    kernel.send(card, {"token": token, "decision": "allow", "reason": "I read the code", "scope": "once", "finding": ""})
    assert kernel.reply(cell)["status"] == "ok", kernel.text()
    assert (tmp_path / "canary").read_text()

    Hub.answers.clear()
    again = kernel.run("import sys; [sys.modules.pop(n) for n in [*sys.modules] if 'transformers_modules.acme' in n]; load()")
    second = kernel.card(after=card)
    token = kernel.cards[second]["token"]
    kernel.send(second, {"ready": token})
    assert "the same files, byte for byte" in str(kernel.cards[second]["view"]["facts"])
    kernel.send(second, {"token": token, "decision": "deny"})
    assert kernel.reply(again)["status"] == "error"
    assert not Hub.answers.is_set()
