"""A gate whose answer a test chooses, and that remembers what it was asked."""

from __future__ import annotations

import io
import itertools
import pickle
import zipfile
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.copy import StreamCopy
from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.history.journal import CellTally
from jupyter_modelguard.hooks.gate import Permit
from jupyter_modelguard.types import Judgement, LoadRequest

if TYPE_CHECKING:
    from types import FrameType

    from jupyter_modelguard.artifacts.reach import Reached
    from jupyter_modelguard.artifacts.saved import Saved
    from jupyter_modelguard.types import Artifact, CodeFile, Finding, GlobalUse

__all__ = ["FakeGate"]

_SAFE = frozenset({Judgement.CLOSED, Judgement.INERT})


class FakeGate:
    """Takes every stream whose globals are all in `inert`, and asks nobody.

    Attributes
    ----------
    inert
        Raw `(module, name)` pairs that count as proved.
    approve
        Whether whatever is not proved counts as approved by a person; blocked otherwise.
    events
        What happened, in order: `(kind, loader, detail)`.
    """

    def __init__(self, inert: frozenset[tuple[str, str]] = frozenset(), *, approve: bool = False) -> None:
        self.inert = inert
        self.approve = approve
        self.events: list[tuple[str, str, str]] = []
        self.counted: dict[str, itertools.count[int]] = {}

    def kinds(self) -> list[str]:
        """Return what happened, without the details."""
        return [kind for kind, _, _ in self.events]

    def check_stream(self, request: LoadRequest, reached: Reached, dialect: str, code: tuple[CodeFile, ...] = ()) -> Permit:
        """Judge by the names alone."""
        self.events.append(("checked", request.loader, request.source))
        data = reached.everything()
        kind = ""
        if dialect == "torch" and data.startswith(b"PK"):
            kind = "torch-zip"
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                data = archive.read(next(name for name in archive.namelist() if name.endswith("/data.pkl")))
        names, length = _names(data)
        safe = names <= self.inert and not code
        if not safe and not self.approve:
            raise ModelLoadBlockedError(f"kept blocked: {sorted(names - self.inert)}")
        copy = StreamCopy(((0, data[:length]),), length) if length and dialect != "joblib" else None
        return Permit("0", names, approved=not safe, copy=copy, format=kind, files={file.digest: file.content for file in code})

    def check_code(self, request: LoadRequest, origin: str, files: tuple[CodeFile, ...]) -> Permit:
        """Take code only if everything is approved."""
        self.events.append(("code", request.loader, ", ".join(file.path for file in files)))
        if not self.approve:
            raise ModelLoadBlockedError(f"kept blocked: code of {origin}")
        return Permit("0", approved=True, files={file.digest: file.content for file in files})

    def check_named(
        self,
        request: LoadRequest,
        artifact: Artifact,  # noqa: ARG002 the protocol's
        uses: tuple[GlobalUse, ...],
        findings: tuple[Finding, ...] = (),  # noqa: ARG002
        missed: tuple[str, ...] = (),
    ) -> Permit:
        """Take what is named only if everything is approved, or if nothing open is named."""
        self.events.append(("named", request.loader, ", ".join(str(use.name) for use in uses)))
        safe = not missed and all(use.judgement in _SAFE for use in uses)
        if not safe and not self.approve:
            raise ModelLoadBlockedError(f"kept blocked: {request.source}")
        return Permit("0", approved=not safe)

    @staticmethod
    def remembers() -> bool:
        """Take what is saved."""
        return True

    def saved(self, saved: Saved) -> None:
        """Remember that something was saved."""
        self.events.append(("saved", ", ".join(saved.loaders), saved.path))
        saved.close()

    def settle(self, permit: Permit, error: BaseException | None) -> None:
        """Remember how it ended."""
        self.events.append(("settled", permit.record_id, repr(error)))

    def loaded(self, loader: str, call: str, source: str, size: int, seconds: float, frame: FrameType | None) -> None:  # noqa: ARG002, PLR0913, PLR0917 the protocol's
        """Remember a silent load."""
        self.events.append(("loaded", loader, source))

    def failed(self, request: LoadRequest, error: BaseException) -> None:
        """Remember the loader's own error."""
        self.events.append(("failed", request.loader, repr(error)))

    def blocked(self, request: LoadRequest, why: str, permit: Permit | None = None) -> ModelLoadBlockedError:  # noqa: ARG002 the protocol's
        """Remember a load that went too far."""
        self.events.append(("blocked", request.loader, why))
        return ModelLoadBlockedError(f"{request.loader}: {why}")

    @staticmethod
    def request(loader: str, call: str, source: str, frame: FrameType | None) -> LoadRequest:  # noqa: ARG004 the protocol's
        """Describe a load."""
        return LoadRequest(loader, call, source)

    def tally(self, loader: str) -> CellTally:
        """Count with a counter a test can read."""
        counter = self.counted.setdefault(loader, itertools.count())
        return CellTally(lambda: counter.__next__)


class _Recorder(pickle._Unpickler):  # noqa: SLF001 the readable twin of the C class
    """Notes the names and builds nothing."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.names: set[tuple[str, str]] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.names.add((module, name))
        return type(name, (_Inert,), {})

    def persistent_load(self, pid: object) -> Any:  # noqa: ARG002 a stand-in for anything
        return _Inert()


class _Inert:
    def __new__(cls, *_: object, **__: object) -> Any:
        return object.__new__(cls)

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass

    def append(self, _: object) -> None:
        pass

    def extend(self, _: object) -> None:
        pass

    def __setitem__(self, _: object, __: object) -> None:
        pass


def _names(data: bytes) -> tuple[frozenset[tuple[str, str]], int]:
    file = io.BytesIO(data)
    recorder = _Recorder(file)
    try:
        recorder.load()
    except Exception:  # noqa: BLE001 a broken stream has names too
        return frozenset(recorder.names), 0
    return frozenset(recorder.names), file.tell()
