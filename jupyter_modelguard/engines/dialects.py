"""What torch.load and joblib.load read besides one plain pickle.

Each dialect follows its loader: which streams come one after another, what persistent ids mean, and where raw bytes stand between the
opcodes. What the loader would dispatch elsewhere (TorchScript, a tar) is reported, never guessed at.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.copy import SKIP_AT_LEAST, StreamCopy
from jupyter_modelguard.artifacts.payload import Payload
from jupyter_modelguard.engines.archive import has_directory, is_zip, read_archive
from jupyter_modelguard.engines.reader import FramedReader
from jupyter_modelguard.engines.reading import conclude, divergence, frames_agree, open_reader, read_one
from jupyter_modelguard.engines.storages import MAGIC, PROTOCOL, is_module_id, is_storage_id
from jupyter_modelguard.engines.torchscript import script_findings
from jupyter_modelguard.engines.tracer import Tracer
from jupyter_modelguard.policy.catalogue import InertRow
from jupyter_modelguard.policy.grammar import Grammar
from jupyter_modelguard.policy.patterns import STORAGE
from jupyter_modelguard.policy.record import is_made, name_of
from jupyter_modelguard.types import Finding, QualifiedName

if TYPE_CHECKING:
    from typing import BinaryIO

    from jupyter_modelguard.artifacts.source import StreamSource
    from jupyter_modelguard.engines.verdict import StreamTrace

__all__ = ["trace_joblib", "trace_torch", "trace_torch_package"]

_STORAGE = QualifiedName("persistent id", "storage")
_STORAGE_ROW = InertRow(_STORAGE, "a tensor storage of this file", makes=STORAGE)
_TORCH_RENAMES = {"torch.tensor": "torch._tensor"}  # torch.serialization.load_module_mapping
_WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
_ARRAYS = frozenset({"numpy._core.multiarray._reconstruct", "numpy.core.multiarray._reconstruct"})


def trace_torch(file: BinaryIO, source: StreamSource, started: float, directory: zipfile.ZipFile | None = None) -> StreamTrace:
    """Trace what torch.load reads: a zip, whose directory may be known already, or the streams of the legacy format."""
    start = file.tell()
    head = file.read(4)
    file.seek(start)
    return _trace_zip(file, source, started, directory) if is_zip(head) else _trace_legacy(file, source, started)


def _rename(module: str, name: str) -> tuple[str, str]:
    return _TORCH_RENAMES.get(module, module), name


def _torch_tracer(grammar: Grammar, *, legacy: bool, numbered: bool = False) -> Tracer:
    def storage(pid: Any) -> Any:
        if numbered and type(pid) is tuple and [type(key) for key in pid[2:3]] == [int]:
            pid = (*pid[:2], str(pid[2]), *pid[3:])  # packages count their storages where archives name them
        if legacy and is_module_id(pid):
            return pid[1]  # torch compares the source with that of the class, and may warn
        good = is_storage_id(pid, grammar, legacy=legacy)
        grammar.persistent(good)
        return object.__new__(stub)

    tracer = Tracer(grammar, persistent=storage, rename=_rename)
    stub = tracer.stubs.watched(_STORAGE)
    return tracer


def _trace_zip(file: BinaryIO, source: StreamSource, started: float, directory: zipfile.ZipFile | None) -> StreamTrace:
    start = file.tell()
    size = file.seek(0, io.SEEK_END) - start
    file.seek(start)
    grammar = Grammar({_STORAGE: _STORAGE_ROW})
    tracer = _torch_tracer(grammar, legacy=False)
    try:
        archive = read_archive(file, directory)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError) as error:
        wrong = (f"the zip archive cannot be read: {error}",)
        torn = None if has_directory(file, start) else ("RuntimeError", "the zip archive has no directory: the file is cut off")
        return conclude(tracer, grammar, None, wrong, source, "torch-zip", started, size=size, error=torn)
    extra: tuple[Finding, ...] = ()
    if archive.script:
        extra, unread = script_findings(archive.members)
        missed = archive.missed + unread
        return conclude(
            tracer, grammar, None, missed, source, "torchscript", started, size=size, digest=archive.digest, extra=extra
        )
    reader = open_reader(io.BytesIO(archive.pickle))
    broken = read_one(tracer, reader)
    copy = reader.copy()
    missed = archive.missed + ((f"data.pkl: {broken}",) if broken else ())
    if not broken and not frames_agree(reader, copy):
        extra, missed = (divergence(),), (*missed, "data.pkl: its frames do not fit its opcodes")
    if not broken and (behind := len(archive.pickle) - reader.position):
        missed = (*missed, f"data.pkl: {behind:,} bytes behind the pickle")  # torch leaves them alone, and writes none
    copy = StreamCopy(((0, archive.pickle),), len(archive.pickle))
    return conclude(tracer, grammar, copy, missed, source, "torch-zip", started, size=size, digest=archive.digest, extra=extra)


def trace_torch_package(file: BinaryIO, source: StreamSource, started: float) -> StreamTrace:
    """Trace a pickle that `torch.package` keeps: one stream whose persistent ids are storages, or calls that are never proved."""
    grammar = Grammar({_STORAGE: _STORAGE_ROW})
    tracer = _torch_tracer(grammar, legacy=False, numbered=True)
    reader = open_reader(file)
    broken = read_one(tracer, reader)
    copy = reader.copy()
    extra: tuple[Finding, ...] = ()
    if not broken and not frames_agree(reader, copy):
        extra, broken = (divergence(),), "its frames do not fit its opcodes"
    missed = (broken,) if broken else ()
    return conclude(
        tracer, grammar, copy, missed, source, "torch-package", started, size=reader.size, extra=extra, error=reader.error
    )


def _trace_legacy(file: BinaryIO, source: StreamSource, started: float) -> StreamTrace:
    start = file.tell()
    size = file.seek(0, io.SEEK_END) - start
    grammar = Grammar({_STORAGE: _STORAGE_ROW})
    tracer = _torch_tracer(grammar, legacy=True)
    if _is_tar(file, start):
        wrong = ("the file is a tar archive of an old torch, which is not inspected",)
        return conclude(tracer, grammar, None, wrong, source, "torch-legacy", started, size=size)
    file.seek(start)
    reader = open_reader(file)
    # Magic number, protocol, system, the object itself, the keys of the storages that follow.
    wanted = (lambda value: type(value) is int and value == MAGIC, lambda value: type(value) is int and value == PROTOCOL)
    broken = ""
    for place in range(5):
        broken = read_one(tracer, reader)
        if not broken and place < len(wanted) and not wanted[place](tracer.results[-1]):
            broken = "it does not start as a file of torch does"
        if broken:
            break
    if not broken and not _is_list_of_text(tracer.results[-1]):
        broken = "its storages are not listed as torch lists them"
    copy = reader.copy()
    extra: tuple[Finding, ...] = ()
    if not broken and not frames_agree(reader, copy):
        extra, broken = (divergence(),), "its frames do not fit its opcodes"
    missed = (broken,) if broken else ()
    return conclude(tracer, grammar, copy, missed, source, "torch-legacy", started, size=size, extra=extra, error=reader.error)


def _is_list_of_text(value: Any) -> bool:
    """Whether iterating over the keys and hashing them, as the loader does, asks no object of the stream for an answer of its own."""
    return type(value) is list and all(type(key) is str for key in value)


def _is_tar(file: BinaryIO, start: int) -> bool:
    file.seek(start)
    try:
        with tarfile.open(fileobj=file, mode="r:"):
            return True
    except tarfile.TarError:
        return False
    except Exception:  # noqa: BLE001 what makes the tar reader stumble is not proved to be no tar
        return True


def trace_joblib(file: BinaryIO, source: StreamSource, started: float) -> StreamTrace:
    """Trace an uncompressed file of joblib, where raw arrays stand behind the objects that describe them."""
    reader = FramedReader(file)
    grammar = Grammar()

    inside: list[bool] = []

    def skip_array(made: Any, state: Any) -> None:
        if str(name_of(made)) != _WRAPPER:
            return
        if inside:
            # The plain unpickler reads the objects of an array: it would take the raw array behind this one for opcodes.
            raise ValueError("an array is described inside another one")
        inside.append(True)
        _skip_array(reader, tracer, made, state, grammar)
        inside.clear()

    tracer = Tracer(grammar, on_build=skip_array)
    broken = read_one(tracer, reader)
    copy = reader.copy()
    extra: tuple[Finding, ...] = ()
    if not broken and not frames_agree(reader, copy):
        extra, broken = (divergence(),), "its frames do not fit its opcodes"
    missed = (broken,) if broken else ()
    trace = conclude(tracer, grammar, copy, missed, source, "joblib", started, size=reader.size, extra=extra, error=reader.error)
    return replace(trace, cut_off=bool(broken) and reader.position >= reader.size)


def _skip_array(reader: FramedReader, tracer: Tracer, array: Any, state: Any, grammar: Grammar) -> None:
    """Do as joblib's own `read_array` does, without the array."""
    if type(state) is not dict or type(state.get("shape")) is not tuple:
        raise ValueError("the description of an array is not one that joblib writes")
    made = grammar.dtype(state.get("dtype"))
    if made is None:
        raise ValueError("the data type of an array is not one that numpy makes")
    if made.hasobject:
        reader.resume()
        objects = tracer.load(reader)
        # joblib asks what comes out of there for its shape, its type and more: it must be an array, not an object with answers of its own.
        if not is_made(objects) or str(name_of(objects)) not in _ARRAYS:
            raise ValueError("an array of objects is not one that numpy writes")
        grammar.read_apart(array, objects)
    else:
        count = made.itemsize
        for length in state["shape"]:
            if type(length) is not int or length < 0:
                raise ValueError("the shape of an array is not one that joblib writes")
            count *= length
        if state.get("numpy_array_alignment_bytes") is not None:
            padding = reader.take(1)
            reader.take(padding[0] if padding else 0)
        _pass_array(reader, array, count, grammar)
    reader.resume()


def _pass_array(reader: FramedReader, array: Any, count: int, grammar: Grammar) -> None:
    """Go on behind a raw array, whose content something may look into."""
    if count >= SKIP_AT_LEAST:
        grammar.keep_content(array, reader.passed_over.at(reader.position, count))
        got = reader.jump(count)
    else:
        content = reader.take(count)
        got = len(content)
        if reader.freezes:
            grammar.keep_content(array, Payload(content))
    if got < count:
        raise EOFError("an array is cut off")
