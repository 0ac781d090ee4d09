"""One guarded attribute of a library: what every loader of the table is described by.

The rows themselves are in `jupyter_modelguard.hooks.table` and the `rows` package beside it; other packages bring rows of their own
through an entry point, see `jupyter_modelguard.hooks.plugins`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import wrapt

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.hooks.passage import Passage

__all__ = ["GuardedFunction", "Row", "bare", "wrap"]


class _BoundGuard(wrapt.BoundFunctionWrapper):  # type: ignore[type-arg] # as below
    """A wrapped method, bound; what libraries take out of it to bind anew is guarded too."""

    @property
    def __func__(self) -> Callable[..., Any]:
        """ModelScope keeps `Auto….from_pretrained.__func__` and calls it with the class of its own choice."""
        guarded: Any = self._self_parent

        def function(owner: Any, *args: Any, **options: Any) -> Any:
            bound = guarded.__get__(None, owner) if isinstance(owner, type) else guarded.__get__(owner, type(owner))
            return bound(*args, **options)

        return function


class GuardedFunction(wrapt.FunctionWrapper):  # type: ignore[type-arg] # generic only in recent wrapts
    """A wrapped loader that documents, shows, compares, copies and pickles as the function it guards."""

    __bound_function_wrapper__ = _BoundGuard

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __reduce_ex__(self, protocol: object) -> str:
        return str(self.__qualname__)

    def __copy__(self) -> GuardedFunction:
        return self  # as functions do; a configuration or an estimator that holds a loader is copied like any other

    def __deepcopy__(self, memo: object) -> GuardedFunction:
        return self


@dataclass(frozen=True, slots=True)
class Row:
    """One guarded attribute.

    Attributes
    ----------
    module, attribute
        Where the loader is; a dotted attribute is a method, and one of every class whose name begins so if its class ends in `*`.
    build
        Makes the replacement from the original and the way through the gate.
    loader
        Its name for people; empty for a sink or a part of the mechanism, which is no loader of its own.
    runs
        What kind of code its files can run, for the list of loaders: "a pickle's", "Python files of the repository", "nothing".
    either
        A word that this row shares with rows for other versions of the library: one of them is enough.
    since
        The first version of the library that has it; in an earlier one there is nothing to guard.
    """

    module: str
    attribute: str
    build: Callable[[Any, Passage], Any]
    loader: str = ""
    runs: str = ""
    either: str = ""
    since: str = ""


def wrap(factory: Callable[..., Callable[..., Any]], *details: Any) -> Callable[[Any, Passage], Any]:
    """Make a builder of a factory for wrapt wrappers that take the way through the gate, and details of the row."""
    return lambda original, passage: GuardedFunction(original, factory(passage, *details))


def bare(wrapper: Callable[..., Any]) -> Callable[[Any, Passage], Any]:
    """Make a builder of a wrapt wrapper that never asks."""
    return lambda original, passage: GuardedFunction(original, wrapper)  # noqa: ARG005 no gate on this way
