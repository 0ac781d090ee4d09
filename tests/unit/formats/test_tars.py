"""Tars: old ones are known without a mark, configurations in them are judged, and what stands behind the members belongs to nothing."""

import collections
import contextlib
import io
import os
import pickle
import struct
import tarfile

import pytest

from jupyter_modelguard.engines.byte_ranges import complete
from jupyter_modelguard.engines.content import Content
from jupyter_modelguard.engines.scanner import Scanner
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.types import RiskLevel

FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)


def tar(text, form=tarfile.PAX_FORMAT, mode="w"):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode, format=form) as archive:
        member = tarfile.TarInfo("model_config.yaml")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    return made.getvalue()


def report(data):
    content = Content.of_bytes(data)
    return complete(Scanner().scan(content), content.size)


def level(data):
    return evaluate(report(data)).level


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_configuration_of_an_archive_of_nemo_is_judged(form, mode):
    honest = b"target: nemo.collections.asr.models.EncDecCTCModel\nnemo_version: 1.0\n"
    assert level(tar(honest, form, mode)) is RiskLevel.NOTE
    assert level(tar(b"preprocessor:\n  _target_: os.system\n", form, mode)) is RiskLevel.DANGEROUS


def test_tar_from_before_there_was_a_mark():
    data = bytearray(tar(b"_target_: os.system\n", tarfile.USTAR_FORMAT))
    data[257:512] = bytes(255)
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    assert level(bytes(data)) is RiskLevel.DANGEROUS


def test_bytes_behind_the_members_belong_to_nothing():
    assert level(tar(b"a: 1\n")) is RiskLevel.DATA_ONLY
    assert level(tar(b"a: 1\n") + b"hidden") is RiskLevel.UNINSPECTED


class Attack:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch '{self.path}'",)


def old_torch(attack=None, place=""):
    """Write what torch 0.1 wrote: two storages, two tensors, and a dictionary of them."""
    torch = pytest.importorskip("torch")

    def pickled(name, value):
        return pickle.dumps(Attack(attack) if name == place else value, 2)

    storages = pickle.dumps(2, 2)
    for number, values in enumerate(([1.0, 2.0, 3.0, 4.0], [5.0, 6.0])):
        storages += pickled(f"storage {number}", (number, "cpu", torch.FloatStorage))
        storages += struct.pack(f"<q{len(values)}f", len(values), *values)
    storages += pickled("views", [(9, 0, 1, 2)])
    tensors = pickle.dumps(2, 2)
    for number, (shape, strides) in enumerate([((2, 2), (2, 1)), ((2,), (1,))]):
        tensors += pickled(f"tensor {number}", (20 + number, number, torch.FloatTensor))
        tensors += struct.pack(f"<ii{2 * len(shape) + 1}q", len(shape), 0, *shape, *strides, 0)

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            return str(value) if type(value) is int else None

    made = io.BytesIO()
    Pickler(made, 2).dump(collections.OrderedDict(a=20, b=21, c=Attack(attack) if place == "pickle" else None))
    members = {"sys_info": pickle.dumps({}), "pickle": made.getvalue(), "storages": storages, "tensors": tensors}
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return made.getvalue()


@pytest.mark.torch
def test_tar_of_an_old_torch_names_what_it_is_made_of(tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "old.pt"
    path.write_bytes(old_torch())
    assert torch.load(path, weights_only=False)["a"].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    found = report(path.read_bytes())
    assert {"torch.FloatStorage", "torch.FloatTensor"} <= {str(use.name) for use in found.globals}
    assert evaluate(found).level is RiskLevel.UNINSPECTED


@pytest.mark.torch
@pytest.mark.parametrize("place", ["storage 0", "storage 1", "views", "tensor 0", "tensor 1", "pickle"])
def test_attack_between_the_numbers_of_an_old_torch(tmp_path, place):
    torch = pytest.importorskip("torch")
    path = tmp_path / "old.pt"
    path.write_bytes(old_torch(str(tmp_path / "canary"), place))
    with contextlib.suppress(Exception):  # what it made is no tensor
        torch.load(path, weights_only=False)
    assert (tmp_path / "canary").exists()
    found = report(path.read_bytes())
    assert evaluate(found).level is RiskLevel.DANGEROUS
    member = {"views": "storages", "pickle": "pickle"}.get(place, f"{place[:-2]}s")
    assert member in {item.location.split(",")[0] for item in found.findings if item.rule == "pickle-dangerous-global"}


@pytest.mark.parametrize("size", [-1, 1 << 62])
def test_numbers_of_an_old_torch_that_lie_end_in_a_report(size):
    data = old_torch()
    place = data.index(struct.pack("<q2f", 2, 5.0, 6.0))
    assert level(data[:place] + struct.pack("<q", size) + data[place + 8 :]).asks
