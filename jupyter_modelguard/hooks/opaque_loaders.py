"""Loaders of what nobody can look into: native libraries, compiled graphs, kernels from a hub, requirements to install.

Each is asked about whenever it does not come with an installed library; nothing is ever proved about it. A file is copied into a private
folder first, so that what a person agreed to is what is loaded, whatever lies at its path by then. A library finds others beside itself
(`$ORIGIN`) no more, which nobody was asked about.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.trusted_paths import is_trusted
from jupyter_modelguard.hooks.calls import Call, current_call
from jupyter_modelguard.hooks.named import go_on, source_of
from jupyter_modelguard.hooks.scopes import Mode, Scope, Suspended
from jupyter_modelguard.hooks.trusted_loads import stay_within
from jupyter_modelguard.policy.named import named_finding
from jupyter_modelguard.types import Artifact, GlobalUse, Judgement, QualifiedName

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.hooks.passage import Passage

__all__ = ["guard_opaque"]

_PIECE = 1 << 20  # bytes


def guard_opaque(passage: Passage, loader: str, reason: str, position: int = 0, parameter: str = "") -> Callable[..., Any]:
    """Return a wrapt wrapper for a loader of something that runs as it is and cannot be inspected.

    Parameters
    ----------
    passage
        The way through the gate.
    loader
        Its name for people.
    reason
        What it does with what it loads, as the card says it.
    position, parameter
        Where the call takes the path or the name.
    """

    def load(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        target = options.get(parameter, args[position] if len(args) > position else None)
        path = os.fspath(target) if isinstance(target, (str, os.PathLike)) and os.path.exists(target) else ""
        stay_within(path or None)
        if passage.inside() or (path and is_trusted(path)):
            return wrapped(*args, **options)
        frame = sys._getframe(1)
        with contextlib.ExitStack() as kept:
            with Suspended():
                source = source_of(target) if path or hasattr(target, "read") else str(target)
                request = passage.gate.request(loader, f"{loader}()", source, frame)
                copy, digest, size = _copied(target, path, kept)
                artifact = Artifact(source.rpartition("/")[2], source, "native", digest, size)
                use = GlobalUse(QualifiedName(*loader.rpartition(".")[::2]), 1, Judgement.UNKNOWN, reason)
                finding = named_finding("opaque-code", use, source)
            given = {**options, parameter: copy} if parameter in options else options
            places = args if parameter in options else tuple(copy if arg is target else arg for arg in args)

            def run() -> Any:
                with Scope(Mode.CALL, label=loader, holds_code=False):
                    return wrapped(*places, **given)

            with passage.public(request):
                if current_call() is not None:
                    return go_on(passage, request, artifact, (use,), (finding,), run)
                with Call(request):
                    return go_on(passage, request, artifact, (use,), (finding,), run)

    return load


def _copied(target: Any, path: str, kept: contextlib.ExitStack) -> tuple[Any, str, int]:
    """Copy a file, or what a file object holds; give the copy under the same name, with the digest and size of what it holds."""
    if not path and hasattr(target, "read"):
        content = target.read()
        if not isinstance(content, (bytes, bytearray)):
            return target, "", 0  # the loader says that it is no binary file
        return io.BytesIO(content), hashlib.sha256(content).hexdigest(), len(content)
    if not os.path.isfile(path):
        return target, "", 0
    folder = kept.enter_context(tempfile.TemporaryDirectory(prefix="modelguard-", ignore_cleanup_errors=True))
    copy = os.path.join(folder, os.path.basename(path))
    digest, size = hashlib.sha256(), 0
    with open(path, "rb") as file, open(copy, "wb") as made:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
            made.write(piece)
    return copy, digest.hexdigest(), size
