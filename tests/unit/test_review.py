"""The tool that reviews a library for the lists."""

import argparse
import importlib
import subprocess
import sys

import pytest

from jupyter_modelguard.testing.review import dangers, members, review, unexplained
from jupyter_modelguard.testing.review.__main__ import main
from jupyter_modelguard.testing.review.showing import toml_rows

LIBRARY = """
import subprocess


class Plain:
    def predict(self):
        return subprocess.run(self.command)


class Keeps:
    def __setstate__(self, state):
        self.__dict__.update(state)


class Applies:
    def __setstate__(self, state):
        self.value = state["maker"](state["value"])


class Inherits(Applies):
    pass


class Indexed:
    def __init__(self, maker):
        maker()
"""


@pytest.fixture
def library(tmp_path, monkeypatch):
    (tmp_path / "reviewed_library.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(tmp_path)
    yield {cls.__name__: review(cls) for cls in members("reviewed_library")}
    del sys.modules["reviewed_library"]


def evaluates(self, state):
    exec(state["code"])


def applies(self, function, arguments):
    return function(*arguments)


def applies_a_part(self, state):
    made = state["maker"]
    for thing in state["things"].values():
        thing(made)


def imports(self, name):
    return importlib.import_module(name)


def starts(self, state):
    subprocess.run(state, check=True)


def reaches(self, state):
    return getattr(self, state["name"])


def updates(self, state):
    self.__dict__.update(state)
    self.size = len(state["values"])


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (evaluates, "evaluates code"),
        (applies, "calls what it is given as 'function'"),
        (applies_a_part, "calls what it is given as 'thing'"),
        (imports, "imports"),
        (starts, "calls subprocess.run"),
        (reaches, "computed names"),
        (len, "made in C"),
    ],
)
def test_source_that_can_execute_is_found(function, reason):
    assert any(reason in danger.reason for danger in dangers(function))


def test_source_that_only_keeps_its_state_is_not_flagged():
    assert dangers(updates) == ()


def test_danger_names_its_line():
    (danger,) = dangers(evaluates)
    assert danger.line == evaluates.__code__.co_firstlineno + 1


def test_what_a_load_does_not_reach_is_not_looked_at(library):
    assert library["Plain"].methods == ()


def test_method_that_only_keeps_its_state_is_to_be_read(library):
    assert [(method.name, method.state) for method in library["Keeps"].methods] == [("__setstate__", "to read")]


def test_method_of_a_base_that_executes_refuses_the_class(library):
    assert library["Inherits"].executes
    assert library["Inherits"].methods[0].owner.__name__ == "Applies"


def test_method_that_only_a_call_reaches_does_not_refuse_the_class(library):
    assert not library["Indexed"].executes


def test_rows_are_proposed_with_an_empty_reason_and_never_for_what_executes(library):
    rows = toml_rows(list(library.values()))
    assert 'names = ["Keeps.__setstate__"]\nreason = ""' in rows
    assert 'names = ["Applies' not in rows
    assert "# refused: reviewed_library.Applies.__setstate__ calls a part of what it is given as 'state' (line 17)" in rows


def test_row_without_a_reason_for_what_executes_fails_the_check(library, tmp_path):
    rows = tmp_path / "reviewed_library.toml"
    rows.write_text('[[inert]]\nmodule = "reviewed_library"\nname = "Applies"\narguments = []\nstate = "dict"\nreason = ""\n')
    (sentence,) = unexplained([rows])
    assert "reviewed_library.Applies.__setstate__ calls a part of what it is given" in sentence
    assert main(["--check", str(rows)]) == 1


def test_row_with_a_reason_passes_the_check(library, tmp_path):
    rows = tmp_path / "reviewed_library.toml"
    rows.write_text(
        '[[inert]]\nmodule = "reviewed_library"\nname = "Applies"\narguments = []\nstate = "{maker=global:builtins.int, value=int}"\n'
        'reason = "calls a builtin type alone, by the pattern of its state"\n'
    )
    assert unexplained([rows]) == ()


@pytest.mark.filterwarnings("ignore")  # libraries warn of each other while they are imported
def test_every_row_of_our_lists_says_why_what_it_admits_is_harmless():
    assert unexplained() == ()


def test_table_shows_what_inspection_does_not_clear(library, capsys):
    assert main(["reviewed_library"]) == 0
    shown = capsys.readouterr().out
    assert "Keeps.__setstate__" in shown
    assert "executes" in shown


def test_class_that_inspection_clears_has_no_verdict():
    assert review(argparse.Namespace).verdict == ""
