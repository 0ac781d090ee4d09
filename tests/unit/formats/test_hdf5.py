"""HDF5: pickles among its values, ways to other files, and weights in archives that are looked at where they lie."""

import io
import json
import os
import pickle
import zipfile

import pytest
from scanned import level, missed, rules

from jupyter_modelguard.engines.content import Content
from jupyter_modelguard.engines.formats import hdf5
from jupyter_modelguard.engines.scanner import Scanner, scan_file
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.types import RiskLevel

np = pytest.importorskip("numpy", reason="numpy is not installed")
h5py = pytest.importorskip("h5py", reason="h5py is not installed")

LAMBDA = {"class_name": "Lambda", "config": {"function": ["4wEAAA==", None, None], "function_type": "lambda"}}
MODEL = {"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {}}, LAMBDA]}}


class Touch:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.system, (f"touch {self.canary}",)


@pytest.fixture
def armed(tmp_path):
    """A stream that leaves a canary when it is loaded, and does here."""
    stream = pickle.dumps(Touch(tmp_path / "canary"))
    pickle.loads(stream)
    assert (tmp_path / "canary").exists()
    return stream


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.h5"


def test_numbers_texts_and_times_are_data(path):
    with h5py.File(path, "w") as file:
        file["numbers"] = np.ones((50, 50))
        file["packed"] = file.create_dataset("p", data=np.ones((50, 50)), chunks=(10, 10), compression="gzip")
        file["words"] = ["a sentence.", "another."]
        file["times"] = np.array(["2020-01-01"], "M8[D]").astype(h5py.opaque_dtype("M8[D]"))
        file["rows"] = np.zeros(3, [("a", "f4"), ("b", "S3")])
        file["again"] = h5py.SoftLink("/numbers")
        file["round"] = h5py.SoftLink("/")
        file["parts"] = np.array([file["numbers"].ref], dtype=h5py.ref_dtype)
        file["whole"] = file["/"]
        file.attrs["title"] = "What it is about."
        file.attrs["none"] = h5py.Empty("f4")
    report = scan_file(str(path))
    assert evaluate(report).level is RiskLevel.DATA_ONLY
    kinds = {kind for _, _, kind in report.coverage.ranges}
    assert kinds == {"inspected", "data"}


def in_opaque(file, armed):
    file["v"] = np.void(armed)


def in_opaque_attribute(file, armed):
    file.create_group("a/b").attrs["v"] = np.void(armed)


def in_opaque_field(file, armed):
    file.create_dataset("v", data=np.array([(1, np.void(armed))], dtype=[("n", "i4"), ("o", f"V{len(armed)}")]))


def in_array_of_bytes(file, armed):
    file["v"] = np.frombuffer(armed, "u1")


def in_bytes_of_varying_length(file, armed):
    values = file.create_dataset("v", (2,), dtype=h5py.vlen_dtype(np.uint8))
    values[1] = np.frombuffer(armed, "u1")


def in_text_attribute(file, armed):
    file["numbers"] = [1.0]
    file["numbers"].attrs["v"] = np.bytes_(protocol_0(armed))


def protocol_0(armed):
    command = armed.partition(b"touch ")[2].partition(b"\x94")[0].decode()
    return pickle.dumps(Touch(command), 0)


def declared_as_objects(file, armed):
    values = file.create_dataset("v", (1,), dtype=h5py.vlen_dtype(np.uint8))
    values[0] = np.frombuffer(protocol_0(armed)[:-1] + b".\n", "u1")
    values.attrs["PSEUDOATOM"] = np.bytes_("object")


def in_user_block(file, armed):
    file["v"] = [1.0]


@pytest.mark.parametrize(
    "put",
    [
        in_opaque,
        in_opaque_attribute,
        in_opaque_field,
        in_array_of_bytes,
        in_bytes_of_varying_length,
        in_text_attribute,
        declared_as_objects,
        in_user_block,
    ],
)
def test_pickle_is_found(path, armed, put):
    with h5py.File(path, "w", userblock_size=512 if put is in_user_block else 0) as file:
        put(file, armed)
    if put is in_user_block:
        with path.open("r+b") as file:
            file.write(armed)
    assert level(path) is RiskLevel.DANGEROUS


def elsewhere_by_link(file):
    file["v"] = h5py.ExternalLink("/etc/other.h5", "/a")


def elsewhere_by_storage(file):
    file.create_dataset("v", (10,), dtype="u1", external=[("/etc/passwd", 0, 10)])


def elsewhere_virtually(file):
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "a", (3,))
    file.create_group("deep").create_virtual_dataset("v", layout)


@pytest.mark.parametrize("put", [elsewhere_by_link, elsewhere_by_storage, elsewhere_virtually])
def test_way_to_another_file_is_told(path, put):
    with h5py.File(path, "w") as file:
        put(file)
    assert rules(path) == {"hdf5-outside"}
    assert level(path) is RiskLevel.RUNS_CODE


def test_filter_that_needs_a_plugin_is_a_note(path):
    with h5py.File(path, "w") as file:
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_chunk((10,))
        settings.set_filter(32001, h5py.h5z.FLAG_OPTIONAL, (1,))
        h5py.h5d.create(file.id, b"v", h5py.h5t.NATIVE_FLOAT, h5py.h5s.create_simple((10,)), settings)
    assert level(path) is RiskLevel.NOTE


def test_text_before_a_file_is_looked_at_and_what_follows_it_is_not_inspected(path):
    with h5py.File(path, "w", userblock_size=512) as file:
        file["v"] = [1.0]
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(512))
    assert level(path) is RiskLevel.DATA_ONLY
    with path.open("ab") as file:
        file.write(b"more of something else")
    assert "belong to nothing" in missed(path)


@pytest.mark.parametrize("name", ["model_config", "training_config"])
def test_lambda_of_an_older_model_is_told_with_its_place(path, name):
    with h5py.File(path, "w") as file:
        file.attrs[name] = json.dumps(MODEL)
    (finding,) = scan_file(str(path)).findings
    assert finding.rule == "keras-config"
    assert finding.location == f"{name}: config.config.layers[1]"


def test_cut_and_broken_files_are_not_inspected(path):
    with h5py.File(path, "w") as file:
        file["v"] = np.ones(1000)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert level(path) is RiskLevel.UNINSPECTED
    path.write_bytes(whole[:40] + os.urandom(200) + whole[240:])
    assert level(path) is RiskLevel.UNINSPECTED


def test_without_h5py_nothing_is_called_clean(path, monkeypatch):
    with h5py.File(path, "w") as file:
        file["v"] = [1.0]
    monkeypatch.setattr(hdf5.importlib.util, "find_spec", lambda name: None)
    assert "h5py is not installed" in missed(path)


def test_weights_in_an_archive_are_not_unpacked(tmp_path, armed):
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        file["layers/dense/vars/0"] = np.ones(100_000, "f4")
    path = tmp_path / "m.keras"
    config = {"module": "keras", "class_name": "Sequential", "config": {"layers": []}}

    def write(data):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("metadata.json", "{}")
            archive.writestr("config.json", json.dumps(config))
            archive.writestr("model.weights.h5", data)

    write(weights.getvalue())
    report = Scanner(unpacked=10_000).scan(Content.of_file(str(path)))
    assert evaluate(report).level is RiskLevel.DATA_ONLY
    with h5py.File(weights, "r+") as file:
        file["layers/dense/vars/1"] = np.void(armed)
    write(weights.getvalue())
    report = Scanner(unpacked=10_000).scan(Content.of_file(str(path)))
    assert evaluate(report).level is RiskLevel.DANGEROUS
    assert any(finding.location.startswith("model.weights.h5") for finding in report.findings)
