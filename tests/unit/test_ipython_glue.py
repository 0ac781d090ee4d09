"""The extension, the magics and the sheets, with a guard handed in."""

from __future__ import annotations

import builtins
import dataclasses
import io
import sys
import time
import types

import pytest
from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import InteractiveShell
from rich.console import Console

from jupyter_modelguard.approval.order import Approver
from jupyter_modelguard.errors import ModelLoadBlockedError, UnloadRefusedError
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.ipython import extension, magics
from jupyter_modelguard.ipython.display import history_table, record_table
from jupyter_modelguard.ipython.scan_view import ScanView
from jupyter_modelguard.ipython.site import current_site, number_cell
from jupyter_modelguard.types import (
    Artifact,
    Assessment,
    CallSite,
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
)

EVIL = "<img src=x>\x1b[2K\u202e"


class Guard:
    """As much of the guard as the glue uses."""

    def __init__(self, store):
        self.store = store
        self.approver = Approver(store)
        self.trust = None
        self.rulebook = None
        self.strict = False
        self.unguarded = types.SimpleNamespace(by_library=lambda: {"lib": {"evil.name": 2}})
        self.patches = types.SimpleNamespace(bound_early=list, holes=())
        self.cells = 0

    def begin_cell(self):
        self.cells += 1


@pytest.fixture
def shell():
    InteractiveShell.clear_instance()
    yield InteractiveShell.instance(colors="nocolor")
    InteractiveShell.clear_instance()


@pytest.fixture
def guard(tmp_path, monkeypatch):
    running = []
    made = Guard(Store(tmp_path))

    def start(_shell, _config, site):
        assert isinstance(site(), CallSite)
        running[:] = [made]
        return made

    monkeypatch.setattr(extension, "start", start)
    monkeypatch.setattr(extension, "stop", running.clear)
    for module in (extension, magics):
        monkeypatch.setattr(module, "current", lambda: running[0] if running else None)
    monkeypatch.delitem(sys.modules, "modelguard", raising=False)
    monkeypatch.delenv("MODELGUARD_HEADLESS", raising=False)
    yield made
    made.store.close()


@pytest.fixture
def loaded(shell, guard):
    extension.load_ipython_extension(shell)
    yield shell
    extension.unload_ipython_extension(shell)


def record(store, **changed):
    use = GlobalUse(QualifiedName("evil", "run"), 2, Judgement.UNKNOWN, EVIL)
    report = ScanReport("bad.pkl", "pickle", "ab", 12, globals=(use,), coverage=Coverage(2, 1, (EVIL,)))
    made = HistoryRecord(
        store.next_id(),
        time.time(),
        LoadRequest("pickle.load", "pickle.load(f)", f"/tmp/{EVIL}", CallSite("a.ipynb", "c", 7, 3)),
        Outcome.BLOCKED,
        RiskLevel.RUNS_CODE,
        Artifact(EVIL, f"/tmp/{EVIL}", "pickle", "ab", 12),
        report,
        Decision(allow=False, by="ada", transport="card"),
    )
    made = dataclasses.replace(made, **changed)
    store.record(made)
    return made


def run(shell, line, capsys):
    shell.run_line_magic("modelguard", line)
    return capsys.readouterr().out


def test_loading_twice_changes_nothing_and_unloading_restores(shell, guard):
    before = len(shell.events.callbacks["pre_run_cell"])
    extension.load_ipython_extension(shell)
    extension.load_ipython_extension(shell)
    assert len(shell.events.callbacks["pre_run_cell"]) == before + 1
    shell.run_cell("1  # the first", store_history=True)
    assert guard.cells == 1
    assert "the first" in shell.user_ns["In"][current_site().execution_count]
    extension.unload_ipython_extension(shell)
    extension.unload_ipython_extension(shell)
    assert len(shell.events.callbacks["pre_run_cell"]) == before
    assert "modelguard" not in shell.magics_manager.magics["line"]
    extension.load_ipython_extension(shell)
    extension.unload_ipython_extension(shell)


def test_a_refused_unload_leaves_everything_in_place(loaded, monkeypatch):
    def refuse():
        raise UnloadRefusedError("a load is under way")

    with monkeypatch.context() as patch:
        patch.setattr(extension, "stop", refuse)
        with pytest.raises(UnloadRefusedError):
            extension.unload_ipython_extension(loaded)
    assert "modelguard" in loaded.magics_manager.magics["line"]


def test_a_foreign_alias_is_told_and_the_kernel_guarded_all_the_same(shell, guard, monkeypatch):
    monkeypatch.setitem(sys.modules, "modelguard", types.ModuleType("modelguard"))
    with pytest.warns(UserWarning, match="belongs to another project"):
        extension.load_ipython_extension(shell)
    assert magics.current() is guard
    extension.unload_ipython_extension(shell)


@pytest.mark.parametrize(
    "line", ["frob", "scan", "show", "history x", "history 0", "allow", "deny 1 2", "show zz", "show 7f3a", "'open"]
)
def test_what_the_magic_does_not_understand_is_said_in_one_line(loaded, capsys, line):
    loaded.run_line_magic("modelguard", "status")
    capsys.readouterr()
    loaded.run_cell(f"%modelguard {line}")
    said = capsys.readouterr()
    assert "UsageError" in said.out + said.err
    assert "Traceback" not in said.out + said.err


def test_status_history_and_show(loaded, guard, capsys):
    made = record(guard.store)
    assert "Guarded" in run(loaded, "", capsys)
    assert "evil.name" in run(loaded, "status", capsys)
    listed = run(loaded, "history 5", capsys)
    assert made.id in listed
    shown = run(loaded, f"show {made.id[:6]}", capsys)
    assert "evil.run" in shown
    assert "kept blocked by ada" in shown
    for text in (listed, shown):
        assert "\x1b[2K" not in text
        assert "\u202e" not in text


def test_without_a_guard_the_magic_says_what_to_do(loaded, guard, capsys, monkeypatch):
    monkeypatch.setattr(magics, "current", lambda: None)
    assert "Not guarded" in run(loaded, "", capsys)
    loaded.run_cell("%modelguard history")
    said = capsys.readouterr()
    assert "%load_ext modelguard" in said.out + said.err


def test_allow_asks_and_passes_once(loaded, guard, capsys, monkeypatch):
    made = record(guard.store)
    monkeypatch.setattr(guard.approver, "nobody", lambda: None)
    lines = iter(["run", "1"])
    monkeypatch.setattr(builtins, "input", lambda _question="": next(lines))
    assert "passes once" in run(loaded, f"allow {made.id}", capsys)
    assert guard.approver.prior(made).reason == "I made this file"
    assert guard.approver.prior(made) is None


def test_deny_takes_an_allowance_back(loaded, guard, capsys, monkeypatch):
    made = record(guard.store)
    monkeypatch.setattr(guard.approver, "nobody", lambda: None)
    lines = iter(["run", "1"])
    monkeypatch.setattr(builtins, "input", lambda _question="": next(lines))
    run(loaded, f"allow {made.id}", capsys)
    assert "stays blocked" in run(loaded, f"deny {made.id}", capsys)
    assert guard.approver.prior(made) is None
    assert "nothing changes" in run(loaded, f"deny {made.id}", capsys)


def test_allow_where_input_is_refused_says_where_to_go(loaded, guard, capsys, monkeypatch):
    made = record(guard.store)
    monkeypatch.setattr(guard.approver, "nobody", lambda: None)

    def refuse(_question=""):
        raise StdinNotImplementedError

    monkeypatch.setattr(builtins, "input", refuse)
    loaded.run_cell(f"%modelguard allow {made.id}")
    said = capsys.readouterr()
    assert f"modelguard decide {made.id}" in said.out + said.err
    assert guard.approver.prior(made) is None


@pytest.mark.parametrize(
    "changed",
    [{"outcome": Outcome.LOADED}, {"level": RiskLevel.FORBIDDEN}, {"artifact": None}, {"report": None, "level": None}],
)
def test_what_cannot_be_allowed_is_refused(loaded, guard, capsys, monkeypatch, changed):
    made = record(guard.store, **changed)
    monkeypatch.setattr(builtins, "input", lambda _question="": pytest.fail("asked"))
    loaded.run_cell(f"%modelguard allow {made.id}")
    said = capsys.readouterr()
    assert "UsageError" in said.out + said.err


def test_sheets_are_text_in_every_face(guard):
    made = record(guard.store)
    for sheet in (history_table([made]), record_table(made), ScanView([Assessment(RiskLevel.RUNS_CODE, made.report)])):
        console = Console(file=io.StringIO(), width=200, force_terminal=True)
        console.print(sheet)
        bundle = sheet._repr_mimebundle_()
        for text in (console.file.getvalue(), bundle["text/plain"], bundle["text/html"]):
            assert "\x1b[2K" not in text
            assert "\u202e" not in text
        assert "<img" not in bundle["text/html"]


def test_an_empty_history_says_so(guard):
    assert "Nothing was loaded yet" in history_table([]).text()


def test_a_blocked_load_is_shown_without_the_librarys_frames(shell, capsys):
    shell.user_ns["blocked"] = ModelLoadBlockedError("bad.pkl was not loaded\nSee what it does")
    shell.run_cell("def deep():\n    raise blocked\ndeep()")
    said = capsys.readouterr()
    text = said.out + said.err
    assert "bad.pkl was not loaded" in text
    assert "deep()" not in text


def test_the_site_is_the_cell_that_runs(shell, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/ada/a.ipynb")
    monkeypatch.setitem(shell.user_ns, "current_site", current_site)
    shell.kernel = types.SimpleNamespace(get_parent=lambda: {"metadata": {"cellId": "c-1"}})
    number_cell(shell)
    shell.run_cell("site = current_site()  # this one", store_history=True)
    site = shell.user_ns["site"]
    assert "this one" in shell.user_ns["In"][site.execution_count]
    assert site == CallSite("/home/ada/a.ipynb", "c-1", site.execution_count)
    shell.kernel = types.SimpleNamespace(get_parent=lambda: {"metadata": {"cellId": 7}})
    assert current_site().cell_id is None


def test_scan_says_what_was_found_and_what_is_not_there(loaded, tmp_path, capsys):
    (tmp_path / "armed.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    loaded.run_cell(f"%modelguard scan {tmp_path}/*.pkl {tmp_path}/absent.pkl")
    said = "".join(capsys.readouterr().out.split())
    assert "DANGEROUS" in said
    assert "armed.pkl" in said
    assert "absent.pkldoesnotexist" in said
