"""Whether the history is still what was written: its chain of links read from the beginning.

The chain shows that somebody changed, took away or added single lines or links afterwards. It does not show who, and it is no protection
from whoever can write to the database: they can write the whole chain anew, or take lines and links away from its end, and what is left
is sound in itself. That is what the head is for, the hash of the last link: kept elsewhere, it says later whether all that was written up
to then is still there. Lines that somebody deleted through modelguard are no break; how many that were is said, and the links that wrote
them are cut off at the beginning once none of their lines is left, which a later link names. A deletion forged in the chain's own form
looks like any other. Lines from before there were links were linked once, as they were then.

Reading takes memory for each line's digest, some 200 bytes a line.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.history.links import ANCHOR, digest_of_values, link_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from jupyter_modelguard.history.database import Database

__all__ = ["Break", "Verification", "verify"]

_SILENCE = 600.0  # seconds; a long history is read whole
_MOST = 1_000  # breaks that are told


@dataclass(frozen=True, slots=True)
class Break:
    """One thing that is not as it was written."""

    link: int | None  # number of the link that shows it; None for a line that no link wrote
    at: float | None  # when that link was written, in seconds since the epoch
    what: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What reading the chain showed.

    Attributes
    ----------
    lines, links
        How many there are.
    deleted
        Lines that were deleted through modelguard, as far as the links that are left say so.
    head
        Hash of the last link, to keep elsewhere; empty when there is none.
    breaks
        What is wrong, in the order of the links.
    holds
        Whether the head that was asked about is in the chain; None when none was.
    """

    lines: int
    links: int
    deleted: int
    head: str
    breaks: tuple[Break, ...]
    holds: bool | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.breaks and self.holds is not False


class _Reading:
    """The chain as far as it has been read."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.number, self.link = 0, ""
        self.links = self.deleted = 0
        self.hashes: set[str] = set()
        self.breaks: list[Break] = []
        self.written: dict[tuple[str, str], tuple[str, int, float]] = {}  # by session and id: digest, link, time
        self.anchor: tuple[int, str] | None = None

    def broken(self, link: int | None, at: float | None, what: str) -> None:
        if len(self.breaks) < _MOST:
            self.breaks.append(Break(link, at, what))

    def take(self, number: int, at: float, session: str, entries: str, link: str) -> None:
        """Read the next link."""
        self.links += 1
        first, expected = not self.hashes, self.number + 1
        if first and entries == ANCHOR:
            self.anchor = number, link
        else:
            sound = self._read(number, at, session, entries)
            if number != expected:
                named = f"link {expected} is" if number == expected + 1 else f"links {expected} to {number - 1} are"
                self.broken(number, at, f"{named} missing")
            elif not sound or link != link_of(self.link, self.owner, number, at, session, entries):
                self.broken(number, at, "this link, or the one before it, was altered")
        self.hashes.add(link)
        self.number, self.link = number, link

    def _read(self, number: int, at: float, session: str, entries: str) -> bool:
        try:
            plain: dict[str, Any] = json.loads(entries)
            for identity, digest in plain.get("written", {}).items():
                self.written[session, identity] = digest, number, at
            for of, identities in plain.get("deleted", {}).items():
                for identity in identities:
                    self.written.pop((of, identity), None)
            self.deleted += int(plain.get("number", 0))
            if self.anchor is not None and plain.get("cut") == list(self.anchor):
                self.anchor = None
        except (ValueError, TypeError, AttributeError, RecursionError, OverflowError):
            return False
        return True


def verify(database: Database, head: str | None = None) -> Verification:
    """Read the whole chain and every line, as they are at this moment.

    Parameters
    ----------
    database
        Where they are.
    head
        The hash of a link that was the last one once.

    Raises
    ------
    HistoryError
        The history cannot be read now.
    """
    from jupyter_modelguard.history.tables import owner_of

    with database.reading(_SILENCE) as connection:
        reading = _Reading(owner_of(connection))
        database.backend.begin_to_read(connection)
        try:
            for row in _links(connection):
                reading.take(*row)
            if reading.anchor is not None:
                reading.broken(
                    reading.anchor[0], None, "the links before this one were cut off, and no link says that they were deleted"
                )
            lines = _compare(connection, reading)
        finally:
            connection.exec_driver_sql("ROLLBACK")
    wanted = head.strip().lower() if head is not None else None
    breaks = sorted(reading.breaks, key=lambda found: (found.link is None, found.link or 0))
    holds = None if wanted is None else wanted in reading.hashes
    return Verification(lines, reading.links, reading.deleted, reading.link, tuple(breaks), holds)


def _links(connection: Connection) -> Iterator[tuple[int, float, str, str, str]]:
    from sqlalchemy import select

    from jupyter_modelguard.history.tables import links, mine

    columns = links.c
    query = select(columns.number, columns.at, columns.session, columns.entries, columns.link)
    rows = connection.execute(query.where(mine(links, connection)).order_by(columns.number), execution_options={"yield_per": 500})
    for row in rows:
        yield tuple(row)


def _compare(connection: Connection, reading: _Reading) -> int:
    """Compare every line with what the chain says of it; give how many lines there are."""
    from jupyter_modelguard.history.lines import stream

    number = 0
    for line in stream(connection):
        number += 1
        digest, link, at = reading.written.pop((line["session"], line["id"]), (None, None, None))
        if digest is None:
            reading.broken(None, None, f"line #{line['id']} of {_clock(line['at'])} was written by no link, or deleted before")
        elif digest != digest_of_values(line):
            reading.broken(link, at, f"line #{line['id']} was changed afterwards")
    for (_, identity), (_, link, at) in reading.written.items():
        reading.broken(link, at, f"line #{identity} is missing")
    return number


def _clock(seconds: object) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(float(seconds)))  # type: ignore[arg-type] # caught
    except (TypeError, ValueError, OverflowError, OSError):
        return "an unknown time"
