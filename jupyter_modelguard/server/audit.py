"""What happened in the history, as events of Jupyter's event bus: for the sidebar, and for whoever keeps an audit log.

The schemas beside this module are versioned and mark personal data. No event holds the value of a secret or the source of a cell. An
event that does not fit its schema is a fault of ours: it is logged, and everything goes on.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_events import EventLogger

    from jupyter_modelguard.history.glance import Difference, SeenLoad, SeenQuestion

__all__ = ["APPROVAL", "LOAD", "LOADS", "Event", "emit", "events_of", "register"]

_BASE: Final = "https://schema.jupyter.org/jupyter_modelguard"
LOAD: Final = f"{_BASE}/load/v1"
LOADS: Final = f"{_BASE}/loads/v1"
APPROVAL: Final = f"{_BASE}/approval/v1"

_LOG = logging.getLogger(__name__)
_FOLDER = Path(__file__).parent / "events"
_ONE_BY_ONE = 20  # lines of one write
_LONGEST = 1_000  # characters of one text
_ACTIONS = {"pending": "asked", "held": "asked", "allowed": "decided", "denied": "decided", "abandoned": "abandoned"}


class Event(NamedTuple):
    """One event that is to be emitted."""

    schema: str
    data: dict[str, Any]


def register(events: EventLogger) -> None:
    """Make the schemas known to a server's event bus, once."""
    for path in sorted(_FOLDER.glob("*.yaml")):
        try:
            events.register_event_schema(path)
        except Exception:  # noqa: BLE001 the sidebar then asks less often
            _LOG.exception("The event schema %s could not be registered", path.name)


def events_of(difference: Difference) -> list[Event]:
    """Say what happened; where it is too much to be told one by one, or too long ago, only how much."""
    told = [Event(LOAD, _load(load, "deleted")) for load in difference.deleted]
    told += [Event(LOAD, _load(load, "recorded")) for load in difference.recorded]
    questions = [Event(APPROVAL, _approval(question)) for question in difference.questions]
    if len(told) + difference.more > _ONE_BY_ONE or not (told or questions):
        told = [Event(LOADS, {"count": len(told) + difference.more})]
    return [*questions, *told]


def emit(events: EventLogger, happened: Iterable[Event]) -> None:
    """Emit events; on the thread of the server's loop."""
    for event in happened:
        try:
            events.emit(schema_id=event.schema, data=event.data)
        except Exception:  # noqa: BLE001 an audit that fails must not end what it watches
            _LOG.exception("An event could not be emitted: %s", event.schema)


def _load(load: SeenLoad, action: str) -> dict[str, Any]:
    return {
        "action": action,
        "id": load.id,
        "session": load.session,
        "at": load.at,
        "loader": _cut(load.loader),
        "level": load.level,
        "outcome": load.outcome,
        "transport": load.transport,
        "notebook": _cut(load.notebook),
        "name": _cut(load.name),
        "source": _cut(load.source),
        "by": _cut(load.by),
    }


def _approval(question: SeenQuestion) -> dict[str, Any]:
    return {
        "action": _ACTIONS.get(question.state, "abandoned"),
        "id": question.id,
        "session": question.session,
        "at": question.asked,
        "level": question.level,
        "waiting": question.waiting,
        "allow": {"allowed": True, "denied": False}.get(question.state),
        "notebook": _cut(question.notebook),
        "by": _cut(question.by),
    }


def _cut(value: str | None) -> str | None:
    return value if value is None or len(value) <= _LONGEST else f"{value[:_LONGEST]}…"
