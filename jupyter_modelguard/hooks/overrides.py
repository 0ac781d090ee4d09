"""A reader's own `find_class` and `persistent_load`: what they resolve, no audit event need tell.

The raw name is judged before an override sees it, and what the override does runs outside the load's scope: a load or an import in it is
judged for itself. A load that was proved gets the very object that was looked at under that name, or ends.
"""

from __future__ import annotations

import copyreg
import pickle
import types
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.trusted_paths import is_library_code
from jupyter_modelguard.hooks.floor import FLOOR
from jupyter_modelguard.hooks.scopes import Mode, Scope, Suspended, thread_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.hooks.gate import Permit

__all__ = ["bridge_find_class", "carries_persistent_load", "overrides"]

# Overrides that were read: they rename what a library moved, name torch's storages or hand out the session's own module, as the trace does.
_REVIEWED = frozenset({"dill._dill", "joblib.numpy_pickle", "pandas.compat.pickle_compat", "torch.serialization"})


def overrides(unpickler: Any, original: type) -> bool:
    """Whether a subclass, an instance or the extension cache may resolve globals without an audit event."""
    return (
        type(unpickler).find_class is not original.find_class  # type: ignore[attr-defined]
        or "find_class" in getattr(unpickler, "__dict__", ())
        or _persistent_load(unpickler) is not None
        or bool(copyreg._extension_cache)  # type: ignore[attr-defined]
    )


def carries_persistent_load(unpickler: Any) -> Callable[[Any], Any] | None:
    """Return what was set as `persistent_load` on an instance, where the C class keeps it out of reach of `__dict__`."""
    persistent_load = _persistent_load(unpickler)
    bound = isinstance(persistent_load, types.MethodType) and persistent_load.__self__ is unpickler
    return None if bound else persistent_load


def _persistent_load(unpickler: Any) -> Callable[[Any], Any] | None:
    found: Callable[[Any], Any] | None = getattr(unpickler, "persistent_load", None)
    if isinstance(found, types.BuiltinMethodType) and found.__self__ is unpickler:
        return None  # the C class's own from Python 3.13 on, which refuses
    return found


def bridge_find_class(unpickler: Any, permit: Permit, plain: Callable[[Any, str, str], Any]) -> None:
    """Judge the raw name before an overridden `find_class` sees it, and what comes out of it.

    Parameters
    ----------
    unpickler
        The caller's own; its instance is given the judging `find_class`.
    permit
        What may be resolved.
    plain
        The `find_class` that is overridden.
    """
    override = unpickler.find_class
    function = getattr(override, "__func__", override)
    if function in (pickle._Unpickler.find_class, plain):
        return
    reviewed = _is_reviewed(function)

    def find_class(module: str, name: str) -> Any:
        scope = thread_state.scope
        if scope is None or thread_state.suspended:
            return override(module, name)
        if scope.refusals:
            raise scope.refusals[0]
        if type(module) is not str or type(name) is not str:
            raise scope.refuse("a global's name is not an exact str")
        if not FLOOR.is_closed(module, name) and (module, name) not in permit.names:
            raise scope.refuse(f"{module}.{name}")
        if reviewed:
            with Suspended():
                return override(module, name)
        with Scope(Mode.OVERRIDE, permit.names, label=scope.label, code=find_class.__code__):
            found = override(module, name)
        if not permit.approved:
            with Suspended():
                expected = plain(unpickler, module, name)
            if found is not expected:
                raise scope.refuse(f"{module}.{name}, which a find_class of its own makes into something else")
        return found

    unpickler.__dict__["find_class"] = find_class


def _is_reviewed(function: Any) -> bool:
    code = getattr(function, "__code__", None)
    return code is not None and function.__module__ in _REVIEWED and is_library_code(code.co_filename)
