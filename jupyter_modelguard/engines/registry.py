"""The engines that a scan asks: those of this package, and what installed packages bring."""

from __future__ import annotations

import functools
import importlib
import logging
from typing import TYPE_CHECKING, Final, cast

from jupyter_modelguard.artifacts.entry_points import entry_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_modelguard.engines.engine import Engine

__all__ = ["GROUP", "broken_engines", "engines", "own_engines"]

GROUP: Final = "jupyter_modelguard.engines"
_PACKAGE: Final = "jupyter_modelguard.engines.formats"
_OWN: Final = (  # in the order in which they are asked; the first that takes a file names its format
    "numpy_arrays",
    "zips",
    "compressed",
    "tars",
    "safetensors",
    "gguf",
    "hdf5",
    "onnx_models",
    "saved_models",
    "beside_models",
    "small_messages",
    "arrow_tables",
    "msgpack_documents",
    "pictures_and_sounds",
    "model_texts",
    "xgboost_ubjson",
    "xgboost_binary",
    "catboost_models",
    "shelves",
    "pickles",
    "encoded_pickles",
    "sources",
    "documents",
)

_log = logging.getLogger(__name__)
_broken: dict[str, str] = {}


@functools.cache
def own_engines() -> tuple[Engine, ...]:
    """Return the engines of this package."""
    return tuple(cast("Engine", importlib.import_module(f"{_PACKAGE}.{name}").ENGINE) for name in _OWN)


@functools.cache
def engines() -> tuple[Engine, ...]:
    """Return every engine; one of another package that cannot be had is left out and named by `modelguard doctor`."""
    own = own_engines()
    return (*own, *_brought(own))


def broken_engines() -> dict[str, str]:
    """Return what kept engines of other packages from being had, by the entry point's name."""
    engines()
    return dict(_broken)


def _brought(own: Sequence[Engine]) -> list[Engine]:
    found: list[Engine] = []
    names = {engine.name.partition(" ")[0] for engine in own}
    for entry in entry_points(GROUP, _report):
        try:
            engine = entry.load()
            if not (isinstance(engine.name, str) and callable(engine.takes) and callable(engine.scan)):
                raise TypeError(f"{engine!r:.80} is no engine")  # noqa: TRY301 told like whatever else is wrong with it
            if (name := engine.name.partition(" ")[0]) in names:
                raise ValueError(f"there is an engine {name} already")  # noqa: TRY301 as above
        except (Exception, SystemExit) as error:  # noqa: BLE001 whatever another package raises as it is imported
            _report(entry.name, error)
        else:
            names.add(name)
            found.append(engine)
    return found


def _report(name: str, error: BaseException) -> None:
    _broken[name] = f"{type(error).__name__}: {error}"
    _log.warning("the engine %s cannot be had: its format is not inspected (%s)", name, _broken[name])
    _log.debug("how the engine %s failed", name, exc_info=error)
