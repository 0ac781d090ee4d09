"""jsonpickle: what a document names is judged where it is turned into objects, with the parsed document in hand."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.hooks.calls import Call, current_call
from jupyter_modelguard.hooks.named import go_on
from jupyter_modelguard.hooks.scopes import Suspended, for_each_thread
from jupyter_modelguard.policy.jsonpickle_tags import judge_jsonpickle
from jupyter_modelguard.types import Artifact

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.hooks.passage import Passage

__all__ = ["guard_jsonpickle_restore"]

_LOADER = "jsonpickle.decode"


class _Judged(threading.local):
    depth = 0


_judged = for_each_thread(_Judged())


def guard_jsonpickle_restore(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for `Unpickler.restore`; its own handlers call it again for what is inside."""

    def restore(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if passage.inside() or _judged.depth or not (args or "obj" in options):
            return wrapped(*args, **options)
        tree = args[0] if args else options["obj"]
        kept = () if (args[1] if len(args) > 1 else options.get("reset", True)) else getattr(instance, "_objs", ())
        with Suspended():
            uses, findings = judge_jsonpickle(tree, tuple(thing for thing in kept if callable(thing)))
        if not uses:
            return wrapped(*args, **options)
        frame = sys._getframe(1)
        with Suspended():
            text = json.dumps(tree, sort_keys=True, default=repr).encode()
            request = passage.gate.request(_LOADER, f"{_LOADER}()", "<text>", frame)
            artifact = Artifact("<text>", "<text>", "jsonpickle", hashlib.sha256(text).hexdigest(), len(text))

        def run() -> Any:
            _judged.depth += 1
            try:
                return wrapped(*args, **options)
            finally:
                _judged.depth -= 1

        with passage.public(request):
            if current_call() is not None:
                return go_on(passage, request, artifact, uses, findings, run)
            with Call(request):
                return go_on(passage, request, artifact, uses, findings, run)

    return restore
