"""A model's own Python files: nothing proves those, so each is asked about and exactly its bytes may run."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from jupyter_modelguard.hooks.gate import Permit
from jupyter_modelguard.stages.deciding import evaluate
from jupyter_modelguard.stages.earlier_code import EarlierCode
from jupyter_modelguard.stages.repository_ways import RepositoryWays
from jupyter_modelguard.types import Artifact

if TYPE_CHECKING:
    from jupyter_modelguard.engines.worker import Worker
    from jupyter_modelguard.stages.deciding import Deciding
    from jupyter_modelguard.types import CodeFile, LoadRequest

__all__ = ["CodeCheck"]


class CodeCheck:
    """Looks at code files.

    Parameters
    ----------
    deciding
        What follows the look.
    worker
        Reads the files, and tries other ways to the same model, for a card.
    """

    def __init__(self, deciding: Deciding, worker: Worker) -> None:
        self._deciding = deciding
        self._worker = worker
        self._safer = RepositoryWays(worker)
        self._earlier = EarlierCode(deciding.journal, worker.scan_code)

    def check(self, request: LoadRequest, origin: str, files: tuple[CodeFile, ...]) -> Permit:
        """Ask about code files; nothing proves those. See `Gate.check_code`."""
        started = time.perf_counter()
        report = self._worker.scan_code(origin, files)
        artifact = Artifact(_name_of(origin), origin, report.format, report.digest, report.size, files, alone=True)
        record, _ = self._deciding.decide(
            request,
            artifact,
            evaluate(report),
            started,
            seek=lambda: self._safer.seek(request, origin, files, sys._getframe(1)),  # noqa: SLF001
            compare=self._earlier.compare,
        )
        return Permit(record.id, approved=True, files={file.digest: file.content for file in files})


def _name_of(origin: str) -> str:
    """Return what people call a repository or a folder; that of a cache ends in a revision (`models/acme--tiny/snapshots/master`)."""
    if origin.startswith("hf:"):
        return os.path.basename(origin.partition("@")[0])
    folder, kind = os.path.split(os.path.dirname(origin))
    return os.path.basename(folder).rpartition("--")[2] if kind == "snapshots" and "--" in folder else os.path.basename(origin)
