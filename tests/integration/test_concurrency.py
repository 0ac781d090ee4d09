"""Several loads at once: in threads, in tasks, in each other; and loads that are interrupted."""

import asyncio
import copyreg
import datetime as dt
import io
import multiprocessing
import os
import pickle
import signal
import threading

import pytest

from jupyter_modelguard import guard
from jupyter_modelguard.errors import ModelLoadBlockedError, UnloadRefusedError
from jupyter_modelguard.hooks.scopes import thread_state

HONEST = pickle.dumps([dt.date(2024, 2, 29)] * 3)
DAYS = [dt.date(2024, 2, 29)] * 3


@pytest.fixture(autouse=True)
def balanced():
    yield
    assert thread_state.scope is None
    assert thread_state.suspended == 0


@pytest.fixture
def data(armed):
    return pickle.dumps({"weights": [1.0], "extra": armed})


class Slow(io.BytesIO):
    """A file that lets others go on whenever it is read, as one on a network does."""

    def __init__(self, data, turn):
        super().__init__(data)
        self.turn = turn

    def readinto(self, buffer):
        self.turn()
        return super().readinto(buffer)

    def read(self, *size):
        self.turn()
        return super().read(*size)

    def readline(self, *size):
        self.turn()
        return super().readline(*size)


def test_armed_and_honest_loads_in_threads_do_not_bleed(hold, data, canary):
    hold()
    found = {}
    turns = threading.Barrier(4)

    def work(number, stream):
        turns.wait(timeout=60)
        found[number] = []
        for _ in range(10):
            try:
                found[number].append(pickle.load(Slow(stream, lambda: None)))
            except ModelLoadBlockedError:
                found[number].append("blocked")

    threads = [threading.Thread(target=work, args=(number, data if number % 2 else HONEST)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {0: [DAYS] * 10, 1: ["blocked"] * 10, 2: [DAYS] * 10, 3: ["blocked"] * 10}
    assert not canary.exists()


def test_scope_of_one_thread_is_none_of_another_s(hold, data, canary):
    # the first is in the middle of an approved load while the second loads
    hold(says=True)
    inside, done = threading.Event(), threading.Event()
    seen = []

    class Waiting:
        def __reduce__(self):
            return wait, ()

    def wait():
        inside.set()
        assert done.wait(60)
        return 3

    globals()["wait"] = wait
    wait.__qualname__ = "wait"

    def second():
        assert inside.wait(60)
        seen.append(thread_state.scope)
        seen.append(pickle.loads(HONEST))
        done.set()

    thread = threading.Thread(target=second)
    thread.start()
    try:
        assert pickle.loads(pickle.dumps(Waiting())) == 3
    finally:
        done.set()
        thread.join()
        del globals()["wait"]
    assert seen == [None, DAYS]


def test_tasks_that_load_in_threads_are_each_judged(hold, data, canary):
    hold()

    async def load(stream):
        await asyncio.sleep(0)
        return await asyncio.to_thread(pickle.loads, stream)

    async def both():
        return await asyncio.gather(load(data), load(HONEST), load(data), load(HONEST), return_exceptions=True)

    ended = asyncio.run(both())
    assert [type(end) for end in ended] == [ModelLoadBlockedError, list, ModelLoadBlockedError, list]
    assert not canary.exists()


def test_several_loads_of_one_cell_have_a_line_each(hold, data, tmp_path):
    running = hold(says=True)
    for name in ("first", "second"):
        (tmp_path / name).write_bytes(data)
        with open(tmp_path / name, "rb") as file:
            pickle.load(file)
    assert running.outcomes() == [("pickle.load", "allowed")] * 2
    assert len(running.guard.approver.asked) == 2


class Nesting:
    """Loads another stream while it is loaded."""

    def __init__(self, inner):
        self.inner = inner

    def __getstate__(self):
        return {"inner": self.inner}

    def __setstate__(self, state):
        self.found = pickle.loads(state["inner"])


def test_load_within_an_approved_load_goes_no_further_than_was_agreed(hold, data, canary, monkeypatch):
    stream = pickle.dumps(Nesting(data))
    pickle.loads(stream)
    canary.unlink()
    hold(says=True)
    with pytest.raises(ModelLoadBlockedError, match="beyond"):
        pickle.loads(stream)
    assert not canary.exists()


def test_honest_load_within_an_approved_load_passes(hold):
    hold(says=True)
    assert pickle.loads(pickle.dumps(Nesting(pickle.dumps([1, 2])))).found == [1, 2]


def unload():
    guard.stop()


class Unloading:
    def __reduce__(self):
        return unload, ()


def test_guard_is_not_unloaded_from_inside_a_load(hold):
    hold(says=True)
    with pytest.raises(UnloadRefusedError):
        pickle.loads(pickle.dumps(Unloading()))
    assert guard.current() is not None
    assert pickle.loads(HONEST) == DAYS


def interrupt():
    raise KeyboardInterrupt


class Interrupting:
    def __reduce__(self):
        return interrupt, ()


def test_interrupted_load_leaves_no_scope_behind(hold, data, canary):
    running = hold(says=True)
    with pytest.raises(KeyboardInterrupt):
        pickle.loads(pickle.dumps(Interrupting()))
    assert thread_state.scope is None
    assert running.outcomes() == [("pickle.loads", "failed")]
    assert not running.guard.journal.busy


def test_read_that_is_interrupted_leaves_no_scope_behind(hold):
    hold()

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pickle.load(Slow(HONEST, stop))
    assert thread_state.scope is None


def test_question_that_is_interrupted_keeps_it_blocked(hold, data, canary, monkeypatch):
    running = hold(says=True)

    def ask(record, view, changed):
        raise KeyboardInterrupt

    monkeypatch.setattr(running.guard.approver, "ask", ask)
    with pytest.raises(KeyboardInterrupt):
        pickle.loads(data)
    assert not canary.exists()
    assert thread_state.scope is None
    assert thread_state.suspended == 0


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_signal_handler_of_the_user_is_not_judged_as_the_load(hold, tmp_path):
    # the handler runs in the middle of whatever the main thread does
    ran = []

    def handle(*_):
        ran.append((tmp_path / "log").write_text("a handler may write"))

    kept = signal.signal(signal.SIGUSR1, handle)
    hold()
    try:
        assert pickle.load(Slow(HONEST, lambda: os.kill(os.getpid(), signal.SIGUSR1))) == DAYS
    finally:
        signal.signal(signal.SIGUSR1, kept)
    assert ran


def test_generator_that_loads_between_two_loads_is_judged_for_itself(hold, data, canary):
    hold()

    def loads():
        yield pickle.loads(HONEST)
        yield pickle.loads(data)

    values = loads()
    assert next(values) == DAYS
    assert pickle.loads(HONEST) == DAYS
    with pytest.raises(ModelLoadBlockedError):
        next(values)
    assert not canary.exists()


def in_child(stream, answers):
    try:
        answers.send(type(pickle.loads(stream)).__name__)
    except BaseException as error:  # noqa: BLE001 whatever it is, the parent is told
        answers.send(type(error).__name__)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("what", ["armed", "honest"])
def test_child_that_was_forked_while_locks_were_held_does_not_hang(what, hold, data, canary):
    running = hold()
    guarded = running.guard
    locks = [guarded.worker._lock, guarded.store._writer._lock, guarded.unguarded._lock, guard._lock]
    release, held = threading.Event(), threading.Event()

    def keep():
        for lock in locks:
            lock.acquire()
        held.set()
        release.wait(60)
        for lock in reversed(locks):
            lock.release()

    keeper = threading.Thread(target=keep)
    keeper.start()
    assert held.wait(60)
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=in_child, args=(data if what == "armed" else HONEST, sender))
    try:
        child.start()
        assert receiver.poll(60), "the child hangs"
        assert receiver.recv() == ("ModelLoadBlockedError" if what == "armed" else "list")
    finally:
        release.set()
        keeper.join()
        child.join(60)
    assert child.exitcode == 0
    assert not canary.exists()


def test_library_s_own_error_is_told_once(hold):
    running = hold()
    with pytest.raises(EOFError):
        pickle.loads(b"")
    assert running.outcomes() == [("pickle.loads", "failed")]
    assert pickle.loads(pickle.dumps(copyreg.constructor.__name__)) == "constructor"


def test_cell_after_one_that_was_interrupted_is_held(armed_pickle, canary, hold):
    """As an interrupt leaves it that arrives while our own work on the thread ends (see `test_interrupted_loads`)."""
    running = hold()
    thread_state.suspended += 1
    running.guard.begin_cell()
    with open(armed_pickle, "rb") as file, pytest.raises(ModelLoadBlockedError):
        pickle.load(file)
    assert not canary.exists()
