"""PyYAML's full loaders: `!!python/…` tags call what they name, and CPython raises no event of its own for that.

Loaders that cannot make Python objects pass at full speed, and so does a text without any tag. Everything else is parsed once with the
loader's own parser, judged by its tags, and loaded from the same text. Readers that reach the constructor without `yaml.load` are held
where it looks a name up.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.trusted_paths import is_trusted
from jupyter_modelguard.hooks.calls import Call, current_call
from jupyter_modelguard.hooks.named import go_on, source_of
from jupyter_modelguard.hooks.scopes import Suspended, for_each_thread
from jupyter_modelguard.policy.named import named_finding, named_use
from jupyter_modelguard.policy.yaml_tags import may_have_tags, python_tags
from jupyter_modelguard.types import Artifact

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from jupyter_modelguard.hooks.passage import Passage

__all__ = ["guard_yaml_lookup", "guard_yaml_reader"]


_PIECE = 1 << 24  # characters or bytes


class _Permitted(threading.local):
    depth = 0


_permitted = for_each_thread(_Permitted())


def guard_yaml_reader(passage: Passage, loader: str) -> Callable[..., Any]:
    """Return a wrapt wrapper for `yaml.load` or `yaml.load_all`."""

    def load(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        named = dict(zip(("stream", "Loader"), args, strict=False)) | options
        kind: Any = named.get("Loader")
        if (
            passage.inside() or "stream" not in named or not _makes_objects(kind)
        ):  # what a permitted text loads in turn is no part of it
            return wrapped(*args, **options)
        frame = sys._getframe(1)
        started = time.perf_counter()
        with Suspended():
            text, again = _read_once(named["stream"])
            source = "<text>" if isinstance(named["stream"], (str, bytes)) else source_of(named["stream"])
            uses, findings = python_tags(again(), kind, text) if may_have_tags(text) else ((), ())
        if not uses:
            value = wrapped(again(), Loader=kind)
            if current_call() is None and not is_trusted(_outside(frame).f_code.co_filename):
                passage.gate.loaded(
                    loader, f"{loader}(Loader={kind.__name__})", source, len(text), time.perf_counter() - started, frame
                )
            return value
        call = f"{loader}(Loader={kind.__name__})"
        return _ask(passage, call, loader, source, text, uses, findings, frame, lambda: wrapped(again(), Loader=kind))

    return load


def guard_yaml_lookup(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for the constructor's `find_python_name` and `find_python_module`, for readers that go round `yaml.load`."""

    def look_up(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if passage.inside() or _permitted.depth:
            return wrapped(*args, **options)
        name = str(args[0] if args else options.get("name", ""))
        use = named_use(name, "is named by a tag of a YAML text")
        finding = named_finding("yaml-python-tag", use)
        frame = sys._getframe(1)
        return _ask(passage, "yaml", "yaml", "<text>", name, (use,), (finding,), frame, lambda: wrapped(*args, **options))

    return look_up


def _ask(
    passage: Passage,
    call: str,
    loader: str,
    source: str,
    text: str | bytes,
    uses: Any,
    findings: Any,
    frame: FrameType,
    load: Callable[[], Any],
) -> Any:
    with Suspended():
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        request = passage.gate.request(loader, call, source, frame)
        name = source.rpartition("/")[2] or source
        artifact = Artifact(name, source, "yaml", hashlib.sha256(data).hexdigest(), len(data))

    def run() -> Any:
        _permitted.depth += 1
        try:
            return _whole(load())
        finally:
            _permitted.depth -= 1

    with passage.public(request):
        if current_call() is not None:
            return go_on(passage, request, artifact, uses, findings, run)
        with Call(request):
            return go_on(passage, request, artifact, uses, findings, run)


def _outside(frame: FrameType) -> FrameType:
    """Return the frame that called PyYAML; libraries read their own settings with it, which no history needs."""
    while frame.f_back is not None and frame.f_globals.get("__name__") == "yaml":
        frame = frame.f_back
    return frame


def _whole(value: Any) -> Any:
    """Read all documents of `load_all` while the permit holds."""
    return iter(tuple(value)) if hasattr(value, "send") else value


def _makes_objects(kind: Any) -> bool:
    """Whether a loader class knows the tags that make Python objects."""
    return isinstance(kind, type) and issubclass(kind, importlib.import_module("yaml.constructor").FullConstructor)


def _read_once(stream: Any) -> tuple[str | bytes, Callable[[], Any]]:
    """Read the whole text, and make a way to hand it out again, as often as wanted."""
    if isinstance(stream, (str, bytes)):
        return stream, lambda: stream
    pieces: list[Any] = []
    while piece := stream.read(_PIECE):  # as PyYAML reads it: a size is all that it asks a stream to know
        pieces.append(piece)
    text: Any = (pieces[0][:0] if pieces else "").join(pieces)
    kind = _SameText if isinstance(text, str) else _SameBytes

    def again() -> Any:
        made = kind(text)
        made.original = stream
        return made

    return text, again


class _SameText(io.StringIO):
    """The text of a file object in its place; what else a loader asks of it (its name, say) the original answers."""

    original: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)


class _SameBytes(io.BytesIO):
    original: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)
