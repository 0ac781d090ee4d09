"""Load a stream for real, and tell everything that a harmless stream would not do.

Told are: audit events that no harmless load needs, globals other than those the trace named, functions of classes that inspection cleared
(the notebook's and the libraries'), functions that stand as values, functions that the unpickler calls and no list knows, threads, and what
runs when the result is shown. Changes to classes and modules are told by `search_snapshots`.
"""

from __future__ import annotations

import _strptime
import ast
import codecs
import enum
import os
import sys
import weakref
import zoneinfo
from dataclasses import dataclass, field
from types import FunctionType
from typing import TYPE_CHECKING, Any

import search_notebook

from jupyter_modelguard.engines.installed import is_installed
from jupyter_modelguard.policy import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType

    from search_judging import Judged

__all__ = ["Seen", "Watch"]

# Raised by honest loads, with nothing of the file's choosing behind them.
_HARMLESS = frozenset(
    {"array.__new__", "builtins.id", "compile", "object.__getattr__", "sys._getframe", "sys.setprofile", "gc.get_referents"}
)
_HARMLESS |= {"ctypes.dlsym", "ctypes.cdata", "ctypes.cdata/buffer", "sys.unraisablehook"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Where listed classes of scipy and scikit-learn find the array functions that they call, whatever library their arrays are of.
_COMPATIBLE = os.path.join("array_api_compat", "numpy", "_aliases.py")
_HERE = os.path.dirname(os.path.abspath(__file__))
_NOTEBOOK = search_notebook.__file__
_SHOWING = frozenset(
    {"__repr__", "__str__", "__format__", "_text", "__len__", "__iter__", "__getitem__", "__lt__", "__eq__", "__hash__"}
)
_SHOWING |= {"__getattr__", "_answer", "_nothing", "shape"}


@dataclass(slots=True)
class Seen:
    """What one load did."""

    names: list[tuple[Any, Any]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    error: str = ""

    def tell(self, sentence: str) -> None:
        if sentence not in self.wrong and len(self.wrong) < 8:
            self.wrong.append(sentence)


class Watch:
    """Watches loads in this process; its audit hook stays, asleep between loads."""

    def __init__(self) -> None:
        self._seen: Seen | None = None
        self._showing = False
        self._forbidden: dict[CodeType, str] = {}
        self._direct: CodeType | None = None
        self._known = _known_codes()
        self._values = _codes_of_values()
        self._renamed = _renamed()
        self._beneath = _files_beneath()
        self._paths: dict[str, bool] = {}
        sys.addaudithook(self._on_event)

    def load(self, reader: Callable[[bytes], Any], stream: bytes, judged: Judged, *, direct: bool) -> tuple[Seen, Any]:
        """Run a load; `direct` says that the reader itself calls the C unpickler, so that whatever it calls is the stream's choice."""
        self._forbidden = dict(self._values)
        for module, name in judged.opened if direct else ():  # else the reader itself may use the class
            self._forbidden.update(_codes_of_class(module, name))
        seen = Seen()
        before = _threads()
        self._direct = reader.__code__ if direct else None
        value: Any = None
        self._seen = seen
        sys.setprofile(self._on_call)
        try:
            value = reader(stream)
        except BaseException as error:  # noqa: BLE001 what a load raises is its own affair
            sys.setprofile(None)
            self._seen = None
            seen.error = type(error).__name__
            if isinstance(error, MemoryError):
                seen.tell("memory ran out")
        finally:
            sys.setprofile(None)
            self._seen = None
        if _threads() != before:
            seen.tell("a thread was started")
        beyond = [name for name in seen.names if name not in judged.trace.names and name not in self._renamed]
        if beyond:
            seen.tell(f"a global was resolved that the trace did not name: {beyond[0]}")
        return seen, value

    def show(self, value: Any, format_value: Callable[[Any], Any]) -> Seen:
        """Display a value as a notebook does, watched."""
        seen = Seen()
        self._forbidden, self._direct, self._showing = {}, None, True
        self._seen = seen
        sys.setprofile(self._on_call)
        try:
            format_value(value)
        except BaseException:  # noqa: BLE001 what cannot be shown is not shown
            pass
        finally:
            sys.setprofile(None)
            self._seen, self._showing = None, False
        return seen

    def _on_event(self, event: str, args: tuple[Any, ...]) -> None:
        seen = self._seen
        if seen is None or event in _HARMLESS:
            return
        self._seen = None  # looking at a path raises events of its own
        try:
            if event == "pickle.find_class":
                seen.names.append((args[0], args[1]))
            elif event in ("open", "import", "exec", "marshal.loads", "os.listdir", "os.scandir"):
                wrong = self._wrong_with(event, args)
                if wrong:
                    seen.tell(wrong)
            elif event == "object.__setattr__" and args[1] == "__class__" and args[2] is type(args[0]):
                pass  # dill puts objects of the notebook's classes into the class that they are of
            elif not self._showing or event not in ("time.sleep", "mmap.__new__"):
                seen.tell(f"audit event {event} {args!r:.80}")
        finally:
            self._seen = seen

    def _wrong_with(self, event: str, args: tuple[Any, ...]) -> str:
        if event == "open":
            path, _, flags = args
            if type(flags) is int and flags & _WRITES and path != os.devnull:
                return f"{path!r:.80} was opened for writing"
            if path == "<unknown>" and sys._getframe(2).f_code is ast.parse.__code__:
                return ""  # a traceback that is shown parses its lines since 3.13, and what cannot be parsed is looked for
            return "" if type(path) is int or self._is_installed(str(path)) else f"{path!r:.80} was opened"
        if event == "import":
            return "" if args[1] is None or self._is_installed(args[1]) else f"{args[1]!r:.80} was imported"
        if event == "exec":
            file = args[0].co_filename
            if file == "<string>" and self._is_beneath(sys._getframe(2), None):
                return ""  # what a listed class builds from its checked state
            return "" if file.startswith("<frozen ") or self._is_installed(file) else f"code of {file!r:.80} was executed"
        return ""

    def _is_installed(self, path: str) -> bool:
        if path not in self._paths:
            self._paths[path] = (
                path == os.devnull or path.startswith((*zoneinfo.TZPATH, "/proc/self", _HERE)) or is_installed(path)
            )
        return self._paths[path]

    def _on_call(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or self._seen is None:
            return
        code = frame.f_code
        if code.co_filename == _NOTEBOOK:
            if not self._showing or code.co_name not in _SHOWING:
                self._seen.tell(f"a function of a notebook class was called: {code.co_qualname}")
        elif code in self._forbidden and not self._is_beneath(
            frame.f_back, None if code.co_filename.endswith(_COMPATIBLE) else code.co_filename
        ):
            self._seen.tell(f"called although {self._forbidden[code]}: {code.co_qualname}")
        elif self._is_called_by_stream(frame) and code not in self._known:
            self._seen.tell(f"called by the unpickler although no list knows it: {code.co_filename} {code.co_qualname}")

    def _is_called_by_stream(self, frame: FrameType) -> bool:
        """Whether nothing but the C unpickler stands between a function and the reader, and no C function of the lists calls it."""
        if self._direct is None or frame.f_back is None or frame.f_back.f_code is not self._direct:
            return False
        return frame.f_code.co_qualname != "__getattr__" and not frame.f_code.co_filename.startswith(self._beneath)

    def _is_beneath(self, above: FrameType | None, file: str | None) -> bool:
        """Whether a listed function or a method that was read, of the same file, calls others."""
        while above is not None:
            if above.f_code in self._known and file in (None, above.f_code.co_filename):
                return True
            above = above.f_back
        return False


def _threads() -> int:
    return len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 0


def _resolve(module: str, name: str) -> Any:
    return vars(sys.modules[module]).get(name) if module in sys.modules else None


def _functions(value: Any) -> Iterator[FunctionType]:
    if isinstance(value, FunctionType):
        yield value
        if "__wrapped__" in vars(value):
            yield from _functions(value.__wrapped__)
    elif isinstance(value, (classmethod, staticmethod)):
        yield from _functions(value.__func__)
    elif isinstance(value, property):
        for part in (value.fget, value.fset, value.fdel):
            yield from _functions(part)


def _codes_of_class(module: str, name: str) -> dict[CodeType, str]:
    """Find the methods of a class that inspection may clear, but for those that were read."""
    cls = _resolve(module, name)
    if not isinstance(cls, type) or any(
        row.arguments is not None for known, row in catalogue.inert().items() if known.module == module
    ):
        return {}  # what the lists know calls its neighbours
    reviewed = catalogue.reviewed_methods()
    codes = {}
    for base in type.mro(cls):
        file = getattr(sys.modules.get(base.__module__), "__file__", None)
        for attribute, value in vars(base).items():
            if f"{base.__module__}:{base.__qualname__}.{attribute}" not in reviewed:
                # what a decorator of another module put around a method is shared with other functions
                for function in (one for one in _functions(value) if one.__code__.co_filename == file):
                    codes[function.__code__] = f"inspection cleared {module}.{name}"
    codes.pop(enum.Enum.__new__.__code__, None)  # looks into the table of members, in which inspection has found the values
    return codes


def _codes_of_values() -> dict[CodeType, str]:
    codes = {}
    for name, row in catalogue.inert().items():
        if row.value and row.arguments is None:
            for function in _functions(_resolve(name.module, name.name)):
                codes[function.__code__] = f"{name} is listed as a value"
    return codes


def _renamed() -> frozenset[tuple[str, str]]:
    """Name what the reader of pandas looks up for the names of older versions; the guard judges the names of the stream."""
    compat = sys.modules.get("pandas.compat.pickle_compat")
    return frozenset(getattr(compat, "_class_locations_map", {}).values())


def _files_beneath() -> tuple[str, ...]:
    """Say where functions lie that C functions of the lists call, that Python writes or imports with, or that watch.

    The names of a stream are checked besides: it can choose none of these.
    """
    folders = []
    for top in {name.module.partition(".")[0] for name in catalogue.inert()} - sys.stdlib_module_names:
        file = getattr(sys.modules.get(top), "__file__", None)
        folders += [os.path.dirname(file) + os.sep] if file else []
    python = [os.path.join(os.path.dirname(codecs.__file__), part, "") for part in ("encodings", "zoneinfo")]
    return (*folders, *python, "<frozen", "<string>", _strptime.__file__, enum.__file__, weakref.__file__, _HERE)


def _known_codes() -> set[CodeType]:
    """Find the functions that the unpickler may call: listed ones, and the methods that were read."""
    codes: set[CodeType] = set()
    for name in {*catalogue.inert(), *catalogue.closed()}:
        value = _resolve(name.module, name.name)
        for holder in type.mro(value) if isinstance(value, type) else ():
            for method in vars(holder).values():
                codes.update(function.__code__ for function in _functions(method))
        codes.update(function.__code__ for function in _functions(value))
    for method in catalogue.reviewed_methods():
        module, _, path = method.partition(":")
        cls, _, attribute = path.rpartition(".")
        found = _resolve(module, cls)
        if isinstance(found, type):
            codes.update(function.__code__ for function in _functions(vars(found).get(attribute)))
    return codes
