"""Keras' configurations: in archives, in folders and as text, and in every way that JSON can be written."""

import json
import zipfile

import pytest
from scanned import level, rules

from jupyter_modelguard.engines.scanner import scan_file
from jupyter_modelguard.types import RiskLevel

DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 3}, "registered_name": None}
LAMBDA = {"module": "keras.layers", "class_name": "Lambda", "config": {"function": {"class_name": "__lambda__", "config": {}}}}


def model(*layers, kind="Sequential"):
    return {"module": "keras", "class_name": kind, "config": {"name": "m", "layers": list(layers)}, "registered_name": None}


def archive(path, config):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("metadata.json", "{}")
        file.writestr("config.json", config if isinstance(config, (str, bytes)) else json.dumps(config))
    return path


def nested(layer, depth):
    for _ in range(depth):
        layer = model(DENSE, layer)
    return layer


@pytest.mark.parametrize("depth", [1, 3, 12])
def test_lambda_is_found_at_any_depth_and_its_place_is_told(tmp_path, depth):
    report = scan_file(str(archive(tmp_path / "m.keras", nested(LAMBDA, depth))))
    lambdas = [finding for finding in report.findings if "Lambda" in finding.title]
    assert lambdas
    assert lambdas[0].location.startswith("config.json: config.config.layers[1]")


@pytest.mark.parametrize(
    "layer",
    [
        {"module": "os", "class_name": "system", "config": {}, "registered_name": None},
        {**DENSE, "module": "builtins", "class_name": "eval"},
        {**DENSE, "module": "mine.layers", "registered_name": "Custom>Dense"},
        {**DENSE, "class_name": "TFSMLayer", "config": {"filepath": "/tmp/x"}},
        {**DENSE, "class_name": "TorchModuleWrapper", "module": "keras.src.utils.torch_utils"},
        {**DENSE, "config": {"activation": {"module": "os", "class_name": "function", "config": "system"}}},
        {**DENSE, "build_config": {"input_shape": {"class_name": "__lambda__", "config": {}}}},
        {**DENSE, "compile_config": {"loss": {"module": "subprocess", "class_name": "function", "config": "run"}}},
    ],
    ids=lambda layer: f"{layer['module']}.{layer['class_name']}",
)
def test_what_is_not_of_keras_is_told_in_archives_and_as_text(tmp_path, layer):
    config = nested(layer, 2)
    assert rules(archive(tmp_path / "m.keras", config)) == {"keras-config"}
    text = tmp_path / "config.json"
    text.write_text(json.dumps(config))
    assert rules(text) == {"keras-config"}


def test_honest_configuration_as_text_is_data(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(model(DENSE, DENSE)))
    assert level(path) is RiskLevel.DATA_ONLY


def test_other_documents_that_speak_of_classes_are_data(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"class_name": "os.system", "version": 3, "_class_name": "UNet"}))
    assert level(path) is RiskLevel.DATA_ONLY


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_encodings_hide_nothing(tmp_path, encoding):
    data = json.dumps(nested(LAMBDA, 1)).encode(encoding)
    assert level(archive(tmp_path / "m.keras", data)) is not RiskLevel.DATA_ONLY
    path = tmp_path / "config.json"
    path.write_bytes(data)
    assert level(path) is not RiskLevel.DATA_ONLY


def test_escapes_hide_nothing(tmp_path):
    text = json.dumps(nested(LAMBDA, 1)).replace("class_name", "class\\u005fname")
    path = tmp_path / "config.json"
    path.write_text(text)
    assert rules(path) == rules(archive(tmp_path / "m.keras", text)) == {"keras-config"}


def test_of_keys_that_stand_twice_the_last_counts_as_it_does_for_keras(tmp_path):
    honest, armed = json.dumps(DENSE), json.dumps(LAMBDA)
    frame = '{"module": "keras", "class_name": "Sequential", "config": {"layers": [%s], "layers": [%s]}}'
    assert level(archive(tmp_path / "a.keras", frame % (honest, armed))) is RiskLevel.RUNS_CODE
    assert level(archive(tmp_path / "b.keras", frame % (armed, honest))) is RiskLevel.DATA_ONLY


@pytest.mark.parametrize(
    "text",
    [
        '{"class_name": ' + "9" * 5000 + "}",
        "[" * 100_000,
        "",
        "{]",
        '{"class_name": "Sequential", "config": ' + "[" * 5000 + "]" * 5000 + "}",
    ],
    ids=["huge number", "open brackets", "nothing", "no JSON", "deep"],
)
def test_what_json_cannot_read_is_not_inspected(tmp_path, text):
    assert level(archive(tmp_path / "m.keras", text)) is RiskLevel.UNINSPECTED
