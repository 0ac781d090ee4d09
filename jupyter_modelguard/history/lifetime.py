"""Stores that are open in this process: closed when it ends, and parted from their parent's files when it forks."""

from __future__ import annotations

import atexit
import logging
import os
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_modelguard.history.store import Store

__all__ = ["follow"]

_LOG = logging.getLogger(__name__)
_STORES: weakref.WeakSet[Store] = weakref.WeakSet()


def follow(store: Store) -> None:
    """Take care of a store for as long as there is one."""
    _STORES.add(store)


def _close_all() -> None:
    for store in list(_STORES):
        try:
            store.close()
        except Exception:  # noqa: BLE001 the interpreter is ending
            _LOG.debug("The history was not closed", exc_info=True)


def _after_fork() -> None:
    for store in list(_STORES):
        store.forget_parent()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
