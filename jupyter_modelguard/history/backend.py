"""What a database must be able to do to hold the history; `sqlite` and `postgresql` do it."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Engine

__all__ = ["Backend", "Trouble"]


class Trouble(enum.Enum):
    """What an error of a database says about the time to come."""

    STATEMENT = enum.auto()  # nothing: a mistake in what was asked
    BUSY = enum.auto()  # somebody else holds it; trying again a little later is worth it
    UNUSABLE = enum.auto()  # it is to be left alone for a while
    DAMAGED = enum.auto()  # it is none any more


class Backend(Protocol):
    """One kind of database, at one place."""

    @property
    def name(self) -> str:
        """Whether it is "sqlite" or "postgresql"."""

    @property
    def owner(self) -> str:
        """Whose rows are meant; empty where all rows are of one person."""

    @property
    def shown(self) -> str:
        """How messages name it, with no secret in it."""

    @property
    def place(self) -> str:
        """The same text for everybody who means the same database, which tells nothing else about it."""

    def engine(self) -> Engine:
        """Make an engine whose connections commit by themselves and carry the owner as an execution option."""

    def prepare(self, connection: Connection) -> None:
        """Set what the whole database keeps, before its tables are looked at."""

    def version(self, connection: Connection) -> int:
        """Read which version the tables are; 0 when there are none."""

    def stamp(self, connection: Connection, version: int) -> None:
        """Write which version the tables are."""

    def back_up(self, version: int) -> None:
        """Keep a copy of what is there before its tables become those of a version; raises OSError when that cannot be."""

    def begin(self, connection: Connection) -> None:
        """Begin a transaction that no other one of this owner's runs beside."""

    def begin_for_all(self, connection: Connection) -> None:
        """Begin a transaction in which tables may change."""

    def begin_to_read(self, connection: Connection) -> None:
        """Begin a transaction that sees nothing of what is written from now on."""

    def wipe(self) -> None:
        """Leave nothing of what was deleted in files beside the database."""

    def state(self, connection: Connection) -> object:
        """Read, at next to no cost, what is another value after somebody has written."""

    def trouble(self, error: BaseException) -> Trouble:
        """Say what an error means."""

    def said(self, error: BaseException) -> str:
        """Say an error in words with no secret in them."""

    def replace(self) -> None:
        """Put what is damaged aside, so that a fresh database is begun."""

    def bounded(self, connection: Connection, seconds: float) -> AbstractContextManager[None]:
        """End what takes longer than so many seconds without a word from the database."""
