"""Python source is told from other text by its content, and noted: no load runs it by itself."""

import pytest

from jupyter_modelguard.engines.content import Content
from jupyter_modelguard.engines.scanner import Scanner
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.types import RiskLevel


def scanned(text):
    return Scanner().scan(Content.of_bytes(text if isinstance(text, bytes) else text.encode()))


def test_source_is_noted_with_what_it_could_do():
    report = scanned("import os\n\ndef clean():\n    os.system('true')\n")
    assert evaluate(report).level is RiskLevel.NOTE
    own = [one.rule for one in report.findings if not one.rule.startswith("opinion-")]
    assert own == ["python-source", "remote-code-capability"]
    assert report.findings[1].location == "the file:4"


def test_source_of_another_encoding_is_source():
    text = "# -*- coding: latin-1 -*-\nimport sys  # caf\xe9\n".encode("latin-1")
    assert scanned(text).format == "python-source"


@pytest.mark.parametrize(
    "text",
    [
        "Import what you need.\nfor example this.\n",
        '{"from": "a", "import": 1}',
        "from: here\nimport: there\n",
        "[section]\nfrom = 1\n",
        "print 'of Python 2'\nimport os\n",
        "a plain line\n",
    ],
)
def test_other_text_is_data(text):
    report = scanned(text)
    assert (report.format, report.findings, evaluate(report).level) == ("text", (), RiskLevel.DATA_ONLY)


def test_source_that_is_nested_too_deeply_was_not_inspected():
    report = scanned("import os\nx = " + "-" * 300_000 + "1\n")
    assert evaluate(report).level is RiskLevel.UNINSPECTED
