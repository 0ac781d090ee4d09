"""Whether somebody signed a file: the signatures that the OpenSSF's model signing leaves beside a model, checked by their public keys.

    model_signing sign key models/yolo --private_key ada.pem --signature models/yolo/model.sig

signs a list of a model's files with the sha256 of each. What is compared with that list is the digest of the bytes that the load will
read, so nothing else of the model has to be looked at. Signatures by a person's identity (Sigstore) are not looked at: to find out what
they are worth takes a connection.

Whatever is wrong with a signature means that there is none.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import json
import logging
from pathlib import Path
from typing import Any

from jupyter_modelguard.errors import ConfigurationError

__all__ = ["check_key", "key_name", "signed_by"]

_LOG = logging.getLogger(__name__)
_NAME = "model.sig"  # the name that the tool proposes
_WHOLE = "."  # what a file is called that was signed alone
_MOST_STEPS = 8  # folders above the file in which a model may begin
_LARGEST = 1 << 24  # bytes of a signature: the list of a hundred thousand files
_STATEMENT = "application/vnd.in-toto+json"
_PREDICATE = "https://model_signing/signature/v1.0"
_INSTALL = 'a rule about a signer needs securesystemslib: pip install "jupyter_modelguard[signatures]"'


def check_key(pem: str) -> None:
    """See that a text is a public key.

    Raises
    ------
    ConfigurationError
        It is none, or what is needed to check signatures is not installed.
    """
    try:
        _key(pem)
    except ImportError:
        raise ConfigurationError(_INSTALL) from None
    except Exception:  # noqa: BLE001 whatever a library says of a text that is no key
        raise ConfigurationError(
            'a signer is a public key: signer = """-----BEGIN PUBLIC KEY----- …""", as `openssl ec -pubout` prints it.'
        ) from None


def key_name(pem: str) -> str:
    """Name a key: the first digits of its sha256, which a signature by it bears as its hint."""
    return hashlib.sha256(pem.strip().encode() + b"\n").hexdigest()[:12]


def signed_by(path: str, content: str, keys: tuple[str, ...]) -> bool:
    """Say whether one of these keys signed the file at a path with this content; it never raises.

    Parameters
    ----------
    path
        An absolute path: the signature lies beside it as `<name>.sig`, or as `model.sig` in its folder or one above.
    content
        sha256 of all bytes of the file, hexadecimal; "" is signed by nobody.
    keys
        Public keys as PEM.
    """
    file = Path(path)
    if not content or not file.is_absolute():
        return False
    alone = file.with_name(f"{file.name}.sig")
    models = [(above / _NAME, file.relative_to(above).as_posix()) for above in list(file.parents)[:_MOST_STEPS]]
    for signature, name in [(alone, _WHOLE), *models]:
        try:
            with signature.open("rb") as opened:
                text = opened.read(_LARGEST + 1)
            if len(text) <= _LARGEST and _lists(_statement(text, keys), name, content):
                return True
        except FileNotFoundError:
            continue
        except Exception as error:  # noqa: BLE001 a stranger wrote it
            _LOG.warning("%s is no signature that counts: %s", signature, error)
    return False


def _statement(text: bytes, keys: tuple[str, ...]) -> dict[str, Any]:
    """Give what was signed; raises whatever a library raises where no key fits."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError

    envelope = json.loads(text)["dsseEnvelope"]
    (signature,) = envelope["signatures"]
    if envelope["payloadType"] != _STATEMENT:
        raise ValueError("it is about something else")
    for key in map(_key, keys):  # the tool names none in the envelope
        named = {**envelope, "signatures": [{"keyid": key.keyid, "sig": signature["sig"]}]}
        with contextlib.suppress(VerificationError):
            Envelope.from_dict(named).verify([key], 1)
            statement: dict[str, Any] = json.loads(base64.b64decode(envelope["payload"]))
            return statement
    raise ValueError("none of the keys made it")


def _lists(statement: dict[str, Any], name: str, content: str) -> bool:
    """Whether what was signed lists a file of the model with this content."""
    predicate = statement["predicate"]
    if statement["predicateType"] != _PREDICATE or predicate["serialization"]["method"] != "files":
        raise ValueError("it is no list of whole files")
    return any((one["name"], one["algorithm"], one["digest"]) == (name, "sha256", content) for one in predicate["resources"])


@functools.lru_cache(maxsize=64)
def _key(pem: str) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined] # as its manual has it

    return SSlibKey.from_crypto(load_pem_public_key(pem.encode()))
