"""jsonpickle: documents of plain data are silent, those that name classes and functions are asked about."""

import datetime as dt
import json

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

jsonpickle = pytest.importorskip("jsonpickle", reason="jsonpickle is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


def test_plain_document_is_silent(hold):
    value = {"weights": [1.5, (2, 3)], "kinds": {"a", "b"}, "bytes": b"\x00\xff", "made": dt.datetime(2024, 2, 29)}
    text = jsonpickle.encode(value)
    running = hold()
    assert jsonpickle.decode(text) == value
    assert running.outcomes() == []


@pytest.mark.parametrize(
    "document",
    [
        {"py/reduce": [{"py/type": "os.system"}, {"py/tuple": ["touch {canary}"]}]},
        {"a": [{"py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["touch {canary}"]}]}]},
    ],
    ids=["type", "function inside"],
)
def test_document_that_calls_is_held_before_it_runs(document, hold, canary):
    text = json.dumps(document).replace("{canary}", str(canary))
    jsonpickle.decode(text)
    assert canary.exists(), "the document is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError, match=r"os\.system"):
        jsonpickle.decode(text)
    assert not canary.exists()
    assert running.outcomes() == [("jsonpickle.decode", "blocked")]
    running.guard.close()
    running = hold(says=True)
    jsonpickle.decode(text)
    assert canary.exists()
    assert running.outcomes() == [("jsonpickle.decode", "allowed")]


@pytest.mark.parametrize(
    "document",
    [
        {"py/object": "subprocess.Popen", "py/newargs": {"py/tuple": [["true"]]}},
        {"py/mod": "antigravity/antigravity"},
        {"py/repr": "os/os.system('true')"},
        {'json://{"py/mod": "antigravity/antigravity"}': 1},
    ],
    ids=["object", "module", "text to evaluate", "key"],
)
def test_every_way_to_name_something_is_asked_about(document, hold):
    hold()
    with pytest.raises(ModelLoadBlockedError):
        jsonpickle.decode(json.dumps(document), keys=True)
