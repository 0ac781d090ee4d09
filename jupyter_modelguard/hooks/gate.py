"""What the wrappers ask of the guard; handed in when the hooks are installed, so that hooks know nothing of what stands behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from types import FrameType

    from jupyter_modelguard.artifacts.copy import StreamCopy
    from jupyter_modelguard.artifacts.reach import Reached
    from jupyter_modelguard.artifacts.saved import Saved
    from jupyter_modelguard.errors import ModelLoadBlockedError
    from jupyter_modelguard.history.journal import CellTally
    from jupyter_modelguard.types import Artifact, CodeFile, Finding, GlobalUse, LoadRequest

__all__ = ["Gate", "Permit"]


@dataclass(slots=True)
class Permit:
    """Leave to load, bound to what was looked at.

    Attributes
    ----------
    record_id
        The line of the history that this load will fill.
    names
        Raw `(module, name)` pairs that this load may resolve.
    approved
        A person (or a rule that a person accepted) said so; False means that it was proved.
    copy
        The bytes to load from; None if the stream could not be traced, then everything that was read is loaded.
    format
        What the artifact turned out to be; whoever dispatches by content must not decide again.
    files
        Digest to content of the code files that may run.
    trusted
        It was approved earlier, for these bytes and nothing beside them but `files`.
    bound
        A person was shown all that it calls, and no command: programs, connections and files of code are beyond that.
    own_code
        What was shown comes from Python files that are no library's, which may import others.
    expects
        What an earlier load of the same file was stopped at, as this one's card said.
    """

    record_id: str
    names: frozenset[tuple[str, str]] = frozenset()
    approved: bool = False
    copy: StreamCopy | None = None
    format: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    trusted: bool = False
    bound: bool = False
    own_code: bool = False
    expects: frozenset[str] = frozenset()


class Gate(Protocol):
    """The guard, as the wrappers see it."""

    def check_stream(self, request: LoadRequest, reached: Reached, dialect: str, code: tuple[CodeFile, ...] = ()) -> Permit:
        """Prove a stream, or ask a person; with `code`, Python files that its load may run, there is no proof.

        Raises
        ------
        ModelLoadBlockedError
            If it was neither proved nor allowed.
        """

    def check_code(self, request: LoadRequest, origin: str, files: tuple[CodeFile, ...]) -> Permit:
        """Ask about a model's own code files before the first of them runs; raises like `check_stream`."""

    def check_named(
        self,
        request: LoadRequest,
        artifact: Artifact,
        uses: tuple[GlobalUse, ...],
        findings: tuple[Finding, ...] = (),
        missed: tuple[str, ...] = (),
    ) -> Permit:
        """Ask about what a file names that is no pickle, unless that is harmless; raises like `check_stream`.

        Parameters
        ----------
        request
            What the person asked for.
        artifact
            The file, with the digest of the bytes that were read.
        uses
            What it names, as judged by whoever read it.
        findings
            Where it names that.
        missed
            What could not be read, a sentence each.
        """

    def remembers(self) -> bool:
        """Whether what is saved now is worth handing to `saved`: cheap, and asked before each save."""

    def saved(self, saved: Saved) -> None:
        """Take what was just saved, to be looked at later; it never raises, and returns at once."""

    def settle(self, permit: Permit, error: BaseException | None) -> None:
        """Record how a load that was looked at ended."""

    def loaded(self, loader: str, call: str, source: str, size: int, seconds: float, frame: FrameType | None) -> None:
        """Record a load that passed silently on the fast path."""

    def failed(self, request: LoadRequest, error: BaseException) -> None:
        """Record a load that ended with the loader's own error before anything was looked at."""

    def blocked(self, request: LoadRequest, why: str, permit: Permit | None = None) -> ModelLoadBlockedError:
        """Record a load that went beyond what was proved or approved, and return the error to raise."""

    def request(self, loader: str, call: str, source: str, frame: FrameType | None) -> LoadRequest:
        """Describe a load that user code started at the nearest cell or script frame."""

    def tally(self, loader: str) -> CellTally:
        """Return the counter of silent in-memory loads of this loader."""
