"""Rows of libraries that are not installed here, on stand-ins with the names that those libraries have."""

import importlib
import pickle
import sys

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

READS_PICKLES = "import pickle\ndef {name}({first}path):\n    with open(path, 'rb') as file:\n        return pickle.load(file)\n"
IMPORTS_A_FILE = """
import importlib.util
def {name}({first}path):
    spec = importlib.util.spec_from_file_location('stranger', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
"""
IMPORTS_A_FOLDER = """
import importlib, sys
def {name}(folder):
    sys.path.insert(0, folder)
    return importlib.import_module('strangers_model')
"""
READS_A_LIBRARY = "def {name}({first}path):\n    with open(path) as file:\n        exec(file.read())\n"


@pytest.fixture
def library(tmp_path, monkeypatch):
    """Make a module of that name; a dotted attribute becomes a class with that method."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    made = []

    def make(module, attribute, source):
        place = folder
        *packages, last = module.split(".")
        for package in packages:
            place /= package
            place.mkdir(exist_ok=True)
            (place / "__init__.py").touch()
        owner, _, name = attribute.rpartition(".")
        text = source.format(name=name, first="cls, " if owner else "")
        if owner:
            text += f"\nclass {owner}:\n    {name} = classmethod({name})\n"
        (place / f"{last}.py").write_text(text)
        made.append(module.partition(".")[0])
        importlib.invalidate_caches()
        importlib.import_module(module)

        def call(*args):
            found = sys.modules[module]
            for part in attribute.split("."):  # looked up anew, because each guard puts its own in place
                found = getattr(found, part)
            return found(*args)

        return call

    yield make
    for name in [name for name in sys.modules if name.partition(".")[0] in {*made, "stranger", "strangers_model"}]:
        sys.modules.pop(name)


def absent(module):
    if importlib.util.find_spec(module.partition(".")[0]) is not None:
        pytest.skip(f"{module} is installed; its own test holds it")


def assert_asked_about(make, argument, hold, canary):
    """Held where nobody answers, and run where a person agrees, so that the stand-in does run something."""
    running = hold()
    load = make()
    with pytest.raises(ModelLoadBlockedError):
        load(argument)
    assert not canary.exists()
    running.guard.close()
    running = hold(says=True)
    load(argument)
    assert canary.exists(), "the stand-in runs nothing"
    return running


READERS = {
    ("fastai.learner", "load_learner"): "fastai.load_learner",
    ("flair.nn.model", "Model.load"): "flair.Model.load",
    ("nemo.core.classes.modelPT", "ModelPT.restore_from"): "nemo.ModelPT.restore_from",
    ("ultralytics.nn.tasks", "torch_safe_load"): "ultralytics.YOLO",
    ("timm.models._helpers", "load_state_dict"): "timm.load_checkpoint",
    ("peft.utils.save_and_load", "load_peft_weights"): "peft.load_peft_weights",
    ("hickle.hickle", "load"): "hickle.load",
    ("mlflow.pyfunc", "load_model"): "mlflow.pyfunc.load_model",
}


@pytest.mark.parametrize("place", READERS, ids=".".join)
def test_reader_of_pickles_is_held_in_its_own_name(place, library, hold, armed_pickle, canary, tmp_path):
    absent(place[0])
    (tmp_path / "honest.pkl").write_bytes(pickle.dumps({"weights": [1.5]}))
    running = hold()
    load = library(*place, READS_PICKLES)
    assert load(str(tmp_path / "honest.pkl")) == {"weights": [1.5]}
    with pytest.raises(ModelLoadBlockedError, match=r"os\.system"):
        load(str(armed_pickle))
    assert not canary.exists()
    assert running.outcomes() == [(READERS[place], "loaded"), (READERS[place], "blocked")]


@pytest.mark.parametrize(
    ("module", "attribute"),
    [
        ("onnxruntime.capi.onnxruntime_pybind11_state", "SessionOptions.register_custom_ops_library"),
        ("tensorflow.python.framework.load_library", "load_op_library"),
        ("tensorflow.python.saved_model.load", "load"),
        ("kernels.utils", "get_kernel"),
        ("kernels.utils", "get_locked_kernel"),
        ("kernels.utils", "load_kernel"),
        ("kernels.utils", "get_local_kernel"),
        ("kernels.load", "get_kernel"),
        ("kernels.load", "get_locked_kernel"),
        ("kernels.load", "load_kernel"),
        ("kernels.load", "get_local_kernel"),
        ("modelscope.utils.plugins", "install_module_from_requirements"),
    ],
)
def test_what_nobody_can_look_into_is_asked_about(module, attribute, library, hold, tmp_path, canary):
    absent(module)
    path = tmp_path / "strange.so"
    path.write_text(f"open({str(canary)!r}, 'w').close()")
    running = assert_asked_about(lambda: library(module, attribute, READS_A_LIBRARY), str(path), hold, canary)
    assert [outcome for _, outcome in running.outcomes()] == ["allowed"]


@pytest.mark.parametrize(
    ("module", "attribute"),
    [("modelscope.utils.plugins", "import_module_from_model_dir"), ("mlflow.utils.model_utils", "_add_code_to_system_path")],
)
def test_folder_of_code_is_asked_about(module, attribute, library, hold, tmp_path, canary, monkeypatch):
    absent(module)
    monkeypatch.setattr(sys, "path", list(sys.path))
    folder = tmp_path / "strangers"
    folder.mkdir()
    (folder / "strangers_model.py").write_text(f"open({str(canary)!r}, 'w').close()")
    assert_asked_about(lambda: library(module, attribute, IMPORTS_A_FOLDER), str(folder), hold, canary)


def test_script_of_a_metric_is_asked_about(library, hold, tmp_path, canary, monkeypatch):
    absent("evaluate")
    (tmp_path / "strangers_model.py").write_text(f"open({str(canary)!r}, 'w').close()")
    monkeypatch.syspath_prepend(str(tmp_path))
    source = "import importlib\ndef {name}(path):\n    importlib.import_module(path)\n"
    assert_asked_about(lambda: library("evaluate.loading", "import_main_class", source), "strangers_model", hold, canary)


@pytest.mark.parametrize(
    ("module", "attribute"),
    [
        ("modelscope.utils.config", "Config._file2dict"),
        ("mlflow.models.utils", "_load_model_code_path"),
        ("mmcv.utils.config", "Config._file2dict"),
    ],
)
def test_file_of_code_is_asked_about(module, attribute, library, hold, tmp_path, canary):
    absent(module)
    path = tmp_path / "stranger.py"
    path.write_text(f"open({str(canary)!r}, 'w').close()")
    assert_asked_about(lambda: library(module, attribute, IMPORTS_A_FILE), str(path), hold, canary)
