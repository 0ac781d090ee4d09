"""Protocol buffers that hold nothing but numbers and text: SentencePiece's models and TensorFlow's fingerprints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.protobuf import Walk
from jupyter_modelguard.engines.protobuf_wire import LARGEST, buffer
from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.types import ScanReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.protobuf import Message, Schema
    from jupyter_modelguard.engines.scanner import Scanner

__all__ = ["ENGINE"]

_LARGEST_FINGERPRINT: Final = 1_000  # bytes
_TEXTS: Final = frozenset({1, 2, 5, 7, 30, 31, 36, 44, 45, 46, 47, 48, 53, 54})  # of the trainer's settings
_SCHEMA: Final[Schema] = {
    "SentencePiece": {
        1: "pieces>Piece",
        2: "trainer>Trainer",
        3: "normalizer>Normalizer",
        4: "tests",
        5: "denormalizer>Normalizer",
    },
    "Piece": {1: "piece", 2: "score#", 3: "type#"},
    "Trainer": {number: f"{number}" if number in _TEXTS else f"{number}#" for number in range(1, 60)},
    "Normalizer": {1: "name", 2: "charsmap", 3: "prefix#", 4: "spaces#", 5: "escapes#", 6: "rules"},
    "Fingerprint": {1: "model#", 2: "graph#", 3: "signatures#", 4: "objects#", 5: "variables#", 6: "version>Version", 7: "uuid"},
    "Version": {1: "producer#", 2: "min_consumer#", 3: "bad_consumers#"},
}


class SmallMessages:
    """Knows a message by having all its parts and no others."""

    name = "small-messages 1"

    def takes(self, content: Content) -> bool:
        """By a first field; what the others are is seen at once when it is scanned."""
        return content.head[0] in {0x08, 0x0A}

    def scan(self, content: Content, scanner: Scanner) -> ScanReport | None:
        """Account for a message; None where it is another."""
        del scanner
        if content.size > LARGEST:
            return None
        with buffer(content) as data:
            if content.head[0] == 0x0A:  # noqa: PLR2004 a text comes first
                kind = "sentencepiece" if _walked(Walk(data, _SCHEMA, "SentencePiece"), _is_sentence_piece) else ""
            elif content.size <= _LARGEST_FINGERPRINT:
                kind = "tensorflow-fingerprint" if _walked(Walk(data, _SCHEMA, "Fingerprint"), _is_fingerprint) else ""
            else:
                kind = ""
        return ScanReport(content.name, kind, size=content.size, engines=(self.name,)) if kind else None


def _walked(walk: Walk, has_parts: Callable[[set[str]], bool]) -> bool:
    seen: set[str] = set()
    try:
        for message in walk:
            seen |= _parts(message)
            if walk.odd:
                return False
    except ScanError:
        return False
    return has_parts(seen)


def _parts(message: Message) -> set[str]:
    found = {message.kind}
    if message.kind == "Fingerprint":
        found |= set(message.numbers)
    elif message.kind == "Piece" and len(message.raw("piece")) == len(message.numbers.get("score", ())) == 1:
        found.add("whole piece")
    return found


def _is_sentence_piece(seen: set[str]) -> bool:
    return {"whole piece", "Trainer", "Normalizer"} <= seen


def _is_fingerprint(seen: set[str]) -> bool:
    return {"model", "graph", "signatures", "objects", "variables"} <= seen


ENGINE: Final = SmallMessages()
