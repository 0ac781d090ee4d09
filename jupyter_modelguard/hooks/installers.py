"""Libraries that install what a repository lists: nobody is asked by them, and a package runs code of its own while it is built.

A person is asked about exactly the words that `pip` gets, before it starts. What comes of it is an installed library like any other.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import sys
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.hooks.calls import Call, current_call
from jupyter_modelguard.hooks.named import go_on
from jupyter_modelguard.hooks.scopes import Mode, Scope, Suspended
from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.policy.named import named_finding
from jupyter_modelguard.types import Artifact, GlobalUse, Judgement, QualifiedName

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.hooks.passage import Passage

__all__ = ["guard_installer"]

_MOST_SHOWN = 20  # words
# what does not come from the registry under its own name: options, paths, addresses, archives
_ELSEWHERE = re.compile(r"^\s*-|://|^\s*[./~\\]|[/\\]|\.(whl|zip|tar\.gz)\s*$|@")


def guard_installer(passage: Passage, loader: str, parameter: str, position: int, command: str = "") -> Callable[..., Any]:
    """Return a wrapt wrapper for a function that has packages installed or built.

    Parameters
    ----------
    passage
        The way through the gate.
    loader
        Its name for people.
    parameter, position
        Where it takes what `pip` is told: a text, or a list of texts.
    command
        The first argument that makes it install; other commands go their way. Empty where it does nothing else.
    """

    def install(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        given = options.get(parameter, args[position] if len(args) > position else None)
        words = [str(word) for word in given] if isinstance(given, (list, tuple)) else [str(given)]
        if passage.inside() or (command and (args[0] if args else options.get("command")) != command):
            return wrapped(*args, **options)
        frame = sys._getframe(1)
        call = current_call()
        digest = hashlib.sha256("\n".join(sorted(words)).encode()).hexdigest()

        def run() -> Any:
            with Scope(Mode.CALL, label=loader) as scope:
                scope.installs = True
                return wrapped(*args, **options)

        if call is not None and digest in call.asked:
            return run()
        with Suspended():
            shown = ", ".join(words[:_MOST_SHOWN]) + (f" and {len(words) - _MOST_SHOWN} more" if len(words) > _MOST_SHOWN else "")
            request = passage.gate.request(loader, f"{loader}()", shown, frame)
            artifact = Artifact(shown[:200], shown, "native", digest, len("\n".join(words)))
            use = GlobalUse(QualifiedName("pip", "install"), 1, Judgement.UNKNOWN, f"installs what the repository lists: {shown}")
            findings = [named_finding("opaque-code", use, shown)]
            findings += [
                finding("config-download", f"not from the registry under a name: {word}", shown, word)
                for word in words
                if _ELSEWHERE.search(word)
            ]
        with passage.public(request), Call(request) if call is None else contextlib.nullcontext():
            agreed = current_call()
            value = go_on(passage, request, artifact, (use,), tuple(findings), run)
            if agreed is not None:
                agreed.asked.add(digest)
            return value

    return install
