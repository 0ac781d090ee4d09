"""A rule may allow what somebody signed, and nothing else passes because of a signature."""

import base64
import json
import shutil
from pathlib import Path

import pytest

from jupyter_modelguard.errors import ConfigurationError, ModelLoadBlockedError
from jupyter_modelguard.policy import signatures
from jupyter_modelguard.policy.rules import read_rules
from jupyter_modelguard.types import Outcome

from assembly import call, stream  # isort: skip
from chooser import records  # isort: skip
from rulebooks import digest, load  # isort: skip

pytest.importorskip("securesystemslib", reason="signatures are checked by it")
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

MADE = Path(__file__).parents[2] / "shared" / "signed_model"  # by `model_signing sign key` of model-signing 1.1.1
STATEMENT = "application/vnd.in-toto+json"


class Signer:
    """A key, and signatures as the tool makes them."""

    def __init__(self):
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = self._key.public_key()
        self.pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, listed, **changed):
        resources = [{"name": name, "algorithm": "sha256", "digest": digest} for name, digest in listed.items()]
        predicate = {"resources": resources, "serialization": {"method": "files"}}
        statement = {"predicateType": "https://model_signing/signature/v1.0", "predicate": predicate} | changed
        payload = json.dumps(statement).encode()
        signed = b"DSSEv1 %d %s %d %s" % (len(STATEMENT), STATEMENT.encode(), len(payload), payload)
        signature = self._key.sign(signed, ec.ECDSA(hashes.SHA256()))
        envelope = {"payload": text(payload), "payloadType": STATEMENT, "signatures": [{"sig": text(signature), "keyid": ""}]}
        return {"dsseEnvelope": envelope}


def text(data):
    return base64.b64encode(data).decode()


def allowing(*keys):
    return f'[[rule]]\naction = "allow"\nreason = "Signed by our team."\nsigner = {json.dumps(keys)}\n'


@pytest.fixture
def ada():
    return Signer()


@pytest.fixture
def model(tmp_path, canary):
    """A file in a model whose load opens the canary."""
    path = tmp_path / "yolo" / "weights" / "model.pkl"
    path.parent.mkdir(parents=True)
    path.write_bytes(stream(call("logging.handlers:WatchedFileHandler", str(canary))))
    return path


def put(model, made):
    (model.parents[1] / "model.sig").write_text(json.dumps(made))


def passes(desk, path):
    with desk.guarding() as made:
        try:
            load(path)
        except ModelLoadBlockedError:
            return False
        line = records(made)[0]
        assert (line.outcome, line.decision.transport) == (Outcome.ALLOWED, "policy")
        return True


@pytest.fixture
def copy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(MADE, tmp_path / "signed_model")


def test_file_that_the_tool_signed_passes(desk, copy, tmp_path):
    assert not passes(desk, copy / "weights.pkl")
    desk.system.write_text(allowing((MADE / "signer.pub").read_text()))
    assert passes(desk, copy / "weights.pkl")
    assert (tmp_path / "canary").exists()


def test_key_is_named_as_the_tool_names_it():
    hint = json.loads((MADE / "model.sig").read_text())["verificationMaterial"]["publicKey"]["hint"]
    assert hint.startswith(signatures.key_name((MADE / "signer.pub").read_text()))


def test_file_of_a_model_and_a_file_signed_alone_pass(desk, ada, model, canary):
    desk.system.write_text(allowing(Signer().pem, ada.pem))
    put(model, ada.sign({"config.json": "ab" * 32, "weights/model.pkl": digest(model)}))
    assert passes(desk, model)
    assert canary.exists()
    (model.parents[1] / "model.sig").unlink()
    assert not passes(desk, model)
    model.with_name("model.pkl.sig").write_text(json.dumps(ada.sign({".": digest(model)})))
    assert passes(desk, model)


def other_key(model, _ada):
    put(model, Signer().sign({"weights/model.pkl": digest(model)}))


def no_key(model, ada):
    made = ada.sign({"weights/model.pkl": digest(model)})
    made["dsseEnvelope"]["signatures"] = []
    put(model, made)


def key_of_its_own(model, _ada):
    eve = Signer()
    put(model, eve.sign({"weights/model.pkl": digest(model)}) | {"verificationMaterial": {"publicKey": {"rawBytes": eve.pem}}})


def payload_changed(model, ada):
    made = ada.sign({"weights/model.pkl": "ab" * 32})
    payload = base64.b64decode(made["dsseEnvelope"]["payload"]).replace(b"ab" * 32, digest(model).encode())
    made["dsseEnvelope"]["payload"] = text(payload)
    put(model, made)


def signed_as_something_else(model, ada):
    made = ada.sign({"weights/model.pkl": digest(model)})
    made["dsseEnvelope"]["payloadType"] = "text/plain"
    put(model, made)


def another_statement(model, ada):
    put(model, ada.sign({"weights/model.pkl": digest(model)}, predicateType="https://example.org/scanned"))


def parts_of_files(model, ada):
    resources = [{"name": "weights/model.pkl", "algorithm": "sha256", "digest": digest(model)}]
    put(model, ada.sign({}, predicate={"resources": resources, "serialization": {"method": "shards"}}))


def another_name(model, ada):
    put(model, ada.sign({"weights/reviewed.pkl": digest(model)}))


def another_place(model, ada):
    (model.parents[2] / "model.sig").write_text(json.dumps(ada.sign({"weights/model.pkl": digest(model)})))


def changed_since(model, ada):
    put(model, ada.sign({"weights/model.pkl": digest(model)}))
    model.write_bytes(model.read_bytes() + b" ")


def no_json(model, _ada):
    (model.parents[1] / "model.sig").write_text("[" * 100_000)


def other_shape(model, ada):
    put(model, [ada.sign({"weights/model.pkl": digest(model)})])


def folder(model, _ada):
    (model.parents[1] / "model.sig").mkdir()


ATTACKS = [
    other_key, no_key, key_of_its_own, payload_changed, signed_as_something_else, another_statement, parts_of_files, another_name,
    another_place, changed_since, no_json, other_shape, folder,
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_nobody_signed_is_asked_about(attack, desk, ada, model, canary):
    desk.system.write_text(allowing(ada.pem))
    attack(model, ada)
    assert not passes(desk, model)
    assert not canary.exists()


def test_program_is_allowed_by_no_signature(desk, ada, model, canary):
    model.write_bytes(stream(call("os:system", f"touch {canary}")))
    put(model, ada.sign({"weights/model.pkl": digest(model)}))
    desk.system.write_text(allowing(ada.pem))
    assert not passes(desk, model)
    assert not canary.exists()


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (allowing("ada"), "a signer is a public key"),
        (allowing((MADE / "signer.pub").read_text().replace("M", "N", 1)), "a signer is a public key"),
        (allowing((MADE / "signer.pub").read_text()).replace("allow", "forbid", 1), "a signer is for rules that allow"),
    ],
    ids=["name", "broken", "forbids"],
)
def test_rule_that_could_not_hold_says_what_to_do(rule, said):
    with pytest.raises(ConfigurationError, match=f"policy.toml:1: {said}"):
        read_rules(rule.encode(), "policy.toml")


def test_without_the_library_the_policy_cannot_be_read(monkeypatch):
    def missing(_pem):
        raise ImportError

    monkeypatch.setattr(signatures, "_key", missing)
    with pytest.raises(ConfigurationError, match=r"pip install .jupyter_modelguard\[signatures\]"):
        read_rules(allowing("x").encode(), "policy.toml")
