"""DECIDE: how a load that wants to run code is put before a person, one transport a file, and their order."""

from __future__ import annotations

__all__: list[str] = []
