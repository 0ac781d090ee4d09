"""Scans of torch's packages and exported programs: never clean when a load of them would ask."""

import io
import json
import os
import pickle
import zipfile

import pytest

from jupyter_modelguard.engines.scanner import scan_file
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.types import RiskLevel


class Bad:
    def __reduce__(self):
        return os.system, ("true",)


GRAPH = {
    "graph_module": {
        "graph": {
            "inputs": [{"as_tensor": {"name": "input"}}],
            "nodes": [{"target": "torch.ops.aten.relu.default", "metadata": {"stack_trace": "f(x) = 'y'"}, "name": "relu"}],
            "tensor_values": {"input": {"sizes": [{"as_expr": {"expr_str": "Symbol('s31', integer=True)"}}]}},
        }
    },
    "guards_code": ["L['x'].size()[0] == 4"],
}


def level(tmp_path, members):
    path = tmp_path / "archive.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"archive/{name}", content)
    report = scan_file(str(path))
    return evaluate(report).level


def package(tmp_path, **members):
    return level(tmp_path, {".data/extern_modules": "", **members})


def program(tmp_path, text, **members):
    return level(tmp_path, {"archive_format": "pt2", "models/model.json": text, **members})


def test_honest_package_and_program_are_data(tmp_path):
    members = {"weights/w.pkl": pickle.dumps({"w": 1}), "weights/note.txt": "hello", "weights/__init__.py": ""}
    assert package(tmp_path, **members) is RiskLevel.DATA_ONLY
    assert program(tmp_path, json.dumps(GRAPH)) is RiskLevel.DATA_ONLY


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_pickle_in_a_package_or_program(tmp_path, protocol):
    stream = pickle.dumps(Bad(), protocol)
    assert package(tmp_path, **{"weights/w.pkl": stream}) is RiskLevel.DANGEROUS
    assert program(tmp_path, "{}", **{"data/constants/opaque_obj_0": stream}) is RiskLevel.DANGEROUS


def test_code_in_a_package(tmp_path):
    assert package(tmp_path, **{"acme/things.py": "x = 1"}).asks
    assert package(tmp_path, **{".data/ts_code/code/__torch__.py": "class A(Module):\n  pass\n"}).asks


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"name": "input"', '"name": "input=print(1)"'),
        ('{"input": {"sizes"', '{"input=print(1)": {"sizes"'),
        ("Symbol('s31', integer=True)", "print(1)"),
        ("L['x'].size()[0] == 4", "print(1)"),
        ("torch.ops.aten.relu.default", "torch.hub.load"),
        ("{", "["),
    ],
)
def test_text_of_a_program(tmp_path, old, new):
    text = json.dumps(GRAPH)
    assert old in text
    assert program(tmp_path, text.replace(old, new, 1)).asks


def test_compiled_program(tmp_path):
    assert program(tmp_path, "{}", **{"data/aotinductor/model/model.so": b"\x7fELF"}).asks


def test_members_that_share_a_name(tmp_path):
    path = tmp_path / "archive.pt2"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("archive/archive_format", "pt2")
        archive.writestr("archive/models/a.json", "{}")
        archive.writestr("archive/models/b.json", "{}")
    path.write_bytes(made.getvalue().replace(b"models/b.json", b"models/a.json"))
    report = scan_file(str(path))
    assert evaluate(report).level.asks


def test_local_header_with_another_name(tmp_path):
    path = tmp_path / "archive.pt2"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("archive/archive_format", "pt2")
        archive.writestr("archive/models/a.json", "{}")
    path.write_bytes(made.getvalue().replace(b"models/a.json", b"models/b.json", 1))
    report = scan_file(str(path))
    assert evaluate(report).level.asks
