"""Native code that is replaced between the look and the load."""

import ctypes
import io
import shutil
import subprocess

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.hooks.gate import Permit

torch = pytest.importorskip("torch", reason="libraries of operators are torch's")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


def library(path, canary):
    """Build a native library that leaves a canary as soon as it is loaded."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler here")
    touch = "" if canary is None else f'fclose(fopen("{canary}", "w"));'
    source = path.with_suffix(".c")
    source.write_text(f"#include <stdio.h>\n__attribute__((constructor)) void begin(void) {{ {touch} }}\n")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", path, source], check=True)
    return path


@pytest.fixture
def agreed(hold, monkeypatch):
    """Say yes to whatever is asked about, and do something else meanwhile."""

    def arrange(meanwhile):
        made = hold()
        asked = []

        def check(request, artifact, *_):
            asked.append(artifact)
            meanwhile()
            return Permit("", approved=True)

        monkeypatch.setattr(made, "check_named", check)
        monkeypatch.setattr(made, "settle", lambda *_: None)
        return asked

    return arrange


def test_library_is_loaded_as_it_was_shown(agreed, tmp_path, canary):
    honest, armed = library(tmp_path / "operators.so", None), library(tmp_path / "armed.so", canary)
    ctypes.CDLL(str(shutil.copy(armed, tmp_path / "another.so")))
    assert canary.exists(), "the library is not armed"
    canary.unlink()
    asked = agreed(lambda: armed.replace(honest))
    torch.ops.load_library(str(honest))
    assert len(asked) == 1
    assert not canary.exists()


def test_two_libraries_of_one_name_are_two(agreed, tmp_path, canary):
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    first, second = library(folders[0] / "operators.so", None), library(folders[1] / "operators.so", canary)
    agreed(lambda: None)
    torch.ops.load_library(str(first))
    torch.ops.load_library(str(second))
    assert canary.exists()


def test_file_object_is_shown_with_its_digest(agreed):
    asked = agreed(lambda: None)
    with pytest.raises(RuntimeError):
        torch.jit.jit_module_from_flatbuffer(io.BytesIO(b"no flatbuffer"))
    assert asked[0].size == len(b"no flatbuffer")


def test_library_that_nobody_agreed_to_is_not_loaded(hold, tmp_path, canary):
    armed = library(tmp_path / "operators.so", canary)
    hold()
    with pytest.raises(ModelLoadBlockedError):
        torch.ops.load_library(str(armed))
    assert not canary.exists()
