"""The history for JupyterLab: a Jupyter server extension that reads what kernels write, and brings back what a person decides."""

from __future__ import annotations

__all__: list[str] = []
