"""Libraries that unpickle for themselves: seen and told by default, held in strict mode; traffic never notices by default."""

import copyreg
import multiprocessing
import pickle
import subprocess
import sys
import types

import pytest

from jupyter_modelguard import ModelLoadBlockedError, guard, install
from jupyter_modelguard.artifacts import trusted_paths
from jupyter_modelguard.config import ModelGuardConfig, strict_by_environment
from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.hooks.scopes import LoadHeld

EARLY = (pickle.loads,)  # where no rebinding finds it
UNKNOWN = pickle.dumps(copyreg._reconstructor)  # on no list


@pytest.fixture
def library(monkeypatch):
    """A module of an installed library that bound a loader early, and reads something of its own with it."""
    place = f"{trusted_paths.trusted_roots()[0]}some_library/reading.py"
    module = types.ModuleType("some_library.reading")
    module.__file__ = place
    module.loads = EARLY[0]
    exec(compile("def read(data):\n    return loads(data)\n", place, "exec"), vars(module))
    monkeypatch.setitem(sys.modules, "some_library.reading", module)
    return module


def test_library_is_told_not_held(library, hold):
    running = hold()
    for _ in range(3):
        assert library.read(UNKNOWN) is copyreg._reconstructor
    running.guard.begin_cell()
    (line,) = running.history()
    assert (line.request.loader, line.outcome.value) == ("some_library.reading", "unguarded")
    assert line.error == "resolved copyreg._reconstructor ×3"


def test_each_cell_has_a_line(library, hold):
    running = hold()
    for _ in range(2):
        library.read(UNKNOWN)
        running.guard.begin_cell()
    running.guard.begin_cell()
    assert [line.error for line in running.history()] == ["resolved copyreg._reconstructor ×1"] * 2


def test_known_danger_is_refused_whoever_asks(library, hold, armed, canary):
    data = pickle.dumps(armed)
    library.read(data)
    canary.unlink()
    hold()
    with pytest.raises(LoadHeld):
        library.read(data)
    assert not canary.exists()


def test_strict_holds_libraries_too(library, hold):
    running = hold()
    running.guard.be_strict(True)
    with pytest.raises(LoadHeld):
        library.read(UNKNOWN)
    assert library.read(pickle.dumps([1, 2])) == [1, 2]
    running.guard.be_strict(False)
    assert library.read(UNKNOWN) is copyreg._reconstructor


def pass_through_a_pipe(value):
    receiver, sender = multiprocessing.Pipe(duplex=False)
    sender.send(value)
    return receiver.recv()


def test_traffic_is_held_in_strict_mode_alone(hold):
    running = hold()
    assert pass_through_a_pipe(copyreg._reconstructor) is copyreg._reconstructor
    assert running.history() == []
    running.guard.be_strict(True)
    with pytest.raises((LoadHeld, ModelLoadBlockedError)):
        pass_through_a_pipe(copyreg._reconstructor)


def test_status_names_what_is_not_held(library, hold):
    from jupyter_modelguard.ipython.status import facts

    running = hold()
    library.read(UNKNOWN)
    said = facts(running.guard)
    assert ("not held", "some_library.reading resolved copyreg._reconstructor ×1") in said
    assert ("some_library.reading.loads", "_pickle.loads") in running.guard.patches.bound_early()
    assert any(label == "bound early" and says.endswith("held by the audit hook alone") for label, says in said)


@pytest.fixture
def by_handle(home, monkeypatch):
    monkeypatch.setenv("MODELGUARD_HEADLESS", "deny")
    yield install
    assert guard.current() is None


def test_handle_is_strict_as_long_as_it_is_open(library, by_handle):
    with by_handle():
        with by_handle(strict=True), pytest.raises(LoadHeld):
            library.read(UNKNOWN)
        assert library.read(UNKNOWN) is copyreg._reconstructor


def test_environment_only_tightens(library, by_handle, monkeypatch):
    monkeypatch.setenv("MODELGUARD_STRICT", "1")
    with by_handle(), pytest.raises(LoadHeld):
        library.read(UNKNOWN)
    monkeypatch.setenv("MODELGUARD_STRICT", "0")
    with by_handle(strict=True), pytest.raises(LoadHeld):
        library.read(UNKNOWN)


def test_environment_that_says_neither_is_an_error(monkeypatch):
    monkeypatch.setenv("MODELGUARD_STRICT", "yes please")
    with pytest.raises(ConfigurationError, match="1 or 0"):
        strict_by_environment()


def test_setting_counts_as_soon_as_it_is_changed(library, home, monkeypatch):
    monkeypatch.setenv("MODELGUARD_HEADLESS", "deny")
    settings = ModelGuardConfig()
    guard.start(config=settings)
    try:
        assert library.read(UNKNOWN) is copyreg._reconstructor
        settings.strict = True
        with pytest.raises(LoadHeld):
            library.read(UNKNOWN)
    finally:
        guard.stop()


def test_config_magic_reaches_the_setting(home, monkeypatch):
    pytest.importorskip("IPython")
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.setenv("MODELGUARD_HEADLESS", "deny")
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(colors="nocolor")
    try:
        shell.run_line_magic("load_ext", "jupyter_modelguard")
        shell.run_line_magic("config", "ModelGuardConfig.strict = True")
        assert guard.current().strict
        shell.run_line_magic("unload_ext", "jupyter_modelguard")
    finally:
        InteractiveShell.clear_instance()


@pytest.mark.parametrize("first", ["guard", "libraries"])
def test_strict_guard_hears_its_own_process(first, home):
    """A process of its own: the thread on which the answers arrive must not take them for somebody's load."""
    numpy = "import numpy, pickle\ndata = pickle.dumps(numpy.ones(3), 2)\n"
    strict = "import jupyter_modelguard\njupyter_modelguard.install(strict=True)\n"
    script = (strict + numpy if first == "guard" else numpy + strict) + "print(pickle.loads(data).sum())"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100, check=False)
    assert run.stdout.split() == ["3.0"], run.stderr
