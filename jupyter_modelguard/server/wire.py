"""What goes over the wire between the server and JupyterLab's sidebar: every answer, and the one body that is taken in.

`jupyter_modelguard.server.schema` makes the JSON Schema of these types, and the front end's types are made from that: change a field
here, run the two commands that are named there, and the compiler says what else has to change.

Text is sent as it was found, strangers' text too: the front end draws every string as text and spells out what has no ink, in the
panel as in the card (`labextension/src/card/text.ts`), and nothing is escaped twice.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from jupyter_modelguard.approval.view import CardView, CodeListing, Fact  # noqa: TC001 read at run time
from jupyter_modelguard.history.search import NotebookCount, Notebooks, Row
from jupyter_modelguard.types import Finding, Scope  # noqa: TC001 read at run time

__all__ = [
    "Answer",
    "Approval",
    "Approvals",
    "Decided",
    "Deleted",
    "Detail",
    "Forgotten",
    "NotebookCount",
    "Notebooks",
    "Problem",
    "Row",
    "Scans",
    "Session",
    "Sessions",
    "Status",
    "TrailStep",
    "TrustList",
    "Trusted",
    "encode",
]


class Status(msgspec.Struct, frozen=True):
    """What this server has, and who asks."""

    version: str
    place: str  # equal to a kernel's: that kernel's history is this one
    user: str
    may_decide: bool
    problem: str | None  # why the history cannot be used now
    kept_days: float  # 0: for ever
    database: Literal["sqlite", "postgresql"]


class Scans(msgspec.Struct, frozen=True):
    """A page of the list, newest first."""

    total: int
    rows: tuple[Row, ...]


class TrailStep(msgspec.Struct, frozen=True):
    """One thing that became of a load."""

    what: str
    at: float  # seconds since the epoch
    by: str
    how: str


class Detail(msgspec.Struct, frozen=True):
    """All that is known of one load."""

    row: Row
    record: dict[str, Any]
    findings: tuple[Finding, ...]
    facts: tuple[Fact, ...]
    listings: tuple[CodeListing, ...]
    trail: tuple[TrailStep, ...]
    trusted: str | None  # what to forget in the list of trust


class Deleted(msgspec.Struct, frozen=True):
    """How many lines of the history went."""

    deleted: int


class Approval(msgspec.Struct, frozen=True):
    """A load that somebody may decide about."""

    id: str
    session: str
    asked: float  # seconds since the epoch
    waiting: bool  # false: its cell has failed, and a decision counts for the next run
    view: CardView
    seen: str  # names this very card; an answer brings it back
    notebook: str | None
    cell_id: str | None
    execution_count: int | None
    line: int | None


class Approvals(msgspec.Struct, frozen=True):
    """What waits for a decision, oldest first."""

    approvals: tuple[Approval, ...]


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the card sends when a person has decided, but for its token; and which card that was."""

    decision: Literal["allow", "deny"]
    reason: str = ""
    scope: str = ""
    finding: str = ""
    instead: str = ""
    seen: str = ""  # of the card that was shown; without it nothing is allowed


class Decided(msgspec.Struct, frozen=True):
    """What was decided, and as whom."""

    decided: bool
    allow: bool
    by: str


class Session(msgspec.Struct, frozen=True):
    """One process that wrote to the history."""

    session: str
    kernel: str | None
    notebook: str | None
    host: str
    started: float  # seconds since the epoch
    ended: float | None
    alive: bool | None  # null: on another machine, or this one does not say
    version: str


class Sessions(msgspec.Struct, frozen=True):
    """The processes that wrote to the history, latest first."""

    sessions: tuple[Session, ...]


class Trusted(msgspec.Struct, frozen=True):
    """Something that loads without a question."""

    id: str
    what: str
    scope: Scope
    by: str
    at: float  # seconds since the epoch
    reason: str


class TrustList(msgspec.Struct, frozen=True):
    """What is trusted for longer than one load, oldest first."""

    trusted: tuple[Trusted, ...]


class Forgotten(msgspec.Struct, frozen=True):
    """What is not trusted any more."""

    forgotten: str


class Problem(msgspec.Struct, frozen=True):
    """Why nothing came of a request, and what to do."""

    message: str
    next: str


def encode(value: object) -> bytes:
    """Write one of these values as JSON; half a surrogate pair, which cannot be sent, becomes its escape as in the card."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_sendable(msgspec.to_builtins(value)))


def _sendable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, list | tuple):
        return [_sendable(item) for item in value]
    if isinstance(value, dict):
        return {_sendable(key): _sendable(item) for key, item in value.items()}
    return value
