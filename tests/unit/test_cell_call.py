"""The call in the cell is found where it is certain, and nowhere else; what stands in its place is the same cell but for it."""

import sys
import types

import pytest

from jupyter_modelguard.stages.cell_call import find_call

from cells import run_cell  # isort: skip


@pytest.fixture
def library(monkeypatch):
    """A library with a loader that looks for its own call."""
    made = types.ModuleType("acme")
    made.found = []

    def load(*_, **__):
        made.found.append(find_call(sys._getframe(1), "acme.load"))

    made.load, made.other = load, load.__get__
    made.Auto = type(
        "Auto",
        (),
        {
            "from_pretrained": classmethod(
                lambda *_, **__: made.found.append(find_call(sys._getframe(1), "acme.Auto.from_pretrained"))
            )
        },
    )
    monkeypatch.setitem(sys.modules, "acme", made)
    return made


def found(library, source):
    run_cell(source)
    return library.found[-1]


@pytest.mark.parametrize(
    ("source", "call", "cell"),
    [
        ("import acme\nm = acme.load('a.pt', weights_only=False)\nprint", "new()", "import acme\nm = new()\nprint"),
        ("from acme import load as l\nx = [l('é'), 2]  # kept", "new()", "from acme import load as l\nx = [new(), 2]  # kept"),
        ("import acme\nif True:\n    acme.load(\n        'a',\n    )\ny = 1", "n()", "import acme\nif True:\n    n()\ny = 1"),
        ("import acme\nfor x in (acme.load('a') or (),):\n    y = x", "()", "import acme\nfor x in (() or (),):\n    y = x"),
        ("import acme\ndef f():\n    return acme.load('a')\nf()", "g()", "import acme\ndef f():\n    return g()\nf()"),
        ("from acme import Auto\nAuto.from_pretrained('a')", "g()", "from acme import Auto\ng()"),
    ],
)
def test_call_is_found_and_replaced(source, call, cell, library):
    made = found(library, source)
    assert made.rewritten(call)[1] == cell


@pytest.mark.parametrize(
    "source",
    [
        "import acme\nf = lambda g: g('a')\nf(acme.load)",  # the name that is called is not the loader's own
        "import acme\nlist(map(acme.load, ['a']))",
        "import acme\nclass T:\n    load = acme.load\nT().load('a')",  # what an attribute gives, code could decide
        "import acme\nexec(\"acme.load('a')\")",
    ],
)
def test_call_that_is_not_certain_is_not_found(source, library):
    made = found(library, source)
    assert made is None or made.source != source or "g('a')" in made.before


def test_cell_that_ipython_rewrote_is_shown_by_its_lines_alone(library):
    source = "get_ipython = lambda: print\nget_ipython()('magic')\nimport acme\nacme.load('a')"
    lines, cell = found(library, source).rewritten("new()")
    assert (lines, cell) == ("new()", "")


def test_function_of_an_earlier_cell_is_shown_by_its_lines_alone(library):
    names = run_cell("import acme\ndef read():\n    return acme.load('a')")
    run_cell("read()", names)
    lines, cell = library.found[-1].rewritten("new()")
    assert (library.found[-1].before, lines, cell) == ("return acme.load('a')", "return new()", "")


def test_imports_that_are_needed_come_first_and_known_ones_do_not(library):
    made = found(library, "import acme\nm = acme.load('a')")
    assert made.rewritten("acme.new()", imports=("acme",))[1] == "import acme\nm = acme.new()"
    assert made.rewritten("tomllib.loads('')", imports=("tomllib",))[1].startswith("import tomllib\nimport acme\n")


def test_block_around_the_statement(library):
    made = found(library, "import acme\nif True:\n    m = acme.load('a')\n    n = 1")
    lines, cell = made.rewritten("acme.load('a')", within="with safe:")
    assert lines == "with safe:\n    m = acme.load('a')"
    assert cell == "import acme\nif True:\n    with safe:\n        m = acme.load('a')\n    n = 1"


@pytest.mark.parametrize("source", ["import acme; m = acme.load('a')", 'import acme\nm = acme.load("""\na""")'])
def test_statement_that_cannot_be_moved_is_left_alone(source, library):
    assert found(library, source).rewritten("acme.load('a')", within="with safe:") == ("", "")


def test_keyword_is_set_or_added(library):
    made = found(library, "import acme\nacme.load('a', weights_only=False, mmap=True)")
    assert made.with_keyword("weights_only", "True") == "acme.load('a', weights_only=True, mmap=True)"
    assert made.with_keyword("revision", "'1'") == "acme.load('a', weights_only=False, mmap=True, revision='1')"
