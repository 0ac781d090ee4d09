"""What was saved here counts where this installation alone could have written it down."""

import json
import shutil
import sys

import pytest

from own_saves import Opens, asks, save  # isort: skip


def ledger(tmp_path):
    return tmp_path / "trust" / "born.json"


def forged(tmp_path):
    text = json.loads(ledger(tmp_path).read_text())
    text["entries"][0]["content"] = "ab" * 32
    ledger(tmp_path).write_text(json.dumps(text))


def unsealed(tmp_path):
    text = json.loads(ledger(tmp_path).read_text())
    del text["seal"]
    ledger(tmp_path).write_text(json.dumps(text))


def of_another_machine(tmp_path):
    """The whole folder as an archive brings it, key included."""
    shutil.copytree(tmp_path / "trust", tmp_path / "archive")
    shutil.move(tmp_path / "trust", tmp_path / "before")
    shutil.move(tmp_path / "archive", tmp_path / "trust")


def behind_a_link(tmp_path):
    (tmp_path / "trust").rename(tmp_path / "elsewhere")
    (tmp_path / "trust").symlink_to(tmp_path / "elsewhere")


def open_to_everybody(tmp_path):
    (tmp_path / "trust").chmod(0o777)


def key_open_to_everybody(tmp_path):
    (tmp_path / "trust" / "installation.key").chmod(0o666)


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links of POSIX")
@pytest.mark.parametrize(
    "attack", [forged, unsealed, of_another_machine, behind_a_link, open_to_everybody, key_open_to_everybody]
)
def test_ledger_that_somebody_else_could_have_written_counts_for_nothing(attack, guarded, person, born, path, canary, tmp_path):
    save(Opens(canary), path)
    assert born.entries()
    (tmp_path / "trust").chmod(0o700)
    attack(tmp_path)
    asks(person, path)
    assert not canary.exists()


def test_ledger_on_another_machine_counts_for_nothing(guarded, person, born, path, canary, monkeypatch):
    from jupyter_modelguard.policy import installation

    save(Opens(canary), path)
    assert born.entries()
    monkeypatch.setattr(installation, "_machine", lambda: "another machine")
    asks(person, path)
