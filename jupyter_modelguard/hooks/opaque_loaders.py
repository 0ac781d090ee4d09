"""Loaders of what nobody can look into: native libraries, compiled graphs, kernels from a hub, requirements to install.

Each is asked about whenever it does not come with an installed library; nothing is ever proved about it.
"""

from __future__ import annotations

import hashlib
import os
import sys
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.hooks.calls import Call, current_call
from jupyter_modelguard.hooks.named import go_on, source_of
from jupyter_modelguard.hooks.scopes import Mode, Scope, Suspended
from jupyter_modelguard.hooks.trusted_paths import is_trusted
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
        if passage.inside() or (path and is_trusted(path)):
            return wrapped(*args, **options)
        frame = sys._getframe(1)
        with Suspended():
            source = source_of(target) if path else str(target)
            request = passage.gate.request(loader, f"{loader}()", source, frame)
            digest, size = _digest(path)
            artifact = Artifact(source.rpartition("/")[2], source, "native", digest, size)
            use = GlobalUse(QualifiedName(*loader.rpartition(".")[::2]), 1, Judgement.UNKNOWN, reason)
            finding = named_finding("opaque-code", use, source)

        def run() -> Any:
            with Scope(Mode.CALL, label=loader, holds_code=False):
                return wrapped(*args, **options)

        with passage.public(request):
            if current_call() is not None:
                return go_on(passage, request, artifact, (use,), (finding,), run)
            with Call(request):
                return go_on(passage, request, artifact, (use,), (finding,), run)

    return load


def _digest(path: str) -> tuple[str, int]:
    if not os.path.isfile(path):
        return "", 0
    digest, size = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size
