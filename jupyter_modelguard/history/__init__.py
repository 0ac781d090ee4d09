"""RECORD: what every load left behind; the one place that knows SQLAlchemy."""

from __future__ import annotations

__all__: list[str] = []
