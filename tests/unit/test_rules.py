"""Rules: read whole or not at all, and about a load by every name it has."""

import dataclasses
import datetime as dt
import os
import tomllib

import pytest

from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.policy.administrator import only_administrator_writes
from jupyter_modelguard.policy.matching import matches, names_of
from jupyter_modelguard.policy.rules import FORMATS, Action, read_rules
from jupyter_modelguard.policy.toml_text import toml_table, toml_value
from jupyter_modelguard.types import Artifact, HistoryRecord, LoadRequest, Outcome, RiskLevel, ScanReport

DIGEST = "ab" * 32
ALLOWS = f'[[rule]]\naction = "allow"\nreason = "r"\ndigest = "{DIGEST}"\n'


def rules(text):
    return read_rules(text.encode(), "policy.toml").rules


def wrong(text):
    with pytest.raises(ConfigurationError) as caught:
        read_rules(text if isinstance(text, bytes) else text.encode(), "policy.toml")
    return str(caught.value)


def record(source="/data/model.pkl", level=RiskLevel.RUNS_CODE, kind="pickle", digest="cd" * 32):
    artifact = Artifact("model.pkl", source, kind, digest, 1, alone=True)
    report = ScanReport(source, kind, digest)
    return HistoryRecord("00000001", 1.0, LoadRequest("pickle.load", "", source), Outcome.WAITING, level, artifact, report)


def about(text, what, content=""):
    (rule,) = rules(text)
    return matches(rule, what, lambda: content)


def test_rule_with_everything():
    text = (
        '# a comment\n[[rule]]\naction = "forbid"\nname = "n"\nformat = ["pickle", "joblib"]\nlevel = "dangerous"\n'
        f'source = "/data/**"\ndigest = "{DIGEST}"\nreason = "r"\nexpires = 2027-06-30\n'
    )
    (rule,) = rules(text)
    assert rule.place == "policy.toml:2"
    assert (rule.action, rule.formats, rule.levels) == (Action.FORBID, ("pickle", "joblib"), (RiskLevel.DANGEROUS,))
    assert rule.expires == dt.date(2027, 6, 30)
    assert rule.counts_on(dt.date(2027, 6, 30))
    assert not rule.counts_on(dt.date(2027, 7, 1))


def test_rules_know_their_lines_whatever_stands_between():
    text = (
        '[[rule]]\naction = "ask"\n\n#[[rule]]\n  [[ rule ]] # here\naction = "forbid"\n'
        'reason = """\n  two lines\n"""\n\n[[rule]]\naction = "ask"\n'
    )
    assert [rule.line for rule in rules(text)] == [1, 5, 11]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('rule = [{action = "ask"}]', "policy.toml:1: write each under [[rule]]"),
        ('[[rule]]\naction = "ask"\nreason = """\n[[rule]]\n"""\n', "policy.toml:1: write each under [[rule]]"),
        ('rule = "all"', "policy.toml:1: write each rule under [[rule]]"),
        ('locked = "yes"', "locked is true or false"),
        ("[[rule]]\n", 'action = "forbid", "ask" or "allow"'),
        ('[[rule]]\naction = "deny"\n', 'action = "forbid", "ask" or "allow"'),
        ('[[rule]]\naction = "ask"\nlevel = "forbidden"\n', "there is no level 'forbidden'"),
        ('[[rule]]\naction = "ask"\nlevel = []\n', "level is a text or a list of texts"),
        ('[[rule]]\naction = "ask"\nformat = 1\n', "format is a text or a list of texts"),
        ('[[rule]]\naction = "ask"\ndigest = "abc"\n', "no sha256 of 64 digits"),
        ('[[rule]]\naction = "ask"\nexpires = "2027-06-30"\n', "expires is a day, without quotes"),
        ('[[rule]]\naction = "ask"\nexpires = 2027-06-30T00:00:00Z\n', "expires is a day, without quotes"),
        ('[[rule]]\naction = "ask"\nname = 1\n', "name is a text"),
        ('[[rule]]\naction = "ask"\nsource = "/**/**/**/**/**"\n', "at most"),
        (ALLOWS.replace('reason = "r"\n', ""), "needs a reason"),
        (f'{ALLOWS}level = "dangerous"\n', "a person decides about anything graver"),
        (f'{ALLOWS}level = ["runs_code", "uninspected"]\n', "a person decides about anything graver"),
        ('[[rule]]\naction = "allow"\nreason = "r"\n', "bind it"),
        ('[[rule]]\naction = "allow"\nreason = "r"\nsource = "hf:acme/*"\n', "bind it"),
        ('[[rule]]\naction = "allow"\nreason = "r"\nsource = ["/srv/*", "**/x"]\n', "bind it"),
        ("a = " + "[" * 5_000, "policy.toml:1: "),
    ],
)
def test_mistake_is_said_with_its_place_and_what_to_do(text, said):
    assert said in wrong(text)
    assert wrong(text).startswith("policy.toml:")


def test_table_of_another_file_may_be_absent():
    assert read_rules(b"[project]\nname = 'x'\n", "pyproject.toml", "tool.modelguard").rules == ()
    assert read_rules(b"[tool]\nmodelguard.locked = true\n", "pyproject.toml", "tool.modelguard").locked
    with pytest.raises(ConfigurationError):
        read_rules(b"[tool]\nmodelguard = 3\n", "pyproject.toml", "tool.modelguard")


def test_every_format_that_the_engines_name_can_be_in_a_rule():
    """A format that a rule could not name would be one that no rule forbids."""
    import pathlib
    import re

    import jupyter_modelguard

    package = pathlib.Path(jupyter_modelguard.__file__).parent
    named = set()
    for path in (*package.glob("hooks/**/*.py"), *package.glob("engines/**/*.py"), *package.glob("stages/*.py")):
        text = path.read_text()
        named |= set(re.findall(r'format(?:_name)?="([a-z-]+)"', text))
        named |= set(re.findall(r'Artifact\([^()]*(?:\([^()]*\)[^()]*)*, "([a-z-]+)", (?:hashlib|digest)', text))
    assert {"yaml", "native", "python-code"} <= named
    assert named <= FORMATS


# -- which loads a rule is about -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "source", "is_about"),
    [
        ("/data/model.pkl", "/data/model.pkl", True),
        ("/data/*", "/data/model.pkl", True),
        ("/data/*", "/data/deep/model.pkl", False),
        ("/data/**", "/data/deep/model.pkl", True),
        ("/data/**/model.pkl", "/data/model.pkl", True),
        ("**/model.pkl", "/data/deep/model.pkl", True),
        ("/data/model.???", "/data/model.pkl", True),
        ("/data/model", "/data/model.pkl", False),
        ("/data/[m]odel.pkl", "/data/model.pkl", False),
        ("/DATA/*", "/data/model.pkl", True),
        ("hf:acme/yolo", "hf:acme/yolo@main", True),
        ("hf:acme/*", "hf:acme/yolo@main", True),
        ("hf:acme/*", "hf:acme-evil/yolo@main", False),
        ("**", "<bytes>", True),
        ("/**", "<bytes>", False),
    ],
)
def test_source_of_a_rule_that_forbids(pattern, source, is_about):
    assert about(f'[[rule]]\naction = "forbid"\nsource = "{pattern}"\n', record(source)) is is_about


def test_source_of_a_rule_that_allows_is_to_the_letter(tmp_path):
    text = '[[rule]]\naction = "allow"\nreason = "r"\nsource = "/DATA/*"\n'
    assert not about(text, record())
    assert about(text, record("/DATA/model.pkl"))
    (tmp_path / "link.pkl").symlink_to("/data/model.pkl")
    text = f'[[rule]]\naction = "allow"\nreason = "r"\nsource = "{tmp_path.resolve()}/*"\n'
    assert not about(text, record(str(tmp_path.resolve() / "link.pkl")))


def test_levels():
    forbids = '[[rule]]\naction = "forbid"\nlevel = "uninspected"\n'
    grave = {level for level in RiskLevel if about(forbids, record(level=level))}
    assert grave == {RiskLevel.RUNS_CODE, RiskLevel.UNINSPECTED, RiskLevel.DANGEROUS, RiskLevel.FORBIDDEN}
    allows = f'{ALLOWS}level = "runs_code"\n'
    assert {level for level in RiskLevel if about(allows, record(level=level), DIGEST)} == {RiskLevel.RUNS_CODE}


def test_all_that_a_rule_names_has_to_hold():
    text = '[[rule]]\naction = "forbid"\nformat = "joblib"\nsource = "/data/*"\n'
    assert not about(text, record())
    assert about(text, record(kind="joblib"))
    assert not about(text, record("/other/x", kind="joblib"))


def test_digest_is_that_of_the_file_or_of_what_it_runs():
    forbids = f'[[rule]]\naction = "forbid"\ndigest = "{DIGEST}"\n'
    assert about(forbids, record(digest=DIGEST))
    assert about(forbids, record(), DIGEST)
    assert not about(forbids, record(), "ef" * 32)
    assert about(ALLOWS, record(), DIGEST)
    assert not about(ALLOWS, record(digest=DIGEST), "ef" * 32)  # other bytes around the same code


def test_rule_about_the_repository_finds_its_copy_in_the_cache():
    source = f"/home/ada/.cache/huggingface/hub/models--acme--yolo/snapshots/{'4f' * 20}/model.pkl"
    assert f"hf:acme/yolo@{'4f' * 20}" in names_of(source)
    assert "hf:acme/yolo" in names_of(source)


def test_record_without_artifact_is_matched_by_what_is_known():
    bare = dataclasses.replace(record(), artifact=None)
    assert about('[[rule]]\naction = "forbid"\nsource = "/data/*"\n', bare)
    assert not about(ALLOWS, bare)


# -- who else could write a file -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_only_an_administrator_writes_where_every_folder_is_theirs_and_closed(tmp_path):
    tmp_path.chmod(0o755)
    folder = tmp_path / "etc"
    folder.mkdir(mode=0o755)
    path = folder / "policy.toml"
    path.write_text("")
    path.chmod(0o644)

    def said(place=path, other=0):
        return only_administrator_writes(place, administrator=os.getuid() + other, top=tmp_path)

    assert said() == ""
    assert "no administrator" in said(other=1)
    for place, mode in ((path, 0o664), (path, 0o646), (folder, 0o775), (folder, 0o1777), (tmp_path, 0o757)):
        kept = place.stat().st_mode & 0o7777
        place.chmod(mode)
        assert f"Others than its owner may write to {place}" in said()
        place.chmod(kept)
    elsewhere = tmp_path / "open"
    elsewhere.mkdir()
    elsewhere.chmod(0o777)
    (elsewhere / "policy.toml").write_text("")
    link = folder / "link.toml"
    link.symlink_to(elsewhere / "policy.toml")
    assert f"may write to {elsewhere}" in said(link)
    assert "cannot be looked at" in said(folder / "none.toml")


# -- what is written -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        'a"b',
        "a\\b",
        "a\nb\r\n[[entry]]",
        "\x00\x1b\x7f\x85",
        "\u202e\u2028\ufeff",
        "ж 🦊 é",
        "'''",
        '"""',
        "#",
        "\\u0041",
        " ",
    ],
)
def test_text_comes_back_as_it_was(text):
    written = toml_table("entry", {"text": text, "list": [text, text], "pairs": [[text, text]]})
    assert tomllib.loads(written) == {"entry": [{"text": text, "list": [text, text], "pairs": [[text, text]]}]}
    assert written.isprintable() or set(written) - set(written.replace("\n", "")) == {"\n"}
    assert written.count("[[entry]]\n") == 1


def test_half_a_surrogate_pair_is_spelled_out():
    assert tomllib.loads(f"a = {toml_value(chr(0xDC80))}") == {"a": "\\udc80"}


def test_days_times_and_numbers_come_back_and_nothing_else_is_written():
    day, moment = dt.date(2027, 6, 30), dt.datetime(2027, 6, 30, 12, 0, 5, tzinfo=dt.UTC)
    assert tomllib.loads(toml_table("e", {"day": day, "at": moment, "n": 3, "none": []}))["e"] == [
        {"day": day, "at": moment, "n": 3, "none": []}
    ]
    for value in (None, 1.5, True, {}, b""):
        with pytest.raises(TypeError):
            toml_value(value)
