"""Find the tensors of a file without running anything of it: the plan by which they can be copied out.

The interpreter's own unpickler reads the opcodes, with stand-ins that remember what the stream does to them in place of all that it names;
nothing is imported and no function of the file's choosing is called. What torch's functions would make a tensor of is then read off:
which storage, which type, and how it is laid out. Every number is checked against the bytes that are really there. Runs in the limited
worker.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.archive import is_zip, read_archive
from jupyter_modelguard.engines.plain_weights import Spool, read_plain
from jupyter_modelguard.engines.storages import MAGIC, PROTOCOL
from jupyter_modelguard.engines.tensor_reader import TensorReader
from jupyter_modelguard.engines.tensor_stand_ins import StandIn
from jupyter_modelguard.errors import ScanError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from jupyter_modelguard.artifacts.source import StreamSource

__all__ = ["TensorPlace", "WeightsPlan", "plan_weights"]

_MOST_TENSORS: Final = 200_000
_MOST_VISITS: Final = 1_000_000  # values that are looked at: containers that hold each other often grow beyond any size
_DEEPEST: Final = 64
_GROWTH: Final = 4  # how many times the file's size the tensors may take: tied weights are written out under each of their names
_HEAD: Final = 32  # bytes that tell what kind of file it is
_TORCH: Final = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # torch's magic number, as a pickle of its own
_LONGEST: Final = 1000  # characters of a name
_ATOMS: Final = (bool, float, bytes, type(None))
_LOCAL_HEAD: Final = 30  # bytes of a local header of a zip before the name


@dataclass(frozen=True, slots=True)
class TensorPlace:
    """Where the numbers of one tensor lie.

    Attributes
    ----------
    name
        Its keys from the outside in, joined by dots: what `state_dict` calls it.
    dtype
        As safetensors calls it: "F32".
    shape, strides
        In elements.
    start, length
        Of its storage in the file, in bytes; a tensor may use part of it.
    offset
        Where in the storage the tensor starts, in elements.
    itemsize
        Bytes of an element.
    apart
        Whether its storage is not in the file as it is, but where `plan_weights` was told to keep such numbers.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    start: int
    length: int
    offset: int
    itemsize: int
    apart: bool = False

    @property
    def size(self) -> int:
        """Bytes of the tensor when it is written out."""
        count = self.itemsize
        for length in self.shape:
            count *= length
        return count


@dataclass(frozen=True, slots=True)
class WeightsPlan:
    """All tensors of a file, and what it holds besides.

    Attributes
    ----------
    tensors
        In the order of the file.
    left_out
        Tensors that cannot be copied out, a sentence each.
    others
        How many values there are besides that are no tensors: numbers, texts, objects.
    flat
        Whether the file is nothing but these tensors by these names, in one dictionary.
    """

    tensors: tuple[TensorPlace, ...]
    left_out: tuple[str, ...] = ()
    others: int = 0
    flat: bool = False

    @property
    def size(self) -> int:
        """Bytes of all tensors."""
        return sum(tensor.size for tensor in self.tensors)


def plan_weights(source: StreamSource, spool: str | None = None) -> WeightsPlan:
    """Find the tensors of what torch, pickle or joblib wrote.

    Parameters
    ----------
    source
        The file.
    spool
        The file to keep numbers in that stand between the opcodes of a pickle, and are often compressed there.

    Raises
    ------
    ScanError
        If it is no such file, is not exactly as those write it, or holds no tensor.
    """
    if source.offset:
        raise ScanError("it starts in the middle of another file")
    try:
        with source.open() as file:
            head = file.read(_HEAD)
            file.seek(0)
            size = os.fstat(file.fileno()).st_size if source.path is not None else len(source.data)
            if is_zip(head) or _is_legacy(head):
                result, places = _read_zip(file) if is_zip(head) else _read_legacy(file)
                return _plan(result, places, size, Spool(spool, _GROWTH * size))
            result, size = read_plain(file, head, size)
            return _plan(result, {}, size, Spool(spool, _GROWTH * size))
    except ScanError:
        raise
    except (MemoryError, RecursionError):
        raise ScanError("it is too large or nested too deeply to be taken apart") from None
    except Exception as error:  # noqa: BLE001 a stranger's bytes: an unpickler raises anything at all
        raise ScanError(f"its tensors cannot be told: {type(error).__name__}: {_shown(str(error), 200)}") from None


def _is_legacy(head: bytes) -> bool:
    """Whether a file starts with torch's magic number, in whatever protocol."""
    start = 2 if head.startswith(b"\x80") else 0
    start += 9 if head[start : start + 1] == b"\x95" else 0  # a frame and its length
    return head.startswith(_TORCH, start)


def _read_zip(file: BinaryIO) -> tuple[Any, dict[str, tuple[int, int]]]:
    archive = read_archive(file)
    if archive.script:
        raise ScanError("it holds TorchScript")
    if archive.missed:
        raise ScanError(f"it is not as torch.save writes it: {archive.missed[0]}")
    if archive.members.get("byteorder", b"little") != b"little":
        raise ScanError("its numbers are written the other way round, by another kind of machine")
    result = TensorReader(io.BytesIO(archive.pickle), legacy=False).load()
    file.seek(0)
    with zipfile.ZipFile(file) as members:
        infos = members.infolist()
        folder = infos[0].filename.partition("/")[0]
        places = {}
        for info in infos:
            key = info.filename.removeprefix(f"{folder}/data/")
            if key != info.filename:
                if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
                    raise ScanError("its tensors are compressed")
                file.seek(info.header_offset)
                name, extra = struct.unpack("<26xHH", file.read(_LOCAL_HEAD))
                places[key] = (info.header_offset + _LOCAL_HEAD + name + extra, info.file_size)
    return result, places


def _read_legacy(file: BinaryIO) -> tuple[Any, dict[str, tuple[int, int]]]:
    readers = io.BufferedReader(file) if isinstance(file, io.RawIOBase) else file
    sizes: dict[str, int] = {}
    magic, protocol, system, result, keys = (TensorReader(readers, legacy=True, sizes=sizes).load() for _ in range(5))
    if magic != MAGIC or protocol != PROTOCOL or type(system) is not dict or system.get("little_endian") is not True:
        raise ScanError("it does not start as a file of torch does")
    if type(keys) is not list or not all(type(key) is str for key in keys):
        raise ScanError("its storages are not listed as torch lists them")
    places: dict[str, tuple[int, int]] = {}
    position = readers.tell()
    for key in keys:
        readers.seek(position)
        (count,) = struct.unpack("<q", readers.read(8))
        if key not in sizes or count < 0 or key in places:
            raise ScanError("its storages are not those that it names")
        places[key] = (position + 8, count * sizes[key])
        position += 8 + count * sizes[key]
    if isinstance(readers, io.BufferedReader) and readers is not file:
        readers.detach()
    return result, places


def _plan(result: Any, places: dict[str, tuple[int, int]], size: int, spool: Spool) -> WeightsPlan:
    tensors: list[TensorPlace] = []
    left_out: list[str] = []
    others = 0
    names: set[str] = set()
    total = 0
    for key, value in _walk(result):
        name = key or "tensor"
        made = value.tensor() if isinstance(value, StandIn) else None
        if made is None:
            others += 1
            if isinstance(value, StandIn) and value.looks_like_tensor:
                left_out.append(f"{_shown(name)}: a kind of tensor that cannot be copied out ({_shown(value.name)})")
            continue
        if name == "__metadata__" or not name.isprintable() or len(name) > _LONGEST:
            raise ScanError("one of its tensors has a name that cannot be written")
        needed = made.storage.count * made.storage.itemsize
        if made.reaches * made.itemsize > needed:
            raise ScanError(f"{name:.80} is laid out beyond its own numbers")
        if name in names:
            raise ScanError(f"two of its tensors would be called {name:.80}")
        names.add(name)
        total += prod(made.shape) * made.itemsize
        if len(names) > _MOST_TENSORS or total > _GROWTH * size:
            raise ScanError("written out, its tensors would be much larger than the file")
        apart = made.storage.data is not None
        start, length = spool.place(made.storage) if apart else places.get(made.storage.key, (-1, -1))
        if start < 0 or length < needed or (not apart and start + length > size):
            raise ScanError(f"the numbers of {name:.80} are missing from the file")
        tensors.append(TensorPlace(name, made.dtype, made.shape, made.strides, start, length, made.offset, made.itemsize, apart))
    if not tensors:
        raise ScanError("it holds no tensor that can be copied out")
    keys = result.mapping() if isinstance(result, StandIn) else result
    flat = not others and isinstance(keys, dict) and set(keys) == names
    return WeightsPlan(tuple(tensors), tuple(left_out), others, flat)


def _walk(root: Any) -> Iterator[tuple[str, Any]]:
    """Give each value that holds no other one, under its name; tensors are such values."""
    waiting: list[tuple[str, Any, tuple[int, ...]]] = [("", root, ())]
    visits = 0
    while waiting:
        name, value, above = waiting.pop()
        visits += 1
        if visits > _MOST_VISITS:
            raise ScanError("it holds more values than can be looked at")
        inside = _inside(value)
        if inside is None:
            yield name, value
        elif id(value) not in above:
            if len(above) >= _DEEPEST:
                raise ScanError("it is nested too deeply to be taken apart")
            deeper = (*above, id(value))
            waiting.extend((f"{name}.{key}" if name and key else name or key, item, deeper) for key, item in reversed(inside))


def _inside(value: Any) -> list[tuple[str, Any]] | None:
    """List what a value holds, by the names that torch would use; None if it is to be taken as a whole."""
    if isinstance(value, StandIn):
        if value.is_tensor or value.looks_like_tensor:
            return None
        module = value.module()
        if module is not None:
            return [(str(key), item) for part in module for key, item in part.items()]
        held = value.inside()
        return None if held is None else [(_named(key), item) for key, item in held]
    if isinstance(value, dict):
        return [(_named(key), item) for key, item in value.items()]
    if type(value) in (list, tuple):
        return [(str(place), item) for place, item in enumerate(value)]
    return None


def _named(key: Any) -> str:
    """Write a key as part of a name."""
    if type(key) in (str, int):
        return str(key)
    if type(key) in _ATOMS or (type(key) is tuple and all(type(item) in (str, int, *_ATOMS) for item in key)):
        return repr(key)[:_LONGEST]
    return f"<{type(key).__name__}>"


def _shown(text: str, longest: int = 80) -> str:
    """Write a stranger's text in one line."""
    return (text if text.isprintable() else ascii(text))[:longest]
