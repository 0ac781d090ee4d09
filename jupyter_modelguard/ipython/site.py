"""Where user code stands in this shell: the notebook, the cell and its number."""

from __future__ import annotations

import os
import sys
from typing import Any

from jupyter_modelguard.types import CallSite

__all__ = ["current_site", "number_cell"]

_NUMBER = "_modelguard_cell_number"  # on the shell


def current_site() -> CallSite:
    """Say which cell runs; asked once a cell, the line is found from the frames.

    The cell's id is the front end's; front ends that send none leave it out.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return CallSite()
    return CallSite(_notebook(shell), _cell(shell), _number(shell))


def number_cell(shell: Any) -> None:
    """Note the number of the cell that is about to run.

    The shell's own counter cannot say: newer versions count on before the cell runs, older ones after it. The list of inputs is
    as long as the number before the cell joins it, in all of them.
    """
    setattr(shell, _NUMBER, len(shell.history_manager.input_hist_parsed))


def _number(shell: Any) -> int | None:
    noted: int | None = getattr(shell, _NUMBER, None)
    if noted is not None:
        return noted
    inputs = getattr(getattr(shell, "history_manager", None), "input_hist_parsed", ())  # in the cell that loads the extension
    return len(inputs) - 1 if len(inputs) > 1 else None


def _notebook(shell: Any) -> str | None:
    # Jupyter's server sets the variable for the kernels it starts; VS Code puts the path among the user's names.
    return os.environ.get("JPY_SESSION_NAME") or shell.user_ns.get("__vsc_ipynb_file__")


def _cell(shell: Any) -> str | None:
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return None
    try:
        cell = kernel.get_parent().get("metadata", {}).get("cellId")
    except Exception:  # noqa: BLE001 a thread without a parent message
        return None
    return cell if isinstance(cell, str) else None
