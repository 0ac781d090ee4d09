"""Names that others chose, in all that is printed, logged, displayed and written: they steer no terminal, draw nothing, add no line.

A folder of a cloned repository, a file, a global, a rule and an entry of a lock file each bear such a name.
"""

import contextlib
import io
import logging
import os
import pickle
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from jupyter_modelguard import cli, config
from jupyter_modelguard.errors import ConfigurationError, ModelLoadBlockedError
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.ipython import accepting, display, policies, stats
from jupyter_modelguard.ipython.locking import write_lock
from jupyter_modelguard.policy.lock_file import LOCK_HEAD
from jupyter_modelguard.policy.toml_text import toml_value

from chooser import Chooser  # isort: skip
from rulebooks import Desk, load  # isort: skip

STRANGE = "x\x1b[2J\x1b]0;owned\x07\x9b1m\u202eevil\u2066\u200b<img src=x onerror=alert(1)>[bold red]'\"\r\n[[entry]]\n"
STEERING = frozenset("\x1b\x9b\x07\x08\r\u202e\u2066\u200b\u2028")
COMMAND = "import sys; sys.path[0] = '/nowhere'; from jupyter_modelguard.cli import main; sys.exit(main())"


def harmless(text):
    assert text, "nothing was said"
    assert not STEERING & set(text), text
    assert "\n[[entry]]\nby" not in text


def harmless_markup(html):
    harmless(html)
    assert "<img" not in html


def named(module, name, *arguments):
    """A stream that calls a global of any name."""
    texts = [module, name]
    body = b"".join(b"X" + len(text.encode()).to_bytes(4, "little") + text.encode() for text in texts)
    return b"\x80\x04" + body + b"\x93(" + b"".join(pickle.dumps(given, 3)[2:-1] for given in arguments) + b"tR."


@pytest.fixture
def desk(tmp_path, worker, monkeypatch):
    monkeypatch.delenv("MODELGUARD_HEADLESS", raising=False)
    folder = tmp_path / STRANGE
    folder.mkdir()
    made = Desk(folder, worker, monkeypatch)
    home = folder / "modelguard-home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("MODELGUARD_HOME", str(home))
    monkeypatch.setattr(config, "default_home", lambda: made.own)
    monkeypatch.chdir(made.project)
    config.home.cache_clear()
    yield made
    config.home.cache_clear()


RULE = toml_value(STRANGE)


@pytest.fixture
def strange(desk):
    """Strange in its path and in what it calls."""
    path = desk.project / f"{STRANGE}.pkl"
    path.write_bytes(named(f"mine{STRANGE}", f"Mine{STRANGE}", STRANGE))
    return path


@pytest.fixture
def honest(desk, canary):
    """Strange in its path; what it calls can be allowed."""
    path = desk.project / f"{STRANGE}.pkl"
    path.write_bytes(named("logging.handlers", "WatchedFileHandler", str(canary)))
    return path


def told(capsys, *arguments):
    with contextlib.suppress(SystemExit):
        cli.main(list(map(str, arguments)))
    captured = capsys.readouterr()
    return captured.out + captured.err


def records(desk):
    store = Store(desk.folder / "modelguard-home")
    try:
        return store.history(100)
    finally:
        store.close()


def test_message_of_a_blocked_load(desk, strange, caplog):
    with desk.guarding(), pytest.raises(ModelLoadBlockedError) as caught:
        load(strange)
    harmless(str(caught.value))
    assert "x\\x1b[2J" in str(caught.value)
    assert not STEERING & set(caplog.text)


def test_message_of_what_was_refused_below_the_wrappers(desk):
    """A reader that user code bound before the guard was there."""
    from _pickle import Unpickler

    with desk.guarding(), pytest.raises(BaseException, match="x") as caught:
        Unpickler(io.BytesIO(named(f"mine{STRANGE}", f"Mine{STRANGE}"))).load()
    assert type(caught.value).__name__ in {"ModelLoadBlockedError", "LoadHeld"}
    harmless(str(caught.value))
    harmless("".join(getattr(caught.value, "_render_traceback_", lambda: ["none"])()))


def test_sheets_of_the_magics(desk, strange):
    desk.policy.write_text(
        f'[[rule]]\naction = "forbid"\nformat = "pickle"\nname = {toml_value(STRANGE)}\nreason = {toml_value(STRANGE)}\n'
    )
    with desk.guarding() as made:
        with pytest.raises(ModelLoadBlockedError, match="policy") as caught:
            load(strange)
        harmless(str(caught.value))
        desk.policy.write_text("")
        with pytest.raises(ModelLoadBlockedError):
            load(strange)
        loads = made.store.history(10)
        assert len(loads) == 2
        sheets = [
            display.history_table(loads),
            *map(display.record_table, loads),
            stats.stats_table(made.store.statistics(0.0)),
            policies.policy_table(made.rulebook),
            policies.decided_table(loads),
        ]
        desk.policy.write_text(f'[[rule]]\naction = "ask"\nformat = "pickle"\nname = {RULE}\nreason = {RULE}\n')
        for record in loads:
            said = policies.would_decide(made.rulebook, record)
            harmless(said)
            assert "\n" not in said
        for sheet in sheets:
            harmless(sheet.text())
            harmless_markup(sheet.html())


@pytest.mark.parametrize("wide", [False, True])
def test_command_line(desk, strange, capsys, caplog, wide):
    """In a pipe, where rich adds nothing of its own."""
    desk.policy.write_text(f'[[rule]]\naction = "ask"\nformat = "pickle"\nname = {toml_value(STRANGE)}\n')
    with desk.guarding(), pytest.raises(ModelLoadBlockedError):
        load(strange)
    if wide:
        os.environ["COLUMNS"] = "2000"
    try:
        (record,) = records(desk)
        for arguments in (
            ("history",),
            ("show", record.id),
            ("stats", "all"),
            ("forget",),
            ("policy",),
            ("policy", "check", strange),
            ("policy", "forget", strange),
            ("policy", "accept", strange),
            ("lock", record.id),
            ("lock", record.id, "--output", desk.folder / STRANGE / "lock"),
            ("scan", strange),
            ("scan", desk.folder / STRANGE),
            ("convert", strange),
            ("convert", desk.folder / STRANGE),
            ("run", desk.folder / STRANGE),
            ("show", STRANGE),
            ("stats", STRANGE),
            ("doctor",),
        ):
            harmless(told(capsys, *arguments))
    finally:
        os.environ.pop("COLUMNS", None)
    assert not STEERING & set(caplog.text)


BROKEN = [
    f"{toml_value(STRANGE)} = 1\n",
    f"[[rule]]\naction = {toml_value(STRANGE)}\n",
    f'[[rule]]\naction = "ask"\n{toml_value(STRANGE)} = 1\n',
    f'[[rule]]\naction = "ask"\nformat = {toml_value(STRANGE)}\n',
    f'[[rule]]\naction = "ask"\nsource = {toml_value(STRANGE)}\nexpires = {toml_value(STRANGE)}\n',
    f"\x1b[2J{STRANGE}",
]


@pytest.mark.parametrize("text", BROKEN)
@pytest.mark.parametrize("which", ["policy", "lock"])
def test_mistake_in_a_file_of_a_project(desk, strange, capsys, caplog, text, which):
    (desk.policy if which == "policy" else desk.lock).write_text(text if which == "policy" else LOCK_HEAD + text)
    path = desk.policy if which == "policy" else desk.lock
    if which == "lock":
        with contextlib.suppress(ConfigurationError):
            desk.accept(path)
    caplog.set_level(logging.WARNING)
    with desk.guarding() as made:
        with pytest.raises(ModelLoadBlockedError) as caught:
            load(strange)
        harmless(str(caught.value))
        harmless(policies.policy_table(made.rulebook).text())
        harmless(policies.said_of_policy(made.rulebook))
    for arguments in (("policy",), ("policy", "check", strange), ("doctor",), ("scan", strange)):
        harmless(told(capsys, *arguments))
    assert not STEERING & set(caplog.text), caplog.text
    with pytest.raises(ConfigurationError) as wrong:
        accepting.accept(desk.rulebook().accepted, str(path), say=lambda _: None, read=lambda _: "accept")
    assert wrong.value


def test_what_is_accepted_is_shown_as_text(desk, honest, canary):
    with desk.guarding(Chooser()) as made:
        load(honest)
        write_lock(desk.lock, made.deciding.allowed, made.trust)
    text = desk.lock.read_text()
    for field in ("by", "reason"):
        text = re.sub(rf"(?m)^{field} = .*$", lambda _, field=field: f"{field} = {toml_value(STRANGE)}", text)
    desk.lock.write_text(text)
    said = []
    answer = accepting.accept(desk.rulebook().accepted, str(desk.lock), say=said.append, read=lambda _: "accept")
    harmless("\n".join([*said, answer]))
    canary.unlink()
    with desk.guarding() as made:
        load(honest)
        (record, *_) = made.store.history(1)
        for sheet in (display.history_table([record]), display.record_table(record), policies.decided_table([record])):
            harmless(sheet.text())
            harmless_markup(sheet.html())
    assert canary.exists()


def test_run_prints_and_proposes_text(desk, honest, canary, monkeypatch):
    script = desk.project / f"{STRANGE}.py"
    script.write_text(f"import pickle\nwith open({str(honest)!r}, 'rb') as file:\n    pickle.load(file)\n")
    root = str(Path(__file__).parents[3])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([root, *filter(None, sys.path)]))
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "run", str(script)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    said = done.stderr[
        done.stderr.index("modelguard blocked") :
    ]  # before it stands Python's own traceback, with the script's path
    harmless(said)
    proposed = desk.project / "modelguard.lock.proposed"
    harmless(proposed.read_text())
    assert len(tomllib.loads(proposed.read_text())["entry"]) == 1
    assert not canary.exists()
