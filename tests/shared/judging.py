"""What the trace, the inspection and the policy make of a stream, or of a piece of one, without a load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.inspection import inspect_open
from jupyter_modelguard.engines.trace import trace_stream
from jupyter_modelguard.policy.evaluate import evaluate

from opcodes import HEAD  # isort: skip

if TYPE_CHECKING:
    from jupyter_modelguard.engines.verdict import StreamTrace
    from jupyter_modelguard.types import RiskLevel

__all__ = ["asks", "level_of_piece", "look", "look_at_piece", "piece_asks"]


def look(stream: bytes, dialect: str = "pickle") -> StreamTrace:
    return inspect_open(trace_stream(StreamSource(data=stream), dialect))


def asks(stream: bytes, dialect: str = "pickle") -> bool:
    return evaluate(look(stream, dialect).report).level.asks


def look_at_piece(piece: bytes) -> StreamTrace:
    return look(HEAD + piece + b".")


def level_of_piece(piece: bytes) -> RiskLevel:
    return evaluate(look_at_piece(piece).report).level


def piece_asks(piece: bytes) -> bool:
    return level_of_piece(piece).asks
