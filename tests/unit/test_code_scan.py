"""What a model's own Python files are said to do."""

import hashlib

import pytest

from jupyter_modelguard.engines.code import scan_code
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.types import CodeFile, RiskLevel


def scanned(source):
    content = source.encode()
    return scan_code("folder", (CodeFile("acme.py", hashlib.sha256(content).hexdigest(), content),))


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
    (finding,) = [finding for finding in scanned(source).findings if finding.rule == "remote-code-capability"]
    assert finding.title == f"socket.create_connection: opens network connections, {when}"
