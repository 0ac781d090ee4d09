"""What a Keras configuration would make: its own layers from plain numbers, or something that runs code.

A configuration is a tree of `{"class_name", "config", "module", "registered_name"}`. Keras makes each of them while it loads, by name, and
has had a long row of ways to make more than models of it (CVE-2024-3660, CVE-2025-1550, CVE-2025-8747, CVE-2025-9905, CVE-2025-9906,
CVE-2025-12058). So what passes silently is listed: classes of Keras' own modelling modules, minus those that carry code or read files, and
the functions of `keras_functions`. What the person registered or passed as `custom_objects` is the person's own code.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.policy.keras_functions import FUNCTIONS, OPERATIONS
from jupyter_modelguard.policy.named import named_finding, named_use

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_modelguard.types import Finding, GlobalUse

__all__ = ["judge_keras_config"]

_RULE = "keras-config"
_LONGEST: Final = 400  # characters of an entry that is quoted
_SHORT: Final = 60  # and of a value in it
_NAMED: Final = 16  # levels of nesting that places are told of
_DEEPEST: Final = 400  # levels of nesting; keras itself recurses
_MODELLING: Final = (
    "layers",
    "models",
    "optimizers",
    "losses",
    "metrics",
    "initializers",
    "regularizers",
    "constraints",
    "dtype_policies",
    "quantizers",
    "random",
    "ops",
    "activations",
)
# Where functions are found; those without a module are looked up among activations, losses and metrics, and by tf_keras in `builtins`.
_FUNCTIONS: Final = frozenset({"", "activations", "losses", "metrics", "initializers", "regularizers", "constraints", "ops"})
_DATA: Final = frozenset(
    {"__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__", "__tuple__", "TensorShape"}
)
# Classes of Keras' own that do more than hold numbers.
_CARRIES_CODE: Final = {
    "TFSMLayer": "loads a TensorFlow SavedModel from a path that the file names, and runs it",
    "JaxLayer": "runs a function that the file brings",
    "FlaxLayer": "runs a module that the file brings",
    "TFOpLambda": "calls whatever function of TensorFlow the file names",
    "SlicingOpLambda": "calls whatever function of TensorFlow the file names",
    "ClassMethod": "calls whatever method of TensorFlow the file names",
    "InstanceMethod": "calls whatever method of TensorFlow the file names",
    "InstanceProperty": "reads whatever property the file names",
}
_LAYERS_OF_PACKAGES: Final = frozenset(
    {"src", "api", "_tf_keras", "keras", "legacy", "backend", "torch", "tensorflow", "jax", "openvino"}
)
# Keras itself writes these names small where it looks optimizers up.
_OPTIMIZERS: Final = frozenset(
    {"adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "ftrl", "lamb", "lion", "lossscaleoptimizer", "muon"}
    | {"nadam", "rmsprop", "sgd"}
)
_VOCABULARIES: Final = ("vocabulary", "idf_weights")
_LAMBDA: Final = "is a function stored as bytecode in the file, and runs when the model does"


def judge_keras_config(
    config: Any,
    known: Callable[[str], bool] = lambda _: False,
    *,
    lambdas: bool = True,
) -> tuple[tuple[GlobalUse, ...], tuple[Finding, ...], tuple[str, ...]]:
    """Find what a configuration would make beyond Keras' own numbers.

    Parameters
    ----------
    config
        The configuration, as JSON gave it.
    known
        Whether a name is registered by the person's own code, or passed as a custom object.
    lambdas
        Whether functions stored as bytecode would be made; Keras refuses them itself in its safe mode.

    Returns
    -------
    tuple
        What it names, where, and what could not be looked at.
    """
    uses: Counter[tuple[str, str]] = Counter()
    places: dict[tuple[str, str], tuple[str, str]] = {}
    missed: list[str] = []
    for place, entry, deep in _entries(config):
        if deep:
            missed.append(f"{place:.120}: nested too deeply")
            continue
        for name, reason in _judged(entry, known, lambdas=lambdas):
            uses[name, reason] += 1
            if (name, reason) not in places:
                places[name, reason] = place, _quoted(entry)
    made = {key: named_use(*key, count) for key, count in uses.items()}
    findings = tuple(named_finding(_RULE, use, *places[key]) for key, use in made.items())
    return tuple(made.values()), findings, tuple(missed[:1])


def _quoted(entry: dict[Any, Any]) -> str:
    """Write an entry down as the file has it, but for what is long in it: other entries, and bytecode."""
    shown = {key: _cut(value) for key, value in entry.items()}
    return ", ".join(f"{key!r:.40}: {value}" for key, value in shown.items())[:_LONGEST]


def _cut(value: Any) -> str:
    if isinstance(value, list):
        return "[…]"
    if not isinstance(value, dict):
        return _short(value)
    inner = {key: "…" if isinstance(part, (dict, list)) else _short(part) for key, part in value.items()}
    return "{" + ", ".join(f"{key!r:.40}: {part}" for key, part in inner.items()) + "}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"


def _entries(config: Any) -> Iterator[tuple[str, dict[Any, Any], bool]]:
    """Walk the tree without recursion."""
    waiting: list[tuple[str, Any, int]] = [("config", config, 0)]
    while waiting:
        place, value, depth = waiting.pop()
        if depth > _DEEPEST:
            yield place, {}, True
            continue
        if isinstance(value, dict):
            yield place, value, False
            waiting += [(f"{place}.{key:.40}" if depth < _NAMED else place, inner, depth + 1) for key, inner in value.items()]
        elif isinstance(value, (list, tuple)):
            waiting += [
                (f"{place}[{number}]" if depth < _NAMED else place, inner, depth + 1) for number, inner in enumerate(value)
            ]


def _judged(entry: dict[Any, Any], known: Callable[[str], bool], *, lambdas: bool) -> Iterator[tuple[str, str]]:
    name = entry.get("class_name")
    if isinstance(name, str):
        yield from _named(name, entry, known, lambdas=lambdas)
    for key in _VOCABULARIES:
        if isinstance(entry.get(key), str):
            yield f"keras.{key}", f"is read from a file that the configuration names: {entry[key]:.80}"


def _named(name: str, entry: dict[Any, Any], known: Callable[[str], bool], *, lambdas: bool) -> Iterator[tuple[str, str]]:
    inner = entry.get("config")
    if name in _DATA:
        return
    if name in {"__lambda__", "Lambda"}:
        if lambdas and _has_bytecode(name, inner):
            yield "keras.layers.Lambda", _LAMBDA
        if name == "__lambda__":
            return
    if name in {"__typespec__", "TypeSpec", "CompositeTensor"}:
        yield f"tensorflow.{entry.get('spec_name') or name}", "is made by TensorFlow from a name that the file says"
        return
    if name == "function":
        if isinstance(inner, str) and not known(inner):
            yield from _function(inner, entry.get("module"))
        return
    registered = entry.get("registered_name", name)  # this one counts, not the name of the class
    if not (isinstance(registered, str) and known(registered)) or (name in _CARRIES_CODE and not known(name)):
        yield from _class(name, entry.get("module"))


def _has_bytecode(name: str, inner: Any) -> bool:
    if name == "__lambda__":
        return True
    if not isinstance(inner, dict):
        return False
    legacy = ("function", "output_shape", "mask")
    return any(isinstance(inner.get(key), list) and any(isinstance(item, str) for item in inner[key]) for key in legacy)


def _part(module: str) -> str:
    """Return which of Keras' parts a module belongs to: "keras.layers", "keras.src.ops.numpy" and "keras.api.layers" say so."""
    parts = module.split(".")
    if parts[0] not in {"keras", "tf_keras"}:
        return ""
    rest = [part for part in parts[1:] if part not in _LAYERS_OF_PACKAGES]
    return rest[0] if rest else "models"


def _function(name: str, module: Any) -> Iterator[tuple[str, str]]:
    part = "" if module in {None, "builtins"} else _part(module) if isinstance(module, str) else None
    if part in _FUNCTIONS and (name in FUNCTIONS or (part == "ops" and name in OPERATIONS)):
        return
    yield f"{module}.{name}", "is a function that the file names, and is not one of Keras' numeric ones"


def _class(name: str, module: Any) -> Iterator[tuple[str, str]]:
    if name in _CARRIES_CODE:
        yield f"{module or 'keras'}.{name}", _CARRIES_CODE[name]
    elif module is None:
        if not (_is_class(name) or name in _OPTIMIZERS):  # else it is a function of keras.layers
            yield name, "is a class that the file names, and none that is registered here"
    elif not (isinstance(module, str) and _is_class(name) and (_part(module) in _MODELLING or _is_trainer(module))):
        yield f"{module}.{name}", "is a class that the file names, and none of Keras' own layers"


def _is_class(name: str) -> bool:
    return name.isidentifier() and name[:1].isupper()


def _is_trainer(module: str) -> bool:
    return _part(module) in {"trainers", "saving"} and "compile_utils" in module
