"""How a `CardView` is drawn where there is no live card: plain text, a terminal, static HTML."""

from __future__ import annotations

__all__: list[str] = []
