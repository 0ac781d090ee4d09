"""The frozen values that the stages of one load hand to each other.

intercept makes a `LoadRequest`, identify an `Artifact`, scan a `ScanReport`, assess an `Assessment`, decide a `Decision`, and
record a `HistoryRecord`. No stage changes a value that it was given, and "unsafe" is such a value until the very end.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = [
    "Artifact",
    "Assessment",
    "ByteRange",
    "CallNode",
    "CallSite",
    "CodeFile",
    "Coverage",
    "Decision",
    "Explanation",
    "Finding",
    "GlobalUse",
    "HistoryRecord",
    "Judgement",
    "LoadRequest",
    "Outcome",
    "Phase",
    "QualifiedName",
    "RiskLevel",
    "SaferWay",
    "ScanReport",
    "Scope",
    "Severity",
    "TraceStep",
]


class RiskLevel(enum.Enum):
    """What a load can do, from "nothing but data" to "refused by policy".

    Levels are compared by `rank`. `UNINSPECTED` ranks with `RUNS_CODE`: what could not be looked at is asked about, never called
    clean.
    """

    DATA_ONLY = "data_only"
    NOTE = "note"
    RUNS_CODE = "runs_code"
    UNINSPECTED = "uninspected"
    DANGEROUS = "dangerous"
    FORBIDDEN = "forbidden"

    @property
    def rank(self) -> int:
        """Place in the order of levels; 0 is the lowest."""
        return _RANKS[self.value]

    @property
    def asks(self) -> bool:
        """Whether a load at this level needs a decision before it goes on."""
        return self.rank >= _RANKS["runs_code"]


_RANKS = {"data_only": 0, "note": 1, "runs_code": 2, "uninspected": 2, "dangerous": 3, "forbidden": 4}


class Severity(enum.Enum):
    """How much a single finding matters."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Phase(enum.Enum):
    """When a line of a model's own code would run."""

    IMPORT = "import"  # as soon as its file is imported
    LOAD = "load"  # while the model is loaded, or shown by a notebook
    SOON = "soon"  # when the model is first used
    METHOD = "method-only"  # if something calls it; nothing was found that does

    @property
    def rank(self) -> int:
        """Place in time; 0 is the first."""
        return _PHASES.index(self)


_PHASES = tuple(Phase)


class Judgement(enum.Enum):
    """What is known of one global that a pickle names."""

    CLOSED = "closed"  # harmless whatever its arguments and state
    INERT = "inert"  # harmless as this stream uses it
    INSPECT = "inspect"  # a class that only a process which has it can judge
    UNKNOWN = "unknown"
    DANGEROUS = "dangerous"


class Outcome(enum.Enum):
    """How a load ended, as the history tells it."""

    LOADED = "loaded"  # silently, on proof
    ALLOWED = "allowed"  # after a decision
    BLOCKED = "blocked"
    FAILED = "failed"  # the loader's own error
    WAITING = "waiting"
    ABANDONED = "abandoned"  # the kernel went away before anyone decided
    UNGUARDED = "unguarded"  # seen, not held: a library resolved globals for itself


class Scope(enum.Enum):
    """What a decision covers."""

    ONCE = "once"
    DIGEST = "digest"
    COMMIT = "commit"


class QualifiedName(NamedTuple):
    """A global as a pickle names it, after Python 2 names were normalised."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class CallSite:
    """Where user code started the load."""

    notebook: str | None = None
    cell_id: str | None = None
    execution_count: int | None = None
    line: int | None = None

    def __str__(self) -> str:
        cell = f"In [{self.execution_count}]" if self.execution_count is not None else (self.notebook or "")
        return f"{cell} line {self.line}".strip() if self.line is not None else cell


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """One call of a guarded loader."""

    loader: str  # "torch.load"
    call: str  # as the card shows it: "torch.load(weights_only=False)"
    source: str  # what was asked for: an absolute path, "hf:org/name@sha", "<bytes>" or "<file object>"
    site: CallSite = field(default_factory=CallSite)


@dataclass(frozen=True, slots=True)
class CodeFile:
    """A file of a model's own Python code, with the very bytes that may run."""

    path: str
    digest: str
    content: bytes = field(repr=False)
    origin: str = ""  # of a file that comes from another repository than the load's: "hf:other/repo", with "@commit" if pinned


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a load reads, as it was when it was looked at."""

    name: str  # for people: "yolo.pt"
    source: str
    format: str  # "pickle", "torch-zip", "torch-legacy", "joblib", "npy", "npz", "safetensors", "python-code", "unknown"
    digest: str = ""  # sha256 of the code-bearing part, hexadecimal; empty if it could not be read
    size: int = 0  # bytes of the whole file
    files: tuple[CodeFile, ...] = ()
    alone: bool = False  # whether the load reads the bytes in hand and nothing else; what is not known to can never be trusted
    content: str = ""  # sha256 of all bytes that the load reads, where that was needed; hexadecimal


@dataclass(frozen=True, slots=True)
class GlobalUse:
    """One global that a pickle stream names, and what is known of it."""

    name: QualifiedName
    count: int  # how often the stream uses it
    judgement: Judgement
    reason: str = ""  # one sentence a data scientist understands
    origin: str = ""  # "Python", "numpy 2.4.6, installed here", "a file in the working directory", "this notebook"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about an artifact that a person should know."""

    rule: str  # stable id: "pickle-dangerous-global"
    severity: Severity
    title: str  # one sentence
    location: str = ""  # "data.pkl, byte 41" or "modeling.py:12"
    cwe: int | None = None
    atlas: str | None = None
    taxonomy: str | None = None
    code: str = ""  # the line or opcode it speaks of
    phase: Phase | None = None  # of a line of code; None where there is no telling


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One opcode, for people who want to see the evidence."""

    position: int  # bytes from the start of the stream
    opcode: str
    argument: str
    flagged: bool = False
    meaning: str = ""  # "call os.system('touch canary')"


@dataclass(frozen=True, slots=True)
class CallNode:
    """One call that a stream makes, in the order of a tree that is read from the top: what it is made of stands below it, deeper."""

    depth: int
    name: str  # "builtins.getattr"
    arguments: str  # "(DetectionModel, 'stride')"
    position: int  # bytes from the start of the stream
    count: int = 1  # calls like this one in a row, which share a line
    flagged: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a person may read of an artifact before deciding."""

    listings: tuple[tuple[str, str, tuple[tuple[int, str, bool], ...]], ...] = ()  # heading, source, (number, text, flagged)
    steps: tuple[TraceStep, ...] = ()
    calls: tuple[CallNode, ...] = ()


class ByteRange(NamedTuple):
    """A part of a file."""

    start: int
    end: int  # the first byte behind it
    kind: str  # "inspected", "data" (numbers and text that nothing runs) or "missed"


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was looked at, and what was not and why."""

    parts: int = 1
    inspected: int = 1
    missed: tuple[str, ...] = ()  # one sentence a part: "data/extra.bin: compressed with a method this Python lacks"
    ranges: tuple[ByteRange, ...] = ()  # of a scanned file, each byte in one of them; empty where a load was looked at


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What the engines found; evidence, and the proof where `globals` are all closed or inert and nothing was missed."""

    target: str
    format: str
    digest: str = ""
    size: int = 0
    findings: tuple[Finding, ...] = ()
    globals: tuple[GlobalUse, ...] = ()
    coverage: Coverage = field(default_factory=Coverage)
    seconds: float = 0.0
    engines: tuple[str, ...] = ()  # "pickle-trace 1"


@dataclass(frozen=True, slots=True)
class SaferWay:
    """Another way to the same weights that was tried here and works."""

    label: str  # "Take only the weights"
    code: str  # the lines of the call as they would be, or the call alone where it was not found in the cell
    note: str = ""  # what was tried and what it gives: "283 tensors, by the same names"
    before: str = ""  # those lines as they are; empty where the call was not found
    cell: str = ""  # the whole cell as it would be; empty where only lines of it can be told


@dataclass(frozen=True, slots=True)
class Assessment:
    """What policy makes of a report."""

    level: RiskLevel
    report: ScanReport
    rules: tuple[str, ...] = ()  # ids of the rules that led to the level
    safer: tuple[SaferWay, ...] = ()
    sought: bool = False  # whether a safer way was really looked for: only then can none be said to have been found

    @property
    def unknown(self) -> tuple[GlobalUse, ...]:
        """The globals that nothing vouches for, in the order of the stream."""
        return tuple(use for use in self.report.globals if use.judgement in _OPEN)


_OPEN = frozenset({Judgement.UNKNOWN, Judgement.DANGEROUS, Judgement.INSPECT})


@dataclass(frozen=True, slots=True)
class Decision:
    """Who let a load go on or kept it blocked, and why."""

    allow: bool
    by: str  # a person's login name, or the rule: "proof", "headless"
    transport: str  # "proof", "card", "sidebar", "database", "prompt", "headless", "policy", "trust"
    reason: str = ""
    scope: Scope = Scope.ONCE
    at: float = 0.0  # seconds since the epoch


@dataclass(frozen=True, slots=True)
class HistoryRecord:
    """One line of the history."""

    id: str  # eight hexadecimal digits, shown as "#7f3a91c2"
    at: float  # seconds since the epoch
    request: LoadRequest
    outcome: Outcome
    level: RiskLevel | None = None
    artifact: Artifact | None = None
    report: ScanReport | None = None
    decision: Decision | None = None
    seconds: float = 0.0  # spent by the load, without the time a person took
    count: int = 1  # loads this line stands for; silent in-memory loads share one
    error: str = ""
