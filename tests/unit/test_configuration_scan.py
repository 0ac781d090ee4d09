"""The scan says of files that name what they call what a load would be asked about, and never calls one clean that was not read."""

import json
import pickle
import zipfile

import pytest

from jupyter_modelguard.engines.scanner import scan_file
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.policy.keras_config import judge_keras_config
from jupyter_modelguard.types import RiskLevel

DENSE = {
    "module": "keras",
    "class_name": "Sequential",
    "config": {"layers": [{"module": "keras.layers", "class_name": "Dense", "config": {"units": 3, "activation": "relu"}}]},
}
LAMBDA = {"module": "keras.layers", "class_name": "Lambda", "config": {"function": {"class_name": "__lambda__", "config": {}}}}


def level(path):
    return evaluate(scan_file(str(path))).level


def names(config):
    return {str(use.name) for use in judge_keras_config(config)[0]}


def keras_file(path, config, **members):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps(config))
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_keras_archive_of_plain_layers_is_data(tmp_path):
    assert level(keras_file(tmp_path / "m.keras", DENSE, **{"model.weights.h5": b"numbers"})) is RiskLevel.DATA_ONLY


def test_keras_archive_with_a_lambda_layer_runs_code(tmp_path):
    config = {**DENSE, "config": {"layers": [LAMBDA]}}
    assert level(keras_file(tmp_path / "m.keras", config)) is RiskLevel.RUNS_CODE


def test_what_else_lies_in_a_keras_archive_is_looked_at(tmp_path):
    armed = b"cos\nsystem\n(S'true'\ntR."
    assert level(keras_file(tmp_path / "m.keras", DENSE, **{"data.pkl": pickle.dumps(1)})) is RiskLevel.DATA_ONLY
    assert level(keras_file(tmp_path / "m.keras", DENSE, **{"assets/words.txt": armed})) is RiskLevel.DANGEROUS
    assert level(keras_file(tmp_path / "m.keras", DENSE, **{"data.bin": b"\x00\x01\x02"})) is RiskLevel.UNINSPECTED


@pytest.mark.parametrize(
    "entry",
    [
        {"class_name": "function", "module": "os", "config": "system"},
        {"class_name": "function", "module": "builtins", "config": "x.y"},
        {"class_name": "Dense", "module": "keras.utils", "config": {}},
        {"class_name": "Dense", "module": "keras_evil.layers", "config": {}},
        {"class_name": "Dense.mro", "module": "keras.layers", "config": {}},
        {"class_name": "load_model", "module": "keras.models", "config": {"filepath": "other.keras"}},
        {"class_name": "function", "module": "keras.losses", "config": "deserialize"},
        {"class_name": "function", "module": "keras.src.losses.losses", "config": "deserialize_keras_object"},
        {"class_name": "function", "module": "keras.src.activations", "config": "serialization_lib"},
        {"class_name": "function", "module": "keras.ops", "config": "map"},
        {"class_name": "function", "module": "builtins", "config": "eval"},
        {"class_name": "function", "module": None, "config": "exec"},
        {"class_name": "TextVectorization", "module": "keras.layers", "config": {"vocabulary": "http://host/words"}},
        {"class_name": "TFOpLambda", "config": {"function": "io.write_file"}},
        {"class_name": "Lambda", "config": {"function": ["4wEAAA==", None, None], "function_type": "lambda"}},
        {"class_name": "__typespec__", "spec_name": "x", "module": "y", "registered_name": "z", "config": []},
    ],
    ids=lambda entry: f"{entry.get('module')}.{entry['class_name']}",
)
def test_what_is_none_of_kerases_own_numbers_is_named(entry):
    assert names({**DENSE, "config": {"layers": [{"wrapped": [entry]}]}})


@pytest.mark.parametrize(
    ("module", "name"),
    [("builtins", "relu"), ("builtins", "mse"), (None, "swish"), ("keras.ops", "matmul"), ("keras.src.losses.losses", "hinge")],
)
def test_functions_that_compute_are_data(module, name):
    assert not names({**DENSE, "config": {"activation": {"class_name": "function", "module": module, "config": name}}})


def test_registered_names_are_the_persons_own_code():
    config = {"class_name": "Mine", "module": "project.layers", "registered_name": "mine>Mine", "config": {}}
    assert names(config)
    assert not judge_keras_config(config, lambda name: name == "mine>Mine")[0]


def test_configuration_that_is_nested_too_deeply_is_not_clean():
    config = {}
    for _ in range(3000):
        config = {"a": config}
    assert judge_keras_config(config)[2]


def test_legacy_keras_file(tmp_path):
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(DENSE)
        file["model_weights/dense"] = [1.0, 2.0]
    assert level(path) is RiskLevel.DATA_ONLY
    with h5py.File(path, "r+") as file:
        file["model_weights/elsewhere"] = h5py.ExternalLink("/etc/other.h5", "/secret")
    assert level(path) is RiskLevel.RUNS_CODE
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({**DENSE, "config": {"layers": [LAMBDA]}})
    assert level(path) is RiskLevel.RUNS_CODE


def test_documents_with_tags(tmp_path):
    pytest.importorskip("yaml", reason="PyYAML is not installed")
    path = tmp_path / "settings.yaml"
    path.write_text("width: 3\ncall: !!python/object/apply:os.system ['true']\n")
    assert level(path) is RiskLevel.DANGEROUS
    path.write_text("width: 3\nname: !!python/name:mine.function\n")
    assert level(path) is RiskLevel.RUNS_CODE
    path.write_text("width: 3\nshape: !!python/tuple [1, 2]\n")
    assert level(path) is RiskLevel.DATA_ONLY
    path.write_text("width: [3\nshape: !!python/tuple [1, 2]\n")
    assert level(path) is RiskLevel.UNINSPECTED
    path.write_text(json.dumps({"a": {"py/reduce": [{"py/type": "os.system"}]}}))
    assert level(path) is RiskLevel.DANGEROUS


def test_pickle_that_poses_as_a_document_is_judged_as_both(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_bytes(b"S'!!python/tuple'\n0cos\nsystem\n(S'true'\ntR.")
    assert level(path) is RiskLevel.DANGEROUS
