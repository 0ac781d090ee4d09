"""A call that imports: code that nobody agreed to does not run by any of the ways past the import system, honest calls go on."""

import concurrent.futures
import contextlib
import hashlib
import importlib
import importlib.machinery
import importlib.util
import py_compile
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.hooks.floor import FLOOR
from jupyter_modelguard.hooks.named import guard_call
from jupyter_modelguard.hooks.passage import Passage
from jupyter_modelguard.hooks.patches import Patches
from jupyter_modelguard.hooks.remote_code import ask_about_code, guard_code_call
from jupyter_modelguard.hooks.row import GuardedFunction
from jupyter_modelguard.hooks.scopes import LoadHeld, Mode, Scope, thread_state
from jupyter_modelguard.testing import FakeGate
from jupyter_modelguard.types import CodeFile

from ways_to_run import FROM_SOURCE, WAYS, exec_its_text, import_it  # isort: skip


@pytest.fixture
def gate():
    gate = FakeGate()
    FLOOR.open(frozenset(), lambda *_: False, lambda *_: None)
    patches = Patches(gate)
    patches.install()
    yield gate
    patches.restore()
    FLOOR.close()
    assert thread_state.scope is None


@pytest.fixture
def evil(tmp_path, canary):
    folder = tmp_path / "repository"
    folder.mkdir()
    path = folder / "evil.py"
    path.write_text(f"'''A model.'''\n\nfrom pathlib import Path\n\nPath({str(canary)!r}).touch()\n")
    return path


@pytest.mark.parametrize("way", WAYS)
def test_code_beside_a_model_runs_outside_a_call(way, gate, evil, canary):
    way(evil)
    assert canary.exists()


@pytest.mark.parametrize("way", WAYS)
def test_code_beside_a_model_is_held_in_a_call(way, gate, evil, canary):
    with pytest.raises(LoadHeld), Scope(Mode.CALL, label="from_pretrained"):
        way(evil)
    assert not canary.exists()


@pytest.mark.parametrize("way", FROM_SOURCE)
def test_approved_bytes_run(way, gate, evil, canary):
    content = evil.read_bytes()
    files = {hashlib.sha256(content).hexdigest(): content}
    with Scope(Mode.CALL, files=files, label="from_pretrained"):
        way(evil)
    assert canary.exists()


def test_changed_bytes_do_not_run(gate, evil, canary):
    content = evil.read_bytes()
    evil.write_bytes(content + b"\n# changed\n")
    with pytest.raises(LoadHeld), Scope(Mode.CALL, files={hashlib.sha256(content).hexdigest(): content}):
        import_it(evil)
    assert not canary.exists()


def test_refusal_that_is_swallowed_ends_the_call_all_the_same(gate, evil, canary):
    def swallow():
        with Scope(Mode.CALL), contextlib.suppress(BaseException):
            exec_its_text(evil)

    with pytest.raises(LoadHeld):
        swallow()
    assert not canary.exists()


def planted_bytecode(tmp_path, canary):
    """A clean source, and bytecode of another one in its place that never looks at it."""
    folder = tmp_path / "approved"
    folder.mkdir()
    clean = folder / "clean_module.py"
    armed = tmp_path / "armed.py"
    armed.write_text(f"from pathlib import Path\n\nPath({str(canary)!r}).touch()\nNAME = 'armed'\n")
    clean.write_text("NAME = 'clean'\n")
    py_compile.compile(
        armed,
        importlib.util.cache_from_source(str(clean)),
        str(clean),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    return clean


def imported(path):
    spec = importlib.util.spec_from_file_location("clean_module", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.NAME


def test_bytecode_cache_of_a_repository_is_ignored_in_a_call_and_later(gate, tmp_path, canary):
    clean = planted_bytecode(tmp_path, canary)
    assert imported(clean) == "armed"
    canary.unlink()
    content = clean.read_bytes()
    with Scope(Mode.CALL, files={hashlib.sha256(content).hexdigest(): content}):
        assert imported(clean) == "clean"
    assert imported(clean) == "clean"
    assert not canary.exists()


INSTALLERS = [["/no/python", "-m", "pip", "install", "evil"], ["/no/uv", "pip", "install", "evil"], ["/no/conda", "install", "x"]]


@pytest.mark.parametrize("command", INSTALLERS)
def test_installers_do_not_run_in_a_call(command, gate):
    with pytest.raises(FileNotFoundError):
        subprocess.Popen(command)
    with pytest.raises(LoadHeld, match="installs packages"), Scope(Mode.CALL):
        subprocess.Popen(command)


def test_honest_processes_and_generated_code_pass_in_a_call(gate, tmp_path):
    (tmp_path / "config.json").write_text('{"a": [1, 2]}')
    with Scope(Mode.CALL, label="from_pretrained"):
        Path(tmp_path / "config.json").read_text()
        exec("value = {'a': [1, 2]}", namespace := {})
        subprocess.run([sys.executable, "-I", "-c", "'pip'"], check=True)
    assert namespace["value"] == {"a": [1, 2]}


# -- threads ----------------------------------------------------------------------------------------------------------------------------


def test_proved_load_starts_no_thread(gate):
    ran = []
    with pytest.raises(LoadHeld), Scope(Mode.PROVED):
        threading.Thread(target=ran.append, args=(1,)).start()
    assert not ran


def test_proved_load_submits_nothing(gate):
    with concurrent.futures.ThreadPoolExecutor(1) as pool, pytest.raises(LoadHeld), Scope(Mode.PROVED):
        pool.submit(int).result()


@pytest.mark.parametrize("mode", [Mode.APPROVED, Mode.CALL])
def test_threads_of_a_load_work_under_its_scope(mode, gate):
    seen = []
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with Scope(mode) as scope:
            thread = threading.Thread(target=lambda: seen.append(thread_state.scope))
            thread.start()
            thread.join()
            pool.submit(lambda: seen.append(thread_state.scope)).result()
            list(pool.map(lambda _: seen.append(thread_state.scope), [1]))
        pool.submit(lambda: seen.append(thread_state.scope)).result()  # a thread of the pool keeps nothing
    assert seen == [scope, scope, scope, None]


def test_subclass_of_thread_works_and_lets_go(gate):
    class Worker(threading.Thread):
        def run(self):
            self.found = thread_state.scope

    with Scope(Mode.CALL) as scope:
        worker = Worker()
        worker.start()
        worker.join()
    assert worker.found is scope
    assert "run" not in vars(worker)


# -- calls in calls ---------------------------------------------------------------------------------------------------------------------


def checkpoint_of(gate, inside):
    """A call that runs the person's own classes, as Lightning's does, with another call in it."""
    return GuardedFunction(inside, guard_call(Passage(gate), "load_from_checkpoint", holds_code=False))


def inner_calls(gate, work):
    passage = Passage(gate)
    return {
        "a repository's": GuardedFunction(work, guard_code_call(passage, "from_pretrained", "name")),
        "a configuration's": GuardedFunction(work, guard_call(passage, "Config.fromfile")),
    }


@pytest.mark.parametrize("kind", ["a repository's", "a configuration's"])
def test_call_inside_one_of_the_persons_own_classes_holds_code(kind, gate, evil, canary):
    inner = inner_calls(gate, lambda _name: import_it(evil))[kind]
    with pytest.raises(ModelLoadBlockedError):
        checkpoint_of(gate, inner)("x")
    assert not canary.exists()


def test_persons_own_classes_import_what_they_like(gate, evil, canary):
    inner = inner_calls(gate, lambda _name: None)["a repository's"]

    def inside(name):
        inner(name)
        import_it(evil)

    checkpoint_of(gate, inside)("x")
    assert canary.exists()


def test_what_was_agreed_to_once_runs_in_a_later_call_of_the_same_outer_call(gate, evil, canary):
    gate.approve = True
    content = evil.read_bytes()
    files = (CodeFile("evil.py", hashlib.sha256(content).hexdigest(), content),)

    def work(_name):
        ask_about_code(Passage(gate), "from_pretrained", "hf:a/b", files, lambda: import_it(evil))

    inner = inner_calls(gate, work)["a repository's"]

    def inside(name):
        inner(name)
        canary.unlink()
        inner(name)

    checkpoint_of(gate, inside)("x")
    assert canary.exists()
    assert gate.kinds().count("code") == 1
