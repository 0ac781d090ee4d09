"""What is shown of a file that changed since it was trusted: its differences, from a text that nobody could exchange."""

from __future__ import annotations

import hashlib

import pytest

from jupyter_modelguard.approval.changes import change_rows, compared
from jupyter_modelguard.policy.trust import ONLY_ONCE, Trust
from jupyter_modelguard.policy.trusted_code import TrustedCode
from jupyter_modelguard.types import (
    Artifact,
    CodeFile,
    Coverage,
    Decision,
    GlobalUse,
    HistoryRecord,
    Judgement,
    LoadRequest,
    Outcome,
    QualifiedName,
    RiskLevel,
    ScanReport,
    Scope,
)

BEFORE = b"import torch\nCACHE = None\n\ndef forward():\n    return 1\n"
AFTER = b"import torch\nimport urllib.request\nCACHE = urllib.request.urlopen('x')\n\ndef forward():\n    return 1\n"


def code(content, path="modeling.py"):
    return CodeFile(path, hashlib.sha256(content).hexdigest(), content)


def record(*files, identity="7f3a91c2", uses=()):
    digest = hashlib.sha256(b"".join(file.content for file in files)).hexdigest()
    artifact = Artifact("chat", "/models/chat", "python-code", digest, 0, files, alone=True)
    report = ScanReport("/models/chat", "python-code", digest, globals=uses, coverage=Coverage(len(files), len(files)))
    return HistoryRecord(
        identity, 1.0, LoadRequest("transformers", "c", "/models/chat"), Outcome.WAITING, RiskLevel.RUNS_CODE, artifact, report
    )


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "private"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def trust(home):
    return Trust(lambda: home)


def trusted(trust, *files):
    approval = Decision(allow=True, by="ada", transport="card", reason="I read the code", scope=Scope.DIGEST, at=1.0)
    assert trust.keep(record(*files), approval, str)


def test_a_changed_file_is_shown_by_its_lines(trust):
    trusted(trust, code(BEFORE), code(b"same", "other.py"))
    now = record(code(AFTER), code(b"same", "other.py"))
    standing = trust.look(now, str)
    assert [(row.change, row.what, row.name) for row in change_rows(standing)] == [("±", "file", "modeling.py")]
    (listing,) = compared(now.artifact, standing)
    assert (listing.source, listing.heading) == ("modeling.py", "+2 -1")
    assert [(row.change, row.number, row.text) for row in listing.rows if row.change] == [
        ("-", 2, "CACHE = None"),
        ("+", 2, "import urllib.request"),
        ("+", 3, "CACHE = urllib.request.urlopen('x')"),
    ]
    assert [row.flagged for row in listing.rows if row.change] == [False, True, True]
    assert standing.since.startswith("ada trusted it on 1970-")


def test_a_file_that_is_gone_is_shown_in_full(trust):
    trusted(trust, code(BEFORE), code(b"one\ntwo\n", "gone.py"))
    now = record(code(BEFORE))
    standing = trust.look(now, str)
    assert [(row.change, row.name) for row in change_rows(standing)] == [("-", "gone.py")]
    assert [row.change for row in compared(now.artifact, standing)[0].rows] == ["-", "-"]


def test_functions_that_are_new_gone_or_from_elsewhere_are_rows(trust):
    def use(name, origin):
        return GlobalUse(QualifiedName("library", name), 1, Judgement.UNKNOWN, "", origin)

    first = (use("gone", "library 1"), use("moved", "library 1"))
    approval = Decision(allow=True, by="ada", transport="card", scope=Scope.DIGEST, at=1.0)
    assert trust.keep(record(code(BEFORE), uses=first), approval, str)
    now = record(code(BEFORE), uses=(use("moved", "library 2"), use("fresh", "library 2")))
    assert [(row.change, row.name, row.note) for row in change_rows(trust.look(now, str))] == [
        ("+", "library.fresh", "from library 2"),
        ("±", "library.moved", "is now from library 2, was from library 1"),
        ("-", "library.gone", "from library 1"),
    ]


def test_a_text_that_was_exchanged_or_opened_to_others_is_not_compared(trust, home):
    trusted(trust, code(BEFORE))
    (kept,) = (home / "trusted-code").iterdir()
    now = record(code(AFTER))
    assert compared(now.artifact, trust.look(now, str))
    kept.chmod(0o666)
    assert not compared(now.artifact, trust.look(now, str))
    kept.chmod(0o600)
    kept.write_bytes(b"nothing to see")
    assert not compared(now.artifact, trust.look(now, str))
    kept.unlink()
    kept.symlink_to(__file__)
    assert not compared(now.artifact, trust.look(now, str))
    assert change_rows(trust.look(now, str))


def test_a_link_in_place_of_the_folder_is_not_written_to(trust, home, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (home / "trusted-code").symlink_to(elsewhere)
    trusted(trust, code(BEFORE))
    assert list(elsewhere.iterdir()) == []


def test_what_is_forgotten_is_not_kept(trust, home):
    trusted(trust, code(BEFORE))
    assert list((home / "trusted-code").iterdir())
    assert trust.forget("7f3a91c2")
    assert list((home / "trusted-code").iterdir()) == []


@pytest.mark.parametrize("digest", ["../trust.json", "", "a" * 63, "A" * 64, "a" * 64])
def test_only_a_digest_leads_to_a_text(home, digest):
    assert TrustedCode(lambda: home).read(digest) is None


def test_a_file_with_another_digest_or_too_large_is_not_kept(home):
    kept = TrustedCode(lambda: home)
    kept.keep([CodeFile("a.py", "ab" * 32, b"x"), code(b"x" * (1 << 20) + b"y")])
    assert not (home / "trusted-code").exists()


def test_repeated_lines_do_not_take_long():
    before, after = b"a\nb\n" * 900, b"b\na\n" * 900
    standing = trust_standing(before, after)
    (listing,) = compared(record(code(after)).artifact, standing)
    assert len(listing.rows) <= 400


def trust_standing(before, after):
    from dataclasses import replace

    from jupyter_modelguard.policy.trust_entry import Change

    known = code(before)
    return replace(
        ONLY_ONCE,
        changes=(Change("±", "file", "modeling.py", "changed", known.digest),),
        before=((known.digest, before),),
    )
