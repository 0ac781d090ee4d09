"""One load of a file that names what it calls without being a pickle: ask about the names, then go on with what was read.

The wrapper reads the file once, and hands the library the very text that was looked at.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_modelguard.artifacts.reach import file_name, path_of
from jupyter_modelguard.hooks.calls import current_call, holding_code
from jupyter_modelguard.hooks.passage import call_text
from jupyter_modelguard.hooks.scopes import Suspended
from jupyter_modelguard.hooks.trusted_loads import stay_within

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.hooks.passage import Passage
    from jupyter_modelguard.types import Artifact, Finding, GlobalUse, LoadRequest

__all__ = ["go_on", "guard_call", "source_of"]

T = TypeVar("T")
_LONGEST_PATH = 4096  # characters


def source_of(target: object) -> str:
    """Say for people where a loader reads from."""
    if isinstance(target, str):
        if target.lstrip()[:1] in {"{", "["} or len(target) > _LONGEST_PATH:
            return "<text>"
        if "://" in target:
            return target
    try:
        return path_of(target) or file_name(target) or "<file object>"
    except (TypeError, ValueError):
        return "<file object>"


def go_on(
    passage: Passage,
    request: LoadRequest,
    artifact: Artifact,
    uses: tuple[GlobalUse, ...],
    findings: tuple[Finding, ...],
    load: Callable[[], T],
    missed: tuple[str, ...] = (),
) -> T:
    """Have what a file names decided, run the library's load, and record how it ended.

    Raises
    ------
    ModelLoadBlockedError
        If the load was kept blocked.
    """
    request = passage._in_the_name_of_the_call(request)
    gate = passage.gate
    with Suspended():
        permit = passage.ask(lambda: gate.check_named(request, artifact, uses, findings, missed))
    try:
        value = load()
    except BaseException as error:
        with Suspended():
            gate.settle(permit, error)
        raise
    with Suspended():
        gate.settle(permit, None)
    return value


def guard_call(
    passage: Passage, loader: str, position: int = 0, parameter: str = "", *, holds_code: bool = True
) -> Callable[..., Any]:
    """Return a wrapt wrapper for a call that people write, whose readers inside ask for themselves, in its name.

    Parameters
    ----------
    passage
        The way through the gate.
    loader
        Its name for people; `{class}` stands for the class it was called on.
    position, parameter
        Where the call takes the file. Given a parameter, a call without it loads nothing and is left alone.
    holds_code
        Whether Python files outside the installed libraries may be imported only if they were asked about. False where the call runs
        the person's own classes, which import what they like.
    """

    def call(wrapped: Callable[..., Any], instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        target = options.get(parameter, args[position] if len(args) > position else None)
        stay_within(target)
        if passage.inside() or (parameter and target is None):
            return wrapped(*args, **options)
        name = loader.replace("{class}", getattr(instance, "__name__", type(instance).__name__))
        if current_call() is not None:
            with holding_code(name) if holds_code else contextlib.nullcontext():
                return wrapped(*args, **options)
        frame = sys._getframe(1)
        with Suspended():
            request = passage.gate.request(name, call_text(name, options), source_of(target), frame)
        with passage.call(request, frame, holds_code=holds_code):
            return wrapped(*args, **options)

    return call
