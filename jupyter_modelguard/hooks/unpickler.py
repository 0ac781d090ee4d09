"""`pickle.Unpickler`, guarded: the C class by a subclass in its place, the pure Python one by its `load` method.

People and libraries subclass both. A subclass that overrides neither `find_class` nor `persistent_load` takes the fast path; every
other one is looked at first, because its overrides may resolve globals without the interpreter telling anybody.
"""

from __future__ import annotations

import contextlib
import functools
import io
import pickle
import sys
import time
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.reach import Reached, file_name, position
from jupyter_modelguard.hooks.attribution import Caller, attribute
from jupyter_modelguard.hooks.calls import current_call
from jupyter_modelguard.hooks.floor import FLOOR
from jupyter_modelguard.hooks.gate import Permit
from jupyter_modelguard.hooks.memos import LEFT_BEHIND, ask_to_reach_back, reaches_back, reads_otherwise, reread
from jupyter_modelguard.hooks.out_of_band import OutOfBand, kept_for_rereading
from jupyter_modelguard.hooks.overrides import bridge_find_class, carries_persistent_load, overrides
from jupyter_modelguard.hooks.scopes import LoadHeld, Mode, Scope, Suspended, Unproved, thread_state
from jupyter_modelguard.hooks.shown_warnings import show_warnings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from jupyter_modelguard.hooks.passage import Passage

__all__ = ["guard_python_load", "guard_unpickler"]

_LOADER = "pickle.Unpickler"
# Readers with opcodes of their own that were read: they rename what pandas moved, and call nothing more than the stream says.
_NOTHING = Permit("")
_REVIEWED_READERS = frozenset({("pandas.compat.pickle_compat", "Unpickler")})


def guard_unpickler(original: type, passage: Passage, loader: str = _LOADER) -> type:
    """Return a subclass of the C `Unpickler` whose `load` goes through the gate.

    It has the layout of its base, so that it can take its place among the bases of classes that exist already (`early_classes`); an
    instance of the class itself is therefore one of a subclass, which has room for what is remembered of it.
    """
    gate = passage.gate

    class Unpickler(original):  # type: ignore[misc] # the class is handed in
        __slots__ = ()

        def __new__(cls, *_arguments: Any, **_options: Any) -> Any:
            return original.__new__(WithRoom if cls is Unpickler else cls)  # type: ignore[call-overload] # the C class, not `type`

        def __init__(self, file: Any, **options: Any) -> None:
            options = kept_for_rereading(options)
            super().__init__(file, **options)
            room = getattr(self, "__dict__", None)
            if room is not None:
                room["_modelguard"] = (file, options)

        def load(self) -> Any:
            if passage.inside() or not FLOOR.active:
                return _beneath_the_floor(original, self)
            if "_modelguard" not in getattr(self, "__dict__", ()):
                return _unknown_file(original, self)
            file, options = self._modelguard
            start = position(file)  # without a way back the stream is looked at before it is read
            fast = None if start is None or overrides(self, original) else reread(self.memo.copy(), file)  # type: ignore[has-type]
            if fast is not None:
                started = time.perf_counter()
                reader = _twin(self, original, fast, options)
                try:
                    value = original.load(reader)  # type: ignore[attr-defined]
                except Unproved:
                    file.seek(start)
                except Exception as error:
                    if current_call() is None:
                        with Suspended():
                            source = file_name(file) or "<file object>"
                            gate.failed(gate.request(loader, f"{loader}.load()", source, sys._getframe(1)), error)
                    raise
                else:
                    self.memo = reader.memo  # type: ignore[misc] # the C class's own
                    if fast is not file:
                        file.seek(fast.tell(), io.SEEK_CUR)
                    _let_go(options)
                    seconds = time.perf_counter() - started
                    gate.loaded(loader, f"{loader}.load()", file_name(file), file.tell() - start, seconds, sys._getframe(1))
                    return value
            frame = sys._getframe(1)
            if attribute(frame)[0] is Caller.TRAFFIC:
                return _beneath_the_floor(original, self)

            def run(proved: Any) -> Any:
                reader = _twin(self, original, proved, options)
                try:
                    return original.load(reader)  # type: ignore[attr-defined]
                finally:
                    self.memo = reader.memo

            plain = original.find_class  # type: ignore[attr-defined]
            try:
                return _look(passage, loader, self, file, start, frame, run, options, plain)
            finally:
                _let_go(options)

    WithRoom = type("Unpickler", (Unpickler,), {})  # noqa: N806 a class

    for kind in (Unpickler, WithRoom):
        kind.__module__, kind.__qualname__ = "pickle", "Unpickler"
        kind.__doc__ = original.__doc__
        kind.__modelguard__ = original  # type: ignore[attr-defined]
    FLOOR.add_fast_path(Unpickler.load.__code__)
    return Unpickler


def guard_python_load(original: Callable[..., Any], passage: Passage, loader: str = _LOADER) -> Callable[..., Any]:
    """Guard `pickle._Unpickler.load`, which joblib, pandas and others build their own readers on."""

    def load(self: Any) -> Any:
        frame = sys._getframe(1)
        if passage.inside() or attribute(frame)[0] is Caller.TRAFFIC:
            with _reading_like_c(self):
                return original(self)
        file = getattr(self._file_read, "__self__", None)
        start = position(file)
        if start is None:  # a reader without a way back is recorded instead
            file = _Readers(self._file_read, self._file_readline)
        options = {"encoding": self.encoding, "errors": self.errors}
        plain = _python_class(self).find_class

        def run(proved: Any) -> Any:
            return _python_reload(original, self, proved)

        return _look(passage, loader, self, file, start, frame, run, options, plain)

    load.__modelguard__ = original  # type: ignore[attr-defined]
    return load


def _beneath_the_floor(original: type, unpickler: Any) -> Any:
    """Load without a look; the floor judges each global by who is calling, as for a reader that is not wrapped.

    A function of its own, because the floor takes the code of the guarded `load` for the fast path and unwinds it.
    """
    return original.load(unpickler)  # type: ignore[attr-defined]


def _unknown_file(original: type, unpickler: Any) -> Any:
    """Load with a reader that was made before the guard: its file is out of reach, so that it can be judged but not looked at."""
    if not overrides(unpickler, original):
        return _beneath_the_floor(original, unpickler)
    if not hasattr(unpickler, "__dict__"):
        raise FLOOR.refuse("a reader made before the guard", "whatever its own find_class resolves")
    bridge_find_class(unpickler, _NOTHING, original.find_class)  # type: ignore[attr-defined]
    scope = Scope(Mode.PROVED)
    try:
        with scope:
            return original.load(unpickler)  # type: ignore[attr-defined]
    except LoadHeld as held:
        raise FLOOR.refuse("a reader made before the guard", str(held)) from None
    finally:
        unpickler.__dict__.pop("find_class", None)
        show_warnings(scope)


def _let_go(options: dict[str, Any]) -> None:
    buffers = options.get("buffers")
    if type(buffers) is OutOfBand:
        buffers.forget()


def _python_class(unpickler: Any) -> Any:
    """Return the pure Python `Unpickler` that a reader descends from; None if it is no such reader.

    Not always the one of `pickle` as it is now: whoever executes that module again makes another, and libraries keep the first.
    """
    family = reversed(type(unpickler).__mro__)
    return next((base for base in family if (base.__module__, base.__qualname__) == ("pickle", "_Unpickler")), None)


def _own_opcodes(unpickler: Any) -> str:
    """Say that a subclass of the pure Python unpickler reads opcodes its own way, which no trace of the plain way speaks for."""
    python = _python_class(unpickler)
    kind = type(unpickler)
    if python is None or kind.dispatch == python.dispatch or (kind.__module__, kind.__qualname__) in _REVIEWED_READERS:
        return ""
    return f"opcodes that {kind.__module__}.{kind.__qualname__} reads in a way of its own"


@contextlib.contextmanager
def _reading_like_c(unpickler: Any) -> Iterator[None]:
    """Let the pure Python unpickler do as the C one, which was traced: append and add nothing where a stream has nothing to add.

    The Python code calls `extend` and asks for `add` even then, on whatever object the stream put there.
    """
    python = _python_class(unpickler)
    dispatch = type(unpickler).dispatch
    plain = {pickle.APPENDS[0]: python.load_appends, pickle.ADDITEMS[0]: python.load_additems}
    careful = {code: _unless_empty(load) for code, load in plain.items() if dispatch.get(code) is load}
    if not careful:
        yield
        return
    unpickler.dispatch = {**dispatch, **careful}
    try:
        yield
    finally:
        del unpickler.dispatch


def _unless_empty(load: Callable[[Any], None]) -> Callable[[Any], None]:
    def load_items(self: Any) -> None:
        if self.stack:
            load(self)
        else:
            self.pop_mark()

    return load_items


class _Readers:
    """The two methods that the pure Python unpickler keeps of its file."""

    def __init__(self, read: Callable[[int], bytes], readline: Callable[[], bytes]) -> None:
        self.read = read
        self.readline = readline


def _look(
    passage: Passage,
    loader: str,
    unpickler: Any,
    file: Any,
    start: int | None,
    frame: Any,
    run: Callable[[Any], Any],
    options: dict[str, Any],
    plain: Callable[[Any, str, str], Any],
) -> Any:
    """Prove or ask about one stream, then load it with the caller's own object, its overrides bridged."""
    with Suspended():
        request = passage.gate.request(loader, f"{loader}.load()", file_name(file) or "<file object>", frame)
    ends: list[int] = []

    def bridged(permit: Permit, content: BinaryIO) -> Any:
        bridge_find_class(unpickler, permit, plain)
        try:
            return run(content)
        finally:
            unpickler.__dict__.pop("find_class", None)

    def load(permit: Permit) -> Any:
        if start is not None and permit.copy is not None:
            ends.append(start + permit.copy.length)
        if not permit.approved and reads_otherwise(unpickler.memo.copy(), reached.replay(permit.copy)):
            assert thread_state.scope is not None  # noqa: S101 the passage opened one
            raise thread_state.scope.refuse(LEFT_BEHIND)
        return bridged(permit, reached.replay(permit.copy))

    with Reached.of_pipe(file) if start is None else Reached.of_file(file, start) as reached:
        try:
            stored = unpickler.memo.copy()
            if stored and reaches_back(stored, content := io.BytesIO(reached.everything())):
                value = ask_to_reach_back(passage, request, content, functools.partial(bridged, Permit("", approved=True)))
                ends += [] if start is None else [start + content.tell()]
                return value
            return passage.stream(request, reached, "pickle", load, options, _own_opcodes(unpickler))
        finally:
            if ends:
                file.seek(ends[0])  # where the plain load would have left it


def _twin(unpickler: Any, original: type, file: Any, options: dict[str, Any]) -> Any:
    """Another reader with the caller's overrides, attributes and memo: the C class keeps what it read ahead and cannot be rewound."""
    twin: Any = original.__new__(type(unpickler))  # type: ignore[call-overload] # the C class, not `type`
    twin.__dict__ = unpickler.__dict__
    known = len(unpickler.memo.copy())
    if known:
        # The C class counts its memo apart from the table that `memo` sets; memoizing as often brings the count along.
        original.__init__(twin, io.BytesIO(b"\x80\x04N" + b"\x94" * known + b"."))  # type: ignore[misc]
        original.load(twin)  # type: ignore[attr-defined]
    original.__init__(twin, file, **options)  # type: ignore[misc] # the C class's own signature
    if known:
        twin.memo = unpickler.memo  # by the proxy: set from a dict, CPython 3.11 to 3.13 forget it or write out of bounds
    persistent_load = carries_persistent_load(unpickler)
    if persistent_load is not None:
        twin.persistent_load = persistent_load
    return twin


def _python_reload(original: Callable[..., Any], unpickler: Any, file: Any) -> Any:
    kept = unpickler._file_readline, unpickler._file_read
    unpickler._file_readline, unpickler._file_read = file.readline, file.read
    try:
        with _reading_like_c(unpickler):
            return original(unpickler)
    finally:
        unpickler._file_readline, unpickler._file_read = kept
