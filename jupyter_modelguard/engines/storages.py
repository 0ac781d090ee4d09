"""Tensor storages: what persistent ids mean in torch's files, and storages in a pickle of their own inside a plain pickle.

`pickle.dumps` of a tensor writes its storage as bytes, a whole file of torch's old format, and a call of
`torch.storage._load_from_bytes` that hands them to `torch.load`. Those bytes are read here as that call will read them, with the same
stand-ins and the same grammar as the stream around them, and must hold one storage and nothing else.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.policy.record import is_global, is_made, name_of
from jupyter_modelguard.types import QualifiedName

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.policy.grammar import Grammar

__all__ = ["LOAD_FROM_BYTES", "MAGIC", "PROTOCOL", "is_module_id", "is_storage_id", "read_storage"]

LOAD_FROM_BYTES = QualifiedName("torch.storage", "_load_from_bytes")
MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
_PROTO = b"\x80"


def is_storage_id(pid: Any, grammar: Grammar, *, legacy: bool) -> bool:
    """Whether a persistent id describes a tensor storage as torch writes it."""
    if type(pid) is not tuple or len(pid) != (6 if legacy else 5) or type(pid[0]) is not str or pid[0] != "storage":
        return False
    kind, key, location, count = pid[1:5]
    if not is_global(kind) or not grammar.is_value(kind) or not name_of(kind).name.endswith("Storage"):
        return False
    if type(key) is not str or type(location) is not str or type(count) is not int or count < 0:
        return False
    view = pid[5] if legacy else None
    if view is None:
        return True
    return type(view) is tuple and [type(item) for item in view] == [str, int, int] and min(view[1:]) >= 0


def is_module_id(pid: Any) -> bool:
    """Whether a persistent id of the old format names the class of a network, with its source for a comparison that only warns."""
    if type(pid) is not tuple or len(pid) != 4 or type(pid[0]) is not str or pid[0] != "module":  # noqa: PLR2004 (kind, class, file, source)
        return False
    return is_global(pid[1]) and all(text is None or type(text) is str for text in pid[2:])


def read_storage(
    read: Callable[[io.BytesIO, Callable[[Any], Any]], Any], make: Callable[[], Any], data: bytes, grammar: Grammar
) -> str:
    """Read the bytes of one storage; say what is wrong with them, or nothing.

    Parameters
    ----------
    read
        Reads one pickle from a file, with the meaning of its persistent ids.
    make
        Makes what stands for a storage.
    data
        What `torch.storage._load_from_bytes` is given.
    grammar
        Judges the persistent ids.
    """
    if not data.startswith(_PROTO):  # torch.load would take a zip for its other format
        return "is given bytes that are no storage in torch's old format"

    def storage(pid: Any) -> Any:
        grammar.persistent(is_storage_id(pid, grammar, legacy=True))
        return make()

    file = io.BytesIO(data)
    try:
        magic, protocol, _system, result, keys = (read(file, storage) for _ in range(5))
    except RecursionError:
        raise
    except Exception as error:  # noqa: BLE001 an unpickler raises anything at all for a broken stream
        return f"is given bytes that cannot be read: {type(error).__name__}: {str(error)[:100]}"
    if type(magic) is not int or magic != MAGIC or type(protocol) is not int or protocol != PROTOCOL:
        return "is given bytes that are no storage in torch's old format"
    if type(keys) is not list or not all(type(key) is str for key in keys):
        return "is given bytes whose storages are not listed as torch lists them"
    if not is_made(result) or name_of(result) != LOAD_FROM_BYTES:
        return "is given bytes that hold something else than one storage"
    return ""
