"""What programs say in SARIF is read within bounds, and believed in nothing but that a line is worth a look."""

import json
import shutil
import sys

import pytest

from jupyter_modelguard.engines.code_opinions import programs
from jupyter_modelguard.engines.code_opinions.given_files import give, without_comments
from jupyter_modelguard.engines.code_opinions.programs import asked
from jupyter_modelguard.engines.code_opinions.sarif_reading import LARGEST, read_sarif
from jupyter_modelguard.engines.code_opinions.settings import Program, Settings
from jupyter_modelguard.errors import ConfigurationError, ScanError
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.types import RiskLevel, ScanReport
from tests.shared.model_code import code_file

NAMES = {"code_0001.py": "modeling.py", "code_0002.py": "../../etc/passwd.py"}
REPORT = ScanReport("folder", "python-code")
RUFF = shutil.which("ruff") or ""


def result(uri="code_0001.py", line=3, **changed):
    place = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}}
    return {"ruleId": "X1", "message": {"text": "it is odd"}, "locations": [place]} | changed


def log(*results, rules=(), **run):
    return json.dumps(
        {"version": "2.1.0", "runs": [{"tool": {"driver": {"rules": list(rules)}}, "results": list(results)} | run]}
    ).encode()


def read(data):
    opinions, missed = read_sarif(data, "tool", NAMES)
    return [(one.test, one.kind.rule, one.path, one.line, one.message) for one in opinions], missed


def test_result_is_an_opinion_on_a_line():
    assert read(log(result())) == ([("X1", "opinion-other", "modeling.py", 3, "it is odd")], ())


@pytest.mark.parametrize(
    "rule",
    [
        {"properties": {"tags": ["security", "external/cwe/cwe-095"]}},
        {"properties": {"cwe": "CWE-95: Eval Injection"}},
        {"properties": {"cwe": ["CWE-95"]}},
        {"relationships": [{"target": {"id": "CWE-95", "toolComponent": {"name": "CWE"}}}]},
    ],
)
def test_weakness_gives_the_kind_wherever_a_rule_names_it(rule):
    (found,), _ = read(log(result(), rules=[{"id": "X1"} | rule]))
    assert found[1] == "opinion-eval"
    (found,), _ = read(log(result(ruleId=None, ruleIndex=0), rules=[{"id": "X1"} | rule]))
    assert found[:2] == ("X1", "opinion-eval")


@pytest.mark.parametrize(
    "suppressed",
    [
        {"suppressions": [{"kind": "inSource"}]},
        {"suppressions": [{"kind": "external", "status": "accepted"}]},
        {"baselineState": "unchanged"},
        {"baselineState": "absent"},
        {"level": "none"},
        {"rank": 0.0},
    ],
)
def test_nothing_suppresses_a_result(suppressed):
    assert len(read(log(result(**suppressed)))[0]) == 1


@pytest.mark.parametrize(
    "uri",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "../../../etc/passwd",
        "code_0009.py",
        "code_0001.py/..",
        "code_0001.py%00",
        "https://evil.test/x",
        "",
        None,
        7,
        "\x1b[2J",
        "a" * 1_000_000,
    ],
)
def test_place_that_is_no_file_that_was_given_counts_nothing(uri):
    assert read(log(result(uri=uri))) == ([], ())


@pytest.mark.parametrize("uri", ["file:///tmp/x/code_0001.py", "code/code_0001.py", "C:\\x\\code_0001.py", "code%5F0001.py"])
def test_file_is_known_by_its_name_however_it_is_written(uri):
    assert read(log(result(uri=uri)))[0][0][2] == "modeling.py"


def test_file_that_is_named_by_its_place_in_a_list_is_found():
    data = log(
        {"ruleId": "X", "locations": [{"physicalLocation": {"artifactLocation": {"index": 1}, "region": {"startLine": 2}}}]},
        artifacts=[{"location": {"uri": "else.py"}}, {"location": {"uri": "code_0001.py"}}],
    )
    assert read(data)[0] == [("X", "opinion-other", "modeling.py", 2, "")]


@pytest.mark.parametrize("line", [0, -1, 10**30, "3", None, 2.5, True, [3]])
def test_line_that_is_none_is_the_whole_file(line):
    assert read(log(result(line=line)))[0][0][3] == 0


def test_texts_are_short_and_printable():
    (found,), _ = read(log(result(message={"text": "\x1b[2J<b>\u202e" + "a" * 100_000}, ruleId="x" * 100_000)))
    assert len(found[0]) <= 160
    assert len(found[4]) <= 160
    assert (found[0] + found[4]).isprintable()


def test_result_that_is_not_as_it_should_be_is_told_and_costs_no_other():
    found, missed = read(log({"locations": 3}, 7, None, {"message": "text"}, result()))
    assert len(found) == 1
    assert missed == ("4 results of tool are not as SARIF has them",)


@pytest.mark.parametrize("rules", [[3, None, "x"], [{"id": 3}], [{"properties": []}], [{"shortDescription": 1}]])
def test_odd_rules_cost_nothing(rules):
    assert len(read(log(result(ruleIndex=0), result(ruleIndex=-1), result(ruleIndex=10**40), rules=rules))[0]) == 3


def test_pass_is_no_finding():
    assert read(log(result(kind="pass"), result(kind="notApplicable"))) == ([], ())


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"{}", b'{"runs": 3}', b"\xff", b"[" * 100_000, b'{"runs": [' + b'{"a":' * 100_000]
)
def test_text_that_is_no_sarif_is_refused(data):
    with pytest.raises(ScanError, match="no SARIF"):
        read(data)


def test_log_that_is_too_large_is_refused():
    with pytest.raises(ScanError, match="more than can be read"):
        read_sarif(b" " * (LARGEST + 1), "tool", NAMES)


def test_million_results_are_read_as_far_as_they_go_and_told_as_a_few(printing):
    one = b'{"locations":[]},'
    data = b'{"runs":[{"results":[' + json.dumps(result()).encode() + b"," + one * 999_998 + b'{"locations":[]}]}]}'
    found, missed = read(data)
    assert len(found) == 1
    assert missed == ("tool has 1,000,000 results, of which 20,000 were read",)
    many = log(*[result(line=line) for line in range(1, 20_001)])
    (*_, last) = asked_about(printing(many)).findings
    assert last.title.endswith("(and of 19980 more lines)")


def test_program_that_did_not_come_to_its_end_is_told():
    assert read(log(invocations=[{"executionSuccessful": False}]))[1] == ("tool says that it did not come to its end",)
    told = [{"level": "error", "message": {"text": "cannot parse code_0001.py"}}]
    assert read(log(invocations=[{"toolExecutionNotifications": told}]))[1] == (
        "tool could not look at everything: cannot parse code_0001.py",
    )


def python(source, *words):
    return Program("tool", (sys.executable, "-c", source, "{folder}", *words), 20.0)


@pytest.fixture
def printing(tmp_path):
    """Programs that say something, whatever they are given."""

    def make(data):
        path = tmp_path / "said"
        path.write_bytes(data)
        return python(f"import sys; sys.stdout.buffer.write(open({str(path)!r}, 'rb').read())")

    return make


def asked_about(*wanted, files=None):
    return asked(REPORT, files or (code_file("import os\nx = 1\nos.system('x')  # noqa # nosec\n"),), wanted)


@pytest.mark.skipif(not RUFF, reason="it is the program that is asked")
def test_real_analyser_is_heard_although_the_repository_silences_it():
    program = Program("ruff", (RUFF, "check", "--isolated", "--select", "S", "--output-format", "sarif", "{folder}"))
    files = (
        code_file("import os\nx = 1\nos.system(x)  # noqa\n", "tests/test_modeling.py"),
        code_file("# ruff: noqa\n# flake8: noqa\neval(x)  # noqa: S307\n", "build/../other.py"),
    )
    report = asked_about(program, files=files)
    assert [(one.rule, one.location, one.cwe) for one in report.findings] == [
        ("opinion-eval", "build/../other.py:3", 95),
        ("opinion-command", "tests/test_modeling.py:3", 78),
    ]
    assert report.findings[0].title == "this line runs a text as Python, says ruff (S307)"
    assert evaluate(report).level is RiskLevel.RUNS_CODE


def test_program_may_write_to_a_file():
    data = log(result())
    report = asked_about(python(f"import sys; open(sys.argv[2], 'wb').write({data!r})", "{output}"))
    assert [(one.rule, one.location, one.title) for one in report.findings] == [
        ("opinion-other", "modeling.py:3", "it is odd, says tool (X1)")
    ]


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (Program("tool", ("/no/such/program", "{folder}")), "cannot be run"),
        (python("import sys; sys.exit('sorry')"), "said nothing and ended with 1: sorry"),
        (python("print('hello')"), "no SARIF"),
        (Program("tool", (sys.executable, "-c", "import time; time.sleep(60)", "{folder}"), 0.2), "longer than 0.2 seconds"),
    ],
)
def test_program_in_trouble_costs_its_own_answer(program, why, printing):
    report = asked_about(program, printing(log(result())))
    assert [one.rule for one in report.findings] == ["opinion-other", "second-opinion"]
    assert why in report.findings[-1].title


def test_program_is_given_code_alone_in_a_folder_of_its_own():
    look = "import os, sys, json; print(sorted(os.listdir(sys.argv[1])), sorted(os.listdir('.')), sys.argv[1:], file=sys.stderr)"
    files = (code_file("x = 1\n", "../../evil.py"), code_file("x = 2\n", "pyproject.toml"), code_file("x = 3\n", "/etc/x.py"))
    said = asked_about(python(look), files=files).findings[-1].title
    assert "['code_0001.py', 'code_0002.py', 'code_0003.py'] ['.gitignore', '.semgrepignore', 'code'" in said


def test_no_shell_reads_what_is_run():
    said = asked_about(python("import sys; sys.exit(sys.argv[2])", "$(touch x); `x`")).findings[-1].title
    assert "$(touch x); `x`" in said


@pytest.mark.parametrize(
    ("source", "given"),
    [
        (b"eval(x)  # nosec\n", b"eval(x)\n"),
        (b"x = '# no comment'  # noqa\n", b"x = '# no comment'\n"),
        (b"# coding: latin-1\nx = '\xe9' # noqa\n", "\nx = 'é'\n".encode()),
        (b"a\x0cb = 1 # noqa\nc = '''\n# noqa\n''' # noqa\n", None),
        (b"x = 1 # noqa\r\ny = 2 # noqa\r\n", b"x = 1\ny = 2\n"),
        (b"\xef\xbb\xbfx = 1 # noqa", b"x = 1\n"),
        (b"x = '\x85' # noqa\n", None),
    ],
)
def test_comments_are_taken_out_and_lines_stay(source, given):
    try:
        text = without_comments(source)
    except (SyntaxError, ValueError):
        assert given is None
        return
    assert given is None or text == given
    assert b"noqa" not in text.replace(b"'''\n# noqa\n'''", b"")
    assert text.count(b"\n") in {source.count(b"\n"), source.count(b"\n") + 1}


def test_file_whose_comments_cannot_be_told_is_not_given_and_told(tmp_path):
    files = (
        code_file(b"x = '\xff'\n", "a.py"),
        code_file("x = (\n", "b.py"),
        code_file("x = 1\n", "c.py"),
        code_file(b"x" * (5 << 20), "d.py"),
    )
    names, missed = give(files, tmp_path)
    assert list(names.values()) == ["c.py"]
    assert [sentence.partition(":")[0] for sentence in missed] == ["a.py", "b.py", "d.py"]


def test_semgrep_of_the_working_directory_is_not_run(tmp_path, monkeypatch):
    planted = tmp_path / "semgrep"
    planted.write_text("#!/bin/sh\n")
    planted.chmod(0o700)
    monkeypatch.chdir(tmp_path)
    for path in (".", "", str(tmp_path)):
        monkeypatch.setenv("PATH", path)
        assert str(tmp_path) not in programs.semgrep()
        assert programs.semgrep() not in {"semgrep", "./semgrep"}
    monkeypatch.chdir("/")
    monkeypatch.setattr(sys, "executable", "/no/python")
    assert programs.semgrep() == str(planted)


ARMED = """\
import os, requests
os.system("id")  # nosemgrep
def load(self):
    text = requests.get("http://x")
    more = text.text
    exec(more)  # nosem
"""


@pytest.mark.skipif(not programs.semgrep(), reason="it is the program that is asked")
def test_semgrep_sees_where_a_value_comes_from():
    (program,) = [one for one in programs.programs() if one.name == "semgrep"]
    report = asked_about(program, files=(code_file(ARMED),))
    assert not report.coverage.missed
    assert {(one.rule, one.location) for one in report.findings} == {
        ("opinion-command", "modeling.py:2"),
        ("opinion-download", "modeling.py:6"),
    }


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "config.json").write_text('{"auto_map": {"AutoModel": "modeling.Model"}}')
    (tmp_path / "modeling.py").write_text("import os\nx = 1\nos.system(x)  # noqa\n")
    return tmp_path


@pytest.mark.skipif(not RUFF, reason="it is the program that is asked")
def test_scan_asks_programs_when_second_opinions_are_wanted(folder, monkeypatch):
    from jupyter_modelguard.engines.scan import scan_each

    program = Program("ruff", (RUFF, "check", "--isolated", "--select", "S", "--output-format", "sarif", "{folder}"))
    monkeypatch.setattr(programs, "semgrep", lambda: "")
    monkeypatch.setattr(programs, "settings", lambda: Settings(programs=(program,)))

    def engines(**wanted):
        (report,) = [one for one in scan_each(folder, **wanted) if one.format == "python-code"]
        return report

    assert "ruff" not in engines().engines
    found = engines(second_opinion=True)
    assert "ruff" in found.engines
    assert any("ruff (S605)" in one.title for one in found.findings)

    def broken():
        raise ConfigurationError("the settings are broken")

    monkeypatch.setattr(programs, "settings", broken)
    assert "the settings are broken" in engines(second_opinion=True).findings[-1].title
