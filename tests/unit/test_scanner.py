"""A scan asks every engine, keeps within its limits, and never calls clean what it did not look at."""

import gzip
import io
import pickle
import tarfile
import zipfile

import pytest

from jupyter_modelguard.engines.content import Content
from jupyter_modelguard.engines.registry import engines
from jupyter_modelguard.engines.scanner import Scanner, scan_file
from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.policy.findings import finding, finding_rules
from jupyter_modelguard.policy.taxonomy import issue_of, sentence_of
from jupyter_modelguard.types import ByteRange, Coverage, RiskLevel, ScanReport


class Engine:
    """Takes what begins with its mark, and does as it is told."""

    def __init__(self, answer, mark=b"", name="made up 1"):
        self.answer, self.mark, self.name = answer, mark, name

    def takes(self, content):
        return content.head.startswith(self.mark)

    def scan(self, content, scanner):
        return self.answer(content, scanner)


def says(rule=None, **fields):
    found = (finding(rule, "found"),) if rule else ()
    return lambda content, _: ScanReport(content.name, "made up", findings=found, **fields)


def raises(error):
    def scan(content, scanner):
        raise error

    return scan


def zipped(**members):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return made.getvalue()


def level(report):
    return evaluate(report).level


def test_what_no_engine_takes_was_not_inspected():
    report = Scanner([]).scan(Content.of_bytes(b"something"))
    assert report.coverage.missed == ("its content is of no format that is known here",)
    assert level(report) is RiskLevel.UNINSPECTED


def test_engine_that_takes_it_back_is_as_if_it_had_not_taken_it():
    assert level(Scanner([Engine(lambda *_: None)]).scan(Content.of_bytes(b"x"))) is RiskLevel.UNINSPECTED


@pytest.mark.parametrize("error", [ValueError("odd"), RecursionError(), MemoryError(), ScanError("a sentence"), KeyError("x")])
def test_engine_that_fails_did_not_inspect(error):
    quiet, failing = Engine(says()), Engine(raises(error), name="other 1")
    report = Scanner([quiet, failing]).scan(Content.of_bytes(b"x"))
    assert level(report) is RiskLevel.UNINSPECTED
    assert level(Scanner([failing]).scan(Content.of_bytes(b"x"))) is RiskLevel.UNINSPECTED


def test_of_several_engines_the_worst_counts():
    report = Scanner([Engine(says()), Engine(says("pickle-dangerous-global"))]).scan(Content.of_bytes(b"x"))
    assert level(report) is RiskLevel.DANGEROUS


def test_containers_deeper_than_the_limit_were_not_inspected():
    data = pickle.dumps([1])
    for _ in range(12):
        data = gzip.compress(data)
    report = Scanner().scan(Content.of_bytes(data))
    assert "lies deeper than" in report.coverage.missed[0]


def test_members_beyond_the_limit_were_not_inspected():
    data = zipped(**{f"{place}.txt": "text" for place in range(9)})
    assert level(Scanner(members=20).scan(Content.of_bytes(data))) is RiskLevel.DATA_ONLY
    assert "more parts" in Scanner(members=5).scan(Content.of_bytes(data)).coverage.missed[0]


def test_unpacking_beyond_the_limit_was_not_inspected():
    data = gzip.compress(b"a" * 10_000)
    assert level(Scanner(unpacked=10_000).scan(Content.of_bytes(data))) is RiskLevel.DATA_ONLY
    assert "more than a scan may unpack" in Scanner(unpacked=9_999).scan(Content.of_bytes(data)).coverage.missed[0]


def test_limit_counts_for_all_members_together():
    data = zipped(a="a" * 600, b="b" * 600)
    report = Scanner(unpacked=1_000).scan(Content.of_bytes(data))
    assert report.coverage.missed == ("b: it grows to more than a scan may unpack",)


def test_empty_file_is_nothing_and_so_is_an_empty_member(tmp_path):
    (tmp_path / "empty.pkl").write_bytes(b"")
    assert level(scan_file(str(tmp_path / "empty.pkl"))) is RiskLevel.DATA_ONLY
    assert level(Scanner().scan(Content.of_bytes(zipped(a="")))) is RiskLevel.DATA_ONLY


def test_file_that_cannot_be_opened_was_not_inspected(tmp_path):
    report = scan_file(str(tmp_path / "gone"))
    assert "could not be read" in report.coverage.missed[0]


def test_bytes_that_no_engine_accounted_for_were_not_inspected(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"0123456789")
    ranges = (ByteRange(0, 4, "inspected"), ByteRange(6, 8, "data"))
    monkeypatch.setattr("jupyter_modelguard.engines.scanner.engines", lambda: [Engine(says(coverage=Coverage(ranges=ranges)))])
    report = scan_file(str(tmp_path / "file"))
    assert report.coverage.missed == tuple(
        f"bytes {part} belong to nothing that was understood" for part in ("4 to 6", "8 to 10")
    )
    assert [(one.start, one.end, one.kind) for one in report.coverage.ranges] == [
        (0, 4, "inspected"),
        (4, 6, "missed"),
        (6, 8, "data"),
        (8, 10, "missed"),
    ]


def test_name_of_a_file_says_nothing(tmp_path):
    for name in ("README.md", "config.json", "weights.safetensors", "notes.txt"):
        path = tmp_path / name
        path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
        assert level(scan_file(str(path))) is RiskLevel.DANGEROUS


def test_links_and_names_that_lead_out_of_a_tar_are_findings():
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, kind in (("../out", tarfile.REGTYPE), ("link", tarfile.SYMTYPE), ("pipe", tarfile.FIFOTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    report = Scanner().scan(Content.of_bytes(made.getvalue()))
    assert [one.rule for one in report.findings] == ["archive-path", "archive-link"]
    assert report.coverage.missed == ("pipe: is neither a file nor a folder",)


def test_every_rule_speaks_the_standard_languages():
    for rule in finding_rules().values():
        assert rule.about.endswith(".")
        assert rule.severity.value == "info" or rule.help.endswith("."), rule.id
        assert not rule.atlas or rule.atlas.startswith("AML.T"), rule.id
        assert not rule.taxonomy or issue_of(rule.taxonomy) is not None, rule.id
        assert rule.severity.value in {"info", "low"} or rule.taxonomy, rule.id


def test_others_are_told_with_the_share_that_found_nothing():
    assert sentence_of("I02") == (
        "Of 85 reports of this kind 23 name no solution; others did: secure file format adoption (35), "
        "secure code execution implementation (17), secure deserialization practices (13)."
    )
    assert sentence_of(None) == sentence_of("I99") == ""


def test_engines_have_names_of_their_own_with_a_version():
    names = [engine.name for engine in engines()]
    assert len(set(names)) == len(names)
    assert all(name.rpartition(" ")[2].isdigit() for name in names)
