"""`torch.package`: pickles and Python files in one archive, read by an importer of their own that tells CPython nothing.

Every record is read from the archive once and kept, so that what was looked at is what is loaded; only tensors stay in the file. Before
the first Python file of a package runs, all of them are asked about, together with the pickle where that is what was asked for. The
importer's `find_class` raises no audit event: a guarded one judges each name in its place.
"""

from __future__ import annotations

import hashlib
import os
import sys
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.reach import Reached, file_name
from jupyter_modelguard.artifacts.still import StillFile
from jupyter_modelguard.hooks.calls import Call, current_call, holding_code
from jupyter_modelguard.hooks.floor import FLOOR
from jupyter_modelguard.hooks.named import source_of
from jupyter_modelguard.hooks.remote_code import ask_about_code
from jupyter_modelguard.hooks.scopes import Mode, Scope, Suspended, thread_state
from jupyter_modelguard.types import CodeFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.hooks.gate import Permit
    from jupyter_modelguard.hooks.passage import Passage

__all__ = [
    "guard_package_import",
    "guard_package_pickle",
    "guard_package_source",
    "judge_package_name",
    "keep_package_records",
]

_LOADER = "torch.package.PackageImporter"
_JUDGED = (Mode.PROVED, Mode.APPROVED)
_EMPTY = hashlib.sha256(b"").hexdigest()
_SCRIPTS = ".data/ts_code/"


def keep_package_records(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], options: dict[str, Any]) -> None:
    """Read every record once from now on (`PackageImporter.__init__`, which lists what there is and runs nothing)."""
    named = {**dict(zip(("file_or_buffer", "module_allowed"), args, strict=False)), **options}
    target = named.get("file_or_buffer")
    if "file_or_buffer" not in named or thread_state.suspended:
        wrapped(*args, **options)
        return
    with Suspended():
        package = _Package(target)
        reader = package.open_archive(target)
    wrapped(**{**named, "file_or_buffer": target if reader is None else reader})
    if reader is not None:
        instance.filename = os.fspath(target) if isinstance(target, (str, os.PathLike)) else "<binary>"
    instance.zip_reader = package.kept(instance.zip_reader)
    instance.__dict__["_modelguard"] = package


def guard_package_pickle(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for `PackageImporter.load_pickle`."""

    def load_pickle(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        package = _package_of(instance)
        named = {**dict(zip(("package", "resource"), args, strict=False)), **options}
        if passage.inside() or not {"package", "resource"} <= named.keys():
            return wrapped(*args, **options)
        frame = sys._getframe(1)
        with Suspended():
            content = package.pickle(instance, named["package"], named["resource"])
            request = passage.gate.request(f"{_LOADER}.load_pickle", f"load_pickle({named['resource']!r})", package.source, frame)
            code = package.unseen(instance)
        if content is None:
            with passage.public(request), Scope(Mode.CALL, label=_LOADER):
                return wrapped(*args, **options)  # the importer's own words for what is not there

        def load(permit: Permit) -> Any:
            package.files.update(permit.files)
            return wrapped(*args, **options)

        with Reached.of_bytes(content, package.source) as reached:
            return passage.stream(request, reached, "torch-package", load, code=code)

    return load_pickle


def guard_package_import(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for `PackageImporter.import_module`, `load_text` and `load_binary`: all of them import a package."""

    def import_module(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if passage.inside():
            return wrapped(*args, **options)
        name = f"{_LOADER}.{wrapped.__name__}"
        if current_call() is not None:
            with holding_code(name):
                return wrapped(*args, **options)
        frame = sys._getframe(1)
        with Suspended():
            shown = ", ".join(repr(arg) for arg in (*args, *options.values()) if isinstance(arg, str))
            request = passage.gate.request(name, f"{wrapped.__name__}({shown})", _package_of(instance).source, frame)
        with passage.public(request), Call(request), Scope(Mode.CALL, label=name):
            return wrapped(*args, **options)

    return import_module


def guard_package_source(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for `PackageImporter._compile_source`, which every Python file of a package comes through before it runs."""

    def compile_source(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        package = _package_of(instance)
        path = str(args[0] if args else options["fullpath"])
        scope = thread_state.scope
        with Suspended():
            digest = hashlib.sha256(package.record(instance, path)).hexdigest()
            known = digest == _EMPTY or digest in package.files
        if known or thread_state.suspended:
            return wrapped(*args, **options)
        if scope is not None and scope.mode in _JUDGED:
            raise scope.refuse(f"code file {path}")
        with Suspended():
            files = package.unseen(instance)
        ask_about_code(passage, _LOADER, package.source, files, lambda: None)
        package.files.update({file.digest: file.content for file in files})
        if digest not in package.files:
            raise (scope or Scope(Mode.CALL)).refuse(f"code file {path}")
        return wrapped(*args, **options)

    return compile_source


def judge_package_name(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Judge what `PackageUnpickler.find_class` is asked for, in place of the event that it does not raise."""
    scope = thread_state.scope
    if thread_state.suspended or (scope is not None and scope.mode not in _JUDGED) or len(args) != len(("module", "name")):
        return wrapped(*args, **options)
    module, name = args
    exact = type(module) is str and type(name) is str
    if scope is None:
        if FLOOR.active and not (exact and FLOOR.is_closed(module, name)):
            raise FLOOR.refuse("torch.package", f"{module}.{name}")
    elif scope.refusals:
        raise scope.refusals[0]
    elif not exact or ((module, name) not in scope.allowed and not FLOOR.is_closed(module, name)):
        raise scope.refuse(f"{module}.{name}")
    return wrapped(module, name)


def _package_of(importer: Any) -> _Package:
    package: _Package | None = importer.__dict__.get("_modelguard")
    if package is None:  # made before the guard
        package = importer.__dict__["_modelguard"] = _Package(importer.filename)
        importer.zip_reader = package.kept(importer.zip_reader)
    return package


class _Package:
    """What is known of one archive.

    Attributes
    ----------
    source
        Where it lies, for people.
    files
        Digest to content of the Python files that may run.
    """

    def __init__(self, target: object) -> None:
        self.source = source_of(target) if isinstance(target, (str, os.PathLike)) else file_name(target) or "<file object>"
        self.files: dict[str, bytes] = {}
        self._still: StillFile | None = None

    def open_archive(self, target: Any) -> Any:
        """Open an archive with torch's own reader, which reads every record but tensors once; None for a folder or a reader."""
        import torch

        if isinstance(target, torch._C.PyTorchFileReader):
            return None
        if isinstance(target, (str, os.PathLike)):
            path = os.fspath(target)
            if os.path.isdir(path) or not os.path.isfile(path):
                return None
            reader = _keeping(torch._C.PyTorchFileReader)(path)
            if any(name.startswith(_SCRIPTS) for name in reader.get_all_records()):
                # torch's interpreter reads these by itself, from whatever is in the file by then
                self._still = StillFile.at_path(os.path.abspath(path), copied=True)
                reader = _keeping(torch._C.PyTorchFileReader)(self._still.path)
            return reader
        return _keeping(torch._C.PyTorchFileReader)(target)

    def kept(self, reader: Any) -> Any:
        """Give a reader that reads each record once."""
        return reader if hasattr(reader, "modelguard_records") else _Keeper(reader)

    def record(self, importer: Any, name: str) -> bytes:
        """Read a record, as the importer will."""
        return bytes(importer.zip_reader.get_record(name))

    def pickle(self, importer: Any, package: Any, resource: Any) -> bytes | None:
        """Read the record that `load_pickle` means; None if there is none."""
        from torch.package._importlib import _normalize_path
        from torch.package._mangling import demangle

        name = demangle(package if isinstance(package, str) else package.__name__)
        path = f"{name.replace('.', '/')}/{_normalize_path(resource)}"
        return self.record(importer, path) if importer.zip_reader.has_record(path) else None

    def unseen(self, importer: Any) -> tuple[CodeFile, ...]:
        """Collect the Python files of the package that nobody was asked about."""
        files = []
        for name in sorted(importer.zip_reader.get_all_records()):
            if name.endswith(".py"):
                content = self.record(importer, name)
                digest = hashlib.sha256(content).hexdigest()
                if digest != _EMPTY and digest not in self.files:
                    files.append(CodeFile(name, digest, content))
        return tuple(files)


def _keeping(reader: type) -> type:
    """Make a subclass of torch's reader, which torch's interpreter accepts too, that reads each record once."""

    class KeepingReader(reader):  # type: ignore[misc] # the class is torch's
        def __init__(self, target: Any) -> None:
            super().__init__(target)
            self.modelguard_records: dict[str, Any] = {}

        def get_record(self, name: str) -> Any:
            if name not in self.modelguard_records:
                self.modelguard_records[name] = super().get_record(name)
            return self.modelguard_records[name]

    return KeepingReader


class _Keeper:
    """The same for a reader of a folder, or for one that somebody made before."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self.modelguard_records: dict[str, Any] = {}

    def get_record(self, name: str) -> Any:
        if name not in self.modelguard_records:
            self.modelguard_records[name] = self._reader.get_record(name)
        return self.modelguard_records[name]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)
