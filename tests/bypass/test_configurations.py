"""Files that are no pickles and run code all the same: YAML's tags, Keras' configurations, each with its advisory."""

import base64
import json
import marshal
import os
import zipfile

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from assembly import call, stream  # isort: skip

pytestmark = pytest.mark.filterwarnings("ignore")
NVD = "https://nvd.nist.gov/vuln/detail/"

TAGS = {
    NVD + "CVE-2017-18342": '!!python/object/apply:os.system ["touch {canary}"]',
    NVD
    + "CVE-2020-1747": "!!python/object/new:tuple [!!python/object/new:map [!!python/name:eval , [\"open('{canary}', 'w')\"]]]",
    NVD + "CVE-2020-14343": (
        "!!python/object/new:type\n  args: [z, !!python/tuple [], {{extend: !!python/name:exec }}]\n  listitems: \"open('{canary}', 'w')\""
    ),
    "a module": "!!python/module:planted_by_yaml",
    "an alias": 'a: &a !!python/name:os.system\nb: !!python/object/apply:os.system ["touch {canary}"]\nc: *a',
    "another tag handle": '%TAG ! tag:yaml.org,2002:python/\n--- !object/apply:os.system ["touch {canary}"]',
    "escaped letters": '!!python/object/apply:o%73.system ["touch {canary}"]',
    "a later document": 'a: 1\n--- \n!!python/object/apply:os.system ["touch {canary}"]',
    "a key": '? !!python/object/apply:os.system ["touch {canary}"]\n: 1',
}


@pytest.mark.parametrize("loader", ["UnsafeLoader", "Loader", "CLoader"])
@pytest.mark.parametrize("attack", TAGS)
def test_tag_of_yaml(attack, loader, hold, plainly, tmp_path, canary, monkeypatch, record_property):
    yaml = pytest.importorskip("yaml")
    if not hasattr(yaml, loader):
        pytest.skip(f"PyYAML has no {loader} here")
    record_property("reference", attack)
    (tmp_path / "planted_by_yaml.py").write_text(f"open({str(canary)!r}, 'w').close()\n")
    text = TAGS[attack].format(canary=canary)
    plainly(f"import yaml\nlist(yaml.load_all(text, yaml.{loader}))", text=text)
    assert canary.exists()
    canary.unlink()
    monkeypatch.syspath_prepend(str(tmp_path))
    hold()
    with pytest.raises(ModelLoadBlockedError):
        list(yaml.load_all(text, getattr(yaml, loader)))
    assert not canary.exists()


@pytest.fixture
def keras():
    pytest.importorskip("torch")
    os.environ.setdefault("KERAS_BACKEND", "torch")
    pytest.importorskip("h5py")
    return pytest.importorskip("keras")


def bytecode(canary):
    code = compile(f"lambda x, **_: (open({str(canary)!r}, 'w').close(), x)[1]", "layer", "eval").co_consts[0]
    return base64.b64encode(marshal.dumps(code)).decode("ascii")


def layer_config(kind, canary):
    stored = {"class_name": "__lambda__", "config": {"code": bytecode(canary), "defaults": None, "closure": None}}
    system = {"module": "builtins", "class_name": "function", "config": "system", "registered_name": "function"}
    return {
        NVD + "CVE-2024-3660": {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "l", "function": stored}},
        NVD + "CVE-2025-1550": {
            "module": "keras.layers",
            "class_name": "Lambda",
            "config": {"name": "l", "function": {**system, "module": "os"}, "arguments": {"command": f"touch {canary}"}},
        },
        NVD + "CVE-2025-8747": {
            "module": "keras.layers",
            "class_name": "Lambda",
            "config": {
                "name": "l",
                "function": {
                    "module": "keras.utils",
                    "class_name": "function",
                    "config": "get_file",
                    "registered_name": "get_file",
                },
                "arguments": {
                    "origin": "file:///etc/hostname",
                    "cache_dir": str(canary.parent),
                    "cache_subdir": "",
                    "fname": "canary",
                },
            },
        },
        NVD + "CVE-2025-9906": {
            "module": "keras.config",
            "class_name": "function",
            "config": "enable_unsafe_deserialization",
            "registered_name": "function",
        },
        NVD + "CVE-2025-12058": {
            "module": "keras.layers",
            "class_name": "StringLookup",
            "config": {"name": "l", "vocabulary": "/etc/hostname"},
        },
        NVD + "CVE-2025-49655": {
            "module": "keras.layers",
            "class_name": "TorchModuleWrapper",
            "config": {
                "name": "l",
                "module": base64.b64encode(stream(call("os:system", f"touch {canary}"))).decode(),
            },
        },
    }[kind]


KERAS = ["CVE-2024-3660", "CVE-2025-1550", "CVE-2025-8747", "CVE-2025-9906", "CVE-2025-12058", "CVE-2025-49655"]


@pytest.mark.torch
@pytest.mark.parametrize("safe", [True, False])
@pytest.mark.parametrize("number", KERAS)
def test_configuration_of_keras(number, safe, keras, hold, tmp_path, canary, record_property):
    """What Keras' safe mode closed by now it refuses in its own words; nothing of it happens, and nothing passes silently."""
    record_property("reference", NVD + number)
    path = tmp_path / "armed.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"].append(layer_config(NVD + number, canary))
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    hold()
    with pytest.raises((ModelLoadBlockedError, ValueError, TypeError)):
        keras.saving.load_model(path, safe_mode=safe)
    assert not canary.exists()
    assert keras.src.saving.serialization_lib.in_safe_mode() is not False


@pytest.mark.torch
def test_lambda_in_an_h5_file_that_no_safe_mode_covered(keras, hold, tmp_path, canary, record_property):
    import h5py

    record_property("reference", NVD + "CVE-2025-9905")
    path = tmp_path / "armed.h5"
    keras.Sequential([keras.Input((2,)), keras.layers.Lambda(abs), keras.layers.Dense(1)]).save(path)

    def arm():
        with h5py.File(path, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            for layer in config["config"]["layers"]:
                if layer["class_name"] == "Lambda":
                    stored = {"class_name": "__lambda__", "config": {"code": bytecode(canary), "defaults": None, "closure": None}}
                    layer["config"]["function"] = stored
            file.attrs["model_config"] = json.dumps(config)

    arm()
    keras.saving.load_model(path, safe_mode=False)
    assert canary.exists()
    canary.unlink()
    hold()
    with pytest.raises((ModelLoadBlockedError, ValueError)):
        keras.saving.load_model(path)
    with pytest.raises(ModelLoadBlockedError):
        keras.saving.load_model(path, safe_mode=False)
    assert not canary.exists()
