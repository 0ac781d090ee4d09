"""Which card it is that somebody saw: a digest that goes out with a card, comes back with the answer, and is sealed with it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["canonical", "digest_of_card"]


def digest_of_card(view: Mapping[str, Any]) -> str:
    """Name a card by all that it says; as plain values, hexadecimal."""
    return hashlib.sha256(canonical(view)).hexdigest()


def canonical(plain: object) -> bytes:
    """Write plain values in the one way that is hashed and sealed."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode("ascii")
