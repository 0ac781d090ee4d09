"""Loaders that a guarded process's child may use first: each brings the guard, or is held by what brought it."""

import os
import subprocess
import sys

import pytest

from jupyter_modelguard.children import start_up_line

FIRST = {
    "_pickle.loads": "import _pickle\n_pickle.loads(data)",
    "_pickle.loads behind pickle": "import pickle, _pickle\n_pickle.loads(data)",
    "_pickle.load": "import _pickle, io\n_pickle.load(io.BytesIO(data))",
    "_pickle.Unpickler": "import pickle, _pickle, io\n_pickle.Unpickler(io.BytesIO(data)).load()",
    "from _pickle": "import pickle\nfrom _pickle import Unpickler\nimport io\nUnpickler(io.BytesIO(data)).load()",
    "pickle._loads": "import pickle\npickle._loads(data)",
    "pickle._Unpickler": "import pickle, io\npickle._Unpickler(io.BytesIO(data)).load()",
    "subclass": "import pickle, io\nclass Mine(pickle._Unpickler):\n    pass\nMine(io.BytesIO(data)).load()",
    "jsonpickle": "import jsonpickle, os\n"
    'jsonpickle.decode(\'{"py/reduce": [{"py/type": "os.system"}, {"py/tuple": ["touch \' + canary + \'"]}]}\')',
    "ruamel.yaml": "import ruamel.yaml\n"
    "ruamel.yaml.YAML(typ='unsafe', pure=True).load(f\"!!python/object/apply:os.system ['touch {canary}']\")",
}


def in_child(tmp_path, source, children):
    """Run source in a Python that begins as a child of a guarded process does, or of an unguarded one."""
    (tmp_path / "sitecustomize.py").write_text(start_up_line())
    (tmp_path / "home").mkdir(mode=0o700, exist_ok=True)
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path),
        "MODELGUARD_HOME": str(tmp_path / "home"),
        "MODELGUARD_HEADLESS": "deny",
        **({"MODELGUARD_CHILDREN": "1"} if children else {}),
    }
    return subprocess.run(
        [sys.executable, "-c", source], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("way", FIRST)
def test_first_loader_of_a_child_is_held(way, tmp_path, canary):
    library = FIRST[way].split()[1].partition(".")[0].rstrip(",")
    pytest.importorskip("ruamel.yaml" if library == "ruamel" else library)
    data = b"cposix\nsystem\n(V" + f"touch {canary}".encode() + b"\ntR."
    source = f"data, canary = {data!r}, {str(canary)!r}\n{FIRST[way]}"
    in_child(tmp_path, source, children=False)
    assert canary.exists(), "the attack does not work"
    canary.unlink()
    ended = in_child(tmp_path, source, children=True)
    assert not canary.exists(), ended.stderr
    assert ended.returncode
    assert "modelguard" in ended.stderr


def test_child_whose_guard_cannot_start_loads_nothing(tmp_path, canary):
    data = b"cposix\nsystem\n(V" + f"touch {canary}".encode() + b"\ntR."
    attempt = "try:\n    import pickle\n    pickle.loads(data)\nexcept Exception as error:\n    print(type(error).__name__)\n"
    source = f"import os\nos.environ['MODELGUARD_STRICT'] = 'perhaps'\ndata = {data!r}\n{attempt}{attempt}"
    ended = in_child(tmp_path, source, children=True)
    assert not canary.exists()
    assert ended.stdout == "ConfigurationError\n" * 2
