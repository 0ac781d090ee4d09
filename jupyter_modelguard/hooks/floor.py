"""The floor: one audit hook that sees what the interpreter really does, whichever library asked for it.

Wrappers know the call; the floor knows the truth. It refuses a global that is neither closed nor proved nor approved *before* it is
resolved, by raising from the `pickle.find_class` event. Audit hooks cannot be removed: `close` makes it look away, and the next
`open` uses the same hook again.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.artifacts.trusted_paths import is_library_code, is_time_zone, is_trusted
from jupyter_modelguard.hooks.approved_loads import judge_approved_event
from jupyter_modelguard.hooks.attribution import Caller, attribute, be_strict
from jupyter_modelguard.hooks.call_events import judge_call_event
from jupyter_modelguard.hooks.scopes import LoadHeld, Mode, Scope, thread_state
from jupyter_modelguard.hooks.trusted_loads import judge_trusted_event

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

    from jupyter_modelguard.types import QualifiedName

__all__ = ["FLOOR", "Floor"]

# What honest loads of ten libraries raise besides find_class and open; none of these can run code of the file's choosing.
_HARMLESS: Final = frozenset(
    {
        "array.__new__",
        "builtins.id",
        "compile",
        "ctypes.cdata",
        "ctypes.cdata/buffer",
        "gc.get_referents",
        "mmap.__new__",
        "object.__getattr__",
        "os.listdir",
        "os.scandir",
        "sys._getframe",
        "sys.unraisablehook",
        "time.sleep",
    }
)
_READS_BYTECODE: Final = importlib._bootstrap_external._compile_bytecode.__code__  # type: ignore[attr-defined] # the import system's own
_IMPORTS: Final = importlib._bootstrap._call_with_frames_removed.__code__  # type: ignore[attr-defined] # runs the code of a module
# A distribution of scipy executes a text of its state, which the trace has compared with what scipy itself writes.
_READS_TEXT: Final = ("_attach_argparser_methods", os.path.join("scipy", "stats", "_distn_infrastructure.py"))
_DEEPEST_OVERRIDE: Final = 8  # frames between an overridden find_class and the one that it calls
_WRITE_FLAGS: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Floor:
    """The audit hook and what it judges by.

    One instance a process: see `FLOOR`. Its state is bound into a closure, so that reaching it takes deliberate work; code that
    already runs in the kernel can do that work all the same.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hooked = False
        self._active = [False]
        self._closed: list[frozenset[tuple[str, str]]] = [frozenset()]
        self._dangerous: list[Callable[[str, str], bool]] = [lambda module, name: False]  # noqa: ARG005 the judge's signature
        self._observe: list[Callable[[str, str], None]] = [lambda module, name: None]  # noqa: ARG005
        self._refused: list[Callable[[str, str], LoadHeld]] = [_held]
        self._strict = [False]
        self._fast_codes: dict[int, CodeType] = {}  # by id: hashing a code object means hashing all of its bytecode
        self._traffic: dict[str, dict[str, Any]] = {}  # namespaces of modules that were found to unpickle traffic, by name

    @property
    def active(self) -> bool:
        """Whether the floor holds anything at present."""
        return self._active[0]

    def open(
        self,
        closed: frozenset[QualifiedName],
        dangerous: Callable[[str, str], bool],
        observe: Callable[[str, str], None],
        refused: Callable[[str, str], LoadHeld] | None = None,
        *,
        strict: bool = False,
    ) -> None:
        """Start to hold.

        Parameters
        ----------
        closed
            Globals that are harmless with any arguments and any state.
        dangerous
            Whether a global is on the known-dangerous list; refused outside scopes too, whichever library asks.
        observe
            Told the module and the global that a library resolved outside every scope and that was let pass.
        refused
            Told the module and the global that was refused outside every scope; makes what is raised, since no wrapper will.
        strict
            Whether libraries outside every scope are held to the closed globals too, and nothing counts as traffic.
        """
        with self._lock:
            self._closed[0] = frozenset((name.module, name.name) for name in closed)
            self._dangerous[0] = dangerous
            self._observe[0] = observe
            self._refused[0] = refused or _held
            self.be_strict(strict=strict)
            if not self._hooked:
                sys.addaudithook(self._build())
                self._hooked = True
            self._active[0] = True

    def be_strict(self, *, strict: bool) -> None:
        """Hold libraries outside every scope to the closed globals too, with nothing counted as traffic; or no longer."""
        self._strict[0] = strict
        be_strict(strict)
        self._traffic.clear()

    def close(self) -> None:
        """Look away; the hook itself stays in the interpreter."""
        self._active[0] = False

    def add_fast_path(self, code: CodeType) -> None:
        """Let a wrapper's own code object mark an unproved load, which is cheaper than opening a scope around each one."""
        self._fast_codes[id(code)] = code

    def is_closed(self, module: str, name: str) -> bool:
        """Return whether a global may be resolved without any look, which wants its module to be imported already."""
        return (module, name) in self._closed[0] and module in sys.modules

    def refuse(self, who: str, what: str) -> LoadHeld:
        """Return what to raise where no wrapper asks, as for a global that was refused outside every scope."""
        return self._refused[0](who, what)

    def _build(self) -> Callable[[str, tuple[Any, ...]], None]:
        active, closed, fast_codes, traffic = self._active, self._closed, self._fast_codes, self._traffic
        dangerous, observe, refused, strict = self._dangerous, self._observe, self._refused, self._strict
        modules, state, getframe = sys.modules, thread_state, sys._getframe

        def judge_global(scope: Scope | None, args: tuple[Any, ...], frame: FrameType | None) -> None:
            module, name = args
            if scope is not None and scope.refusals:
                raise scope.refusals[0]
            if type(module) is not str or type(name) is not str:
                # A subclass of str can be one name for us and another for the import system.
                raise (scope or Scope(Mode.PROVED)).refuse("a global's name is not an exact str")
            if (module, name) in closed[0] and module in modules:
                return
            if scope is None or scope.mode is Mode.CALL or scope.mode is Mode.OVERRIDE:
                judge_reader(scope, module, name, frame or getframe(2))
            elif scope.mode is Mode.PROVING:
                raise scope.unwind(f"{module}.{name}")
            elif (module, name) not in scope.allowed and f"{module}.{name}" not in scope.expects:
                raise scope.refuse(f"{module}.{name}")

        def judge_reader(scope: Scope | None, module: str, name: str, frame: FrameType) -> None:
            if id(frame.f_code) in fast_codes:
                raise Scope(Mode.PROVING).unwind(f"{module}.{name}")
            if scope is not None and scope.mode is Mode.OVERRIDE and _resolves(frame, scope):
                if dangerous[0](module, name) and (module, name) not in scope.allowed:
                    raise scope.refuse(f"{module}.{name}")
                return
            caller, who = attribute(frame)
            if caller is Caller.TRAFFIC:
                if frame.f_globals.get("__name__") == who:  # the reader itself, not something that it called
                    traffic[who] = frame.f_globals
                return
            if caller is Caller.USER or scope is not None or strict[0] or dangerous[0](module, name):
                raise refused[0](who, f"{module}.{name}") if scope is None else scope.refuse(f"{module}.{name}")
            observe[0](who, f"{module}.{name}")

        # Every event of the interpreter comes through here, those too that the hook's own look at a frame's code or at an identity
        # raises. Traffic is therefore known by the namespace that its reader runs in, the one thing about a frame that raises none.
        def hook(event: str, args: tuple[Any, ...]) -> None:
            scope = state.scope
            if event == "pickle.find_class":
                if not active[0]:
                    return
                frame = None
                if scope is None:
                    frame = getframe(1)
                    namespace = frame.f_globals
                    who = namespace.get("__name__")
                    if type(who) is str and traffic.get(who) is namespace:
                        return
                if not state.suspended:
                    judge_global(scope, args, frame)
            elif scope is not None and not state.suspended:
                if scope.mode is Mode.PROVED:
                    _judge_event(scope, event, args)
                elif scope.mode is Mode.CALL:
                    judge_call_event(scope, event, args)
                elif scope.alone:
                    judge_trusted_event(scope, event, args)
                elif scope.bound:
                    judge_approved_event(scope, event, args)

        return hook


def _held(_library: str, name: str) -> LoadHeld:
    return LoadHeld(name)


def _resolves(frame: FrameType, scope: Scope) -> bool:
    """Return whether a global is resolved for the very stream whose `find_class` is overridden, and not by a load within the override."""
    found: FrameType | None = frame
    for _ in range(_DEEPEST_OVERRIDE):
        if found is None or found.f_code is scope.code:
            break
        found = found.f_back
    return found is not None and found.f_code is scope.code


def _judge_event(scope: Scope, event: str, args: tuple[Any, ...]) -> None:
    """Inside a proved load everything that honest loads do not need is refused: the backstop behind the grammar."""
    if event in _HARMLESS:
        return
    if scope.refusals:
        raise scope.refusals[0]
    state = thread_state
    state.suspended += 1  # looking at a path raises events of its own
    try:
        if event == "open":
            path, mode, flags = args
            reads = (flags & _WRITE_FLAGS) == 0 if type(flags) is int else mode in ("r", "rb")
            if reads and (type(path) is int or _may_read(scope, path)):
                return
            if scope.maps_for_writing and type(path) is str and os.path.abspath(path) == scope.artifact and mode in ("r+", "r+b"):
                return
        elif event in ("import", "exec", "ctypes.dlsym") and _is_library(event, args):
            return
        elif event == "marshal.loads" and sys._getframe(2).f_code is _READS_BYTECODE:
            return  # an import; the file that the bytes come from was judged when it was opened
        elif event == "object.__setattr__" and args[1] == "__class__" and args[2] is type(args[0]):
            return  # dill gives each object of a notebook's class the class that it is of
    finally:
        state.suspended -= 1
    raise scope.refuse(f"{event} {_shown(args)}")


def _may_read(scope: Scope, path: object) -> bool:
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    return type(path) is str and (os.path.abspath(path) == scope.artifact or is_trusted(path) or is_time_zone(path))


def _names_a_library(handle: object) -> bool:
    path = getattr(handle, "_name", None)  # of a `ctypes.CDLL`; empty for the program itself
    return type(path) is str and os.path.isabs(path) and is_trusted(path)


def _is_library(event: str, args: tuple[Any, ...]) -> bool:
    """Lazy imports of installed libraries, judged again by path when their files are opened, and functions of their native parts."""
    if event == "ctypes.dlsym":
        return _names_a_library(args[0])
    if event == "exec":  # by the import system alone, which has judged the file when it opened it: code can claim any file
        caller = sys._getframe(3).f_code
        if caller.co_name == _READS_TEXT[0] and caller.co_filename.endswith(_READS_TEXT[1]):
            return is_library_code(caller.co_filename)
        return caller is _IMPORTS and is_library_code(args[0].co_filename)
    filename = args[1]
    return filename is None or is_trusted(filename)


def _shown(args: tuple[Any, ...]) -> str:
    return ", ".join(repr(arg)[:80] for arg in args if isinstance(arg, (str, bytes, int)))


FLOOR: Final = Floor()
