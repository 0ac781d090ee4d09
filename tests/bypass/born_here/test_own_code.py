"""Code of the user's own, in a module or in the notebook, is part of what was saved: edited, it asks."""

import importlib
import sys

import pytest

from own_saves import asks, load, save  # isort: skip


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


def test_cloudpickled_function_of_the_user(guarded, person, path):
    cloudpickle = pytest.importorskip("cloudpickle")

    factor = 3
    with path.open("wb") as file:
        cloudpickle.dump(lambda x: x * factor, file)
    assert load(path)(2) == 6
    assert person.asked == []
