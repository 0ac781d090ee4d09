"""What a trace reads, keeps and skips, and the formats of torch and joblib round the pickle."""

from __future__ import annotations

import io
import pickle
import struct
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_modelguard.artifacts.copy import SKIP_AT_LEAST
from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.inspection import inspect_open
from jupyter_modelguard.engines.trace import trace_stream
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.types import RiskLevel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jupyter_modelguard.engines.verdict import StreamTrace

np = pytest.importorskip("numpy")


class Bad:
    """Would run a program."""

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.system, ("true",)


def traced(data: bytes, dialect: str = "pickle") -> StreamTrace:
    return inspect_open(trace_stream(StreamSource(data=data), dialect))


def level(data: bytes, dialect: str = "pickle") -> RiskLevel:
    return evaluate(traced(data, dialect).report).level


@pytest.mark.parametrize(
    "data", [b"", b"\x80", b"\x80\x04", b"hello world", b"\x80\x04]", pickle.dumps(list(range(99)))[:-9], b"\x80\x09N."]
)
@pytest.mark.parametrize("dialect", ["pickle", "torch", "joblib"])
def test_broken_stream_is_not_inspected(data: bytes, dialect: str) -> None:
    found = traced(data, dialect)
    assert evaluate(found.report).level is RiskLevel.UNINSPECTED
    assert found.copy is None
    assert found.report.findings[0].rule == "pickle-broken-stream"


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("skipped", [0, 1, SKIP_AT_LEAST - 1, SKIP_AT_LEAST, 3 * SKIP_AT_LEAST, 900_000])
def test_copy_is_everything_but_large_payloads(protocol: int, skipped: int) -> None:
    data = pickle.dumps([{"a": 1}, b"x" * skipped, "tail", b"y" * skipped, ["z"] * 5], protocol)
    found = traced(data + b"behind")
    copy = found.copy
    assert copy is not None
    assert copy.length == len(data)
    rebuilt = bytearray(data)
    kept = 0
    for offset, piece in copy.segments:
        assert data[offset : offset + len(piece)] == piece
        rebuilt[offset : offset + len(piece)] = piece
        kept += len(piece)
    assert copy.whole == (kept == len(data))
    gaps = bytearray(data)
    for offset, piece in copy.segments:
        gaps[offset : offset + len(piece)] = bytes(len(piece))
    assert set(gaps) <= {0, ord("x"), ord("y")}, "an opcode was skipped"
    if protocol >= 3 and skipped >= 3 * SKIP_AT_LEAST:
        assert kept < len(data)


def test_stream_in_the_middle_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    data = pickle.dumps({"a": np.zeros(3)})
    path.write_bytes(b"header" + data + b"behind")
    found = trace_stream(StreamSource(path=str(path), offset=6), "pickle")
    assert found.copy is not None
    assert found.copy.length == len(data)
    assert evaluate(found.report).level is RiskLevel.DATA_ONLY


def test_names_are_those_of_the_interpreter() -> None:
    found = traced(pickle.dumps({1}, 2))
    assert found.names == {("__builtin__", "set")}
    assert [str(use.name) for use in found.report.globals] == ["builtins.set"]


def test_large_frames_of_old_pythons_are_read() -> None:
    body = pickle.dumps({"a": ["x" * 50] * 3000, "b": list(range(60_000))}, 3)[2:]
    data = b"\x80\x04\x95" + struct.pack("<Q", len(body)) + body
    assert len(body) > 1 << 17
    assert level(data) is RiskLevel.DATA_ONLY


def test_frame_in_an_old_protocol_asks() -> None:
    body = b"]q\x00."
    assert level(b"\x80\x02\x95" + struct.pack("<Q", len(body)) + body) is RiskLevel.UNINSPECTED


def test_digest_follows_the_code_bearing_part() -> None:
    one, two = (traced(pickle.dumps([value, b"x" * 10])).report.digest for value in (1, 2))
    assert one != two
    assert len(one) == 64


# joblib


def joblib_bytes(value: Any) -> bytes:
    joblib = pytest.importorskip("joblib")
    file = io.BytesIO()
    joblib.dump(value, file)
    return file.getvalue()


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(3),
        np.zeros((300, 300)),
        np.asfortranarray(np.ones((50, 40))),
        [np.zeros(100_000), {"a": np.zeros(5)}, "tail"],
        np.array([1, "a", None], dtype=object),
        {"objects": np.array([{"a": 1}], dtype=object), "then": np.zeros(4)},
        np.zeros(0),
        np.zeros(2, [("a", "i4"), ("b", "f8")]),
    ],
    ids=["small", "large", "fortran", "several", "objects", "objects first", "empty", "records"],
)
def test_joblib_arrays_are_skipped(value: Any) -> None:
    data = joblib_bytes(value)
    found = traced(data, "joblib")
    assert evaluate(found.report).level is RiskLevel.DATA_ONLY, found.report
    assert found.copy is not None
    assert found.copy.length == len(data)


def test_payload_behind_an_array_of_joblib_asks() -> None:
    assert level(joblib_bytes([np.zeros(1000), Bad()]), "joblib") is RiskLevel.DANGEROUS
    assert level(joblib_bytes([np.array([Bad()], dtype=object)]), "joblib") is RiskLevel.DANGEROUS


def test_joblib_file_that_is_cut_off_asks() -> None:
    assert level(joblib_bytes([np.zeros(1000), 1])[:-4000], "joblib") is RiskLevel.UNINSPECTED


def test_side_file_of_old_joblib_is_dangerous() -> None:
    body = b"\x80\x02cjoblib.numpy_pickle_compat\nNDArrayWrapper\n)\x81."
    assert level(body, "joblib") is RiskLevel.DANGEROUS


# torch


def torch_bytes(value: Any, **options: Any) -> bytes:
    torch = pytest.importorskip("torch")
    file = io.BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()


def torch_values() -> dict[str, Callable[[], Any]]:
    torch = pytest.importorskip("torch")

    def model() -> Any:
        return torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.BatchNorm1d(3))

    def checkpoint() -> Any:
        made = model()
        optimizer = torch.optim.Adam(made.parameters())
        return {
            "model": made.state_dict(),
            "optimizer": optimizer.state_dict(),
            "epoch": 3,
            "dtype": torch.float16,
            "size": torch.Size([1]),
        }

    return {
        "tensor": lambda: torch.zeros(3),
        "kinds": lambda: [
            torch.zeros(2, dtype=kind) for kind in (torch.float16, torch.bfloat16, torch.int64, torch.bool, torch.complex64)
        ],
        "state": lambda: model().state_dict(),
        "parameter": lambda: torch.nn.Parameter(torch.zeros(2)),
        "checkpoint": checkpoint,
        "shared": lambda: list(torch.zeros(4).split(2)),
    }


@pytest.mark.torch
@pytest.mark.parametrize("name", ["tensor", "kinds", "state", "parameter", "checkpoint", "shared"])
@pytest.mark.parametrize("zipped", [True, False])
def test_tensors_are_silent(name: str, zipped: bool) -> None:
    data = torch_bytes(torch_values()[name](), _use_new_zipfile_serialization=zipped)
    found = traced(data, "torch")
    assert evaluate(found.report).level is RiskLevel.DATA_ONLY, found.report
    assert found.report.format == ("torch-zip" if zipped else "torch-legacy")
    assert found.copy is not None
    if zipped:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert found.copy.segments == ((0, archive.read("archive/data.pkl")),)


@pytest.mark.torch
def test_whole_model_is_silent() -> None:
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
    layer = torch.nn.TransformerEncoderLayer(8, 2)
    for value in (torch.nn.Linear(2, 2), layer, model[:1]):
        assert level(torch_bytes(value), "torch") is RiskLevel.DATA_ONLY


@pytest.mark.torch
@pytest.mark.parametrize("zipped", [True, False])
def test_payload_in_a_checkpoint_is_dangerous(zipped: bool) -> None:
    data = torch_bytes({"a": Bad()}, _use_new_zipfile_serialization=zipped)
    assert level(data, "torch") is RiskLevel.DANGEROUS


def test_plain_pickle_given_to_torch_is_reported_with_its_payload() -> None:
    assert level(pickle.dumps(Bad()), "torch") is RiskLevel.DANGEROUS


@pytest.mark.torch
def test_torchscript_is_told_apart() -> None:
    torch = pytest.importorskip("torch")
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), file)
    found = traced(file.getvalue(), "torch")
    assert found.report.format == "torchscript"
    assert evaluate(found.report).level is RiskLevel.NOTE


def archive(members: dict[str, bytes], **changes: Any) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", changes.get("method", zipfile.ZIP_STORED)) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return file.getvalue()


GOOD = {"a/data.pkl": pickle.dumps({"x": 1}, 2), "a/version": b"3\n"}


def test_archive_that_torch_would_write_is_silent() -> None:
    assert level(archive(GOOD), "torch") is RiskLevel.DATA_ONLY


def _renamed_locally(data: bytes) -> bytes:
    return data.replace(b"a/version", b"a/VERSION", 1)


def _broken_content(data: bytes) -> bytes:
    return data.replace(b"X\x01\x00\x00\x00x", b"X\x01\x00\x00\x00y", 1)


@pytest.mark.parametrize(
    "data",
    [
        archive({**GOOD, "a/constants.pkl": b""}),
        archive({**GOOD, "a/code/x.py": b""}),
        archive({**GOOD, "a/extra/code/x": b""}),
        archive({**GOOD, "b/data.pkl": b"N."}),
        archive({**GOOD, "a/DATA.PKL": b"N."}),
        archive({"a/other": b""}),
        archive(GOOD, method=zipfile.ZIP_DEFLATED),
        b"PK\x03\x04" + archive(GOOD),
        archive(GOOD)[:-30],
        _renamed_locally(archive(GOOD)),
        _broken_content(archive(GOOD)),
        b"PK\x03\x04",
    ],
    ids=[
        "constants",
        "code",
        "deep code",
        "two folders",
        "case",
        "no pickle",
        "deflated",
        "prepended",
        "cut",
        "local name",
        "checksum",
        "empty",
    ],
)
def test_archive_that_torch_would_not_write_asks(data: bytes) -> None:
    assert level(data, "torch").asks
