"""What a model's own Python files are said to do."""

import hashlib
import sys

import pytest

from jupyter_modelguard.engines.code import scan_code
from jupyter_modelguard.engines.python_code.neighbours import files_beside
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.types import CodeFile, RiskLevel


def scanned(source, **more):
    return scan_code("folder", (code_file("acme.py", source),), **more)


def code_file(path, source):
    content = source if isinstance(source, bytes) else source.encode()
    return CodeFile(path, hashlib.sha256(content).hexdigest(), content)


def told(report):
    return [(one.rule, one.phase.value) for one in report.findings[1:] if not one.rule.startswith("opinion-")]


AT_IMPORT = {
    "a statement": "import os\nos.system('x')\n",
    "another name": "from subprocess import run as go\ngo(['x'])\n",
    "in a class": "import os\nclass Thing:\n    made = os.system('x')\n",
    "a default": "import os\ndef call(x=os.system('x')):\n    pass\n",
    "a decorator": "import subprocess\n@subprocess.Popen\ndef call():\n    pass\n@subprocess.Popen('x')\ndef other():\n    pass\n",
    "under a condition": "import os\nif os.name:\n    try:\n        os.system('x')\n    finally:\n        pass\n",
    "any code": "exec('x')\n",
    "the other branch": "import os\nif __name__ == '__main__':\n    pass\nelse:\n    os.system('x')\n",
}
LATER = {
    "in a function": "import os\ndef call():\n    os.system('x')\n",
    "in a lambda": "import os\ncall = lambda: os.system('x')\n",
    "only as a script": "import os\nif __name__ == '__main__':\n    os.system('x')\n",
    "an import": "import importlib\nhas = importlib.util.find_spec('flash_attn')\n",
    "a file": "text = open('x').read()\n",
}


@pytest.mark.parametrize("place", AT_IMPORT)
def test_command_that_an_import_runs_is_dangerous(place):
    report = scanned(AT_IMPORT[place])
    assert evaluate(report).level is RiskLevel.DANGEROUS
    (use,) = report.globals
    assert "acme.py:" in use.reason


@pytest.mark.parametrize("place", LATER)
def test_what_waits_for_a_call_runs_code(place):
    assert evaluate(scanned(LATER[place])).level is RiskLevel.RUNS_CODE


@pytest.mark.parametrize(
    ("source", "when"),
    [
        ("import socket\nsocket.create_connection(('x', 1))\n", "as soon as it is imported"),
        ("import socket\ndef call():\n    socket.create_connection(('x', 1))\n", "if something calls it"),
    ],
)
def test_each_finding_says_whether_the_import_already_runs_it(source, when):
    (finding,) = [finding for finding in scanned(source).findings if finding.rule == "code-network"]
    assert finding.title == f"socket.create_connection: opens network connections, {when}"


IN_ORDER = """
import os, socket
class Model:
    def export(self):
        os.system("x")
    def forward(self):
        os.system("x")
    def __init__(self):
        socket.create_connection(("x", 1))
os.remove("x")
"""


def test_findings_come_in_the_order_in_which_they_would_run():
    assert told(scanned(IN_ORDER)) == [
        ("code-write", "import"),
        ("code-network", "load"),
        ("code-process", "soon"),
        ("code-process", "method-only"),
    ]


def test_what_waits_for_a_use_weighs_less():
    weights = [one.severity.value for one in scanned(IN_ORDER).findings[1:]]
    assert weights == ["high", "high", "medium", "low"]


@pytest.mark.parametrize(
    ("body", "level"),
    [
        ("os.system('x')", RiskLevel.DANGEROUS),
        ("self.warm()", RiskLevel.DANGEROUS),
        ("if config.warm: os.system('x')", RiskLevel.RUNS_CODE),
        ("if config.warm: self.warm()", RiskLevel.RUNS_CODE),
    ],
)
def test_command_of_a_load_is_dangerous_where_nothing_has_a_say_in_it(body, level):
    source = (
        f"import os\nclass Model:\n    def __init__(self, config):\n        {body}\n    def warm(self):\n        os.system('x')\n"
    )
    assert evaluate(scanned(source)).level is level


@pytest.mark.parametrize(
    "line",
    [
        "open('vocab.txt').read()",
        "open('vocab.txt', 'r', encoding='utf-8').read()",
        "torch.load('weights.bin', weights_only=True)",
        "torch.load('weights.bin', **{'weights_only': True})",
        "numpy.load('table.npy')",
        "yaml.load(open('a.yaml'), Loader=yaml.SafeLoader)",
        "os.environ.get('TOKENIZERS_PARALLELISM')",
        "os.environ['OMP_NUM_THREADS']",
        "importlib.import_module('transformers.models.llama')",
        "getattr(self, 'dense')",
        "getattr(torch, dtype)",
    ],
)
def test_what_honest_models_do_is_no_finding(line):
    head = "import importlib, numpy, os, torch, yaml\n"
    assert told(scanned(f"{head}class Model:\n    def __init__(self, dtype):\n        {line}\n")) == []


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("open('vocab.txt', mode)", "code-write"),
        ("open('vocab.txt', **options)", "code-write"),
        ("numpy.load('table.npy', None, True)", "code-unpickle"),
        ("numpy.load('table.npy', allow_pickle=mode)", "code-unpickle"),
        ("AutoModel.from_pretrained('acme', **{'trust_remote_code': True})", "code-other-repository"),
    ],
)
def test_what_is_not_known_of_a_call_is_not_taken_for_harmless(line, rule):
    source = f"import numpy\nfrom transformers import AutoModel\nclass Model:\n    def __init__(self, mode, **options):\n        {line}\n"
    assert told(scanned(source)) == [(rule, "load")]


def test_lines_that_only_a_call_would_reach_are_told_once_a_file():
    source = "import os\n" + "".join(f"def export{number}():\n    os.remove('x')\n" for number in range(3))
    (found,) = scanned(source).findings[1:]
    assert (found.location, found.title) == (
        "acme.py:3",
        "os.remove: writes, moves or deletes files, if something calls it (and 2 more places)",
    )


def test_name_that_is_put_together_is_said_to_be():
    found = scanned("import os\ngetattr(os, 'sys' + 'tem')('x')\n").findings[1]
    said = "os.system, whose name is put together from pieces: starts programs, as soon as it is imported"
    assert found.title.partition("; seen by ")[0] == said


def test_names_are_followed_from_file_to_file():
    files = (
        code_file(
            "modeling_acme.py", "from .layers.dense import Dense\nclass Model:\n    def __init__(self):\n        Dense().warm()\n"
        ),
        code_file("layers/__init__.py", ""),
        code_file("layers/dense.py", "from ..tools import run\nclass Dense:\n    def warm(self):\n        run('x')\n"),
        code_file("tools.py", "from os import system as run\n"),
    )
    report = scan_code("folder", files)
    assert [(one.location, one.phase.value) for one in report.findings[1:]] == [("layers/dense.py:4", "load")]


@pytest.mark.parametrize("content", [b"def (:\n", b"x = 1\x00\n", b"# coding: nowhere\n", b"\xff = 1\n"])
def test_what_python_cannot_read_was_not_inspected(content):
    report = scanned(content)
    assert evaluate(report).level is RiskLevel.UNINSPECTED
    assert report.coverage.missed[0].startswith("acme.py: cannot be read as Python")


def test_nesting_is_read_as_deep_as_an_interpreter_reads_it_and_else_not_inspected():
    report = scanned(f"import os\nx = {'-' * 3_500}1\nos.system('x')\n")
    if sys.version_info < (3, 12):
        assert told(report) == [("code-process", "import")]
    else:  # the depth at which these stop cannot be raised
        assert told(report) == [("code-process", "import")] or evaluate(report).level is RiskLevel.UNINSPECTED


def test_names_that_take_too_long_to_follow_were_not_inspected(monkeypatch):
    monkeypatch.setattr("jupyter_modelguard.engines.python_code.analysis._FUEL", 50)
    source = "import os\n" + "".join(f"a{number} = os.path.join('x', 'y')\n" for number in range(50))
    assert evaluate(scanned(source)).level is RiskLevel.UNINSPECTED


def test_names_are_followed_for_long_and_no_longer():
    def aliases(number):
        return "".join(f"f{one + 1} = f{one}\n" for one in range(number)) + f"f{number}('x')\n"

    assert told(scanned(f"import os\nf0 = os.system\n{aliases(100)}")) == [("code-process", "import")]
    assert evaluate(scanned(f"import os\nf0 = os.system\n{aliases(1000)}")).level is RiskLevel.UNINSPECTED


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("acme.cpython-311-x86_64-linux-gnu.so", "instead of the source of the same name"),
        ("kernels/fast.pyd", "native code that nothing here can read"),
        ("__pycache__/acme.cpython-311.pyc", "something else than its source"),
        ("tools.pyc", "bytecode without its source"),
        ("more.pth", "a file that Python can run or import from"),
    ],
)
def test_files_beside_the_code_are_told(name, said):
    (found,) = scanned("x = 1\n", beside=("config.json", name)).findings[1:]
    assert (found.rule, found.location) == ("code-beside", name)
    assert said in found.title


def test_module_of_the_working_directory_that_the_code_names_is_told(tmp_path):
    (tmp_path / "flash_attn_extras.py").write_text("")
    (tmp_path / "json.py").write_text("")
    source = "import json\nimport torch\ndef forward():\n    from flash_attn_extras import act\n"
    found = scanned(source, folders=(str(tmp_path),)).findings[1:]
    assert {(one.rule, one.location) for one in found} == {
        ("code-planted-module", "acme.py:1"),
        ("code-planted-module", "acme.py:4"),
    }


def test_finding_of_an_older_history_has_no_phase():
    from jupyter_modelguard.history.codec import from_plain, to_plain
    from jupyter_modelguard.types import Finding

    (found,) = scanned("import os\nos.remove('x')\n").findings[1:]
    plain = to_plain(found)
    assert (plain["phase"], from_plain(Finding, plain)) == ("import", found)
    del plain["phase"]
    assert from_plain(Finding, plain).phase is None


def test_files_beside_the_code_of_a_local_folder_are_listed(tmp_path):
    for name in ("fast.so", "tools.pyc", "weights.safetensors", "kernels/more.pyd", ".git/objects.so"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert sorted(files_beside(str(tmp_path))) == ["fast.so", "kernels/more.pyd", "tools.pyc"]
    assert files_beside("hf:acme/yolo@0123") == files_beside(str(tmp_path / "fast.so")) == ()


NUMBERS = range(60)
BOMBS = {
    "lists of lists": ["l0 = [1]", *(f"l{n + 1} = [l{n}, l{n}]" for n in NUMBERS), "getattr(l60, l60)(l60, key=l60)"],
    "one list or another": ["l0 = [1]", *(f"l{n + 1} = [l{n}, l{n}]; l{n + 1} = [l{n}]" for n in NUMBERS), "map(l60, l60)"],
    "longer lists": ["l0 = [1] * 100", *(f"l{n + 1} = l{n} + l{n}" for n in NUMBERS), "print(''.join(l60))"],
    "longer texts": ["t0 = 'x' * 100", *(f"t{n + 1} = t{n} + t{n}" for n in NUMBERS), "exec(t60)"],
    "padded texts": [
        "exec('%999999999d' % 1)",
        "exec('{:>999999999}'.format(1))",
        "exec('x' * 999999999)",
        "exec(bytes(999999999))",
    ],
    "calls of calls": [*(f"def f{n}(x): return f{n + 1}(f{n + 1}(x))" for n in NUMBERS), "f0(exec)('x')"],
    "parts of parts": [
        "from functools import partial as p; p0 = p(len)",
        *(f"p{n + 1} = p(p{n}, p{n}, p{n})" for n in NUMBERS),
        "map(p60)",
    ],
    "bases of bases": [
        "class C0: pass\nclass D0: pass",
        *(f"class C{n + 1}(C{n}, D{n}): pass\nclass D{n + 1}(C{n}, D{n}): pass" for n in NUMBERS),
        "C60().run(); D60[C60]",
    ],
    "loops in loops": ["x = [a + b + c for a in 'ab' * 999 for b in 'ab' * 999 for c in 'ab' * 999]", "exec(''.join(x))"],
    "loops of loops": ["x = [[[a ^ b ^ c for a in range(4000)] for b in range(4000)] for c in range(4000)]", "exec(str(x))"],
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_code_that_multiplies_what_is_followed_is_read_to_its_end(bomb):
    report = scanned("\n".join(["import os", *BOMBS[bomb], "os.system('x')", ""]))
    assert ("code-process", "import") in told(report)
