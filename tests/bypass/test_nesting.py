"""Loads inside loads, beside loads and cut short: no scope is lost, and no refusal is swallowed."""

import contextlib
import io
import pickle
import threading
import time

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError, UnloadRefusedError
from jupyter_modelguard.hooks.scopes import current_scope, thread_state
from jupyter_modelguard.types import Decision

from assembly import call, ref, stream  # isort: skip

np = pytest.importorskip("numpy")
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def payload(canary):
    return stream(call("builtins:open", str(canary), "w"))


@pytest.fixture
def approved(hold, monkeypatch):
    """A guard whose every question is answered with yes."""

    def start():
        made = hold()
        monkeypatch.setattr(made.approver, "prior", lambda _record: None)
        monkeypatch.setattr(
            made.approver, "ask", lambda *_: Decision(allow=True, by="ada", transport="card", reason="read", at=time.time())
        )
        return made

    return start


class Swallows:
    """The user's own class, whose making loads more and forgives everything."""

    payload = b""
    caught = None

    def __setstate__(self, _state):
        try:
            pickle.loads(self.payload)
        except BaseException as error:  # noqa: BLE001 as libraries do
            type(self).caught = error


def test_refusal_inside_an_approved_load_is_not_swallowed(approved, in_notebook, payload, canary):
    in_notebook(Swallows)
    data = b"\x80\x04c__main__\nSwallows\n)\x81}b."
    Swallows.payload = payload
    pickle.loads(data)
    assert canary.exists()
    canary.unlink()
    approved()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)
    assert not canary.exists()


def test_two_threads_do_not_share_what_they_may(hold, payload, canary):
    """One thread loads a long honest stream again and again, the other one armed streams."""
    honest = pickle.dumps([np.arange(3) for _ in range(300)])
    held, loaded, over = [], [], threading.Event()

    def load_honest():
        while not over.is_set():
            loaded.append(len(pickle.loads(honest)))

    hold()
    thread = threading.Thread(target=load_honest)
    thread.start()
    try:
        for _ in range(20):
            try:
                pickle.loads(payload)
            except ModelLoadBlockedError as error:
                held.append(error)
    finally:
        over.set()
        thread.join()
    assert len(held) == 20
    assert set(loaded) <= {300}
    assert not canary.exists()


def test_thread_that_a_load_starts(hold, canary, plainly):
    data = stream(call("threading:Thread.start", call("threading:Thread", None, ref("builtins:open"), None, (str(canary), "w"))))
    plainly("import pickle, time\npickle.loads(data)\ntime.sleep(0.3)", data=data)
    assert canary.exists()
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)
    for thread in threading.enumerate():
        assert getattr(thread, "_target", None) is not open
    assert not canary.exists()


@pytest.mark.parametrize(
    "name", ["jupyter_modelguard.guard:stop", "jupyter_modelguard.handle:GuardHandle.close", "sys:modules.clear"]
)
def test_unload_from_inside_a_pickle(name, hold):
    made = hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(stream(call(name)))
    assert pickle.loads.__module__ == "pickle"
    assert made.patches is not None
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(stream(call("os:getcwd")))


def test_unload_from_inside_an_approved_pickle(approved):
    approved()
    with pytest.raises(UnloadRefusedError):
        pickle.loads(stream(call("jupyter_modelguard.guard:stop")))


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RecursionError, MemoryError, GeneratorExit])
def test_load_that_is_cut_short_leaves_nothing_behind(error, hold, payload, canary):
    class Breaks(io.BytesIO):
        def readinto(self, *_):
            raise error

        read = readline = readinto

    hold()
    for _ in range(3):
        for load in (pickle.load, lambda file: pickle.Unpickler(file).load(), pickle._load):
            with contextlib.suppress(error, ModelLoadBlockedError, pickle.UnpicklingError, EOFError):
                load(Breaks(payload))
    assert current_scope() is None
    assert not thread_state.suspended
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(payload)
    assert not canary.exists()


def test_interrupt_while_somebody_is_asked(hold, payload, canary, monkeypatch):
    made = hold()

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(made.approver, "ask", interrupted)
        with pytest.raises((KeyboardInterrupt, ModelLoadBlockedError)):
            pickle.loads(payload)
    assert not thread_state.suspended
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(payload)
    assert not canary.exists()


def test_generator_that_waits_inside_a_load_holds_no_scope(hold, payload, canary):
    """A file object that hands control back in the middle of a read."""

    class Nested(io.BytesIO):
        def read(self, *size):
            with contextlib.suppress(ModelLoadBlockedError):
                pickle.loads(payload)
            return super().read(*size)

    hold()
    with contextlib.suppress(ModelLoadBlockedError):
        pickle.load(Nested(pickle.dumps({"weights": np.arange(2)})))
    assert not canary.exists()
    assert current_scope() is None
