"""HDF5: Keras' older models and weights, or numbers of any origin."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.formats.keras_archives import keras_report
from jupyter_modelguard.errors import ScanError

if TYPE_CHECKING:
    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner
    from jupyter_modelguard.types import ScanReport

__all__ = ["ENGINE"]

_MAGIC: Final = b"\x89HDF\r\n\x1a\n"
_MOST_OBJECTS: Final = 100_000  # groups and datasets of one file
_MOST_TOLD: Final = 20


class Hdf5:
    """Judges the configurations of a Keras model, and says what else a file holds than numbers and text."""

    name = "hdf5 1"

    def takes(self, content: Content) -> bool:
        """By the magic bytes."""
        return content.head.startswith(_MAGIC)

    def scan(self, content: Content, scanner: Scanner) -> ScanReport:
        """Scan all groups and datasets."""
        del scanner
        if importlib.util.find_spec("h5py") is None:
            raise ScanError("h5py is not installed here, and nothing else reads it")
        h5py = importlib.import_module("h5py")
        with content.open() as stream, h5py.File(stream, "r") as file:
            texts = [file.attrs[name] for name in ("model_config", "training_config") if name in file.attrs]
            strange = _strange(h5py, file)
            strange += [
                f"attribute {name:.60}: a pickle, perhaps" for name in file.attrs if name in {"CLASS", "CLASSNAME", "type"}
            ]
        return keras_report(content, "hdf5", texts, tuple(strange[:_MOST_TOLD]))


def _strange(h5py: Any, file: Any) -> list[str]:
    strange: list[str] = []
    seen = 0
    waiting: list[tuple[str, Any]] = [("", file)]
    while waiting:
        place, group = waiting.pop()
        for name in group:
            seen += 1
            if seen > _MOST_OBJECTS:
                raise ScanError(f"more than {_MOST_OBJECTS:,} objects")
            where = f"{place}/{name}"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                strange.append(f"{where:.80}: leads to another place or file")
                continue
            inner = group[name]
            if isinstance(inner, h5py.Group):
                waiting.append((where, inner))
            elif isinstance(inner, h5py.Dataset) and (
                inner.dtype.kind not in "biufcSU" and h5py.check_string_dtype(inner.dtype) is None
            ):
                strange.append(f"{where:.80}: neither numbers nor text")
    return strange


ENGINE: Final = Hdf5()
