"""`%modelguard`: look at the guard, the history and files, and allow or deny a load that was kept blocked."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from IPython.core.error import StdinNotImplementedError, UsageError
from IPython.core.magic import Magics, line_magic, magics_class

from jupyter_modelguard.config import ModelGuardConfig, user_name
from jupyter_modelguard.errors import HistoryError, ModelGuardError
from jupyter_modelguard.guard import current
from jupyter_modelguard.ipython.trusting import forget, remembered, said_of_trust
from jupyter_modelguard.types import Assessment, Decision, Outcome, Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.guard import Guard
    from jupyter_modelguard.ipython.scan_view import ScanView
    from jupyter_modelguard.ipython.sheet import Sheet
    from jupyter_modelguard.policy.rulebook import Rulebook
    from jupyter_modelguard.types import HistoryRecord

__all__ = ["ModelGuardMagics"]

_LINES = 20  # of the history, when no number is given
_LOOKED_BACK = 200  # loads among which those that a rule decided are shown


@magics_class
class ModelGuardMagics(Magics):
    """The magics of one shell."""

    @line_magic
    def modelguard(self, line: str) -> None:
        """Look at the guard and at loads.

        %modelguard [status]       is this kernel guarded, and where is its history
        %modelguard scan PATH … [--second-opinion]   look at files, folders and patterns without loading them
        %modelguard history [N] [7d] [blocked] [runs_code] [like TEXT]   the latest loads; of a period, that ended or could do so
        %modelguard export FILE    write the history to FILE.json, .csv, .sarif or .cdx.json (CycloneDX)
        %modelguard show ID        everything about one load
        %modelguard allow ID       ask again about a blocked load; the next load of the same file passes
        %modelguard deny ID        take such an approval back, or keep a waiting load blocked
        %modelguard forget [ID]    what is trusted for longer than one load or was saved here, or take that back
        %modelguard policy [ID]    which rule of which file decided, or would decide about a load
        %modelguard policy accept FILE   let a lock file or policy of this project count; asks you. forget FILE takes it back
        %modelguard lock [ID …]    write what was allowed here to modelguard.lock
        %modelguard stats [7d]     how often was asked, about what, and how long the answers took
        %modelguard convert FILE [OUT]  take the weights out of a file of torch, pickle or joblib, running nothing of it
        %modelguard doctor         what would keep loads here from being held, or you from being asked
        """
        command, *arguments = _split(line) or ["status"]
        actions: dict[str, Callable[[list[str]], None]] = {
            "status": self._status,
            "scan": self._scan,
            "history": self._history,
            "export": self._export,
            "show": self._show,
            "allow": self._allow,
            "deny": self._deny,
            "forget": self._forget,
            "policy": self._policy,
            "lock": self._lock,
            "stats": self._stats,
            "convert": self._convert,
            "doctor": self._doctor,
        }
        if command not in actions:
            raise UsageError(f"%modelguard knows {', '.join(actions)}, not {command!r}.")
        try:
            actions[command](arguments)
        except (ModelGuardError, OSError) as error:
            raise UsageError(str(error)) from error

    def _status(self, arguments: list[str]) -> None:
        from jupyter_modelguard.ipython import display, status
        from jupyter_modelguard.ipython.policies import said_of_policy

        _expect(arguments, 0, "%modelguard status")
        guard = current()
        if guard is None:
            facts = [("state", "Not guarded"), ("next", "%load_ext modelguard")]
        else:
            facts = [
                ("state", "Guarded"),
                ("history", guard.store.shown),
                ("database", "in use" if guard.store.usable else "cannot be used now; records stay in memory"),
                ("decides", user_name()),
                ("trust", said_of_trust(guard.trust)),
                ("policy", said_of_policy(guard.rulebook)),
            ]
            facts += status.facts(guard)
        self._show_sheet(display.status_table(facts))

    def _doctor(self, arguments: list[str]) -> None:
        from jupyter_modelguard.ipython.doctor import diagnosis

        _expect(arguments, 0, "%modelguard doctor")
        for line in diagnosis():
            self._say(f"{'ok ' if line.well else 'NOT'}  {line.text}")

    def _scan(self, arguments: list[str]) -> None:
        from jupyter_modelguard.ipython.scan_view import view_of

        asked = "--second-opinion" in arguments
        targets = [argument for argument in arguments if argument != "--second-opinion"]
        if not targets:
            raise UsageError("Which file? %modelguard scan PATH … [--second-opinion]")
        self._show_sheet(view_of(targets, second_opinion=asked))

    def _history(self, arguments: list[str]) -> None:
        from jupyter_modelguard.history.search import Search
        from jupyter_modelguard.ipython import display
        from jupyter_modelguard.ipython.looking_back import looked_for

        limit, search = looked_for(arguments, _LINES)
        records = _guard().store.history(limit, search)
        self._show_sheet(display.history_table(records, filtered=search != Search()))

    def _export(self, arguments: list[str]) -> None:
        from jupyter_modelguard.ipython.looking_back import export_history

        _expect(arguments, 1, "%modelguard export FILE.json, .csv, .sarif or .cdx.json")
        config = next((one for one in getattr(self.shell, "configurables", ()) if isinstance(one, ModelGuardConfig)), None)
        self._say(export_history(_guard().store, arguments[0], names=config is None or config.export_names))

    def _show(self, arguments: list[str]) -> None:
        from jupyter_modelguard.ipython import display

        _expect(arguments, 1, "%modelguard show ID")
        self._show_sheet(display.record_table(_guard().store.find(arguments[0])))

    def _allow(self, arguments: list[str]) -> None:
        _expect(arguments, 1, "%modelguard allow ID")
        guard = _guard()
        record = guard.store.find(arguments[0])
        view = _view(guard, record)
        try:
            decision = guard.approver.allow(record, view, say=self._say)
        except StdinNotImplementedError:
            raise UsageError(
                f"This front end takes no input. In a terminal: modelguard decide {record.id}, while the kernel runs."
            ) from None
        if decision.transport == "headless":
            raise UsageError(f"Nothing can be allowed here: {decision.reason}.")
        counts = "passes once" if decision.scope is Scope.ONCE else "passes and is remembered"
        self._say(f"The next load of this same file {counts}. Run its cell again." if decision.allow else "It stays blocked.")

    def _deny(self, arguments: list[str]) -> None:
        _expect(arguments, 1, "%modelguard deny ID")
        guard = _guard()
        record = guard.store.find(arguments[0])
        decision = Decision(allow=False, by=user_name(), transport="prompt", reason="kept blocked", at=time.time())
        taken = guard.approver.withdraw(record)
        try:
            taken = guard.store.decide(record.id, decision) or taken
        except HistoryError:
            if not taken:
                raise
        self._say(
            f"#{record.id} stays blocked." if taken else f"#{record.id} was not allowed and does not wait; nothing changes."
        )

    def _forget(self, arguments: list[str]) -> None:
        from jupyter_modelguard.ipython.display import trust_table

        guard = _guard()
        if guard.trust is None:
            raise UsageError("Nothing is trusted for longer than one load here.")
        if not arguments:
            self._show_sheet(trust_table(remembered(guard.trust, guard.born)))
            return
        _expect(arguments, 1, "%modelguard forget [ID]")
        self._say(forget(guard.trust, guard.store, arguments[0], guard.born))

    def _stats(self, arguments: list[str]) -> None:
        from jupyter_modelguard.ipython.stats import DEFAULT_PERIOD, since, stats_table

        if len(arguments) > 1:
            raise UsageError("Which time? %modelguard stats [24h|7d|4w|all]")
        begun = since(arguments[0] if arguments else DEFAULT_PERIOD)
        self._show_sheet(stats_table(_guard().store.statistics(begun)))

    def _policy(self, arguments: list[str]) -> None:
        from jupyter_modelguard.ipython import policies

        guard = _guard()
        rulebook = _rulebook(guard)
        if not arguments:
            self._show_sheet(policies.policy_table(rulebook))
            self._show_sheet(policies.decided_table(guard.store.history(_LOOKED_BACK)))
        elif arguments[0] in {"accept", "forget"}:
            self._accept(guard, *arguments)
        else:
            _expect(arguments, 1, "%modelguard policy [ID]")
            record = guard.store.find(arguments[0])
            self._say(f"#{record.id}: {policies.would_decide(rulebook, record)}")

    def _accept(self, guard: Guard, act: str, *names: str) -> None:
        from jupyter_modelguard.ipython.accepting import accept, withdraw

        _expect(list(names), 1, f"%modelguard policy {act} FILE")
        accepted = _rulebook(guard).accepted
        if act == "forget":
            self._say(withdraw(accepted, names[0]))
            return
        why = guard.approver.nobody()
        if why is not None:
            raise UsageError(f"Nothing can be accepted here: {why}.")
        try:
            self._say(accept(accepted, names[0], say=self._say, read=input))
        except StdinNotImplementedError:
            raise UsageError(f"This front end takes no input. In a terminal: modelguard policy accept {names[0]}") from None

    def _lock(self, arguments: list[str]) -> None:
        from jupyter_modelguard.ipython.locking import write_lock

        guard = _guard()
        records = [guard.store.find(name) for name in arguments] if arguments else list(guard.deciding.allowed)
        self._say(write_lock(_rulebook(guard).places.lock_to_write(), records, guard.trust))

    def _convert(self, arguments: list[str]) -> None:
        from jupyter_modelguard.approval.text import as_plain
        from jupyter_modelguard.engines.convert import convert

        if len(arguments) not in (1, 2):
            raise UsageError("Which file? %modelguard convert FILE [OUT]")
        guard = current()
        target = arguments[1] if len(arguments) > 1 else None
        done = convert(arguments[0], target, guard.worker if guard is not None else None)
        self._say(as_plain(str(done), limit=None))

    def _say(self, text: str) -> None:
        from jupyter_modelguard.ipython.sheet import say

        say(text, self.shell)

    def _show_sheet(self, sheet: Sheet | ScanView) -> None:
        from jupyter_modelguard.ipython.sheet import show

        show(sheet, self.shell)


def _split(line: str) -> list[str]:
    import shlex

    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(f"%modelguard: {error}") from None


def _expect(arguments: list[str], number: int, usage: str) -> None:
    if len(arguments) != number:
        raise UsageError(f"Usage: {usage}")


def _guard() -> Guard:
    guard = current()
    if guard is None:
        raise UsageError("This kernel is not guarded. %load_ext modelguard")
    return guard


def _rulebook(guard: Guard) -> Rulebook:
    if guard.rulebook is None:
        raise UsageError("This guard goes by no policy and no lock file.")
    return guard.rulebook


def _view(guard: Guard, record: HistoryRecord) -> Any:
    from jupyter_modelguard.approval.present import build_view
    from jupyter_modelguard.policy.trust import ONLY_ONCE

    if record.outcome not in {Outcome.BLOCKED, Outcome.ABANDONED}:
        raise UsageError(f"#{record.id} was not kept blocked, so there is nothing to allow.")
    if record.level is None or record.report is None or record.artifact is None or not record.artifact.digest:
        raise UsageError(
            f"#{record.id} cannot be allowed ahead: its file could not be read. Run its cell again and decide there."
        )
    standing = ONLY_ONCE if guard.trust is None else guard.trust.look(record, str)
    if record.decision is not None and record.decision.allow and record.error:
        standing = replace(
            standing, notes=(*standing.notes, ("Stopped before", f"it reached for {record.error}, beyond its card"))
        )
    view = build_view(record, Assessment(record.level, record.report), standing=standing)
    if not view.scopes:
        raise UsageError(f"#{record.id} is forbidden by policy; nobody can allow it here.")
    return view
