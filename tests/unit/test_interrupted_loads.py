"""A `KeyboardInterrupt` can arrive while a context of ours is being left: the next cell must be held as the first one was."""

import sys

import pytest

from jupyter_modelguard.hooks import calls
from jupyter_modelguard.hooks.passage import Passage
from jupyter_modelguard.hooks.scopes import Mode, Scope, Suspended, current_scope, forget_interrupted, thread_state
from jupyter_modelguard.types import LoadRequest


@pytest.fixture(autouse=True)
def clean():
    yield
    forget_interrupted()
    assert thread_state.scope is None
    assert not thread_state.suspended


def interrupted(context):
    """Leave a context as an interrupt does that arrives with the first instruction of its `__exit__`."""
    leave = type(context).__exit__.__code__

    def interrupt(frame, event, _argument):
        if event == "call" and frame.f_code is leave:
            sys.settrace(None)
            raise KeyboardInterrupt

    def leave_it():
        sys.settrace(interrupt)
        with context:
            pass

    earlier = sys.gettrace()
    with pytest.raises(KeyboardInterrupt):
        leave_it()
    sys.settrace(earlier)


def test_thread_that_was_left_looking_away_looks_again():
    interrupted(Suspended())
    assert Passage(None).inside(), "the interrupt did not arrive in time"
    forget_interrupted()
    assert not Passage(None).inside()


def test_scope_that_was_left_open_is_over():
    interrupted(Scope(Mode.APPROVED, frozenset({("os", "system")})))
    assert current_scope() is not None, "the interrupt did not arrive in time"
    forget_interrupted()
    assert current_scope() is None


def test_call_that_was_left_open_is_over():
    interrupted(calls.Call(LoadRequest("x.load", "x.load()", "model.bin")))
    assert calls.current_call() is not None, "the interrupt did not arrive in time"
    forget_interrupted()
    assert calls.current_call() is None


def test_load_that_is_under_way_is_left_alone():
    """A card that waits lets other cells run inside the load that it asks about."""
    namespace = {"__name__": "jupyter_modelguard.approval.conversation", "forget": forget_interrupted}
    exec("def wait():\n    forget()", namespace)
    with Scope(Mode.CALL) as scope:
        namespace["wait"]()
        assert current_scope() is scope
