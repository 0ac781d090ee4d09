"""What Bandit says of a model's own code stands beside our own reading of it, once a line, and no file keeps it from speaking."""

import ast
import json
import os
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import pytest

from jupyter_modelguard.engines.code import scan_code
from jupyter_modelguard.engines.code_opinions import bandit
from jupyter_modelguard.engines.code_opinions.asking import together, with_code_opinions
from jupyter_modelguard.engines.code_opinions.opinion import Answer, Opinion, added
from jupyter_modelguard.engines.worker import Worker
from jupyter_modelguard.policy.code_opinions import kind_of, kinds, not_shown
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.policy.findings import finding, finding_rules
from jupyter_modelguard.types import Phase, RiskLevel, ScanReport, Severity
from tests.shared.model_code import code_file, honest_files

ARMED = """\
import os, pickle, subprocess, yaml, marshal, tempfile, hashlib
from urllib import request as web
class Model:
    def load(self, path, *, deep=None):
        eval(path); exec(path)
        os.system(path + "x")
        subprocess.Popen(path, shell=True)
        return pickle.loads(path), yaml.load(path), marshal.load(path)
    async def later(self):
        web.urlopen(self.address)
        tempfile.mktemp()
        hashlib.md5(b"x")
        sql = "SELECT * FROM x WHERE y = '%s'" % self
try:
    assert True
except Exception:
    pass
"""


def opinions(*files):
    return [(one.test, one.path, one.line) for one in bandit.ask(files).opinions]


def said(report):
    return [one for one in report.findings if one.rule.startswith("opinion-")]


def opined(*files):
    """Put opinions into a report that says nothing else."""
    return said(with_code_opinions(ScanReport("folder", "python-code"), files))


def stock(content):
    """What Bandit's own runner says of the same bytes."""
    import io

    from bandit.core import config, meta_ast, metrics, node_visitor, test_set

    tests = test_set.BanditTestSet(config.BanditConfig(), {"exclude": not_shown()})
    counted = metrics.Metrics()
    counted.begin("./code.py")
    visitor = node_visitor.BanditNodeVisitor(
        "./code.py", io.BytesIO(content), meta_ast.BanditMetaAst(), tests, False, {}, counted
    )
    visitor.process(content)
    return sorted((one.test_id, one.lineno) for one in visitor.tester.results)


@pytest.fixture(scope="module")
def honest():
    files = honest_files()
    assert len(files) >= 30
    return files


def test_it_says_what_bandit_by_itself_says():
    file = code_file(ARMED)
    ours = sorted((test, line) for test, _, line in opinions(file))
    assert ours == stock(file.content)
    assert {"B102", "B301", "B307", "B324", "B605", "B608"} <= {test for test, _ in ours}


def test_it_says_of_honest_code_what_bandit_by_itself_says_and_next_to_nothing(honest):
    answer = bandit.ask(honest)
    assert not answer.missed
    assert len(answer.opinions) <= len(honest) / 10
    for file in honest[::6]:
        assert sorted((one.test, one.line) for one in answer.opinions if one.path == file.path) == stock(file.content)


def test_each_kind_has_a_rule_with_all_that_a_standard_asks_for():
    rows = finding_rules()
    for kind in kinds():
        row = rows[kind.rule]
        assert row.cwe
        assert row.atlas
        assert row.taxonomy
        assert row.severity is not Severity.CRITICAL
        assert not kind.cwe or row.cwe in kind.cwe


def test_every_test_of_bandit_has_a_kind():
    from bandit.core import extension_loader

    known = {test for kind in kinds() for test in kind.bandit} | not_shown()
    there = {*extension_loader.MANAGER.plugins_by_id, *extension_loader.MANAGER.blacklist_by_id}
    assert {test for test in there if test[1:].isdecimal()} <= known


def test_what_runs_code_is_listed_before_habits_and_with_its_line():
    found = opined(code_file(ARMED))
    assert [one.cwe for one in found][:3] == [502, 95, 78]
    assert found[-1].rule == "opinion-habit"
    first = found[0]
    assert (first.location, first.code) == ("modeling.py:8", "return pickle.loads(path), yaml.load(path), marshal.load(path)")
    assert first.title == "this line makes objects of a file, which can run any code, says bandit (B301, B302, B506)"
    assert (first.atlas, first.taxonomy) == ("AML.T0011.000", "I02")


def test_line_of_which_a_finding_says_the_same_is_told_once():
    own = finding("config-expression", "it is evaluated", "modeling.py:5")  # 95, as eval is
    other = finding("config-expression", "it is evaluated", "modeling.py:6")
    kind = kind_of("", "B307")
    told = added(
        (own, other), (Opinion("bandit", "B307", kind, "modeling.py", 5), Opinion("yara-x", "x", kind, "modeling.py", 5)), ()
    )
    assert [one.title for one in told] == ["it is evaluated; seen by bandit (B307) and yara-x (x) too", "it is evaluated"]


def test_what_is_said_in_a_second_round_is_ranked_with_the_first():
    eval_, command, habit = (kind_of("", test) for test in ("B307", "B605", "B110"))
    first = added(
        (finding("remote-code", "one file"),), (Opinion("a", "1", habit, "m.py", 1), Opinion("a", "2", command, "m.py", 9)), ()
    )
    both = added(
        first,
        (Opinion("b", "3", eval_, "m.py", 10), Opinion("b", "4", command, "m.py", 9), Opinion("b", "5", eval_, "m.py", 2)),
        (),
    )
    assert [(one.rule, one.location) for one in both] == [
        ("remote-code", ""),
        ("opinion-eval", "m.py:2"),
        ("opinion-eval", "m.py:10"),
        ("opinion-command", "m.py:9"),
        ("opinion-habit", "m.py:1"),
    ]
    assert both[3].title == "this line starts a program, says a (2); so says b (4)"


def test_thousands_of_lines_of_one_kind_are_told_as_a_few():
    found = opined(code_file("eval(x)\n" * 3000))
    assert len(found) == 20
    assert found[-1].title.endswith("(and of 2980 more lines)")


def test_opinions_alone_raise_nothing_beyond_code_that_runs():
    report = ScanReport("folder", "python-code")
    said_all = Answer(
        "bandit 1", tuple(Opinion("bandit", "x", kind, "modeling.py", line) for line, kind in enumerate(kinds(), 1))
    )
    assert evaluate(together(report, (), [lambda _: said_all])).level is RiskLevel.RUNS_CODE


def test_reading_of_code_asks_for_opinions():
    assert "bandit" in {engine.partition(" ")[0] for engine in scan_code("folder", (code_file("eval(x)\n"),)).engines}


def test_opinions_lower_nothing():
    armed = scan_code("folder", (code_file("import os\nos.system('x')\n"),))
    assert evaluate(armed).level is RiskLevel.DANGEROUS
    assert evaluate(scan_code("folder", (code_file("def broken(:\n"),))).level is RiskLevel.UNINSPECTED


SUPPRESSIONS = ("# nosec", "# nosec B307", "#nosec", "# noqa", "# noqa: S307", "# nosemgrep")


@pytest.mark.parametrize("comment", SUPPRESSIONS)
def test_no_comment_of_the_repository_counts(comment):
    assert [test for test, *_ in opinions(code_file(f"eval(x)  {comment}\n"))] == ["B307"]


def test_no_configuration_beside_the_code_counts(tmp_path, monkeypatch):
    for name, text in {
        ".bandit": "[bandit]\nskips: B307\nexclude: /\n",
        "bandit.yaml": "skips: [B307]\n",
        "pyproject.toml": '[tool.bandit]\nskips = ["B307"]\nexclude_dirs = ["."]\n',
        "setup.cfg": "[bandit]\nskips = B307\n",
        "tox.ini": "[bandit]\nskips = B307\n",
    }.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    assert [test for test, *_ in opinions(code_file("eval(x)\n"))] == ["B307"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"x = " + b"(" * 5000 + b")" * 5000, "Error"),
        (b"x = '\xe9'\neval(x)\n", "SyntaxError"),
        (b"# coding: no-such-thing\neval(x)\n", "SyntaxError"),
        (b"eval(x)\x00\n", "Error"),
        (b"eval(x)" + b" " * (4 << 20), "too large"),
    ],
    ids=["nested", "no text", "no encoding", "a zero", "large"],
)
def test_file_that_bandit_cannot_read_was_not_inspected(content, why):
    answer = bandit.ask((code_file(content), code_file("eval(x)\n", "other.py")))
    assert not [one for one in answer.opinions if one.path == "modeling.py"]
    assert [one.path for one in answer.opinions] == ["other.py"]
    (missed,) = answer.missed
    assert missed.startswith("modeling.py: ")
    assert why in missed
    report = together(ScanReport("folder", "python-code"), (), [lambda _: answer])
    assert evaluate(report).level is RiskLevel.UNINSPECTED


def test_expression_too_deep_to_recurse_into_hides_nothing():
    deep = "x = " + "+".join(["1"] * 2500) + "\neval(x)\n"
    with pytest.raises(RecursionError):
        stock(deep.encode())
    assert opinions(code_file(deep)) == [("B307", "modeling.py", 2)]


def test_text_in_another_encoding_is_read_as_python_reads_it():
    assert opinions(code_file("# coding: latin-1\nx = '\xe9'\neval(x)\n".encode("latin-1"))) == [("B307", "modeling.py", 3)]
    assert opinions(code_file(b"\xef\xbb\xbfeval(x)\n")) == [("B307", "modeling.py", 1)]


def test_test_that_a_file_breaks_is_told(monkeypatch):
    from bandit.core import context

    def breaks(_):
        raise ValueError

    monkeypatch.setattr(context.Context, "call_function_name_qual", property(breaks))
    (missed,) = bandit.ask((code_file("eval(x)\n"),)).missed
    assert "of bandit's tests failed" in missed


def test_file_that_takes_too_long_is_told(monkeypatch):
    monkeypatch.setattr(bandit, "_SECONDS", -1.0)
    (missed,) = bandit.ask((code_file("eval(x)\n"),)).missed
    assert "takes longer than" in missed


def test_it_warns_of_nothing_that_a_stranger_wrote():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert opinions(code_file("x = '\\d'\nx is 'y'\neval(x)\n")) == [("B307", "modeling.py", 3)]


def test_analyser_that_fails_costs_its_own_answer():
    def fails(_):
        raise SystemExit(3)

    report = together(ScanReport("folder", "python-code"), (), [fails])
    assert evaluate(report).level is RiskLevel.NOTE
    assert "gave no answer" in report.findings[0].title


def test_module_in_the_working_directory_is_not_imported(tmp_path, monkeypatch):
    canary = tmp_path / "canary"
    for name in ("bandit", "stevedore", "yara_x", "yaml"):
        (tmp_path / f"{name}.py").write_text(f"open({str(canary)!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    subprocess.run([sys.executable, "-c", "import bandit"], check=True)  # as it would go
    canary.unlink()
    worker = Worker()
    try:
        report = worker.attempt(with_code_opinions, ScanReport("folder", "python-code"), (code_file("eval(x)\n"),))
    finally:
        worker.close()
    assert isinstance(report, ScanReport), report
    assert [one.rule for one in said(report)] == ["opinion-eval"]
    assert not canary.exists()


def test_what_bandit_says_here_is_what_it_says_by_itself(tmp_path):
    # Of the standard library, which does more of what Bandit knows than any model.
    names = ("pickle", "tarfile", "ctypes/util", "urllib/request", "smtplib", "trace", "webbrowser", "xmlrpc/client")
    files = [Path(os.__file__).parent / f"{name}.py" for name in names]
    trojan = tmp_path / "trojan.py"
    trojan.write_text("if x:  # \u202e end\n    exec(x)\n", encoding="utf-8")
    command = [sys.executable, "-P", "-m", "bandit", "--ignore-nosec", "--format", "json", "--skip", ",".join(not_shown())]
    # It ends with 1 where it finds anything.
    done = subprocess.run([*command, *map(str, [*files, trojan])], cwd=tmp_path, capture_output=True, text=True, check=False)
    by_itself = {(one["filename"], one["line_number"], one["test_id"]) for one in json.loads(done.stdout)["results"]}
    answer = bandit.ask([code_file(path.read_bytes(), str(path)) for path in [*files, trojan]])
    assert {(one.path, one.line, one.test) for one in answer.opinions} == by_itself
    assert {"B102", "B613"} <= {test for _, _, test in by_itself}
    assert len(by_itself) > 15


def test_line_of_ours_names_who_sees_something_else_in_it_and_stays_one():
    report = scan_code(
        "folder", (code_file("import os, tempfile\nos.system(tempfile.mktemp())\ndef later():\n    tempfile.mktemp()\n"),)
    )
    (ours,) = [one for one in report.findings if one.location == "modeling.py:2"]
    assert (ours.rule, ours.phase) == ("code-process", Phase.IMPORT)
    assert "bandit (" in ours.title
    assert [one.location for one in report.findings if one.rule == "opinion-files"] == ["modeling.py:4"]


def test_bandit_leaves_nothing_at_what_all_trees_of_a_process_share():
    shared = [node for node in ast.walk(ast.parse("x = y + z")) if not node._fields]
    for node in shared:
        vars(node).clear()  # what Bandit itself left there, in other tests
    scan_code("folder", (code_file("import os\nos.system('a' + 'b')\n"),))
    assert shared
    assert not any(vars(node) for node in shared)


def test_warnings_are_printed_as_before_bandit_was_asked():
    code = """
        import sys, warnings
        before = warnings.formatwarning
        from jupyter_modelguard.engines.code_opinions import bandit
        from tests.shared.model_code import code_file
        assert bandit.ask((code_file("eval(x)"),)).opinions
        assert "bandit.core.tester" in sys.modules
        assert warnings.formatwarning is before
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)
