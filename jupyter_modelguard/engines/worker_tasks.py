"""What the worker process does: its limits, and its tasks, each of which imports there what it needs."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.artifacts.source import StreamSource
    from jupyter_modelguard.engines.verdict import StreamTrace
    from jupyter_modelguard.types import CodeFile, Explanation, ScanReport

__all__ = ["attempted", "broken", "explained", "limit", "scanned", "scanned_code", "traced"]


def _end_with(parent: int) -> None:
    """End when the process that asked is gone without a word, killed for example."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(0)


def limit(parent: int, memory: int) -> None:
    """Set a new process up: an end with its parent, and limits."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import jupyter_modelguard.engines.trace  # noqa: F401 so that the first task does not wait for it


def traced(source: StreamSource, dialect: str) -> StreamTrace:
    """Trace a stream."""
    from jupyter_modelguard.engines.trace import trace_stream

    return trace_stream(source, dialect)


def explained(trace: StreamTrace, dialect: str) -> Explanation:
    """Write down what a traced stream does."""
    from jupyter_modelguard.engines.explanation import explain

    return explain(trace, dialect)


def broken() -> dict[str, str]:
    """Name the engines of other packages that cannot be had, and why."""
    from jupyter_modelguard.engines.registry import broken_engines

    return broken_engines()


def scanned(path: str, folders: tuple[str, ...], opinions: bool, brought: bool) -> ScanReport:  # noqa: FBT001 by place, to the pool
    """Scan a file; the engines of other packages are `brought`, or left out."""
    from jupyter_modelguard.engines.registry import own_engines
    from jupyter_modelguard.engines.scanner import scan_file

    report = scan_file(path, folders, None if brought else own_engines())
    if opinions:
        from jupyter_modelguard.engines.second_opinions import with_opinions

        report = with_opinions(report, path)
    return report


def scanned_code(origin: str, files: tuple[CodeFile, ...], beside: tuple[str, ...], folders: tuple[str, ...]) -> ScanReport:
    """Read code files, with what lies beside them."""
    from jupyter_modelguard.engines.code import scan_code
    from jupyter_modelguard.engines.python_code.neighbours import files_beside

    return scan_code(origin, files, beside=(*beside, *files_beside(origin)), folders=folders)


def attempted(task: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Run a task; give its value, or the sentence that says why there is none."""
    from jupyter_modelguard.errors import ScanError

    try:
        return task(*arguments)
    except ScanError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 of a stranger's bytes, or of a library that reads them
        return f"{type(error).__name__}: {str(error)[:200]}"
