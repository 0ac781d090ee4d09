"""What this kernel saved itself loads silently, and nothing else does because of it."""

import contextlib
import os
import pickle
import shutil

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.policy.trust import Trust
from jupyter_modelguard.stages.born_here import BornHere
from jupyter_modelguard.stages.own_kernel import OwnKernel, began_before
from jupyter_modelguard.types import Outcome, Scope

from assembly import call, stream  # isort: skip
from chooser import records  # isort: skip
from own_saves import Opens, asks, load, save  # isort: skip


def test_own_file_runs_its_functions_without_the_guard(path, canary):
    save(Opens(canary), path)
    assert not canary.exists()
    load(path)
    assert canary.exists()


def test_file_that_this_kernel_saved_loads_without_a_question(guarded, person, path, canary):
    save(Opens(canary), path)
    load(path)
    assert canary.exists()
    assert person.asked == []
    line = records(guarded)[0]
    assert (line.outcome, line.decision.transport, line.decision.reason) == (Outcome.ALLOWED, "born", "born here")


def test_the_next_kernel_knows_it(guarded, born, path, canary, tmp_path):
    save(Opens(canary), path)
    assert [entry.name for entry in born.entries()] == ["model.pkl"]
    assert [entry.name for entry in BornHere(lambda: tmp_path / "trust").entries()] == ["model.pkl"]


def test_what_loads_silently_anyway_is_not_kept(guarded, born, path):
    save({"weights": [1.0, 2.0], "name": "plain"}, path)
    save(__import__("collections").OrderedDict(a=1), path)
    assert born.entries() == ()


def test_file_swapped_after_the_save_asks(guarded, person, path, canary):
    save(Opens(canary), path)
    path.write_bytes(stream(call("logging.handlers:WatchedFileHandler", str(canary) + "2")))
    asks(person, path)
    assert not canary.exists()
    assert not canary.with_name("canary2").exists()


def test_file_of_the_same_length_written_over_it_at_once_is_not_remembered(guarded, person, born, path, canary):
    """It has the same size, inode and perhaps the same time."""
    other = pickle.dumps(Opens(str(canary)[:-1] + "x"), 4)
    save(Opens(canary), path, protocol=4)
    assert path.stat().st_size == len(other)
    with path.open("r+b") as file:
        file.write(other)
    asks(person, path)
    assert not canary.with_name("canarx").exists()


def test_bytes_added_behind_the_save_ask(guarded, person, path, canary):
    with path.open("wb") as file:
        pickle.dump(Opens(canary), file)
        file.write(b"more")
    asks(person, path)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_every_protocol(protocol, guarded, person, path, canary):
    save(Opens(canary), path, protocol=protocol)
    load(path)
    assert person.asked == []


def test_the_same_bytes_through_another_loader_ask(guarded, person, path, canary):
    dill = pytest.importorskip("dill")
    save(Opens(canary), path)
    asks(person, path, dill.load)


def test_copy_of_an_own_file_is_an_own_file(guarded, person, path, canary, tmp_path):
    save(Opens(canary), path)
    shutil.copy(path, tmp_path / "copy.pkl")
    load(tmp_path / "copy.pkl")
    assert person.asked == []


def test_nothing_is_remembered_after_a_load_that_was_approved(guarded, person, born, path, canary, tmp_path):
    """Once must not become always."""
    stranger = tmp_path / "stranger.pkl"
    stranger.write_bytes(stream(call("logging.handlers:WatchedFileHandler", str(canary))))
    person.scope = Scope.ONCE
    load(stranger)
    save(Opens(canary), path)
    assert born.entries() == ()
    person.scope = None
    asks(person, path)


def test_nothing_is_remembered_after_a_trusted_load(guarded, person, born, path, canary, tmp_path, kernel):
    stranger = tmp_path / "stranger.pkl"
    stranger.write_bytes(stream(call("logging.handlers:WatchedFileHandler", str(canary))))
    person.scope = Scope.DIGEST
    load(stranger)
    kernel._spoilt[0] = 0
    load(stranger)
    assert len(person.asked) == 1
    save(Opens(canary), path)
    assert born.entries() == ()


def test_saved_before_and_looked_at_after_an_approved_load_is_not_remembered(guarded, born, path, canary, kernel, monkeypatch):
    monkeypatch.setattr(born, "keep", lambda *saved, keep=born.keep: kernel.spoil("a load") or keep(*saved))
    save(Opens(canary), path)
    assert born.entries() == ()


def test_own_file_leaves_the_kernel_the_users_own(guarded, person, born, path, canary, kernel):
    save(Opens(canary), path)
    load(path)
    assert kernel.is_own
    assert Trust(born._file._folder).entries() == ()
    save([Opens(canary)], path)
    assert len(born.entries()) == 2


def test_nothing_is_remembered_after_a_library_resolved_something_for_itself(guarded, born, path, canary):
    guarded._observe("acme", "acme.Model")
    save(Opens(canary), path)
    assert born.entries() == ()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_forked_child_remembers_nothing_and_what_it_lets_pass_counts_for_its_parent(guarded, born, path, canary, kernel):
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            save(Opens(canary), path)
            kernel.spoil("an approved load")
        os._exit(0)
    os.waitpid(child, 0)
    assert born.entries() == ()
    assert not kernel.is_own


def test_guard_that_is_taken_out_for_a_while_remembers_nothing_more(guarded, kernel):
    guarded.patches.restore()
    guarded._saving.close()
    assert not guarded.remembers()


@pytest.mark.parametrize(
    ("cells", "own"),
    [
        ([], True),
        (["%load_ext modelguard"], True),
        (["import json, os\nfrom collections import abc", "NAME = 'x'\n%matplotlib inline", "%load_ext modelguard"], True),
        (["import jupyter_modelguard\njupyter_modelguard.install()\nanything()"], True),
        (["model = pickle.load(open('model.pkl', 'rb'))", "%load_ext modelguard"], False),
        (["%run train.py", "%load_ext modelguard"], False),
        (["%%time\nimport json", "%load_ext modelguard"], False),
        (["import planted_acme_module", "%load_ext modelguard"], False),
        (["from . import json"], False),
        (["%load_ext modelguard", "%unload_ext modelguard", "%load_ext modelguard"], False),
        (["x = 1 +"], False),
    ],
)
def test_guard_that_came_after_something_was_loaded_remembers_nothing(cells, own):
    assert began_before(cells) is own


def test_script_remembers_nothing():
    assert not OwnKernel.of_shell(None).is_own


def test_load_that_goes_beyond_what_was_saved_is_stopped_and_forgotten(guarded, person, born, path, tmp_path):
    class Reads:
        def __reduce__(self):
            import tokenize

            return tokenize.open, (str(tmp_path / "side.txt"),)

    (tmp_path / "side.txt").write_text("first")
    save(Reads(), path)
    with pytest.raises(ModelLoadBlockedError, match=r"reached for the file .*side\.txt"):
        load(path)
    assert born.entries() == ()
    asks(person, path)


def test_what_runs_a_command_is_never_remembered(guarded, person, born, path, armed, canary):
    save(armed, path)
    assert born.entries() == ()
    asks(person, path)
    assert not canary.exists()


def test_silently_loaded_data_cannot_say_how_it_is_saved(guarded, person, born, path, canary, tmp_path):
    """Attributes of an object that stand in place of the methods by which it is pickled."""
    data = tmp_path / "data.pkl"
    for state in ({"__reduce_ex__": print}, {"__reduce__": "os.system"}, {"__module__": "os", "__qualname__": "system"}):
        body = pickle.dumps(__import__("argparse").Namespace(), 2)[:-1] + pickle.dumps(state, 2)[2:-1] + b"b."
        data.write_bytes(body)
        with contextlib.suppress(ModelLoadBlockedError, pickle.UnpicklingError, TypeError):
            thing = load(data)
            with contextlib.suppress(pickle.PicklingError, TypeError, AttributeError):
                save(thing, path)
    assert born.entries() == ()


def test_forget_lists_and_takes_out_what_was_saved_here(guarded, born, path, canary, tmp_path):
    from jupyter_modelguard.ipython.display import history_table, trust_table
    from jupyter_modelguard.ipython.trusting import forget, remembered

    save(Opens(canary), path)
    load(path)
    assert "born here on" in history_table(records(guarded)).text()
    trust = Trust(lambda: tmp_path / "trust")
    (entry,) = remembered(trust, born)
    listed = trust_table((entry,)).text()
    assert "born here" in listed
    assert "1 function " in listed
    assert "Not trusted any more" in forget(trust, guarded.store, entry.id, born)
    assert remembered(trust, born) == ()
    assert "not trusted for longer" in forget(trust, guarded.store, records(guarded)[0].id, born)


class Unreduced:
    def __reduce__(self):
        raise RuntimeError("this cannot be pickled")


def test_save_that_fails_fails_as_it_did(guarded, path):
    with pytest.raises(RuntimeError, match="cannot be pickled"):
        save(Unreduced(), path)
    with pytest.raises(TypeError, match="write"):
        pickle.dump(1, object())
    with pytest.raises(TypeError):
        pickle.dump(1)


def test_fault_of_ours_never_reaches_the_save(guarded, path, canary, monkeypatch, tmp_path):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(guarded._saving, "add", broken)
    save(Opens(canary), path)
    assert path.exists()


def test_forgetting_takes_it_out(guarded, person, born, path, canary):
    save(Opens(canary), path)
    (entry,) = born.entries()
    assert born.forget(entry.id) == (entry,)
    asks(person, path)


def test_file_that_others_may_write_is_not_remembered_by_its_path(guarded, born, tmp_path, canary):
    joblib = pytest.importorskip("joblib")
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    joblib.dump(Opens(canary), folder / "model.joblib")
    assert born.entries() == ()
    folder.chmod(0o700)
    joblib.dump(Opens(canary), folder / "model.joblib")
    assert len(born.entries()) == 1
