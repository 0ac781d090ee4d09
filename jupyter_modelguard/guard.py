"""The guard: the order in which the stages of a load follow each other, and nothing else.

    intercept → identify → scan → assess → decide → record → proceed | block

The hooks call `Guard` through the `Gate` protocol. `start` puts one guard in place for this process, `stop` takes it out again.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.config import CHILDREN, ModelGuardConfig, default_home, home, strict_by_environment
from jupyter_modelguard.engines.trace_cache import TraceCache
from jupyter_modelguard.errors import UnloadRefusedError
from jupyter_modelguard.history.journal import Journal
from jupyter_modelguard.history.unguarded import Unguarded
from jupyter_modelguard.hooks.attribution import know_own_threads
from jupyter_modelguard.hooks.floor import FLOOR
from jupyter_modelguard.hooks.patches import Patches
from jupyter_modelguard.hooks.scopes import LoadHeld, Suspended, current_scope, forget_interrupted
from jupyter_modelguard.policy.trust import Trust
from jupyter_modelguard.stages.born_here import BornHere
from jupyter_modelguard.stages.code import CodeCheck
from jupyter_modelguard.stages.deciding import Deciding
from jupyter_modelguard.stages.load_ends import LoadEnds
from jupyter_modelguard.stages.named import NamedCheck
from jupyter_modelguard.stages.own_kernel import OwnKernel
from jupyter_modelguard.stages.proposing import remember_run
from jupyter_modelguard.stages.saving import Saving
from jupyter_modelguard.stages.streams import StreamCheck
from jupyter_modelguard.types import CallSite, LoadRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.approval.order import Approver
    from jupyter_modelguard.artifacts.reach import Reached
    from jupyter_modelguard.artifacts.saved import Saved
    from jupyter_modelguard.engines.kept_traces import KeptTraces
    from jupyter_modelguard.engines.worker import Worker
    from jupyter_modelguard.history.store import Store
    from jupyter_modelguard.hooks.gate import Permit
    from jupyter_modelguard.policy.rulebook import Rulebook
    from jupyter_modelguard.types import Artifact, CodeFile, Finding, GlobalUse

__all__ = ["Guard", "current", "start", "stop"]


class Guard(LoadEnds):
    """Takes each load through the stages.

    Parameters
    ----------
    worker
        Traces and explains streams, in a process of its own.
    approver
        Asks a person.
    store
        Keeps the history.
    site
        Says where user code stands now; asked once a cell.
    trust
        What this person trusts; None where nothing is, and every answer counts once.
    rulebook
        The policy and lock files that count; None where there are none.
    born, kernel
        What this user's own kernels saved, and whether this is one of them; None where nothing is remembered.
    kept
        What earlier kernels traced; None where everything is traced anew.
    """

    def __init__(
        self,
        worker: Worker,
        approver: Approver,
        store: Store,
        site: Callable[[], CallSite] = CallSite,
        trust: Trust | None = None,
        rulebook: Rulebook | None = None,
        born: BornHere | None = None,
        kernel: OwnKernel | None = None,
        kept: KeptTraces | None = None,
    ) -> None:
        journal, own = Journal(store, site), kernel or OwnKernel(own=False)
        deciding = Deciding(approver, journal, trust, rulebook, born, own)
        super().__init__(journal, deciding, trust, born)
        self.worker = worker
        self.traces = TraceCache(worker, kept)
        self.approver = approver
        self.store = store
        self.rulebook = rulebook
        self.kernel = own
        self._saving = None if born is None else Saving(self.traces, journal, born, own)
        self._streams = StreamCheck(self.traces, worker, deciding, getattr(approver, "checking", None))
        self._code = CodeCheck(deciding, worker)
        self._named = NamedCheck(deciding)
        self.patches = Patches(self)
        self.unguarded = Unguarded(self.journal)
        self._strict_for: set[object] = set()

    # -- life ---------------------------------------------------------------------------------------------------------------------

    def open(self, namespace: dict[str, Any] | None = None) -> None:
        """Start to hold loads; `namespace` holds the user's names, where those bound to a loader are bound to its guarded form."""
        from jupyter_modelguard.policy.catalogue import closed, is_dangerous

        know_own_threads(self.worker.answers_here)
        FLOOR.open(closed(), is_dangerous, self._observe, self._refused, strict=self.strict)
        self.patches.install(namespace)
        self._tell_children()

    @property
    def strict(self) -> bool:
        """Whether libraries that unpickle for themselves are held too."""
        return bool(self._strict_for)

    def be_strict(self, strict: bool, who: object = "settings") -> None:  # noqa: FBT001 one switch
        """Hold libraries that unpickle for themselves too, as long as anybody who asked for it still does."""
        (self._strict_for.add if strict else self._strict_for.discard)(who)
        FLOOR.be_strict(strict=self.strict)
        if CHILDREN in os.environ:
            self._tell_children()

    @property
    def locked(self) -> bool:
        """Whether an administrator locked the policy, so that the guard stays."""
        return self.rulebook is not None and self.rulebook.policy.locked

    def _tell_children(self) -> None:
        """Have processes that are started from here guarded too, where `modelguard install --children` was run."""
        os.environ[CHILDREN] = "strict" if self.strict else "1"

    def close(self) -> None:
        """Restore what was patched and look away.

        Raises
        ------
        UnloadRefusedError
            If a load is under way on this thread, or an administrator locked the policy.
        """
        if current_scope() is not None or self.journal.busy:
            message = "modelguard cannot be unloaded while a load is under way; unload it from a cell of its own."
            raise UnloadRefusedError(message)
        if self.locked:
            raise UnloadRefusedError("The policy of this machine is locked, so modelguard stays. %modelguard policy says where.")
        if self._saving is not None:
            self._saving.close()
        self.patches.restore()
        FLOOR.close()
        self.kernel.spoil("the guard was taken out")
        os.environ.pop(CHILDREN, None)
        self.unguarded.next_cell()
        self.worker.close()
        self.store.close()

    def begin_cell(self) -> None:
        """Note that user code goes on in another cell, and that no load of an earlier one is under way any more."""
        forget_interrupted()
        self.unguarded.next_cell()
        self.journal.begin_cell()
        if self._saving is not None:
            self._saving.begin_cell()

    # -- the stages ---------------------------------------------------------------------------------------------------------------

    def check_stream(self, request: LoadRequest, reached: Reached, dialect: str, code: tuple[CodeFile, ...] = ()) -> Permit:
        """Scan and assess a stream; ask if it was not proved. See `Gate.check_stream`."""
        return self._streams.check(request, reached, dialect, code)

    def check_code(self, request: LoadRequest, origin: str, files: tuple[CodeFile, ...]) -> Permit:
        """Ask about code files. See `Gate.check_code`."""
        return self._code.check(request, origin, files)

    def check_named(
        self,
        request: LoadRequest,
        artifact: Artifact,
        uses: tuple[GlobalUse, ...],
        findings: tuple[Finding, ...] = (),
        missed: tuple[str, ...] = (),
    ) -> Permit:
        """Assess what a file names; ask unless it is harmless. See `Gate.check_named`."""
        return self._named.check(request, artifact, uses, findings, missed)

    # -- the record ---------------------------------------------------------------------------------------------------------------

    def remembers(self) -> bool:
        """Whether what is saved now may be remembered. See `Gate.remembers`."""
        return self._saving is not None and self._saving.remembers

    def saved(self, saved: Saved) -> None:
        """Take what was just saved. See `Gate.saved`."""
        if self._saving is not None:
            self._saving.add(saved)

    def _refused(self, library: str, name: str) -> LoadHeld:
        """Record what the floor refused outside every wrapper, and say how to load it."""
        with Suspended():
            error = self.blocked(LoadRequest(f"a reader in {library}", "", "<bytes>", self.journal.site(None)), name)
        return LoadHeld(str(error), error)

    def _observe(self, library: str, name: str) -> None:
        """Count what a library resolved outside every guarded load."""
        with Suspended():
            self.unguarded.seen(library, name)
            self.kernel.spoil(f"{library} resolved {name} for itself")


_lock = threading.RLock()
_current: Guard | None = None


def current() -> Guard | None:
    """Return the guard that holds this process's loads, or None."""
    return _current


def start(
    shell: Any = None,
    config: ModelGuardConfig | None = None,
    site: Callable[[], CallSite] = CallSite,
    *,
    at_terminal: bool = False,
    rulebook: Rulebook | None = None,
) -> Guard:
    """Put a guard in place for this process; one that is in place already is returned as it is.

    Parameters
    ----------
    shell
        The IPython shell whose user is asked; None outside IPython, where nobody is unless `at_terminal`.
    config
        Comfort settings; the shell's by default.
    site
        Says where user code stands; asked once a cell.
    at_terminal
        Whether to ask in the terminal of a program without IPython.
    rulebook
        The policy and lock files that count; those of the folder where the process is by default.

    Raises
    ------
    ConfigurationError
        If an environment variable holds what cannot be used.
    """
    global _current  # noqa: PLW0603 one guard a process, because audit hooks and patches are the process's
    with _lock:
        if _current is None:
            remember_run()
            guard = _build(shell, config or ModelGuardConfig(parent=shell), site, rulebook, at_terminal=at_terminal)
            guard.open(getattr(shell, "user_ns", None))
            _current = guard
        return _current


def stop() -> None:
    """Take the guard out; nothing happens if there is none. Raises like `Guard.close`."""
    global _current  # noqa: PLW0603
    with _lock:
        if _current is not None:
            _current.close()
            _current = None


def _build(
    shell: Any, config: ModelGuardConfig, site: Callable[[], CallSite], rulebook: Rulebook | None, *, at_terminal: bool
) -> Guard:
    from jupyter_modelguard.approval.order import Approver
    from jupyter_modelguard.engines.kept_traces import KeptTraces
    from jupyter_modelguard.engines.worker import Worker
    from jupyter_modelguard.history.opening import open_history
    from jupyter_modelguard.policy.rulebook import Rulebook

    store = open_history(config.history_journal)
    approver = Approver(store, config, shell, at_terminal=at_terminal)
    rules, own = rulebook or Rulebook(default_home), BornHere(default_home)
    kept = KeptTraces(lambda: home() / "traces", default_home)
    guard = Guard(Worker(), approver, store, site, Trust(default_home), rules, own, OwnKernel.of_shell(shell), kept)
    guard.be_strict(strict_by_environment(), "environment")
    guard.be_strict(config.strict)
    config.observe(lambda change: guard.be_strict(change.new), "strict")
    store.keep_for(config.keep_history)
    config.observe(lambda change: store.keep_for(change.new), "keep_history")
    return guard
