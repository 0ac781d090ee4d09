"""Notebooks run to their end, or to a cell that fails, and what their cells said."""

from __future__ import annotations

import asyncio

__all__ = ["execute", "text_of"]


def execute(notebook, folder):
    """Run a notebook in a folder; a cell that takes longer than the limit is a cell that hangs."""
    import nbclient

    client = nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    asyncio.run(client.async_execute())
    return notebook


def text_of(cell):
    return "\n".join(
        output.get("text", "") + output.get("data", {}).get("text/plain", "") + "\n".join(output.get("traceback", ()))
        for output in cell.outputs
    )
