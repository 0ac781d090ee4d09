"""What leaves for other programs is read by them, and none of it does anything there."""

import csv
import io
import json
import pickle
import re

import pytest

from jupyter_modelguard import cli
from jupyter_modelguard.engines.code import scan_code
from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.exports.bom import bill_of_materials
from jupyter_modelguard.exports.history import FORMATS, export, format_of
from jupyter_modelguard.exports.records import records_csv, records_json
from jupyter_modelguard.exports.sarif import sarif
from jupyter_modelguard.history.search import Search
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.ipython.looking_back import export_history, looked_for
from jupyter_modelguard.types import (
    Artifact,
    CallSite,
    CodeFile,
    Coverage,
    Decision,
    Finding,
    HistoryRecord,
    LoadRequest,
    Outcome,
    RiskLevel,
    ScanReport,
    Scope,
    Severity,
)

FORMULA = '=HYPERLINK("http://evil.test")'
REPORT = ScanReport(
    "/models/a b/yolo.pt",
    "torch-zip",
    "ab" * 32,
    findings=(
        Finding(
            "pickle-dangerous-global",
            Severity.CRITICAL,
            "os.system starts a program",
            "data.pkl",
            502,
            "AML.T0018",
            code="os.system",
        ),
        Finding("remote-code-capability", Severity.HIGH, "\x1b[2J<b>runs</b>", "modeling.py:12", 94),
    ),
    coverage=Coverage(2, 1, ("extra.bin: compressed with a method this Python lacks",)),
)


def record(identity="7f3a91c2", outcome=Outcome.ALLOWED, **changed):
    artifact = Artifact("yolo.pt", "/models/a b/yolo.pt", "torch-zip", "ab" * 32, 12, content="cd" * 32)
    values = {
        "request": LoadRequest("torch.load", "torch.load()", "/models/a b/yolo.pt", CallSite("train.ipynb", "c1", 3, 2)),
        "level": RiskLevel.DANGEROUS,
        "artifact": artifact,
        "report": REPORT,
        "decision": Decision(allow=True, by="ada", transport="card", reason=FORMULA, scope=Scope.ONCE, at=2.0),
    } | changed
    return HistoryRecord(identity, 1_700_000_000.0, outcome=outcome, **values)


def test_sarif_is_what_the_format_says():
    models = pytest.importorskip("sarif_pydantic", reason="it knows the format")
    log = models.Sarif.model_validate_json(sarif([REPORT, ScanReport("data.pkl", "pickle")]))
    (run,) = log.runs
    assert [result.rule_id for result in run.results] == ["pickle-dangerous-global", "remote-code-capability", "not-inspected"]
    assert [rule.id for rule in run.tool.driver.rules] == [run.results[index].rule_id for index in range(3)]
    first, second, _ = run.results
    assert (first.level, first.message.text) == ("error", "os.system starts a program")
    assert first.locations[0].physical_location.artifact_location.uri == "file:///models/a%20b/yolo.pt"
    assert second.locations[0].physical_location.region.start_line == 12
    known, _, missed = run.tool.driver.rules
    assert known.properties["tags"] == ["security", "external/cwe/cwe-502", "atlas/AML.T0018"]
    assert "known to start programs" in known.short_description.text
    assert "modelguard convert" in known.help.text
    assert "others did" in known.help.text
    assert "could not be inspected" in missed.short_description.text
    assert len({result.partial_fingerprints["modelguard/v1"] for result in run.results}) == 3


@pytest.mark.parametrize(
    ("target", "said", "uri"),
    [
        ("/models/acme", "modeling.py:3", "file:///models/acme/modeling.py"),
        ("/models/acme", "deep/er/model ing.py:3", "file:///models/acme/deep/er/model%20ing.py"),
        ("hf:acme/model@4f4f", "modeling.py:3", "hf:acme/model@4f4f/modeling.py"),
        ("/models/modeling.py", "modeling.py:3", "file:///models/modeling.py"),
        ("/models/acme", "../../etc/passwd:3", "file:///models/acme"),
        ("/models/acme", "/etc/passwd:3", "file:///models/acme"),
    ],
)
def test_line_of_code_is_in_its_own_file(target, said, uri):
    found = Finding(
        "opinion-eval", Severity.MEDIUM, "this line runs a text as Python", said, 95, "AML.T0011.001", "I03", "eval(x)"
    )
    (run,) = json.loads(sarif([ScanReport(target, "python-code", findings=(found,))]))["runs"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": uri}, "region": {"startLine": 3}}


def test_findings_on_code_have_all_that_a_standard_asks_for_and_are_what_the_format_says():
    models = pytest.importorskip("sarif_pydantic", reason="it knows the format")
    source = (
        b"import os, pickle\ndef go(x):\n    eval(x)\n    os.system(x)\n    pickle.loads(x)\n    x = __import__('os').popen\n"
    )
    report = scan_code("hf:acme/model@" + "4f" * 20, (CodeFile("modeling.py", "ef" * 32, source),))
    text = sarif([report])
    models.Sarif.model_validate_json(text)
    (run,) = json.loads(text)["runs"]
    lines = [result for result in run["results"] if "region" in result["locations"][0]["physicalLocation"]]
    assert {3, 4, 5} <= {result["locations"][0]["physicalLocation"]["region"]["startLine"] for result in lines}
    assert any(result["ruleId"].startswith("opinion-") for result in lines)
    for result in lines:
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].endswith("/modeling.py")
        assert {"cwe", "atlas", "taxonomy", "code"} <= set(result["properties"])


def test_byte_of_a_file_is_its_place_and_one_of_a_part_is_not():
    found = [
        Finding("pickle-dangerous-global", Severity.CRITICAL, "os.system starts a program", where)
        for where in ("byte 1,041", "data.pkl, byte 41")
    ]
    (run,) = json.loads(sarif([ScanReport("a.pkl", "pickle", findings=tuple(found))]))["runs"]
    first, second = (result["locations"][0] for result in run["results"])
    assert first["physicalLocation"]["region"] == {"byteOffset": 1041, "byteLength": 1}
    assert "region" not in second["physicalLocation"]
    assert second["logicalLocations"][0]["fullyQualifiedName"] == "data.pkl, byte 41"


def test_errors_and_repositories_are_what_the_format_says():
    models = pytest.importorskip("sarif_pydantic", reason="it knows the format")
    found = Finding("pickle-dangerous-global", Severity.CRITICAL, "os.system starts a program", "byte 41")
    report = ScanReport(f"hf:acme/model@{'4f' * 20}/a b.pkl", "pickle", findings=(found,))
    log = models.Sarif.model_validate_json(sarif([report], {"absent.pkl": "absent.pkl does not exist."}))
    (run,) = log.runs
    place = run.results[0].locations[0].physical_location
    assert place.artifact_location.uri == f"hf:acme/model@{'4f' * 20}/a%20b.pkl"
    assert (place.region.byte_offset, place.region.byte_length) == (41, 1)
    assert run.invocations[0].execution_successful is False


def test_what_could_not_be_inspected_is_a_result_and_no_success():
    (run,) = json.loads(sarif([ScanReport("a.bin", "unknown", coverage=Coverage(1, 0, ("it cannot be read",)))]))["runs"]
    assert (run["results"][0]["ruleId"], run["results"][0]["message"]["text"]) == ("not-inspected", "it cannot be read")
    assert run["invocations"] == [{"executionSuccessful": False}]


def test_clean_files_are_a_successful_run_without_results():
    (run,) = json.loads(sarif([ScanReport("a.pkl", "pickle")]))["runs"]
    assert (run["results"], run["invocations"]) == ([], [{"executionSuccessful": True}])


def test_json_has_all_but_the_code_itself():
    shown = Artifact(
        "acme/model", "hf:acme/model@" + "4f" * 20, "python-code", files=(CodeFile("modeling.py", "ef" * 32, b"secret = 1"),)
    )
    (plain,) = json.loads(records_json([record(artifact=shown)]))["records"]
    assert plain["artifact"]["files"] == [{"path": "modeling.py", "digest": "ef" * 32, "origin": ""}]
    assert plain["report"]["findings"][0]["rule"] == "pickle-dangerous-global"
    assert "artifact" in json.loads(records_json([record(artifact=None)]))["records"][0]


@pytest.mark.parametrize(
    ("start", "shown"),
    [("=", "="), ("+", "+"), ("-", "-"), ("@", "@"), ("\t", "\\t"), ("\r", "\\r"), (" =", " ="), ("\uff1d", "\uff1d")],
)
def test_spreadsheet_computes_nothing_of_a_table(start, shown):
    text = records_csv([record(request=LoadRequest("torch.load", "", f"{start}1+1"))])
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert (row["source"], row["reason"]) == (f"'{shown}1+1", f"'{FORMULA}")


def test_table_has_a_line_for_each_load():
    (row,) = csv.DictReader(io.StringIO(records_csv([record()]), newline=""))
    assert (row["time"], row["cell"], row["risk"], row["outcome"], row["by"], row["scope"], row["sha256"]) == (
        "2023-11-14T22:13:20+00:00", "3", "dangerous", "allowed", "ada", "once", "cd" * 32,
    )  # fmt: skip


def test_bill_of_materials_names_each_model_once_and_nothing_that_was_blocked():
    validation = pytest.importorskip("cyclonedx.validation.json", reason="the library is not installed")
    from cyclonedx.schema import SchemaVersion

    remote = Artifact("acme/model", "hf:acme/model@" + "4f" * 20, "python-code", "ef" * 32)
    text = bill_of_materials(
        [
            record(),
            record("8f3a91c2"),
            record("9f3a91c2", artifact=remote),
            record("af3a91c2", Outcome.BLOCKED, artifact=Artifact("x", "/x", "")),
        ]
    )
    assert validation.JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found = {one["name"]: one for one in json.loads(text)["components"]}
    assert found.keys() == {"yolo.pt", "acme/model"}
    assert found["yolo.pt"]["hashes"] == [{"alg": "SHA-256", "content": "cd" * 32}]
    assert found["acme/model"]["version"] == "4f" * 20
    assert {one["type"] for one in found.values()} == {"machine-learning-model"}


@pytest.fixture
def store(tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    monkeypatch.setattr("jupyter_modelguard.config.home", lambda: tmp_path)
    made = Store(tmp_path)
    made.record(record())
    made.record(record("8f3a91c2", Outcome.BLOCKED))
    made.flush()
    yield made
    made.close()


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_on_the_command_line(name, store, tmp_path, capsys):
    if name == "cyclonedx":
        pytest.importorskip("cyclonedx", reason="the library is not installed")
    assert cli.main(["history", "--format", name]) == 0
    shown = capsys.readouterr().out
    assert cli.main(["history", "--format", name, "--output", str(tmp_path / "out")]) == 0
    written = (tmp_path / "out").read_bytes().decode()
    assert "yolo.pt" in written
    if name != "cyclonedx":  # which has a number and a time of its own
        assert written == shown


def test_history_is_looked_through_by_what_is_known_of_each_load(store, capsys):
    def ids(*options):
        assert cli.main(["history", "--format", "json", *options]) == 0
        return [one["id"] for one in json.loads(capsys.readouterr().out)["records"]]

    assert ids() == ["8f3a91c2", "7f3a91c2"]
    assert ids("--outcome", "blocked") == ["8f3a91c2"]
    assert ids("--limit", "1") == ["8f3a91c2"]
    assert ids("--notebook", "other.ipynb") == ids("--since", "7d") == ids("--like", "nowhere") == []
    assert ids("--like", "YOLO", "--level", "dangerous", "--level", "note") == ids()
    assert ids("--level", "note") == []
    assert cli.main(["history", "--like", "nowhere"]) == 0
    assert "No load matches" in capsys.readouterr().out
    assert cli.main(["history", "--since", "yesterday"]) == 2


def test_scan_as_sarif(tmp_path, capsys):
    path = tmp_path / "armed.pkl"
    path.write_bytes(b"cos\nsystem\n(Vtrue\ntR.")
    assert cli.main(["scan", "--format", "sarif", str(path)]) == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == path.as_uri()
    path.write_bytes(pickle.dumps([1]))
    assert cli.main(["scan", "--format", "sarif", str(path)]) == 0


@pytest.mark.parametrize(
    ("name", "known"), [("a.JSON", "json"), ("a.csv", "csv"), ("a.sarif", "sarif"), ("a.cdx.json", "cyclonedx"), ("a.txt", None)]
)
def test_format_by_the_name_of_a_file(name, known):
    assert format_of(name) == known


def test_notebook_writes_a_new_file_and_never_over_one(store, tmp_path):
    path = tmp_path / "history.csv"
    assert export_history(store, str(path)) == f"2 lines of the history written to {path}."
    assert path.read_bytes() == export(store.history(), "csv").encode()
    with pytest.raises(ConfigurationError, match="is there already"):
        export_history(store, str(path))
    with pytest.raises(ConfigurationError, match=re.escape("Name it .json, .csv, .sarif or .cdx.json")):
        export_history(store, str(tmp_path / "history.txt"))


def test_words_of_the_magic():
    assert looked_for([], 20) == (20, Search())
    limit, search = looked_for(["blocked", "5", "7d"], 20)
    assert (limit, search.outcome, search.since > 0) == (5, Outcome.BLOCKED, True)
    asked = Search(levels=(RiskLevel.RUNS_CODE, RiskLevel.DANGEROUS), text="my model 7d")
    assert looked_for(["runs_code", "dangerous", "like", "my", "model", "7d"], 20) == (20, asked)
    with pytest.raises(ConfigurationError, match=r"'blcked' is no number of lines, no period such as 7d, and none of loaded"):
        looked_for(["blcked"], 20)
