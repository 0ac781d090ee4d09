"""Try whether torch's own restricted machine loads a file, in the limited worker.

`weights_only=True` resolves nothing but what is on torch's list. In versions before `PATCHED` it can be made to run code or to write out of
bounds all the same, so there it is neither tried nor offered.
"""

from __future__ import annotations

import importlib
import re
import sys
import warnings
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.archive import is_zip
from jupyter_modelguard.errors import ScanError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_modelguard.artifacts.source import StreamSource

__all__ = ["PATCHED", "is_patched", "not_on_torchs_list", "try_weights_only"]

PATCHED: Final = (2, 10)
"""The first version of torch without a known hole in `weights_only=True`.

CVE-2025-32434 (GHSA-53q9-r3pm-6pq6): runs code, fixed in 2.6.0. CVE-2026-24747: corrupts memory by SETITEM on what is no dictionary and by
storages smaller than they say, fixed in 2.10.0. Both as the advisories of pytorch/pytorch give them.
"""

_LARGEST_MAPPED: Final = 3 << 30  # bytes; the worker has little more address space
_LARGEST_READ: Final = 1 << 28  # bytes of a file of the old format, which cannot be mapped


def is_patched(version: str) -> bool:
    """Whether a version of torch is one without a known hole; one that cannot be read is not."""
    found = re.match(r"(\d+)\.(\d+)\.\d+(?=$|[+.])", version)  # no release candidates, no development versions
    return found is not None and (int(found[1]), int(found[2])) >= PATCHED


def not_on_torchs_list(names: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...] | None:
    """Find the globals that torch's machine would refuse here; None where that cannot be told, or is known to mean nothing.

    Asks this process, which has torch imported; nothing is imported for it.
    """
    torch: Any = sys.modules.get("torch")
    machine: Any = sys.modules.get("torch._weights_only_unpickler")
    if torch is None or machine is None or not is_patched(str(torch.__version__)):
        return None
    try:
        known = machine._get_allowed_globals()  # noqa: SLF001 there is no public way; a real load follows
    except AttributeError:
        return None
    return tuple(sorted({(module, name) for module, name in names if f"{module}.{name}" not in known}))


def try_weights_only(source: StreamSource, added: tuple[tuple[str, str], ...] = ()) -> bool:
    """Load a file with torch's machine; the tensors of a zip are mapped, not read.

    Parameters
    ----------
    source
        The file.
    added
        Globals to put on torch's list meanwhile.

    Raises
    ------
    ScanError
        If it does not load so, or is too large to be tried.
    """
    import torch

    if not is_patched(torch.__version__):
        raise ScanError("this version of torch is known to run code in spite of weights_only=True")
    if source.offset:
        raise ScanError("it starts in the middle of another file")
    with source.open() as file:
        zipped = is_zip(file.read(4))
        size = file.seek(0, 2)
    if size > (_LARGEST_MAPPED if zipped else _LARGEST_READ):
        raise ScanError("it is too large to be tried")
    import io

    target: Any = source.path if source.path is not None else io.BytesIO(source.data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with torch.serialization.safe_globals([_found(*name) for name in added]):
                torch.load(target, map_location="cpu", weights_only=True, mmap=zipped and source.path is not None)
        except Exception as error:  # noqa: BLE001 whatever it is, it does not load so
            raise ScanError(f"torch refuses it: {str(error)[:200]}") from None
    return True


def _found(module: str, name: str) -> Any:
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = vars(found)[part]
    return found
