"""Rows that other packages bring: the entry point group `jupyter_modelguard.rows`.

A package that has a loader of its own guards it by naming an iterable of rows in its `pyproject.toml`:

    [project.entry-points."jupyter_modelguard.rows"]
    acme = "acme_loader.guarding:ROWS"

and writing them there. A row says where the loader is, and what to put in its place; `guard_call` is enough for a loader that reads
pickles through the guarded modules, and names the call that a person wrote:

    from jupyter_modelguard.hooks.named import guard_call
    from jupyter_modelguard.hooks.row import Row, wrap

    ROWS = [Row("acme_loader.files", "load", wrap(guard_call, "acme_loader.load", 0, "path"), "acme_loader.load", "a pickle's")]

Only distributions that are installed in the standard places count: one that lies in the working directory would run as the guard starts. A
package whose rows cannot be read is left out and named by `modelguard doctor`; it never keeps the guard from starting.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.artifacts.entry_points import entry_points
from jupyter_modelguard.hooks.row import Row
from jupyter_modelguard.hooks.table import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import EntryPoint

__all__ = ["GROUP", "broken_rows", "every_row"]

GROUP: Final = "jupyter_modelguard.rows"

_log = logging.getLogger(__name__)
_broken: dict[str, str] = {}


def every_row() -> tuple[Row, ...]:
    """Return the table and what other packages add to it."""
    _broken.clear()
    return (*TABLE, *(row for entry in entry_points(GROUP, _report) for row in _rows_of(entry)))


def broken_rows() -> dict[str, str]:
    """Return what kept the rows of a package from being read, by the entry point's name."""
    return dict(_broken)


def _rows_of(entry: EntryPoint) -> Iterator[Row]:
    try:
        rows = tuple(map(_exactly_a_row, entry.load()))
    except Exception as error:  # noqa: BLE001 whatever another package raises as it is imported
        _report(entry.name, error)
    else:
        yield from rows


def _exactly_a_row(row: object) -> Row:
    if not isinstance(row, Row):
        raise TypeError(f"{row!r:.80} is no Row")
    return row


def _report(name: str, error: Exception) -> None:
    _broken[name] = f"{type(error).__name__}: {error}"
    _log.warning("the rows of %s cannot be read: its loaders are held by the audit floor alone", name, exc_info=error)
