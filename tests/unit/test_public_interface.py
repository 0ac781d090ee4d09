"""The names that others rely on: all there, lazily, under both module names."""

import pickle
import subprocess
import sys

import pytest

import jupyter_modelguard
from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.types import RiskLevel


class Command:
    """Pickles as a command, and is only ever scanned."""

    def __reduce__(self):
        import os

        return os.system, ("true",)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps([1, 2]))
    (tmp_path / "armed.bin").write_bytes(pickle.dumps(Command()))
    (tmp_path / "odd.xyz").write_bytes(b"\x00of no known format")
    return tmp_path


def test_every_exported_name_is_there_under_both_modules():
    import modelguard

    assert sorted(modelguard.__all__) == sorted(jupyter_modelguard.__all__)
    for name in jupyter_modelguard.__all__:
        assert getattr(modelguard, name) is getattr(jupyter_modelguard, name)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = jupyter_modelguard.no_such_name


def test_importing_the_package_imports_nothing_heavy():
    heavy = ("sqlalchemy", "fickling", "anywidget", "ipywidgets", "rich", "loky", "numpy", "torch", "transformers")
    code = (
        f"import sys, modelguard, jupyter_modelguard.ipython.extension; print([name for name in {heavy} if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_file_is_scanned_as_one_report(folder):
    assert jupyter_modelguard.assess(jupyter_modelguard.scan(folder / "plain.pkl")).level is RiskLevel.DATA_ONLY
    assert jupyter_modelguard.assess(jupyter_modelguard.scan(str(folder / "armed.bin"))).level is RiskLevel.DANGEROUS
    assert jupyter_modelguard.assess(jupyter_modelguard.scan(folder / "odd.xyz")).level is RiskLevel.UNINSPECTED


def test_folder_is_one_report_that_says_which_file(folder):
    report = jupyter_modelguard.scan(folder)
    assert jupyter_modelguard.assess(report).level is RiskLevel.DANGEROUS
    assert [finding.location for finding in report.findings] == [f"{folder / 'armed.bin'}, byte 28"]
    assert report.coverage.parts == 3
    assert report.coverage.missed == (f"{folder / 'odd.xyz'}: its content is of no format that is known here",)


def test_nothing_to_scan_says_what_to_do(tmp_path):
    with pytest.raises(ScanError, match="Give the path"):
        jupyter_modelguard.scan(tmp_path / "missing.pkl")


def test_block_is_guarded_and_the_last_handle_restores(tmp_path, monkeypatch):
    from jupyter_modelguard import config

    monkeypatch.setenv("MODELGUARD_HOME", str(tmp_path / "home"))
    config.home.cache_clear()
    plain = pickle.loads
    try:
        with jupyter_modelguard.guarded():
            with jupyter_modelguard.install(), pytest.raises(jupyter_modelguard.ModelLoadBlockedError) as blocked:
                pickle.loads(pickle.dumps(Command()))
            assert pickle.loads is not plain
    finally:
        config.home.cache_clear()
    assert pickle.loads is plain
    assert blocked.value.assessment.level is RiskLevel.DANGEROUS
    assert len(blocked.value.record_id) == 8
