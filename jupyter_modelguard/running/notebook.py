"""A notebook, run by nbclient in a kernel that is guarded before its first cell."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.policy.checked_file import read_text
from jupyter_modelguard.policy.lock_file import read_lock

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

__all__ = ["run_notebook"]

# "-c" puts the folder of the notebook first on the path, where a file could stand in for the guard: it goes before anything is imported.
_LAUNCH = "import sys\nif not sys.flags.safe_path: del sys.path[0]\nfrom jupyter_modelguard.running.kernel import main\nmain()"


def run_notebook(path: Path, lock: Path | None, console: Console, output: str | None = None) -> int:
    """Run a notebook and give its exit status: 0, or 1 if a cell failed.

    Parameters
    ----------
    path
        The notebook; its folder is the project whose policy and lock files count, and the kernel's.
    lock
        The lock file that was named.
    console
        Where to say how a cell failed.
    output
        Where to keep the notebook with its outputs.

    Raises
    ------
    ConfigurationError
        nbclient is not installed, the file is no notebook of Python, or the lock file cannot be used.
    """
    try:
        import nbclient
        import nbformat
    except ImportError:
        raise ConfigurationError("A notebook needs nbclient: pip install nbclient") from None
    _check_lock(lock)
    try:
        notebook: Any = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except Exception as error:
        raise ConfigurationError(f"{path} is no notebook: {error}") from error
    language = notebook.metadata.get("kernelspec", {}).get("language", "python")
    if language != "python":
        raise ConfigurationError(f"{path} is a notebook of {language}; only those of Python can be guarded.")
    client = nbclient.NotebookClient(
        notebook, km=_kernel(path, lock), timeout=None, allow_errors=False, resources={"metadata": {"path": str(path.parent)}}
    )
    status = 0
    try:
        asyncio.run(client.async_execute())
    except (nbclient.exceptions.CellExecutionError, nbclient.exceptions.DeadKernelError) as error:
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        status = 1
    if output is not None:
        nbformat.write(notebook, output)  # type: ignore[no-untyped-call]
    return status


def _check_lock(lock: Path | None) -> None:
    """Complain here about a lock file that the kernel could not use."""
    if lock is None:
        return
    text = read_text(lock)
    if text is None:
        raise ConfigurationError(f"{lock}:1: there is no such lock file.")
    read_lock(text)


def _kernel(path: Path, lock: Path | None) -> Any:
    """Make a manager for a kernel of this Python that holds its loads from the start."""
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    named = ["--lock", str(lock)] if lock is not None else []
    command = [sys.executable, "-c", _LAUNCH, "--project", str(path.parent), *named, "-f", "{connection_file}"]

    class Guarded(KernelSpecManager):
        """Knows one kernel, whatever a notebook calls it."""

        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            return KernelSpec(argv=command, display_name=kernel_name, language="python")

    return AsyncKernelManager(kernel_spec_manager=Guarded())
