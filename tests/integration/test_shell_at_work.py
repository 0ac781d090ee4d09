"""A real IPython shell with the guard loaded: what people do in a session all day passes without a word."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("IPython", reason="the shell itself")

CELLS = {
    "completion": [
        "import json\nvalue = {'key': 1}",
        "from IPython.core.completer import provisionalcompleter",
        "with provisionalcompleter():\n    found = [one.text for one in shell.Completer.completions('json.du', 7)]",
        "assert 'dumps' in found",
    ],
    "store": [
        "%load_ext storemagic",
        "kept = {'layers': [1, 2], 'name': 'x'}",
        "%store kept",
        "del kept",
        "%store -r",
        "assert kept == {'layers': [1, 2], 'name': 'x'}",
    ],
    "autoreload": [
        "%load_ext autoreload",
        "%autoreload 2",
        "import own_module",
        "open('own_module.py', 'w').write('class Thing:\\n    size = 22\\n')",
        "import own_module",
        "assert own_module.Thing.size == 22",
    ],
    "copies": [
        "import collections, copy, datetime, functools, logging",
        "thing = [datetime.datetime.now(datetime.timezone.utc), collections.Counter('ab'), functools.partial(int, base=2)]",
        "assert copy.deepcopy(thing)[:2] == thing[:2]",
        "assert copy.copy(logging.getLogger('x')) is logging.getLogger('x')",
    ],
    "queue": [
        "import multiprocessing\nqueue = multiprocessing.get_context('fork').Queue()",
        "queue.put({'a': 1, 'when': __import__('datetime').date(2024, 2, 29)})",
        "assert queue.get(timeout=30)['a'] == 1",
        "queue.close(); queue.join_thread()",
    ],
    "cache": ["import functools\n@functools.lru_cache\ndef square(x):\n    return x * x", "assert square(3) == square(3) == 9"],
    "own classes": [
        "import dataclasses, enum, pickle",
        "@dataclasses.dataclass\nclass Point:\n    x: float\n    tags: list",
        "class Colour(enum.Enum):\n    RED = 1",
        "point = pickle.loads(pickle.dumps(Point(1.5, ['a'])))\nassert point == Point(1.5, ['a'])",
        "assert pickle.loads(pickle.dumps(Colour.RED)) is Colour.RED",
    ],
}
SHELL = """
import json, sys, warnings
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.user_ns["shell"] = shell
def run(cell):
    result = shell.run_cell(cell, store_history=True)
    error = result.error_before_exec or result.error_in_exec
    return repr(error) if error is not None else ""
errors = [run(cell) for cell in ["%load_ext modelguard", *json.loads(sys.argv[1])]]
from jupyter_modelguard import guard
guard.current().store.flush()
outcomes = [(record.request.loader, record.outcome.value) for record in guard.current().store.history(50)]
run("%unload_ext modelguard")
sys.stderr.write("\\n" + json.dumps([[error for error in errors if error], outcomes]) + "\\n")
"""


@pytest.mark.parametrize("work", CELLS)
def test_session_goes_on_as_without_the_guard(work, home, tmp_path, monkeypatch):
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "own_module.py").write_text("class Thing:\n    size = 1\n")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("MODELGUARD_HEADLESS", "deny")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    command = [sys.executable, "-W", "ignore", "-c", SHELL, json.dumps(CELLS[work])]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    errors, outcomes = json.loads(ended.stderr.splitlines()[-1])
    assert errors == []
    assert {outcome for _loader, outcome in outcomes} <= {"loaded"}
