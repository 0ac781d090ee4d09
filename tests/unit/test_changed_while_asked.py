"""A file that changes while somebody answers on a text prompt: the answer is not taken, and the questions end."""

import pytest
from full_view import full_view

from jupyter_modelguard.approval.conversation import converse
from jupyter_modelguard.approval.prompt import NotebookPrompt, TerminalPrompt
from jupyter_modelguard.approval.transport import STALE

ALL = ("run", "1", "1")


class Person:
    """Answers one question after the other; the file changes while answer number `changes` is thought about."""

    def __init__(self, *answers, changes):
        self.left = list(answers)
        self.asked = 0
        self.changes = changes

    def read(self, _question):
        self.asked += 1
        return self.left.pop(0)

    def changed(self):
        return self.asked >= self.changes


def asked(person):
    said = []
    decision = converse(full_view(), say=said.append, read=person.read, transport="prompt", changed=person.changed)
    return decision, "\n".join(said)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_answer_is_not_taken_whichever_it_is(number):
    person = Person(*ALL, changes=number)
    decision, said = asked(person)
    assert (decision.allow, decision.transport) == (False, STALE)
    assert "object.pt changed while you were asked" in said
    assert person.asked == number


def test_the_answers_are_taken_where_it_stays_as_it_is():
    decision, said = asked(Person(*ALL, changes=9))
    assert (decision.allow, decision.transport) == (True, "prompt")
    assert "changed while" not in said


def test_what_it_did_is_not_shown_any_more():
    decision, said = asked(Person("show", "run", changes=1))
    assert decision.transport == STALE
    assert "listed line" not in said


def test_a_no_stays_a_no():
    decision, _ = asked(Person("", changes=1))
    assert (decision.allow, decision.transport) == (False, "prompt")


def test_the_prompt_of_a_notebook_and_of_a_terminal_notice_it():
    pytest.importorskip("IPython", reason="IPython is not installed")
    for make in (
        lambda person: NotebookPrompt(str, person.read, person.changed),
        lambda person: TerminalPrompt("prompt", person.read, person.changed),
    ):
        person = Person(*ALL, changes=2)
        assert make(person).ask(None, full_view()).transport == STALE
