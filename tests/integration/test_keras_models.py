"""Keras models through the real library: its own layers load silently, whatever else a configuration names is asked about first."""

import base64
import json
import marshal
import os
import zipfile

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

pytest.importorskip("torch", reason="Keras computes with torch here")
os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="keras is not installed")
pytest.importorskip("h5py", reason="Keras keeps its weights in HDF5")

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(keras.config.backend() != "torch", reason="Keras runs on another backend here"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]


def network(*extra):
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(3, activation="relu", kernel_regularizer="l2")(inputs)
    hidden = keras.layers.BatchNormalization()(hidden)
    for layer in extra:
        hidden = layer(hidden)
    model = keras.Model(inputs, keras.layers.Dense(1)(hidden))
    model.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(1e-3, 10, 0.9)), loss=keras.losses.Huber()
    )
    return model


def sequential(*extra):
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3), keras.layers.Flatten(), *extra])
    model.compile(optimizer="sgd", loss=keras.losses.Huber(), metrics=["mae"])
    return model


def recurrent():
    return keras.Sequential(
        [keras.Input((5,)), keras.layers.Embedding(9, 4), keras.layers.Bidirectional(keras.layers.LSTM(3)), keras.layers.Dense(1)]
    )


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("make", [network, sequential, recurrent])
def test_model_of_keras_own_layers_loads_silently(make, suffix, hold, tmp_path):
    path = tmp_path / f"honest{suffix}"
    model = make()
    model.save(path)
    running = hold()
    loaded = keras.saving.load_model(path)
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    assert running.outcomes() == [("keras.saving.load_model", "loaded")]


def test_model_of_operations_loads_silently(hold, tmp_path):
    inputs = keras.Input((4,))
    keras.Model(inputs, keras.ops.relu(inputs) + keras.ops.mean(inputs, axis=-1, keepdims=True)).save(
        tmp_path / "operations.keras"
    )
    running = hold()
    keras.saving.load_model(tmp_path / "operations.keras")
    assert running.outcomes() == [("keras.saving.load_model", "loaded")]


def test_model_is_made_of_json_silently(hold):
    text = network().to_json()
    running = hold()
    keras.models.model_from_json(text)
    assert running.outcomes() == [("keras.models.model_from_json", "loaded")]


def bytecode(canary):
    """A function whose call leaves the canary, as Keras stores it."""
    code = compile(f"lambda x, **_: (open({str(canary)!r}, 'w').close(), x)[1]", "layer", "eval").co_consts[0]
    return base64.b64encode(marshal.dumps(code)).decode("ascii")


def with_lambda(path, canary):
    """Put a Lambda layer with bytecode into a model, which its own saving would have written the same way."""
    sequential(keras.layers.Lambda(lambda x: x)).save(path)
    stored = {"class_name": "__lambda__", "config": {"code": bytecode(canary), "defaults": None, "closure": None}}

    def arm(config):
        for layer in config["config"]["layers"]:
            if layer["class_name"] == "Lambda":
                layer["config"]["function"] = stored
        return config

    edit(path, arm)


def edit(path, change):
    """Change the configuration of a saved model."""
    if path.suffix == ".h5":
        import h5py

        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = json.dumps(change(json.loads(file.attrs["model_config"])))
        return
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = json.dumps(change(json.loads(members["config.json"]))).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_lambda_layer_is_held_before_it_runs(suffix, hold, tmp_path, canary):
    path = tmp_path / f"armed{suffix}"
    with_lambda(path, canary)
    keras.saving.load_model(path, safe_mode=False)
    assert canary.exists(), "the model is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError, match=r"keras\.layers\.Lambda"):
        keras.saving.load_model(path, safe_mode=False)
    assert not canary.exists()
    assert running.outcomes() == [("keras.saving.load_model", "blocked")]
    running.guard.close()
    running = hold(says=True)
    keras.saving.load_model(path, safe_mode=False)
    assert canary.exists()
    ((_, view),) = running.guard.approver.asked
    assert [row.text for listing in view.listings for row in listing.rows if "__lambda__" in row.text]
    assert running.outcomes() == [("keras.saving.load_model", "allowed")]


def test_lambda_layer_is_held_where_unsafe_deserialization_was_enabled(hold, tmp_path, canary):
    path = tmp_path / "armed.keras"
    with_lambda(path, canary)
    hold()
    keras.config.enable_unsafe_deserialization()
    try:
        with pytest.raises(ModelLoadBlockedError):
            keras.saving.load_model(path)
    finally:
        keras.src.backend.common.global_state.set_global_attribute("safe_mode_saving", None)
    assert not canary.exists()


def test_lambda_layer_in_json_is_held(hold, canary):
    model = sequential(keras.layers.Lambda(lambda x: x))
    config = json.loads(model.to_json())
    for layer in config["config"]["layers"]:
        if layer["class_name"] == "Lambda":
            layer["config"]["function"]["config"]["code"] = bytecode(canary)
    text = json.dumps(config)  # Keras changes what it is given
    keras.saving.deserialize_keras_object(json.loads(text), safe_mode=False)
    assert canary.exists(), "the configuration is not armed"
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        keras.saving.deserialize_keras_object(json.loads(text), safe_mode=False)
    assert not canary.exists()


def test_bytecode_reached_by_its_own_function_is_held(hold, canary):
    from keras.src.utils import python_utils

    hold()
    with pytest.raises(ModelLoadBlockedError):
        python_utils.func_load(bytecode(canary))


def test_bytecode_that_keras_refuses_itself_is_its_own_error(hold, tmp_path, canary):
    path = tmp_path / "armed.keras"
    with_lambda(path, canary)
    hold()
    with pytest.raises(ValueError, match="safe_mode"):
        keras.saving.load_model(path)


def test_model_with_a_lambda_layer_is_cloned_without_a_question(hold):
    model = sequential(keras.layers.Lambda(keras.activations.relu, output_shape=(72,)))
    hold()
    assert len(keras.models.clone_model(model).layers) == len(model.layers)


@pytest.mark.parametrize(
    "entry",
    [
        {"class_name": "function", "config": "system", "module": "os", "registered_name": "function"},
        {"class_name": "function", "config": "get_file", "module": "keras.utils", "registered_name": "function"},
        {"class_name": "Popen", "config": {"args": ["true"]}, "module": "subprocess", "registered_name": None},
        {"class_name": "TFSMLayer", "config": {"filepath": "saved"}, "module": "keras.layers", "registered_name": None},
        {"class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}, "module": "keras.layers"},
        {"class_name": "deserialize", "config": {"config": 1}},
    ],
    ids=lambda entry: entry["class_name"] + str(entry["config"])[:12],
)
def test_configuration_that_names_something_else_is_asked_about(entry, hold, tmp_path):
    path = tmp_path / "armed.keras"
    sequential().save(path)

    def arm(config):
        config["config"]["layers"].append(entry)
        return config

    edit(path, arm)
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        keras.saving.load_model(path)
    assert running.outcomes() == [("keras.saving.load_model", "blocked")]


def test_registered_class_of_the_person_loads_silently(hold, tmp_path):
    @keras.saving.register_keras_serializable("mine")
    class Twice(keras.layers.Layer):
        def call(self, inputs):
            return inputs * 2

    path = tmp_path / "own.keras"
    sequential(Twice()).save(path)
    running = hold()
    keras.saving.load_model(path)
    assert running.outcomes() == [("keras.saving.load_model", "loaded")]


def test_pickled_torch_module_inside_a_model_is_held(hold, tmp_path, armed, canary):
    import torch

    class Armed(torch.nn.Linear):
        def __reduce__(self):
            return armed.__reduce__()

    path = tmp_path / "armed.keras"
    layer = keras.layers.TorchModuleWrapper(torch.nn.Linear(4, 4))
    model = keras.Sequential([keras.Input((4,)), layer])
    layer.module = Armed(4, 4)
    model.save(path)
    with pytest.raises(Exception):  # noqa: B017, PT011 what comes of a number in place of a module is of no interest
        keras.saving.load_model(path, safe_mode=False)
    assert canary.exists(), "the model is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError, match=r"os\.system"):
        keras.saving.load_model(path, safe_mode=False)
    assert not canary.exists()
    assert running.outcomes() == [("keras.saving.load_model", "blocked")]


def test_configuration_that_a_class_unpacks_by_itself_is_judged_where_it_appears(hold, canary):
    @keras.saving.register_keras_serializable("unpacking")
    class Unpacking(keras.layers.Layer):
        def __init__(self, packed, **options):
            super().__init__(**options)
            self.inner = keras.saving.deserialize_keras_object(json.loads(packed), safe_mode=False)

    function = {"class_name": "__lambda__", "config": {"code": bytecode(canary), "defaults": None, "closure": None}}
    packed = json.dumps({"class_name": "Lambda", "module": "keras.layers", "config": {"name": "inner", "function": function}})
    config = {"class_name": "Unpacking", "module": "m", "registered_name": "unpacking>Unpacking", "config": {"packed": packed}}
    hold()
    with pytest.raises(ModelLoadBlockedError):
        keras.saving.deserialize_keras_object(config, safe_mode=False)


def test_bytecode_is_held_where_keras_forgets_its_safe_mode(hold, tmp_path, canary, monkeypatch):
    path = tmp_path / "armed.h5"
    with_lambda(path, canary)
    monkeypatch.setattr(keras.layers.Lambda, "_raise_for_lambda_deserialization", staticmethod(lambda safe_mode: None))
    keras.saving.load_model(path)
    assert canary.exists(), "the model is not armed"
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        keras.saving.load_model(path)
    assert not canary.exists()
