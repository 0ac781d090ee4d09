"""What the sidebar asks for and what it does, on whatever thread: nothing here knows of HTTP but the status of a refusal."""

from __future__ import annotations

import logging
import sys
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import msgspec

from jupyter_modelguard.approval.answer import read_answer
from jupyter_modelguard.config import default_home
from jupyter_modelguard.errors import AnotherCardError, ConfigurationError, HistoryError
from jupyter_modelguard.exports.history import FORMATS, export
from jupyter_modelguard.exports.records import plain_record
from jupyter_modelguard.history.known_load import known_load
from jupyter_modelguard.history.search import Notebooks, Search, counts, records, row_of, rows, total
from jupyter_modelguard.policy.trust import Trust
from jupyter_modelguard.server import wire
from jupyter_modelguard.server.detail import facts_of, listings_of, trail_of, view_of
from jupyter_modelguard.server.refusal import RefusedError
from jupyter_modelguard.types import Scope

if TYPE_CHECKING:
    from jupyter_modelguard.config import ModelGuardConfig
    from jupyter_modelguard.history.known_load import KnownLoad
    from jupyter_modelguard.history.store import Store
    from jupyter_modelguard.policy.trust_entry import TrustEntry
    from jupyter_modelguard.server.place import HistoryPlace
    from jupyter_modelguard.types import HistoryRecord

__all__ = ["Desk"]

_LOG = logging.getLogger(__name__)
_GONE: Final = "Somebody was first, or the kernel that asked has gone."
_HELD: Final = "This load is asked about at a prompt that hears nothing from elsewhere."
_LOOK: Final = "Look at the list again to see what became of it."


class Desk:
    """Answers for one server.

    Parameters
    ----------
    place
        Where the history is.
    config
        What is set about how long it is kept and what exports reveal.
    """

    def __init__(self, place: HistoryPlace, config: ModelGuardConfig) -> None:
        self._place = place
        self._config = config
        self._trust = Trust(default_home)

    def status(self, user: str, *, may_decide: bool) -> wire.Status:
        """Say what this server has, and whether it can be used."""
        problem = None
        try:
            store = self._place.open()
            if store is not None:
                with store.reading() as connection:
                    total(connection, Search())
        except (ConfigurationError, HistoryError) as error:
            problem = str(error)
        return wire.Status(
            version=version("jupyter-modelguard"),
            place=self._place.name,
            user=user,
            may_decide=may_decide,
            problem=problem,
            kept_days=self._config.keep_history,
            database=self._place.kind,
        )

    def scans(self, search: Search, limit: int, offset: int) -> wire.Scans:
        """List a page of the loads that match."""
        store = self._place.open()
        if store is None:
            return wire.Scans(0, ())
        with store.reading() as connection:
            found = rows(connection, search, limit, offset)
            # a page that is not full tells the number by itself, which a look for text would have to count once more
            ended = len(found) < limit and (bool(found) or not offset)
            return wire.Scans(offset + len(found) if ended else total(connection, search), found)

    def notebooks(self, search: Search) -> Notebooks:
        """Count the loads that match."""
        store = self._place.open()
        if store is None:
            return Notebooks(0, 0, 0, {}, ())
        with store.reading() as connection:
            return counts(connection, search)

    def detail(self, session: str, identity: str) -> wire.Detail:
        """Say all that is known of one load."""
        load = self._known(self._place.open(), session, identity)
        view = view_of(load.question.view) if load.question is not None else None
        return wire.Detail(
            row=row_of(load.record, session),
            record=plain_record(load.record),
            findings=load.record.report.findings if load.record.report is not None else (),
            facts=facts_of(load, view),
            listings=listings_of(view),
            trail=trail_of(load),
            trusted=self._entry_of(load),
        )

    def delete(self, session: str, identity: str) -> wire.Deleted:
        """Delete one load from the history; what still waits stays."""
        store = self._place.open()
        load = self._known(store, session, identity)
        if store is None or not store.delete([(session, identity)]):
            what = (
                "still waits"
                if load.question is not None and load.question.state in {"pending", "held"}
                else "could not be deleted"
            )
            raise RefusedError(HTTPStatus.CONFLICT, f"Load #{identity} {what}.", "Decide about it first.")
        return wire.Deleted(1)

    def approvals(self) -> wire.Approvals:
        """List what waits for a decision."""
        store = self._place.open()
        waiting = []
        for one in store.pending() if store is not None else ():
            view = view_of(one.view)
            if view is None:
                _LOG.warning("The question about %s cannot be shown; it can be answered where it was asked.", one.id)
                continue
            where = (one.notebook, one.cell_id, one.execution_count, one.line)
            waiting.append(wire.Approval(one.id, one.session, one.asked, one.waiting, view, one.seen, *where))
        return wire.Approvals(tuple(waiting))

    def decide(self, session: str, identity: str, answer: wire.Answer, by: str) -> wire.Decided:
        """Bring a person's decision to the kernel that waits for it."""
        store = self._place.open()
        if store is None:
            raise _missing(identity)
        waiting = next((one for one in store.pending() if (one.session, one.id) == (session, identity)), None)
        if waiting is None:
            load = self._known(store, session, identity)
            if load.question is not None and load.question.state == "held":
                raise RefusedError(HTTPStatus.CONFLICT, _HELD, "Answer it at that prompt.")
            raise RefusedError(HTTPStatus.CONFLICT, _GONE, _LOOK)
        view = view_of(waiting.view)
        content = msgspec.to_builtins(answer)
        decision = read_answer(view, content, by=by, transport="sidebar") if view is not None else None
        if decision is None or (decision.allow and not answer.seen):
            raise RefusedError(
                HTTPStatus.BAD_REQUEST,
                "This is no answer to what is asked.",
                "Choose one of the reasons and scopes that are offered.",
            )
        try:
            taken = store.decide(identity, decision, session=session, seen=answer.seen)
        except AnotherCardError as error:
            raise RefusedError(HTTPStatus.CONFLICT, str(error), "Look at it again, then decide.") from None
        if not taken:
            raise RefusedError(HTTPStatus.CONFLICT, _GONE, _LOOK)
        return wire.Decided(decided=True, allow=decision.allow, by=by)

    def sessions(self) -> wire.Sessions:
        """List the processes that wrote to the history."""
        store = self._place.open()
        known = store.sessions() if store is not None else ()
        names = wire.Session.__struct_fields__
        return wire.Sessions(tuple(wire.Session(**{name: getattr(one, name) for name in names}) for one in known))

    def trusted(self) -> wire.TrustList:
        """List what is trusted for longer than one load."""
        return wire.TrustList(tuple(_trusted(entry) for entry in self._trust.entries()))

    def forget(self, identity: str) -> wire.Forgotten:
        """Take trust back."""
        if not self._trust.forget(identity):
            raise RefusedError(HTTPStatus.NOT_FOUND, f"Nothing that is trusted has the id #{identity}.")
        return wire.Forgotten(identity)

    def exported(self, name: str, search: Search, *, names: bool) -> str:
        """Write the loads that match for another program.

        Parameters
        ----------
        name
            Of the format, one of `FORMATS`.
        search
            Which loads.
        names
            Whether files, notebooks and persons are named, where the settings allow it.
        """
        if name not in FORMATS:
            raise RefusedError(
                HTTPStatus.BAD_REQUEST, f"There is no format {name[:50]!r}.", f"It is one of: {', '.join(FORMATS)}."
            )
        store = self._place.open()
        found: tuple[HistoryRecord, ...] = ()
        if store is not None:
            with store.reading() as connection:
                found = records(connection, search, sys.maxsize)
        if not (names and self._config.export_names):
            from jupyter_modelguard.exports.pseudonyms import without_names

            found = without_names(found)
        try:
            return export(found, name)
        except ConfigurationError as error:
            raise RefusedError(
                HTTPStatus.NOT_IMPLEMENTED, str(error), "Install it where this server runs, then try again."
            ) from None

    def _known(self, store: Store | None, session: str, identity: str) -> KnownLoad:
        if store is None:
            raise _missing(identity)
        with store.reading() as connection:
            load = known_load(connection, session, identity)
        if load is None:
            raise _missing(identity)
        return load

    def _entry_of(self, load: KnownLoad) -> str | None:
        decision = load.record.decision
        if decision is None or not decision.allow or decision.scope is Scope.ONCE:
            return None
        try:
            entries = self._trust.entries()
        except (ConfigurationError, OSError):
            return None
        # of a load that an earlier decision let pass, the entry has the id of another load, and the same person and time
        later = decision.transport == "trust"
        mark = (decision.at, decision.by)
        same = [entry.id for entry in entries if (entry.at, entry.by) == mark and (later or entry.id == load.record.id)]
        return same[0] if same else None


def _missing(identity: str) -> RefusedError:
    return RefusedError(HTTPStatus.NOT_FOUND, f"The history has no load #{identity}.")


def _trusted(entry: TrustEntry) -> wire.Trusted:
    what = f"{entry.name} at this commit" if entry.scope is Scope.COMMIT else entry.name
    return wire.Trusted(entry.id, what, entry.scope, entry.by, entry.at, entry.reason)
