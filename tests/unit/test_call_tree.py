"""What calls what in a pickle, and what each opcode does, in words."""

from __future__ import annotations

import collections
import os
import pickle
import pickletools
import string

import pytest

from jupyter_modelguard.engines.call_tree import CallTree
from jupyter_modelguard.types import CallNode


class Calls:
    def __init__(self, function, *arguments):
        self.made = function, arguments

    def __reduce__(self):
        return self.made


def walked(data, *flagged):
    tree = CallTree(flagged)
    said = [(opcode.name, tree.feed(opcode.name, argument, position)) for opcode, argument, position in pickletools.genops(data)]
    return tree.rows(), said


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_call_is_said_with_its_arguments(protocol):
    rows, said = walked(pickle.dumps(Calls(os.system, "touch canary"), protocol), "posix.system")
    assert [(row.name, row.arguments, row.flagged) for row in rows] == [("os.system", "('touch canary')", True)]
    assert ("REDUCE", "call os.system('touch canary')") in said


def test_calls_stand_below_the_call_that_they_are_arguments_of():
    inner = Calls(string.capwords, "a b")
    rows, _ = walked(pickle.dumps({"weights": Calls(len, [inner, 1])}), "string.capwords")
    assert [(row.depth, row.name, row.flagged) for row in rows] == [(0, "builtins.len", False), (1, "string.capwords", True)]


def test_what_an_object_is_filled_with_stands_below_the_call_that_made_it():
    rows, _ = walked(pickle.dumps(collections.OrderedDict(a=Calls(len, "x"))))
    assert [(row.depth, row.name) for row in rows] == [(0, "collections.OrderedDict"), (1, "builtins.len")]


def test_an_object_that_is_used_twice_is_called_once():
    shared = Calls(len, "x")
    rows, _ = walked(pickle.dumps([shared, shared]))
    assert len(rows) == 1


def test_neighbours_that_nothing_flags_share_a_line_and_flagged_ones_do_not():
    data = pickle.dumps([Calls(len, text) for text in "abc"])
    rows, _ = walked(data)
    assert [(row.name, row.count) for row in rows] == [("builtins.len", 3)]
    rows, _ = walked(data, "builtins.len")
    assert [(row.arguments, row.count) for row in rows] == [("('a')", 1), ("('b')", 1), ("('c')", 1)]


@pytest.mark.parametrize("data", [b"R.", b"h\x07.", b"(R.", b"t.", b"\x8c\x01a\x93.", b"(lb.", b"u.", b"(o.", b"0."], ids=repr)
def test_a_stream_that_does_not_add_up_ends_the_walk_quietly(data):
    rows, said = walked(data, "os.system")
    assert rows == ()
    assert said[-1] == ("STOP", "")


def test_what_came_before_the_break_is_shown():
    rows, _ = walked(b"cos\nsystem\n(X\x02\x00\x00\x00idtRRRR.", "os.system")
    assert [row.name for row in rows] == ["os.system"]


def test_words_stay_short_however_an_object_doubles():
    doubled = b"]" + b"2\x86" * 2_000
    rows, said = walked(b"cbuiltins\nlen\n" + doubled + b"\x85R.", "builtins.len")
    assert len(rows) == 1
    assert max(len(words) for _, words in said) < 400


def test_a_tree_has_an_end():
    nested = "x"
    for _ in range(80):
        nested = Calls(len, nested)
    rows, _ = walked(pickle.dumps([nested, *(Calls(len, (number, "y" * number)) for number in range(2_000))]), "builtins.len")
    assert len(rows) == 300
    assert max(row.depth for row in rows) == 24


def test_a_row_of_an_older_class_opcode():
    rows, _ = walked(b"(X\x02\x00\x00\x00idios\nsystem\n.", "os.system")
    assert rows == (CallNode(0, "os.system", "('id')", 8, 1, flagged=True),)
