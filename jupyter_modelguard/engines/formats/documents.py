"""Text: documents that name what they call, which are judged as their loads are, and all other text, which is data."""

from __future__ import annotations

import codecs
import hashlib
import importlib
import importlib.util
import json
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.policy.jsonpickle_tags import judge_jsonpickle
from jupyter_modelguard.policy.yaml_tags import python_tags
from jupyter_modelguard.types import ScanReport

if TYPE_CHECKING:
    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner
    from jupyter_modelguard.types import Finding, GlobalUse

__all__ = ["ENGINE"]

_LARGEST: Final = 256 << 20  # bytes
_MARKS: Final = (b"!!python/", b":python/", b'"py/')
_WIDE: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # marks of wider text begin with these, too
_NO_TEXT: Final = bytes(set(range(32)) - set(b"\t\n\r\f\v\b\x1b")) + b"\x7f"


class Documents:
    """Finds the marks of Python objects in text."""

    name = "text 1"

    def takes(self, content: Content) -> bool:
        """By the lack of what no text has."""
        return _is_text(content.head)

    def scan(self, content: Content, scanner: Scanner) -> ScanReport | None:
        """Judge a document; None where it is no text in the end."""
        del scanner
        if content.size > _LARGEST:
            raise ScanError(f"text of more than {_LARGEST >> 20} MiB")
        data = content.read()
        if not _is_text(data):
            return None
        judged: tuple[str, tuple[GlobalUse, ...], tuple[Finding, ...]] = ("text", (), ())
        if any(mark in data.replace(b"\x00", b"") for mark in _MARKS):
            judged = _judged(data)
        digest = hashlib.sha256(data).hexdigest()
        kind, uses, findings = judged
        return ScanReport(content.name, kind, digest, content.size, findings, uses, engines=(self.name,))


def _is_text(data: bytes) -> bool:
    return data.startswith(_WIDE) or len(data.translate(None, _NO_TEXT)) == len(data)


def _judged(data: bytes) -> tuple[str, tuple[GlobalUse, ...], tuple[Finding, ...]]:
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        if importlib.util.find_spec("yaml") is None:
            raise ScanError("PyYAML is not installed here, and nothing else reads its tags") from None
        yaml = importlib.import_module("yaml")
        return "yaml", *python_tags(data, yaml.SafeLoader, data)
    return "jsonpickle", *judge_jsonpickle(tree)


ENGINE: Final = Documents()
