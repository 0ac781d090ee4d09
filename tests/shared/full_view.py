"""A view in which every field says something, each a text that occurs nowhere else; and one that a stranger wrote."""

import dataclasses

from jupyter_modelguard.approval.view import (
    CallRow,
    CardView,
    ChangeRow,
    CodeListing,
    CodeRow,
    Fact,
    PhaseColumn,
    PhaseRow,
    ScopeChoice,
)
from jupyter_modelguard.types import CallNode, RiskLevel, SaferWay, TraceStep


def full_view(write=str):
    """Make it; `write` says what stands in a field that strangers may have written."""
    rows = (CodeRow(1, write("listed line"), flagged=True, note=write("listed note")), CodeRow(2, "plain line"))
    lines = (CodeRow(3, write("gone line"), change="-"), CodeRow(3, write("added line"), flagged=True, change="+"))
    return CardView(
        id="7f3a91c2",
        level=RiskLevel.RUNS_CODE,
        title="Stopped before loading",
        consequence=write("can do the consequence"),
        chip="Runs code",
        object=write("object.pt"),
        call=write("load(call)"),
        place=write("In [7] line 3"),
        would="Python would call",
        calls=(CallRow(write("boxed.call"), 3, write("boxed note"), write("boxed origin"), "unknown", flagged=True),),
        missed=(write("missed part: why missed"),),
        facts=(Fact(write("Fact label"), write("fact text")),),
        safer=(SaferWay(write("Safer label"), write("safer.code()")),),
        reasons=("I made this file", "I read the code"),
        scopes=(
            ScopeChoice("once", "Just this call, once", "Run 1 unknown function once", write("once hint")),
            ScopeChoice("digest", "This exact file", "Run 1 and remember", write("digest hint")),
            ScopeChoice("commit", "This repository", "Pin and run", write("commit hint"), enabled=False),
        ),
        confirm=(),
        every_call=(CallRow(write("every.call"), 5, "", write("every origin"), "nothing found", flagged=False),),
        listings=(CodeListing(write("Listing heading"), write("listing.source"), rows),),
        opcodes=(TraceStep(88, "REDUCE", write("opcode argument"), flagged=True, meaning=write("opcode meaning")),),
        tree=(
            CallNode(0, write("tree.root"), write("(root arguments)"), 90),
            CallNode(1, write("tree.leaf"), write("(leaf arguments)"), 80, 4, flagged=True),
        ),
        phases=(
            PhaseColumn("On import", "runs whatever you do next", (PhaseRow(write("phase text"), write("phase_place.py:7")),), 2),
            PhaseColumn("While loading", "inside the call", ()),
            PhaseColumn("Soon after", "when the model is first used", ()),
            PhaseColumn(
                "Only if you call it", "nothing was found that calls it", (PhaseRow("a program is started", "audio.py:388"),)
            ),
        ),
        remark=write("the remark"),
        since=write("New since then"),
        changes=(ChangeRow("+", "function", write("changed.name"), write("change note")),),
        differences=(CodeListing("+1 -1", write("changed_file.py"), lines),),
        rule=(Fact(write("Rule label"), write("rule text")),),
        sought=True,
        limits=write("limits of it"),
    )


def texts(view):
    """Every text of a view, with the field that it stands in."""
    for field in dataclasses.fields(view):
        for text in _texts(getattr(view, field.name)):
            yield field.name, text


def _texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _texts(item)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _texts(getattr(value, field.name))
