"""Keras: what a model's configuration names is judged where Keras turns it into objects, with the configuration in hand.

That is one function for `.keras` archives and folders, one for `.h5` files, and both serve `model_from_json` and everything below, so no
copy of the file has to be kept: what is judged is what is made. Functions stored as bytecode go through one more function, which is held
for whoever reaches it another way. The loads of pickles inside (`TorchModuleWrapper`, NumPy weights) ask for themselves.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.hooks.calls import Call, current_call
from jupyter_modelguard.hooks.named import go_on
from jupyter_modelguard.hooks.scopes import Mode, Scope, Suspended, for_each_thread
from jupyter_modelguard.policy.keras_config import judge_keras_config
from jupyter_modelguard.policy.named import named_finding, named_use
from jupyter_modelguard.types import Artifact

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from jupyter_modelguard.hooks.passage import Passage

__all__ = ["guard_keras_bytecode", "guard_keras_config", "live_keras_config"]


_WITH_SAFE_MODE = 3  # arguments by position, of which the last is `safe_mode`


class _Permitted(threading.local):
    depth = 0


_permitted = for_each_thread(_Permitted())


def guard_keras_config(passage: Passage, library: str, custom_objects: int = 1) -> Callable[..., Any]:
    """Return a wrapt wrapper for a function that makes objects of a configuration, which it takes first.

    Parameters
    ----------
    passage
        The way through the gate.
    library
        Top-level module: "keras" or "tf_keras".
    custom_objects
        Where the function takes the person's own classes.
    """
    gate = passage.gate

    def deserialize(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        config = args[0] if args else next((options[name] for name in ("config", "identifier") if name in options), None)
        if _permitted.depth or passage.inside() or not isinstance(config, (dict, list, tuple)):
            return wrapped(*args, **options)
        own = options.get("custom_objects", args[custom_objects] if len(args) > custom_objects else None)
        with Suspended():
            asked = options.get("safe_mode", args[2] if custom_objects == 1 and len(args) == _WITH_SAFE_MODE else True)
            lambdas = not _safe_mode(library, asked)
            table = options.get("module_objects", args[1] if custom_objects != 1 and len(args) > 1 else None)
            uses, findings, missed = judge_keras_config(config, _registered(library, own, table), lambdas=lambdas)
        frame = sys._getframe(1)

        def go() -> Any:
            if not uses and not missed:
                return wrapped(*args, **options)  # what is inside comes here again: a class may unpack more than was seen outside
            return _ask(passage, config, uses, findings, missed, frame, lambda: _run(wrapped, args, options))

        if current_call() is not None:
            return go()
        with Suspended():
            request = gate.request("keras", "keras.saving.deserialize_keras_object()", "<configuration>", frame)
        with passage.public(request), Call(request), Scope(Mode.CALL, label="keras", holds_code=False):
            return go()  # in a scope, because Keras turns errors of what it makes into its own

    return deserialize


def guard_keras_bytecode(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for `func_load`, which unmarshals bytecode and makes a function of it."""

    def func_load(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if _permitted.depth or passage.inside():
            return wrapped(*args, **options)
        use = named_use("keras.layers.Lambda", "is a function stored as bytecode in the file, and runs when the model does")
        finding = named_finding("keras-config", use)
        return _ask(passage, str(args[:1]), (use,), (finding,), (), sys._getframe(1), lambda: wrapped(*args, **options))

    return func_load


def live_keras_config(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Let `clone_model` make a model anew from one that is in memory already: its configuration comes from no file."""
    return _run(wrapped, args, options)


def _run(wrapped: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    _permitted.depth += 1
    try:
        return wrapped(*args, **options)
    finally:
        _permitted.depth -= 1


def _ask(
    passage: Passage,
    config: Any,
    uses: Any,
    findings: Any,
    missed: tuple[str, ...],
    frame: FrameType,
    load: Callable[[], Any],
) -> Any:
    with Suspended():
        text = json.dumps(config, sort_keys=True, default=repr).encode()
        request = passage.gate.request("keras", "keras.saving.deserialize_keras_object()", "<configuration>", frame)
        call = current_call()
        name = (call.request.source if call is not None else request.source).rpartition("/")[2]
        artifact = Artifact(name, request.source, "keras-config", hashlib.sha256(text).hexdigest(), len(text))
    with passage.public(request):
        if call is not None:
            return go_on(passage, request, artifact, uses, findings, load, missed)
        with Call(request), Scope(Mode.CALL, label="keras"):
            return go_on(passage, request, artifact, uses, findings, load, missed)


def _safe_mode(library: str, asked: object) -> bool:
    """Whether Keras itself refuses functions stored as bytecode: the scope of the load says so, else the call."""
    module = sys.modules.get(f"{library}.src.saving.serialization_lib")
    ambient = module.in_safe_mode() if module is not None else None
    return bool(asked if ambient is None else ambient)


def _registered(library: str, own: Any, table: Any) -> Callable[[str], bool]:
    """Make the judge's question whether a name stands for the person's own class, or for one that Keras' own table gives another name."""
    registry = sys.modules.get(f"{library}.src.saving.object_registration")

    def known(name: str) -> bool:
        if isinstance(own, dict) and (name in own or any(str(key).endswith(f">{name}") for key in own)):
            return True  # "project>name" is found by its name alone in the files of Keras before 3.7
        if name.islower() and isinstance(table, dict) and isinstance(table.get(name), type):
            return True  # "zeros" for the class Zeros
        return registry is not None and registry.get_registered_object(name) is not None

    return known
