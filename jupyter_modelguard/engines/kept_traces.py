"""Traces that took long, kept for the kernels to come: whoever restarts a notebook is not made to wait for the same proofs again.

A trace is known by all that it depends on: every byte of the stream, the way to read it, and what traced it (this guard, this Python and
this numpy). One that was told by the system besides, which may be another by then, is not kept. A trace counts only with the seal of this
installation, as what was saved here does. Whatever is wrong with a kept one means that there is none, and the stream is traced.
"""

from __future__ import annotations

import _pickle
import contextlib
import hashlib
import hmac
import io
import logging
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.policy.installation import seal
from jupyter_modelguard.policy.names import normalise
from jupyter_modelguard.policy.own_file import own_text, replace_own
from jupyter_modelguard.policy.trust_folder import check_folder
from jupyter_modelguard.types import Judgement

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.artifacts.copy import StreamCopy
    from jupyter_modelguard.engines.verdict import StreamTrace

__all__ = ["KeptTraces"]

_LOG = logging.getLogger(__name__)
_MOST = 256  # traces; the oldest go
_LARGEST = 1 << 20  # bytes of one of them
_SEAL = 64  # characters at the start of a file
_NAMED = re.compile(r"\d+-[0-9a-f]{64}")  # files of another name in that folder are not ours
_PACKAGE = Path(__file__).resolve().parents[1]
_TRACING = ("*.py", "artifacts/**/*.py", "engines/**/*.py", "policy/**/*.py", "policy/**/*.toml")
_BUILTINS = frozenset({"frozenset", "set", "complex", "bytearray"})
_VALUES = frozenset(
    {
        ("artifacts.copy", "Seal"),
        ("artifacts.copy", "StreamCopy"),
        ("engines.verdict", "StreamTrace"),
        ("policy.record", "OpenClass"),
        ("types", "Coverage"),
        ("types", "Finding"),
        ("types", "GlobalUse"),
        ("types", "Judgement"),
        ("types", "QualifiedName"),
        ("types", "ScanReport"),
        ("types", "Severity"),
    }
)


class KeptTraces:
    """Looks up and keeps traces; it never raises.

    Parameters
    ----------
    folder
        Finds the folder for them, see `jupyter_modelguard.config.home`.
    own
        Finds the folder of the installation's key, see `jupyter_modelguard.config.default_home`.
    """

    def __init__(self, folder: Callable[[], Path], own: Callable[[], Path]) -> None:
        self._folder = folder
        self._own = own
        self._names: set[str] | None = None
        self._made_by = b""

    def has_of_size(self, size: int) -> bool:
        """Whether there is a trace of a stream of so many bytes, so that it is worth hashing."""
        start = f"{size}-"
        return any(name.startswith(start) for name in tuple(self._listed()))  # another thread may add one meanwhile

    def find(self, dialect: str, digest: bytes, content: bytes) -> StreamTrace | None:
        """Give the trace of a stream.

        Parameters
        ----------
        dialect
            How it was read, see `jupyter_modelguard.engines.trace.trace_stream`.
        digest
            sha256 of the content.
        content
            All its bytes.
        """
        if not self._listed():
            return None
        name = self._name(dialect, digest, len(content))
        if name not in self._listed():
            return None
        try:
            trace, copy, places = self._read(name)
        except Exception as error:  # noqa: BLE001 a trace that cannot be had is made anew
            _LOG.debug("A kept trace cannot be read: %s", error)
            self._listed().discard(name)
            return None
        segments = tuple((start, content[start : start + length]) for start, length in places)
        return replace(trace, copy=replace(copy, segments=segments))

    def keep(self, dialect: str, digest: bytes, size: int, trace: StreamTrace) -> None:
        """Keep the trace of a stream of so many bytes with this sha256."""
        if trace.copy is None or trace.cut_off or _told_by_the_system(trace):
            return
        places = [(start, len(data)) for start, data in trace.copy.segments]
        lean, copy = replace(trace, copy=None, parts=None), replace(trace.copy, segments=())
        try:
            name = self._name(dialect, digest, size)
            body = _pickle.dumps((lean, copy, places), protocol=5)
            if len(body) > _LARGEST:
                return
            folder = self._folder()
            check_folder(self._own(), create=True)
            check_folder(folder, create=True)
            replace_own(folder / name, self._sealed(name, body) + body)
            self._listed().add(name)
            _drop_oldest(folder)
        except Exception as error:  # noqa: BLE001 the load goes on all the same
            _LOG.debug("A trace cannot be kept: %s", error)

    def clear(self) -> None:
        """Be as in a new kernel: what is kept is there, and nothing of it was looked at."""
        self._names, self._made_by = None, b""

    def _listed(self) -> set[str]:
        """Give the names of the traces that were there when this was asked first, and of those kept since."""
        if self._names is None:
            self._names = set()
            with contextlib.suppress(ConfigurationError, OSError):
                if check_folder(self._own()) and check_folder(folder := self._folder()):
                    self._names = {path.name for path in folder.iterdir() if _NAMED.fullmatch(path.name)}
        return self._names

    def _read(self, name: str) -> tuple[StreamTrace, StreamCopy, list[tuple[int, int]]]:
        """Read a trace, its copy without any bytes, and where in the stream those are."""
        text = own_text(self._folder() / name)
        written, body = text[:_SEAL], text[_SEAL:]
        if not hmac.compare_digest(written, self._sealed(name, body)):
            raise ValueError("it was not written by this installation, or changed since")
        trace, copy, places = _Reader(io.BytesIO(body)).load()
        return trace, copy, places

    def _name(self, dialect: str, digest: bytes, size: int) -> str:
        self._made_by = self._made_by or _made_by()
        return f"{size}-{hashlib.sha256(self._made_by + digest + dialect.encode()).hexdigest()}"

    def _sealed(self, name: str, body: bytes) -> bytes:
        return seal(self._own(), name.encode() + body).encode("ascii")


class _Reader(_pickle.Unpickler):
    """Reads what was kept: the values that a trace is made of, by their very names, and nothing else."""

    def find_class(self, module: str, name: str, /) -> Any:
        package, _, inside = module.partition(".")
        if (package == _PACKAGE.name and (inside, name) in _VALUES) or (module == "builtins" and name in _BUILTINS):
            return super().find_class(module, name)
        raise ValueError(f"it holds {module}.{name}")


def _told_by_the_system(trace: StreamTrace) -> bool:
    """Whether a trace went by more than bytes: by which time zones there are, or by a module that bears a name of Python 2."""
    doubted = {use.name for use in trace.report.globals if use.judgement is Judgement.UNKNOWN}
    named = ((module, normalise(module, name)) for module, name in trace.names)
    return any(module == "zoneinfo" or (module != name.module and name in doubted) for module, name in named)


def _made_by() -> bytes:
    """Say what traces here: another Python, another numpy or a line of this package that changed could trace otherwise.

    Not by the times of its files, which an installation may set all to the same.
    """
    from jupyter_modelguard.engines.installed import version_of

    state = hashlib.sha256(f"{sys.version}|{sys.prefix}|{version_of('numpy')}".encode())
    for path in sorted(path for pattern in _TRACING for path in _PACKAGE.glob(pattern)):
        state.update(f"|{path}|".encode("utf-8", "surrogateescape"))
        state.update(hashlib.sha256(path.read_bytes()).digest())
    return state.digest()


def _drop_oldest(folder: Path) -> None:
    own = (path for path in folder.iterdir() if _NAMED.match(path.name))  # one that was half written too
    by_age = sorted(own, key=lambda path: path.stat().st_mtime_ns)
    for path in by_age[:-_MOST]:
        path.unlink(missing_ok=True)
