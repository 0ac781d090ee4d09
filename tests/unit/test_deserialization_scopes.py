"""Inside a proved load everything is refused that honest loads do not need; the innermost scope alone unwinds."""

import gc
import os
import subprocess
import sys

import pytest

from jupyter_modelguard.hooks.floor import FLOOR
from jupyter_modelguard.hooks.scopes import LoadHeld, Mode, Scope, Unproved, thread_state


@pytest.fixture(autouse=True)
def floor():
    FLOOR.open(frozenset(), lambda *_: False, lambda *_: None)
    yield
    FLOOR.close()
    assert thread_state.scope is None


class Plain:
    pass


def function():
    return 1


def other():
    return 2


ACTS = {
    "setattr of code": lambda folder: setattr(function, "__code__", other.__code__),
    "setattr of bases": lambda folder: setattr(Plain, "__bases__", Plain.__bases__),
    "delattr of defaults": lambda folder: delattr(function, "__defaults__"),
    "write": lambda folder: open(folder / "canary", "w"),  # noqa: SIM115
    "read elsewhere": lambda folder: open(folder / "secret"),  # noqa: SIM115
    "exec": lambda folder: exec("1"),
    "eval": lambda folder: eval("1"),
    "process": lambda folder: subprocess.run([sys.executable, "-c", ""], check=False),
    "system": lambda folder: os.system("true"),
    "listening": lambda folder: __import__("socket").socket(),
    "frames": lambda folder: sys.settrace(None),
    "objects": lambda folder: gc.get_objects(),
    "remove": lambda folder: os.remove(folder / "secret"),
}


@pytest.mark.parametrize("act", ACTS)
def test_what_no_honest_load_does_is_refused(act, tmp_path):
    (tmp_path / "secret").write_text("x")
    with pytest.raises(LoadHeld), Scope(Mode.PROVED):
        ACTS[act](tmp_path)
    assert not (tmp_path / "canary").exists()
    assert (tmp_path / "secret").exists()
    assert function() == 1


def test_code_may_be_compiled_and_not_run(tmp_path):
    with Scope(Mode.PROVED):
        code = compile("1 + 1", f"{os.__file__}", "exec")
    with pytest.raises(LoadHeld), Scope(Mode.PROVED):
        exec(code)  # it claims a file of the standard library


def test_artifact_is_read_and_not_written(tmp_path):
    artifact = tmp_path / "model.pkl"
    artifact.write_text("x")
    with Scope(Mode.PROVED, artifact=str(artifact)), open(artifact, "rb") as file:
        assert file.read() == b"x"
    with pytest.raises(LoadHeld), Scope(Mode.PROVED, artifact=str(artifact)):
        open(artifact, "r+b")  # noqa: SIM115


def test_final_refusal_marks_every_scope_around_it():
    outer = Scope(Mode.CALL)

    def swallow():
        with outer:
            try:
                with Scope(Mode.PROVED):
                    sys.settrace(None)
            except LoadHeld:
                pass

    with pytest.raises(LoadHeld):
        swallow()
    assert outer.refusals


def test_unwinding_marks_the_innermost_scope_alone():
    outer = Scope(Mode.CALL)
    inner = Scope(Mode.PROVING)

    def unwind():
        with inner:
            raise inner.unwind("a.b")

    with outer, pytest.raises(Unproved):
        unwind()
    assert inner.refusals
    assert not outer.refusals
