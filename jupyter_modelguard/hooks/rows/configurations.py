"""Rows of loaders whose files are configurations: what they name is made or imported while they load."""

from __future__ import annotations

from typing import Final

from jupyter_modelguard.hooks.jsonpickle_loaders import guard_jsonpickle_restore
from jupyter_modelguard.hooks.keras_loaders import guard_keras_bytecode, guard_keras_config, live_keras_config
from jupyter_modelguard.hooks.named import guard_call
from jupyter_modelguard.hooks.row import Row, bare, wrap
from jupyter_modelguard.hooks.yaml_loaders import guard_yaml_lookup, guard_yaml_reader

__all__ = ["CONFIGURATIONS"]

_KERAS = "classes, functions and bytecode that a configuration names"
_YAML = "whatever its !!python/ tags name"


def _keras(library: str) -> tuple[Row, ...]:
    saving, legacy = f"{library}.src.saving", f"{library}.src.legacy.saving"
    old = f"{library}.src.saving.legacy"
    return (
        Row(
            f"{saving}.saving_api",
            "load_model",
            wrap(guard_call, f"{library}.saving.load_model", 0, "filepath"),
            f"{library}.saving.load_model",
            _KERAS,
        ),
        Row(
            f"{saving}.saving_api",
            "load_weights",
            wrap(guard_call, f"{library}.Model.load_weights", 1, "filepath"),
            f"{library}.Model.load_weights",
            "nothing",
        ),
        Row(
            f"{library}.src.models.model",
            "model_from_json",
            wrap(guard_call, f"{library}.models.model_from_json"),
            f"{library}.models.model_from_json",
            _KERAS,
        ),
        Row(f"{saving}.serialization_lib", "deserialize_keras_object", wrap(guard_keras_config, library)),
        Row(
            f"{legacy}.serialization",
            "deserialize_keras_object",
            wrap(guard_keras_config, library, 2),
            either=f"{library} legacy objects",
        ),
        Row(
            f"{legacy}.saving_utils", "model_from_config", wrap(guard_keras_config, library, 1), either=f"{library} legacy models"
        ),
        Row(
            f"{old}.serialization",
            "deserialize_keras_object",
            wrap(guard_keras_config, library, 2),
            either=f"{library} legacy objects",
        ),
        Row(f"{old}.model_config", "model_from_config", wrap(guard_keras_config, library, 1), either=f"{library} legacy models"),
        Row(f"{library}.src.utils.python_utils", "func_load", wrap(guard_keras_bytecode), either=f"{library} bytecode"),
        Row(f"{library}.src.utils.generic_utils", "func_load", wrap(guard_keras_bytecode), either=f"{library} bytecode"),
        Row(f"{library}.src.models.cloning", "clone_model", bare(live_keras_config)),
    )


CONFIGURATIONS: Final[tuple[Row, ...]] = (
    *_keras("keras"),
    *_keras("tf_keras"),
    Row("yaml", "load", wrap(guard_yaml_reader, "yaml.load"), "yaml.load", _YAML),
    Row("yaml", "load_all", wrap(guard_yaml_reader, "yaml.load_all"), "yaml.load_all", _YAML),
    Row("yaml.constructor", "FullConstructor.find_python_name", wrap(guard_yaml_lookup)),
    Row("yaml.constructor", "FullConstructor.find_python_module", wrap(guard_yaml_lookup)),
    Row("ruamel.yaml.constructor", "Constructor.find_python_name", wrap(guard_yaml_lookup), "ruamel.yaml.YAML.load", _YAML),
    Row("ruamel.yaml.constructor", "Constructor.find_python_module", wrap(guard_yaml_lookup)),
    Row(
        "jsonpickle.unpickler",
        "Unpickler.restore",
        wrap(guard_jsonpickle_restore),
        "jsonpickle.decode",
        "whatever its py/ keys name",
    ),
)
