"""Other ways to a model whose repository brings code of its own: a built-in class, or the same code held to its commit."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.stages.cell_call import find_call
from jupyter_modelguard.stages.safer_ways import NOTHING_SOUGHT, Sought
from jupyter_modelguard.types import SaferWay

if TYPE_CHECKING:
    from types import FrameType

    from jupyter_modelguard.engines.worker import Worker
    from jupyter_modelguard.stages.cell_call import CellCall
    from jupyter_modelguard.types import CodeFile, LoadRequest

__all__ = ["RepositoryWays"]

_log = logging.getLogger(__name__)
_SECONDS: Final = 20.0  # transformers alone takes some to import there, once
_HUB: Final = "hf:"
_SHOWN_DIGITS: Final = 7


class RepositoryWays:
    """Looks for other ways to load from a repository; see `SaferWays`.

    Parameters
    ----------
    worker
        Tries them.
    """

    def __init__(self, worker: Worker, seconds: float = _SECONDS) -> None:
        self._worker = worker
        self._seconds = seconds

    def seek(self, request: LoadRequest, origin: str, files: tuple[CodeFile, ...], frame: FrameType | None) -> Sought:
        """Look for ways; it never raises.

        Parameters
        ----------
        request
            The call that wants the code.
        origin
            The repository, "hf:org/name" with "@commit" where it was asked for by one, or a folder.
        files
            The code that would be imported.
        frame
            Of the load, to find the call in the cell by.
        """
        library, _, rest = request.loader.partition(".")
        auto, _, method = rest.partition(".")
        if library != "transformers" or method != "from_pretrained" or not auto.startswith("Auto"):
            return NOTHING_SOUGHT
        try:
            return self._ways(auto, origin, files, find_call(frame, request.loader))
        except Exception:  # noqa: BLE001 a fault of ours offers nothing
            _log.warning("Safer ways to load %s could not be looked for", origin, exc_info=True)
            return NOTHING_SOUGHT

    def _ways(self, auto: str, origin: str, files: tuple[CodeFile, ...], call: CellCall | None) -> Sought:
        from jupyter_modelguard.engines.native_class import may_be_native, native_class, snapshot

        folder, commit = (origin, "") if os.path.isdir(origin) else ("", "")
        repository, _, asked = origin.removeprefix(_HUB).partition("@")
        revision = asked or _text(call, "revision") or "main"
        if origin.startswith(_HUB) and not (call is not None and call.spreads):
            folder, commit = snapshot(repository, revision, _text(call, "cache_dir")) or ("", "")
        if not folder:
            return NOTHING_SOUGHT
        ways: list[SaferWay] = []
        tried = False
        if auto.startswith("AutoModel"):
            tried = True
            name = ""
            if may_be_native(folder, auto):
                name = self._worker.attempt(native_class, folder, auto, seconds=self._seconds)
            if type(name) is str and name.isidentifier():  # a sentence is none
                note = "transformers has this class itself, for the type of model that the configuration names: tried without the code."
                ways.append(_way(call, f"Use the built-in class {name}", "trust_remote_code", "False", note, auto, repository))
        if origin.startswith(_HUB) and not asked and commit and _is_of(files, folder):
            note = "These very files, whatever the branch says later. It asks once more, and can then be allowed for this commit."
            ways.append(_way(call, f"Pin to {commit[:_SHOWN_DIGITS]}", "revision", repr(commit), note, auto, repository))
        return Sought(tuple(ways), tried)


def _way(call: CellCall | None, label: str, keyword: str, value: str, note: str, auto: str, repository: str) -> SaferWay:
    if call is not None and not call.spreads:
        after, cell = call.rewritten(call.with_keyword(keyword, value))
        if after:
            return SaferWay(label, after, note, call.before, cell)
    return SaferWay(label, f"{auto}.from_pretrained({repository!r}, {keyword}={value})", note)


def _text(call: CellCall | None, name: str) -> str:
    value = getattr(call.argument(1 << 10, name), "value", None) if call is not None else None
    return value if isinstance(value, str) else ""


def _is_of(files: tuple[CodeFile, ...], folder: str) -> bool:
    """Whether the files that were shown are those of a commit."""
    try:
        return bool(files) and all(
            hashlib.sha256(Path(folder, file.path).read_bytes()).hexdigest() == file.digest for file in files
        )
    except OSError:
        return False
