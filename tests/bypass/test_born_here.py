"""What this kernel saved itself loads silently, and nothing else does because of it."""

import contextlib
import importlib
import json
import os
import pickle
import shutil
import subprocess
import sys

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.policy.trust import Trust
from jupyter_modelguard.stages.born_here import BornHere
from jupyter_modelguard.stages.own_kernel import OwnKernel, began_before
from jupyter_modelguard.types import Outcome, Scope

from assembly import call, stream  # isort: skip
from chooser import Chooser, guard_that_trusts, records  # isort: skip


class Opens:
    """Pickles as a call of something that nothing vouches for, and leaves a canary when it is loaded."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        import logging.handlers

        return logging.handlers.WatchedFileHandler, (self.path,)


@pytest.fixture
def person():
    """Keeps blocked whatever is asked."""
    return Chooser(None)


@pytest.fixture
def kernel():
    return OwnKernel(own=True)


@pytest.fixture
def born(tmp_path):
    return BornHere(lambda: tmp_path / "trust")


@pytest.fixture
def guarded(person, born, kernel, worker, tmp_path):
    trust = Trust(lambda: tmp_path / "trust")
    with guard_that_trusts(person, trust, worker, tmp_path, born, kernel) as made:
        yield made


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.pkl"


def save(thing, path, **options):
    with path.open("wb") as file:
        pickle.dump(thing, file, **options)


def load(path, loader=None):
    with path.open("rb") as file:
        value = (loader or pickle.load)(file)
    if hasattr(value, "close"):
        value.close()
    return value


def asks(person, path, loader=None):
    with pytest.raises(ModelLoadBlockedError):
        load(path, loader)
    return len(person.asked)


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


def ledger(tmp_path):
    return tmp_path / "trust" / "born.json"


def forged(tmp_path):
    text = json.loads(ledger(tmp_path).read_text())
    text["entries"][0]["content"] = "ab" * 32
    ledger(tmp_path).write_text(json.dumps(text))


def unsealed(tmp_path):
    text = json.loads(ledger(tmp_path).read_text())
    del text["seal"]
    ledger(tmp_path).write_text(json.dumps(text))


def of_another_machine(tmp_path):
    """The whole folder as an archive brings it, key included."""
    shutil.copytree(tmp_path / "trust", tmp_path / "archive")
    shutil.move(tmp_path / "trust", tmp_path / "before")
    shutil.move(tmp_path / "archive", tmp_path / "trust")


def behind_a_link(tmp_path):
    (tmp_path / "trust").rename(tmp_path / "elsewhere")
    (tmp_path / "trust").symlink_to(tmp_path / "elsewhere")


def open_to_everybody(tmp_path):
    (tmp_path / "trust").chmod(0o777)


def key_open_to_everybody(tmp_path):
    (tmp_path / "trust" / "installation.key").chmod(0o666)


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links of POSIX")
@pytest.mark.parametrize(
    "attack", [forged, unsealed, of_another_machine, behind_a_link, open_to_everybody, key_open_to_everybody]
)
def test_ledger_that_somebody_else_could_have_written_counts_for_nothing(attack, guarded, person, born, path, canary, tmp_path):
    save(Opens(canary), path)
    assert born.entries()
    (tmp_path / "trust").chmod(0o700)
    attack(tmp_path)
    asks(person, path)
    assert not canary.exists()


def test_ledger_on_another_machine_counts_for_nothing(guarded, person, born, path, canary, monkeypatch):
    from jupyter_modelguard.policy import installation

    save(Opens(canary), path)
    assert born.entries()
    monkeypatch.setattr(installation, "_machine", lambda: "another machine")
    asks(person, path)


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


MODULE = """
class Net:
    def __init__(self):
        self.layers = 3
    def __setstate__(self, state):
        {body}
        self.__dict__.update(state)
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A class of the user's own, in a file beside the notebook."""
    name = f"own_models_{tmp_path.name.replace('-', '_')}"
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(body):
        (folder / f"{name}.py").write_text(MODULE.format(body=body))
        importlib.invalidate_caches()
        return name

    yield write
    sys.modules.pop(name, None)


def test_class_of_a_local_module_loads_here_and_in_a_process_that_has_not_imported_it(guarded, person, path, module):
    name = module("pass")
    save(importlib.import_module(name).Net(), path)
    assert load(path).layers == 3
    del sys.modules[name]
    assert load(path).layers == 3
    assert person.asked == []


def test_class_of_a_local_module_that_was_edited_since_asks(guarded, person, path, module, canary):
    name = module("pass")
    save(importlib.import_module(name).Net(), path)
    assert load(path).layers == 3
    module(f"open({str(canary)!r}, 'w').close()")
    asks(person, path)
    del sys.modules[name]
    asks(person, path)
    assert not canary.exists()


def test_class_of_a_local_module_that_was_edited_before_the_save_is_not_remembered(guarded, born, path, module, canary):
    """What is imported is not what is written there by now."""
    made = importlib.import_module(module("pass")).Net()
    module(f"open({str(canary)!r}, 'w').close()")
    save(made, path)
    assert born.entries() == ()


def test_module_that_the_local_module_imports_is_part_of_it(guarded, person, path, tmp_path, module, monkeypatch):
    name = module("pass")
    source = tmp_path / "project" / f"{name}.py"
    beside = tmp_path / "project" / f"{name}_beside.py"
    beside.write_text("KIND = 1\n")
    source.write_text(f"import {name}_beside\n" + source.read_text())
    save(importlib.import_module(name).Net(), path)
    assert load(path).layers == 3
    beside.write_text("KIND = 2\n")
    asks(person, path)
    sys.modules.pop(f"{name}_beside")


NOTEBOOK = """
def rebuild(value):
    return {result}

class Model:
    def __reduce__(self):
        return rebuild, (7,)
"""


@pytest.fixture
def notebook(monkeypatch):
    """Define things as a cell does."""
    names = vars(sys.modules["__main__"])
    before = dict(names)

    def run(result):
        exec(compile(NOTEBOOK.format(result=result), "<cell>", "exec"), names)
        return names["Model"]()

    yield run
    for name in set(names) - set(before):
        del names[name]


def test_function_of_the_notebook_is_the_same_in_the_next_one(guarded, person, path, notebook):
    save(notebook("value"), path)
    notebook("value")
    assert load(path) == 7
    assert person.asked == []


def test_function_of_the_notebook_that_is_another_one_asks(guarded, person, path, notebook):
    save(notebook("value"), path)
    notebook("value + 1")
    asks(person, path)


def test_function_of_the_notebook_that_uses_another_one_is_known_by_both(guarded, person, path, notebook):
    names = vars(sys.modules["__main__"])
    exec("def inner(value): return value", names)
    save(notebook("inner(value)"), path)
    assert load(path) == 7
    exec("def inner(value): return value * 2", names)
    asks(person, path)


WINDOW = """
class Base:
    unit = "s"
    def shown(self):
        return f"{{len(self.data)}} {{self.unit}}"

class Window(Base):
    def __init__(self, data):
        super().__init__()
        self.data = data
    def __setstate__(self, state):
        self.data = {result}(state["data"])
    @property
    def length(self):
        return [x for x in self.data if x in {{1, 2, 3}}]
"""


@pytest.mark.parametrize(("then", "changed"), [("tuple", False), ("list", True)])
def test_class_of_the_notebook_that_was_edited_since_asks(then, changed, guarded, person, path, notebook):
    names = vars(sys.modules["__main__"])
    exec(compile(WINDOW.format(result="tuple"), "<first>", "exec"), names)
    save(names["Window"]([1, 2]), path)
    exec(compile("# moved\n" + WINDOW.format(result=then), "<second>", "exec"), names)
    if changed:
        asks(person, path)
    else:
        assert load(path).data == (1, 2)
        assert person.asked == []


def test_class_of_the_notebook_whose_base_was_edited_asks(guarded, person, path, notebook):
    names = vars(sys.modules["__main__"])
    exec(WINDOW.format(result="tuple"), names)
    save(names["Window"]([1, 2]), path)
    exec(WINDOW.format(result="tuple").replace('"s"', '"ms"'), names)
    asks(person, path)


def test_forget_lists_and_takes_out_what_was_saved_here(guarded, born, path, canary, tmp_path):
    from jupyter_modelguard.ipython.display import history_table, trust_table
    from jupyter_modelguard.ipython.trusting import forget, remembered

    save(Opens(canary), path)
    load(path)
    assert "born here on" in history_table(records(guarded)).text()
    trust = Trust(lambda: tmp_path / "trust")
    (entry,) = remembered(trust, born)
    assert "born here" in trust_table((entry,)).text()
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


def by_joblib(path, thing):
    joblib = pytest.importorskip("joblib")
    joblib.dump(thing, path)
    return lambda: joblib.load(path)


def by_compressed_joblib(path, thing):
    joblib = pytest.importorskip("joblib")
    joblib.dump(thing, path, compress=3)
    return lambda: joblib.load(path)


def by_torch(path, thing):
    torch = pytest.importorskip("torch")
    torch.save({"thing": thing, "weights": torch.zeros(3)}, path)
    return lambda: torch.load(path, weights_only=False)


def by_large_torch(path, thing):
    torch = pytest.importorskip("torch")
    torch.save({"thing": thing, "weights": torch.zeros(3_000_000)}, path)
    return lambda: torch.load(path, weights_only=False)


def by_large_pickle(path, thing):
    with path.open("wb") as file:
        pickle.dump([thing, b"x" * 6_000_000], file)
    return lambda: load(path)


def by_old_torch(path, thing):
    torch = pytest.importorskip("torch")
    torch.save({"thing": thing, "weights": torch.zeros(3)}, path, _use_new_zipfile_serialization=False)
    return lambda: torch.load(path, weights_only=False)


def by_pandas(path, thing):
    pandas = pytest.importorskip("pandas")
    pandas.to_pickle(thing, path)
    return lambda: pandas.read_pickle(path)


def by_compressed_pandas(path, thing):
    pandas = pytest.importorskip("pandas")
    pandas.to_pickle(thing, f"{path}.gz")
    return lambda: pandas.read_pickle(f"{path}.gz")


def by_cloudpickle(path, thing):
    cloudpickle = pytest.importorskip("cloudpickle")
    with path.open("wb") as file:
        cloudpickle.dump(thing, file)
    return lambda: load(path)


def by_dill(path, thing):
    dill = pytest.importorskip("dill")
    with path.open("wb") as file:
        dill.dump(thing, file)
    return lambda: load(path, dill.load)


WAYS = [
    by_joblib,
    by_compressed_joblib,
    by_torch,
    by_large_torch,
    by_large_pickle,
    by_old_torch,
    by_pandas,
    by_compressed_pandas,
    by_cloudpickle,
    by_dill,
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_each_library_that_saves(way, guarded, person, path, canary):
    way(path, Opens(canary))()
    assert canary.exists()
    assert person.asked == []
    assert records(guarded)[0].decision.transport == "born"


@pytest.mark.parametrize("way", [by_large_torch, by_large_pickle])
def test_large_file_that_is_written_to_before_it_is_looked_at_is_not_remembered(
    way, guarded, person, born, path, canary, monkeypatch
):
    look = guarded._saving._look

    def change_then_look(saved):
        with path.open("r+b") as file:
            file.seek(-100, os.SEEK_END)
            byte = file.read(1)
            file.seek(-100, os.SEEK_END)
            file.write(byte)
        look(saved)

    monkeypatch.setattr(guarded._saving, "_look", change_then_look)
    loaded = way(path, Opens(canary))
    assert born.entries() == ()
    with pytest.raises(ModelLoadBlockedError):
        loaded()


def test_cloudpickled_function_of_the_user(guarded, person, path):
    cloudpickle = pytest.importorskip("cloudpickle")

    factor = 3
    with path.open("wb") as file:
        cloudpickle.dump(lambda x: x * factor, file)
    assert load(path)(2) == 6
    assert person.asked == []


LOOKS = """
import pathlib, sys, threading
from jupyter_modelguard import config
config.default_home = lambda: pathlib.Path(sys.argv[2])
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell.instance().run_line_magic("load_ext", "jupyter_modelguard")
from jupyter_modelguard import guard
made, imported = guard.current(), []
class Finder:
    def find_spec(self, name, path=None, target=None):
        if threading.current_thread().name == "modelguard-saves" and not name.startswith("encodings."):  # they import nothing else
            imported.append(name)
sys.meta_path.insert(0, Finder())
import pickle, mine
with open(sys.argv[1], "wb") as file:
    pickle.dump(mine.Mine(), file)
made.begin_cell()
made.born.catch_up()
print(len(made.born.entries()), imported)
"""


def test_look_imports_nothing_beside_the_users_code(tmp_path):
    """Two threads that import modules which import each other can each get the other's by half."""
    (tmp_path / "mine.py").write_text("class Mine:\n    def __setstate__(self, state):\n        pass\n    x = 1\n")
    (tmp_path / "home").mkdir(mode=0o700)
    environment = os.environ | {
        "MODELGUARD_HOME": str(tmp_path / "home"),
        "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)]),
    }
    command = [sys.executable, "-c", LOOKS, str(tmp_path / "mine.pkl"), str(tmp_path / "trust")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1) == ["1", "[]\n"]
