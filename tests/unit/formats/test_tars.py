"""Tars: old ones are known without a mark, configurations in them are judged, and what stands behind the members belongs to nothing."""

import io
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


def level(data):
    content = Content.of_bytes(data)
    return evaluate(complete(Scanner().scan(content), content.size)).level


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
