"""What a person is shown before deciding, the same in every face.

The card in the notebook, the terminal, the stdin conversation and the saved receipt all draw one `CardView`. It holds text alone:
whoever draws it must treat every string as something a stranger may have written.
"""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_modelguard.types import CallNode, RiskLevel, SaferWay, TraceStep  # noqa: TC001 read at run time to rebuild a view from JSON

__all__ = ["CallRow", "CardView", "ChangeRow", "CodeListing", "CodeRow", "Fact", "PhaseColumn", "PhaseRow", "ScopeChoice"]


@dataclass(frozen=True, slots=True)
class CallRow:
    """One function that the file would have Python call."""

    name: str  # "builtins.getattr"
    count: int
    note: str  # "can reach any attribute of an imported module"
    origin: str  # "Python"
    judged: str  # "unknown", "dangerous", "nothing found"
    flagged: bool


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the list under the box: "Checked: 1 of 1 pickle streams"."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One line of a listing."""

    number: int
    text: str
    flagged: bool = False
    note: str = ""  # said below the line: "On import: reads HF_TOKEN."
    change: str = ""  # "+" or "-" in a comparison


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One difference to what was approved before."""

    change: str  # "+", "-" or "±"
    what: str  # "capability", "function" or "file"
    name: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class PhaseRow:
    """Something that code of a model's own was found to do."""

    text: str  # "urllib.request.urlopen: opens network connections"
    place: str  # "modeling_chat.py:3"


@dataclass(frozen=True, slots=True)
class PhaseColumn:
    """What would happen at one time: on import, while loading, soon after, or only if something calls it."""

    title: str  # "On import"
    note: str  # "runs whatever you do next"
    rows: tuple[PhaseRow, ...]
    more: int = 0  # rows that there is no place for


@dataclass(frozen=True, slots=True)
class CodeListing:
    """Code to read: a pickle decompiled, a file of the model's own, a rule, or two versions of a file in comparison."""

    heading: str  # "Rebuilt from the pickle, not run"
    source: str  # "yolo.pt / data.pkl"
    rows: tuple[CodeRow, ...]


@dataclass(frozen=True, slots=True)
class ScopeChoice:
    """One answer to "What do you allow?"."""

    value: str  # "once"
    label: str  # "Just this call, once"
    button: str  # "Run 2 unknown functions once"
    hint: str = ""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class CardView:
    """Everything a card shows."""

    id: str  # "7f3a91c2"
    level: RiskLevel
    title: str  # "Stopped before loading"
    consequence: str  # "can run code on this machine"
    chip: str  # "Runs code"
    object: str  # "yolo.pt"
    call: str  # "torch.load(weights_only=False)"
    place: str  # "In [7] line 3"
    would: str  # heading of the box: "Python would call, while reading the file"
    calls: tuple[CallRow, ...]  # in the box: what is flagged
    missed: tuple[str, ...]  # in the box: parts that were not checked
    facts: tuple[Fact, ...]
    safer: tuple[SaferWay, ...]
    reasons: tuple[str, ...]  # answers to "Why run it?"
    scopes: tuple[ScopeChoice, ...]  # empty: there is no way on
    confirm: tuple[str, ...]  # findings one of which must be typed; empty: none
    every_call: tuple[CallRow, ...]
    listings: tuple[CodeListing, ...]
    opcodes: tuple[TraceStep, ...]
    tree: tuple[CallNode, ...] = ()  # what calls what
    phases: tuple[PhaseColumn, ...] = ()  # in the box, of code: what would happen when
    remark: str = ""  # last line of the box: "The other 2 could do anything."
    since: str = ""  # heading of the differences: "New since ada approved it on 2026-10-31"
    changes: tuple[ChangeRow, ...] = ()  # in the box: what is different from what was approved before
    differences: tuple[CodeListing, ...] = ()  # the changed lines, where they are known
    rule: tuple[Fact, ...] = ()  # in the box of what a policy forbids: the rule, why it is there and where it is written
    sought: bool = False  # whether anybody looked for a safer way
    limits: str = "Native code, code already running in this kernel, and processes it started."
