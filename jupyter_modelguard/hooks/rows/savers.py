"""Rows of functions that save: what this user's own kernel writes is known again when it is loaded.

None of them is a loader, so none has a name in the list of loaders.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.hooks.row import Row, wrap
from jupyter_modelguard.hooks.savers import guard_dump, guard_save, guard_saving_call
from jupyter_modelguard.hooks.stream_readers import unpack_joblib

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SAVERS"]


def _dump(module: str, attribute: str, *loaders: str) -> Row:
    build: Callable[..., Any] = lambda original, passage: guard_dump(original, passage, *loaders)  # noqa: E731 a row's builder
    return Row(module, attribute, build)


def _call(module: str, attribute: str, *loaders: str) -> Row:
    return Row(module, attribute, wrap(guard_saving_call, *loaders))


_CLOUDPICKLE: Final = ("cloudpickle.load", "pickle.load")

SAVERS: Final[tuple[Row, ...]] = (
    _dump("pickle", "dump", "pickle.load"),
    _dump("cloudpickle.cloudpickle", "dump", *_CLOUDPICKLE),
    _dump("cloudpickle", "dump", *_CLOUDPICKLE),
    _dump("dill._dill", "dump", "dill.load"),
    Row(
        "joblib.numpy_pickle",
        "dump",
        wrap(functools.partial(guard_save, unpack=unpack_joblib), "joblib", "filename", "joblib.load"),
    ),
    Row("torch.serialization", "save", wrap(guard_save, "torch", "f", "torch.load")),
    # these pickle through the functions above
    _call("pandas.io.pickle", "to_pickle", "pandas.read_pickle"),
    _call("statsmodels.iolib.smpickle", "save_pickle", "statsmodels.load_pickle"),
)
