"""What the guard cannot do, each shown: a test that fails here is a gap that closed, and moves to where the others are."""

import os
import pickle
import subprocess
import sys

import pytest

from jupyter_modelguard.hooks.scopes import Suspended

from assembly import call, stream  # isort: skip

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


class Writer:
    def run(self):
        open(self.path, "w").close()


@pytest.fixture
def payload(canary):
    return stream(call("builtins:open", str(canary), "w"))


def test_code_that_already_runs_can_undo_it(hold, payload, canary):
    hold()
    with Suspended():
        pickle.loads(payload).close()
    assert canary.exists()


def test_later_method_calls_do_what_the_data_says(hold, in_notebook, canary):
    """The load of plain attributes is silent; what the user's own method then does with them is the user's."""
    in_notebook(Writer)
    data = b"\x80\x04c__main__\nWriter\n)\x81}X\x04\x00\x00\x00pathX" + len(str(canary)).to_bytes(4, "little")
    data += str(canary).encode() + b"sb."
    hold()
    loaded = pickle.loads(data)
    assert not canary.exists()
    loaded.run()
    assert canary.exists()


class Caller:
    def __init__(self, callback):
        self.callback = callback

    def __repr__(self):
        self.callback()
        return "shown"


class Callback:
    def __call__(self):
        open(self.path, "w").close()


def test_so_does_showing_it(hold, in_notebook, canary):
    """The user's own class keeps something that it calls when it is shown, and the file decides what that does."""
    in_notebook(Caller, Callback)
    callback = Callback()
    callback.path = str(canary)
    data = pickle.dumps(Caller(callback))
    hold()
    loaded = pickle.loads(data)
    assert not canary.exists()
    repr(loaded)
    assert canary.exists()


def test_spawned_children_are_not_guarded(hold, payload, canary, tmp_path):
    hold()
    (tmp_path / "data").write_bytes(payload)
    command = [sys.executable, "-c", "import pickle, sys; pickle.load(open(sys.argv[1], 'rb'))", str(tmp_path / "data")]
    subprocess.run(command, check=True, timeout=60)
    assert canary.exists()


def test_early_names_of_other_libraries_are_held_by_known_dangers_alone(hold):
    """A library that bound `loads` before the guard: what no list calls dangerous passes, and is recorded."""
    import enum
    import types

    loads = pickle.loads
    library = types.ModuleType("some_library")
    exec(compile("def read(loads, data): return loads(data)", enum.__file__, "exec"), vars(library))
    hold()
    assert library.read(loads, b"\x80\x04cfunctools\npartial\n.").__name__ == "partial"


def test_constructors_of_ones_own_count_as_ones_own_code(hold, canary):
    """A YAML loader that the user's own code taught to call something does call it, and nobody is asked."""
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

    class Taught(yaml.SafeLoader):
        pass

    Taught.add_constructor("!touch", lambda loader, node: open(loader.construct_scalar(node), "w").close())
    hold()
    yaml.load(f"!touch {canary}", Loader=Taught)
    assert canary.exists()


def test_classes_registered_with_keras_count_as_ones_own_code(hold, canary, tmp_path, monkeypatch):
    """A layer that the user's own code registered builds itself from what the file says, and nobody is asked."""
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    pytest.importorskip("torch", reason="Keras computes with torch here")
    keras = pytest.importorskip("keras", reason="Keras is not installed")

    @keras.saving.register_keras_serializable(package="gap")
    class Touching(keras.layers.Layer):
        def __init__(self, path=None, **options):
            super().__init__(**options)
            self.place = path
            if path:
                open(path, "w").close()

        def get_config(self):
            return {**super().get_config(), "path": self.place}

    model = keras.Sequential([keras.Input((2,)), Touching(path=str(canary))])
    model.save(tmp_path / "model.keras")
    canary.unlink()
    hold()
    keras.saving.load_model(tmp_path / "model.keras")
    assert canary.exists()


STARTS = """
import sys
import pickle, jupyter_modelguard
jupyter_modelguard.install()
sys.path.insert(0, "")  # as IPython has it
try:
    pickle.loads({data!r})
except BaseException as error:
    print(type(error).__name__)
"""


def test_module_beside_the_notebook_stands_in_for_a_library_that_is_imported_later(tmp_path):
    """As Python has it for every import, the guard's own included; the process that reads strangers' bytes never imports it."""
    (tmp_path / "loky.py").write_text("open('canary', 'w').close()\nraise ImportError\n")
    program = STARTS.format(data=stream(call("builtins:print", "x")))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "MODELGUARD_HOME": str(tmp_path / "home")}
    (tmp_path / "home").mkdir(mode=0o700)
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["ModelLoadBlockedError"], done.stderr
    assert (tmp_path / "canary").exists()
