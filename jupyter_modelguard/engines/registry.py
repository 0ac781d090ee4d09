"""The engines that a scan asks: those of this package, and what installed packages bring."""

from __future__ import annotations

import functools
import importlib
import logging
from typing import TYPE_CHECKING, Final, cast

from jupyter_modelguard.artifacts.entry_points import entry_points

if TYPE_CHECKING:
    from jupyter_modelguard.engines.engine import Engine

__all__ = ["GROUP", "broken_engines", "engines"]

GROUP: Final = "jupyter_modelguard.engines"
_PACKAGE: Final = "jupyter_modelguard.engines.formats"
_OWN: Final = (  # in the order in which they are asked; the first that takes a file names its format
    "numpy_arrays",
    "zips",
    "compressed",
    "tars",
    "safetensors",
    "hdf5",
    "onnx_models",
    "saved_models",
    "beside_models",
    "small_messages",
    "arrow_tables",
    "msgpack_documents",
    "pictures_and_sounds",
    "model_texts",
    "pickles",
    "sources",
    "documents",
)

_log = logging.getLogger(__name__)
_broken: dict[str, str] = {}


@functools.cache
def engines() -> tuple[Engine, ...]:
    """Return every engine; one of another package that cannot be had is left out and named by `modelguard doctor`."""
    own = [cast("Engine", importlib.import_module(f"{_PACKAGE}.{name}").ENGINE) for name in _OWN]
    return (*own, *_brought())


def broken_engines() -> dict[str, str]:
    """Return what kept engines of other packages from being had, by the entry point's name."""
    engines()
    return dict(_broken)


def _brought() -> list[Engine]:
    found: list[Engine] = []
    for entry in entry_points(GROUP, _report):
        try:
            engine = entry.load()
            if not (isinstance(engine.name, str) and callable(engine.takes) and callable(engine.scan)):
                raise TypeError(f"{engine!r:.80} is no engine")  # noqa: TRY301 told like whatever else is wrong with it
        except Exception as error:  # noqa: BLE001 whatever another package raises as it is imported
            _report(entry.name, error)
        else:
            found.append(engine)
    return found


def _report(name: str, error: Exception) -> None:
    _broken[name] = f"{type(error).__name__}: {error}"
    _log.warning("the engine %s cannot be had: its format is not inspected", name, exc_info=error)
