"""ONNX models: what their tensors and operators reach for, in whatever way they are written."""

import os

import pytest
from messages import field, group
from scanned import level, missed, rules

from jupyter_modelguard.engines.scanner import scan_file
from jupyter_modelguard.types import RiskLevel

NODE = field(1, "x") + field(2, "y") + field(4, "Relu")


def pair(key, value):
    return field(1, key) + field(2, value)


def tensor(location, **others):
    described = b"".join(field(13, pair(key, str(value))) for key, value in {"location": location, **others}.items())
    return field(1, 2) + field(2, 1) + field(8, "w") + described + field(14, 1)


def model(*, nodes=(NODE,), tensors=(), behind=b"", functions=()):
    graph = b"".join(field(1, node) for node in nodes) + field(2, "g") + b"".join(field(5, one) for one in tensors)
    return field(1, 8) + field(7, graph) + field(8, field(2, 17)) + b"".join(field(25, one) for one in functions) + behind


@pytest.fixture
def written(tmp_path):
    def write(data):
        path = tmp_path / "folder" / "model.onnx"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return path

    return write


def test_model_of_plain_operators_is_data(written):
    assert level(written(model())) is RiskLevel.DATA_ONLY


def test_tensor_beside_the_model_is_data_and_so_is_its_file(written):
    path = written(model(tensors=[tensor("w.bin", offset=64, length=8)]))
    (path.parent / "w.bin").write_bytes(bytes(64) + b"\xf1\xf2\xf3\xf4\x01\x02\x03\x04")
    assert level(path) is RiskLevel.DATA_ONLY
    assert level(path.parent / "w.bin") is RiskLevel.DATA_ONLY
    (path.parent / "w.bin").write_bytes(b"\xf7\x01" * 32 + bytes(8))
    assert level(path.parent / "w.bin") is RiskLevel.UNINSPECTED  # what no tensor names


def test_native_library_is_never_data_because_a_model_names_it(written):
    path = written(model(tensors=[tensor("w.bin")]))
    (path.parent / "w.bin").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(64))
    assert level(path.parent / "w.bin") is RiskLevel.UNINSPECTED


@pytest.mark.parametrize(
    "location",
    [
        "/etc/passwd",
        "../outside.bin",
        "sub/../../outside.bin",
        "..\\outside.bin",
        "C:\\secret",
        "\\\\host\\share",
        "file:///etc/passwd",
        "*/_ORT_MEM_ADDR_/*",
        "w.bin\x00/../../x",
    ],
)
def test_tensor_outside_the_folder_is_told(written, location):
    path = written(model(tensors=[tensor(location)]))
    assert rules(path) == {"onnx-external-data"}
    assert level(path) is RiskLevel.RUNS_CODE


def test_more_files_than_are_looked_for_are_not_inspected(written):
    tensors = [tensor(f"{number}.bin") for number in range(10_002)]
    assert "more than 10,000 files" in missed(written(model(tensors=[*tensors, tensor("/etc/passwd")])))


def test_tensor_behind_a_link_out_of_the_folder_is_told(written, tmp_path):
    path = written(model(tensors=[tensor("w.bin")]))
    (tmp_path / "secret").write_bytes(bytes(8))
    os.symlink(tmp_path / "secret", path.parent / "w.bin")
    assert rules(path) == {"onnx-external-data"}


def test_links_of_a_hub_cache_are_its_own(tmp_path):
    snapshot = tmp_path / "models--a--b" / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    blobs = tmp_path / "models--a--b" / "blobs"
    blobs.mkdir()
    (blobs / "m").write_bytes(model(tensors=[tensor("w.bin")]))
    (blobs / "w").write_bytes(bytes(8))
    os.symlink("../../blobs/m", snapshot / "model.onnx")
    os.symlink("../../blobs/w", snapshot / "w.bin")
    assert level(snapshot / "model.onnx") is RiskLevel.DATA_ONLY


@pytest.mark.parametrize(
    "described",
    [
        field(13, pair("location", "w.bin")) + field(13, pair("location", "/etc/passwd")),
        field(13, field(1, "x") + field(1, "location") + field(2, "w.bin") + field(2, "/etc/passwd")),
        field(13, field(2, "/etc/passwd") + field(1, "location")),
        field(13, pair("basepath", "/etc") + b""),
        field(13, pair("__class__", "x")),
    ],
    ids=["twice", "each twice", "value first", "base path", "an attribute of Python's"],
)
def test_odd_descriptions_of_a_tensor_are_seen_through(written, described):
    assert rules(written(model(tensors=[field(8, "w") + described + field(14, 1)]))) == {"onnx-external-data"}


@pytest.mark.parametrize("kind", ["attribute", "subgraph", "function", "sparse", "second graph", "training"])
def test_tensors_are_found_wherever_they_are(written, kind):
    one = tensor("/etc/passwd")
    constant = field(2, "y") + field(4, "Constant") + field(5, field(1, "value") + field(5, one))
    data = {
        "attribute": model(nodes=[constant]),
        "subgraph": model(nodes=[field(4, "If") + field(5, field(1, "then") + field(6, field(1, constant)))]),
        "function": model(functions=[field(1, "F") + field(10, "mine") + field(7, constant)]),
        "sparse": model(nodes=[field(4, "Constant") + field(5, field(1, "v") + field(22, field(1, one)))]),
        "second graph": model(behind=field(7, field(5, one))),
        "training": model(behind=field(20, field(2, field(1, constant)))),
    }[kind]
    assert rules(written(data)) == {"onnx-external-data"}


def test_operators_of_other_domains_are_a_note_unless_the_model_brings_them(written):
    custom = field(4, "Odd") + field(7, "somebody.ops")
    assert level(written(model(nodes=[NODE, custom]))) is RiskLevel.NOTE
    assert level(written(model(nodes=[custom], functions=[field(1, "Odd") + field(10, "somebody.ops") + field(7, NODE)]))) is (
        RiskLevel.DATA_ONLY
    )
    assert level(written(model(nodes=[field(4, "Gelu") + field(7, "com.microsoft")]))) is RiskLevel.DATA_ONLY


def test_many_small_findings_hide_no_great_one(written):
    nodes = [field(4, f"Odd{number}") + field(7, "somebody.ops") for number in range(200)]
    assert level(written(model(nodes=nodes, tensors=[tensor("/etc/passwd")]))) is RiskLevel.RUNS_CODE


@pytest.mark.parametrize(("operator", "rule"), [("PyOp", "onnx-python-operator"), ("EPContext", "opaque-code")])
def test_operators_that_run_other_code_are_told(written, operator, rule):
    path = written(model(nodes=[field(4, operator) + field(7, "com.microsoft")]))
    assert rule in rules(path)
    assert level(path) is RiskLevel.RUNS_CODE


def test_what_the_format_does_not_have_is_not_inspected(written):
    assert "field 99" in missed(written(model(behind=field(99, b"something"))))
    assert level(written(model(behind=group(50, field(1, 1))))) is RiskLevel.UNINSPECTED
    assert level(written(group(50, field(1, 1)) + model(tensors=[tensor("/etc/passwd")]))) is RiskLevel.UNINSPECTED
    assert level(written(model() + b"\x00")) is RiskLevel.UNINSPECTED
    assert level(written(model()[:-1])) is RiskLevel.UNINSPECTED


def test_graphs_nested_without_end_are_not_inspected(written):
    node = NODE
    for _ in range(300):
        node = field(4, "If") + field(5, field(1, "then") + field(6, field(1, node)))
    assert "nested too deeply" in missed(written(model(nodes=[node])))


def test_model_written_as_text_is_still_a_model(written):
    """Every byte is one that text may have, so that the file passes for text as well."""
    location = b"".join([field(13, pair("location", "/etc/passwd" + " " * 30))])
    graph = field(5, field(8, "w" * 40) + location)
    data = field(1, 8).replace(b"\x08\x08", b"\x08\x28") + field(7, graph + field(2, "g" * 40))
    assert "onnx-external-data" in rules(written(data))


def test_real_models_of_the_format_are_data_and_the_library_refuses_what_is_told(tmp_path):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    helper = onnx.helper
    value = helper.make_tensor_value_info("x", 1, [2])
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])], "g", [value], [helper.make_tensor_value_info("y", 1, [2])]
    )
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph), path)
    assert level(path) is RiskLevel.DATA_ONLY
    graph.initializer.append(onnx.TensorProto(name="w", data_type=1, dims=[2], data_location=onnx.TensorProto.EXTERNAL))
    graph.initializer[0].external_data.add(key="location", value="../w.bin")
    onnx.save(helper.make_model(graph), path)
    assert rules(path) == {"onnx-external-data"}
    with pytest.raises(onnx.checker.ValidationError):
        onnx.load(path)
    assert scan_file(str(path)).format == "onnx"
