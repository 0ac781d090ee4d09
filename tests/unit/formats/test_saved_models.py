"""TensorFlow's SavedModels, as TensorFlow 2.21 exported them; each of those that write something was seen to do so."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from messages import field, group
from scanned import level, missed, rules

from jupyter_modelguard.engines.scanner import scan_file
from jupyter_modelguard.types import RiskLevel

MODELS = Path(__file__).parents[2] / "shared" / "saved_models"


def node(name, operator, *inputs, **settings):
    data = field(1, name) + field(2, operator) + b"".join(field(3, one) for one in inputs)
    for key, value in settings.items():
        data += field(5, field(1, key) + field(2, value))
    return field(1, data)


def text(value):
    """Give the attributes of a constant."""
    return {"value": field(8, field(1, 7) + field(8, value)), "dtype": field(6, 7)}


def saved(*nodes, functions=(), objects=b"", behind=b""):
    library = field(2, b"".join(field(1, one) for one in functions)) if functions else b""
    return field(1, 1) + field(2, field(2, b"".join(nodes) + library) + objects) + behind


def function(name, *nodes, arguments=()):
    signature = field(1, name) + b"".join(field(2, field(1, one) + field(3, 7)) for one in arguments)
    return field(1, signature) + b"".join(field(3, one[2 + (one[1] > 0x7F) :]) for one in nodes)


@pytest.fixture
def written(tmp_path):
    def write(data):
        path = tmp_path / "saved_model.pb"
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize("name", ["vocabulary", "version_1", "prints"])
def test_honest_models_are_data_with_all_their_files(name):
    files = [path for path in (MODELS / name).rglob("*") if path.is_file()]
    assert files
    assert {level(path) for path in files} == {RiskLevel.DATA_ONLY}


def test_reading_what_the_caller_names_is_a_note():
    assert level(MODELS / "reads_what_the_caller_names" / "saved_model.pb") is RiskLevel.NOTE


@pytest.mark.parametrize(
    ("name", "rule", "risk"),
    [
        ("writes_a_file", "tensorflow-file-write", RiskLevel.DANGEROUS),
        ("writes_a_joined_path", "tensorflow-file-write", RiskLevel.DANGEROUS),
        ("prints_to_a_file", "tensorflow-file-write", RiskLevel.RUNS_CODE),
        ("debugs_to_a_file", "tensorflow-file-write", RiskLevel.RUNS_CODE),
        ("saves_elsewhere", "tensorflow-file-write", RiskLevel.RUNS_CODE),
        ("reads_a_file", "tensorflow-file-read", RiskLevel.RUNS_CODE),
        ("reads_lines", "tensorflow-file-read", RiskLevel.RUNS_CODE),
        ("lists_files", "tensorflow-file-read", RiskLevel.RUNS_CODE),
        ("calls_python", "tensorflow-python", RiskLevel.RUNS_CODE),
    ],
)
def test_graphs_that_reach_for_more_are_told(name, rule, risk):
    path = MODELS / name / "saved_model.pb"
    assert rules(path) == {rule}
    assert level(path) is risk


@pytest.mark.parametrize(
    ("name", "canary"),
    [
        ("writes_a_file", "canary_write"),
        ("writes_a_joined_path", "canary_joined"),
        ("prints_to_a_file", "canary_print"),
        ("saves_elsewhere", "canary_save.index"),
    ],
)
def test_real_loader_leaves_the_canary(tmp_path, name, canary):
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("TensorFlow is not installed")
    shutil.copytree(MODELS / name, tmp_path / "model")
    call = "import tensorflow as tf; tf.saved_model.load('model')(tf.constant(1.))"
    subprocess.run([sys.executable, "-c", call], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / canary).exists()


def test_paths_are_followed_through_functions_and_what_they_are_bound_to(written):
    reads = node("r", "ReadFile", "path")
    body = function("f", reads, arguments=["path"])
    called = node("call", "PartitionedCall", "c", f=field(10, field(1, "f")))
    constant = node("c", "Const", **text("/etc/passwd"))
    assert level(written(saved(constant, called, functions=[body]))) is RiskLevel.RUNS_CODE
    given = node("c", "Placeholder", dtype=field(6, 7))
    assert level(written(saved(given, called, functions=[body]))) is RiskLevel.NOTE
    objects = field(1, field(9, field(1, "c")))
    bound = field(7, objects + field(2, field(1, "f") + field(2, field(2, b"\x00"))))
    assert level(written(saved(constant, functions=[body], objects=bound))) is RiskLevel.RUNS_CODE


def test_graphs_of_older_versions_are_read_too(written):
    nodes = node("c", "Const", **text("/tmp/x")) + node("w", "WriteFile", "c", "c")
    assert level(written(nodes)) is RiskLevel.DANGEROUS
    assert level(written(field(2, nodes))) is RiskLevel.DANGEROUS


def test_variables_saved_to_a_fixed_place_are_told_even_beside_one_that_is_given(written):
    given = node("p", "Placeholder") + node("c", "Const", **text("../../x"))
    joined = node("j", "StringJoin", "c", "p") + node("s", "SaveV2", "j")
    assert rules(written(saved(given + joined))) == {"tensorflow-file-write"}
    assert not rules(written(saved(node("p", "Placeholder") + node("s", "SaveV2", "p"))))


def test_asset_outside_the_folder_is_told(written):
    asset = field(6, field(1, field(1, "c:0")) + field(2, "../../../etc/passwd"))
    assert rules(written(saved(node("c", "Const", **text("x")), objects=asset))) == {"tensorflow-file-read"}


def test_vocabulary_from_a_variable_that_is_set_twice_is_told(written):
    asset = field(6, field(1, field(1, "a:0")) + field(2, "words.txt"))
    nodes = node("a", "Placeholder") + node("v", "VarHandleOp") + node("s", "AssignVariableOp", "v", "a", dtype=field(6, 7))
    nodes += node("r", "ReadVariableOp", "v") + node("t", "InitializeTableFromTextFileV2", "table", "r")
    assert level(written(saved(nodes, objects=asset))) is RiskLevel.DATA_ONLY
    other = node("c", "Const", **text("/etc/passwd")) + node("z", "AssignVariableOp", "v", "c", dtype=field(6, 7))
    assert level(written(saved(nodes + other, objects=asset))) is RiskLevel.RUNS_CODE


def test_operator_that_tensorflow_does_not_have_is_a_note(written):
    assert level(written(saved(node("x", "SomebodysOp")))) is RiskLevel.NOTE


def test_operator_that_stands_twice_is_seen_twice(written):
    twice = field(1, field(1, "w") + field(2, "WriteFile") + field(2, "NoOp") + field(3, "c"))
    assert "tensorflow-file-write" in rules(written(saved(node("c", "Const", **text("/x")), twice)))
    split = saved(node("c", "Const", **text("/x"))) + field(2, field(2, node("w", "WriteFile", "c", "c")))
    assert "tensorflow-file-write" in rules(written(split))


def overlong(data):
    """Write the first tag of some fields with bits that every reader drops."""
    return bytes([data[0] | 0x80, 0x80, 0x80, 0x80, 0x20]) + data[1:]


@pytest.mark.parametrize(
    "nodes",
    [
        node("c", "Const", value=field(8, field(1, 7) + field(4, b"\x02/x")), dtype=field(6, 7)) + node("r", "ReadFile", "c"),
        node("c", "Const", value=field(8, field(1, 7 + (1 << 32)) + field(4, b"\x02/x"))) + node("r", "ReadFile", "c"),
        node("c", "Const") + node("r", "ReadFile", "c"),
        node("r", "ReadFile", "nobody"),
        node("p", "PrintV2", "c", output_stream=field(9, "set_by_the_caller")),
        overlong(node("c", "Const", **text("/x"))) + overlong(node("r", "ReadFile", "c")),
    ],
    ids=["packed texts", "packed texts of a large number", "no text", "no input", "attribute of a caller", "overlong tags"],
)
def test_paths_that_are_hidden_are_told(written, nodes):
    assert level(written(saved(nodes))) is RiskLevel.RUNS_CODE


@pytest.mark.parametrize(
    "before",
    [field(900, "x"), group(900, field(1, 1)), field(2, "junk") * 5000, field(9, 1) * 1000],
    ids=["field", "group", "no message", "many fields"],
)
def test_nothing_before_a_model_hides_it(written, before):
    nodes = node("c", "Const", **text("/x")) + node("w", "WriteFile", "c", "c")
    assert level(written(before + saved(nodes))).asks


def test_many_small_findings_hide_no_great_one(written):
    small = b"".join(node(f"x{number}", f"SomebodysOp{number}") + node(f"r{number}", "ReadFile", "p") for number in range(200))
    nodes = node("p", "Placeholder") + small + node("c", "Const", **text("/x")) + node("w", "WriteFile", "c", "c")
    assert level(written(saved(nodes))) is RiskLevel.DANGEROUS


def test_columns_of_noughts_are_text_and_no_model(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("0\n" * 20_000)
    assert level(path) is RiskLevel.DATA_ONLY


def test_what_the_format_does_not_have_is_not_inspected(written):
    assert level(written(saved(node("x", "NoOp"), behind=field(77, "x")))) is RiskLevel.UNINSPECTED
    assert level(written(saved(node("x", "NoOp"), behind=group(9, b"")))) is RiskLevel.UNINSPECTED


def test_keras_lambda_kept_beside_a_model_is_told(tmp_path):
    made = {"class_name": "Lambda", "config": {"function": {"class_name": "__lambda__", "config": {"code": "4wE="}}}}
    kept = {"class_name": "Mine", "config": {"units": 3}, "registered_name": "Mine"}
    path = tmp_path / "keras_metadata.pb"
    for tree, risk in ((made, RiskLevel.RUNS_CODE), (kept, RiskLevel.DATA_ONLY)):
        path.write_bytes(field(1, field(2, 1) + field(3, "root") + field(4, "_tf_keras_layer") + field(5, json.dumps(tree))))
        assert level(path) is risk


def test_model_written_as_text_is_not_inspected(tmp_path):
    path = tmp_path / "saved_model.pbtxt"
    path.write_text("# a comment\n" * 1000 + 'meta_graphs { graph_def { node { name: "w" op: "WriteFile" } } }')
    assert "written as text" in missed(path)


def test_variables_without_their_index_are_not_inspected(tmp_path):
    for name in ("variables.index", "variables.data-00000-of-00001"):
        shutil.copy(MODELS / "version_1" / "variables" / name, tmp_path)
    data = tmp_path / "variables.data-00000-of-00001"
    assert scan_file(str(data)).format == "tensors"
    data.write_bytes(data.read_bytes() + b"more behind")
    assert level(data) is RiskLevel.UNINSPECTED
    (tmp_path / "variables.index").unlink()
    assert level(data) is RiskLevel.UNINSPECTED


def test_index_behind_something_else_vouches_for_itself_alone(tmp_path):
    index = (MODELS / "version_1" / "variables" / "variables.index").read_bytes()
    path = tmp_path / "variables.index"
    path.write_bytes(index[:-48] + b"\xf0" * 500 + index[-48:])
    assert level(path) is RiskLevel.UNINSPECTED
