"""YAML and jsonpickle documents on ways that no public function takes."""

import contextlib
import json
import sys

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.hooks.gate import Permit

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


def test_tree_that_is_given_by_its_name_is_judged(hold, canary):
    jsonpickle = pytest.importorskip("jsonpickle")
    tree = {"py/reduce": [{"py/type": "os.system"}, {"py/tuple": [f"touch {canary}"]}]}
    jsonpickle.Unpickler().restore(obj=tree)
    assert canary.exists()
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        jsonpickle.Unpickler().restore(obj=tree)
    assert not canary.exists()


def test_reader_that_keeps_its_objects_hands_none_to_the_next_document(hold, canary):
    """A function that one document left in the reader, and the next one calls by its number."""
    jsonpickle = pytest.importorskip("jsonpickle")
    reader = jsonpickle.Unpickler()
    jsonpickle.decode(json.dumps({"a": {"py/mod": "os/os.system"}}), context=reader, reset=False)
    number = next(place for place, thing in enumerate(reader._objs) if callable(thing))
    second = json.dumps({"py/reduce": [{"py/id": number}, {"py/tuple": [f"touch {canary}"]}]})
    jsonpickle.decode(second, context=reader, reset=False)
    assert canary.exists()
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError, match="system"):
        jsonpickle.decode(second, context=reader, reset=False)
    assert not canary.exists()


def test_key_that_becomes_a_tag_is_judged_as_one(hold, canary, tmp_path, monkeypatch):
    """jsonpickle restores the class of a new object twice; what was a key in JSON the first time is a tag the second."""
    jsonpickle = pytest.importorskip("jsonpickle")
    (tmp_path / "planted_by_a_key.py").write_text(f"open({str(canary)!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    key = f"json://{json.dumps('py/type')}"
    text = json.dumps({"py/reduce": ["py/newobj", {"py/tuple": [{key: "planted_by_a_key.Thing"}]}]})
    with contextlib.suppress(Exception):
        jsonpickle.decode(text, keys=True)
    assert canary.exists()
    canary.unlink()
    monkeypatch.delitem(sys.modules, "planted_by_a_key")
    hold()
    with pytest.raises(ModelLoadBlockedError, match="planted_by_a_key"):
        jsonpickle.decode(text, keys=True)
    assert not canary.exists()


def test_text_that_an_agreed_text_loads_is_asked_about_for_itself(hold, canary, monkeypatch):
    yaml = pytest.importorskip("yaml")
    inner = f"!!python/object/apply:os.system ['touch {canary}']"
    text = f"!!python/object/apply:yaml.unsafe_load [{json.dumps(inner)}]"
    yaml.unsafe_load(text)
    assert canary.exists()
    canary.unlink()
    made = hold()
    check, asked = made.check_named, []

    def agree_once(*arguments):
        asked.append(arguments[2][0].name)
        return Permit("", approved=True) if len(asked) == 1 else check(*arguments)

    monkeypatch.setattr(made, "check_named", agree_once)
    monkeypatch.setattr(made, "settle", lambda *_: None)
    with pytest.raises(ModelLoadBlockedError):
        yaml.unsafe_load(text)
    assert [name.name for name in asked] == ["unsafe_load", "system"]
    assert not canary.exists()
