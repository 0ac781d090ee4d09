"""What a reader remembers of earlier streams, and whether that makes the next one mean something else.

A stream may fetch what was stored under a number, and a reader that is used again still holds what an earlier stream stored. The proof
of a stream begins with nothing stored: where the reader would fetch something else, the proof says nothing about the load. A stream that
calls what an earlier one resolved resolves nothing itself, so that no event tells of it either.
"""

from __future__ import annotations

import hashlib
import io
import pickletools
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.hooks.named import go_on
from jupyter_modelguard.hooks.scopes import Mode, Scope
from jupyter_modelguard.policy.named import named_finding, named_use
from jupyter_modelguard.types import Artifact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import BinaryIO

    from jupyter_modelguard.hooks.passage import Passage
    from jupyter_modelguard.types import LoadRequest

__all__ = ["LEFT_BEHIND", "ask_to_reach_back", "reaches_back", "reads_otherwise", "reread"]

LEFT_BEHIND: Final = "what an earlier stream left in the reader"
"""What a load is said to have reached for."""

_DATA = frozenset(
    {type(None), bool, int, float, complex, str, bytes, bytearray, tuple, list, dict, set, frozenset}
)  # exact: no opcode calls anything of these

_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})


def reads_otherwise(stored: Iterable[int], stream: BinaryIO) -> bool:
    """Whether a stream fetches something else from a reader that has stored things than from a fresh one.

    Parameters
    ----------
    stored
        The numbers under which the reader has something.
    stream
        The proved bytes, from their start.
    """
    ours: dict[Any, int] = dict.fromkeys(stored, -1)  # number to the opcode that stored it, with what is there already
    fresh: dict[Any, int] = {}
    if not ours:
        return False
    try:
        for place, (opcode, number, _) in enumerate(pickletools.genops(stream)):
            if opcode.name in _PUTS:
                ours[number] = fresh[number] = place
            elif opcode.name == "MEMOIZE":
                ours[len(ours)] = fresh[len(fresh)] = place
            elif opcode.name in _GETS and ours.get(number) != fresh.get(number):
                return True
    except Exception:  # noqa: BLE001 what this parser cannot follow is no agreement
        return True
    return False


def reaches_back(stored: Mapping[int, object], stream: BinaryIO) -> bool:
    """Whether a stream fetches what an earlier one left in the reader, unless that is data alone, which can be neither called nor changed.

    Parameters
    ----------
    stored
        What the reader has, by number.
    stream
        Where the next stream begins; it is left where it was.
    """
    things = {number for number, thing in stored.items() if type(thing) not in _DATA}
    if not things:
        return False
    start = stream.tell()
    taken: set[Any] = set(stored)
    try:
        for opcode, number, _ in pickletools.genops(stream):
            if opcode.name in _PUTS or opcode.name == "MEMOIZE":
                place: Any = len(taken) if opcode.name == "MEMOIZE" else number
                things.discard(place)
                taken.add(place)
            elif opcode.name in _GETS and number in things:
                return True
    except Exception:  # noqa: BLE001 what this parser cannot follow may fetch anything
        return True
    finally:
        stream.seek(start)
    return False


def reread(stored: Mapping[int, object], file: BinaryIO) -> BinaryIO | None:
    """Give what the next stream may be read from without a look: nothing of it calls what is in the reader already.

    Parameters
    ----------
    stored
        What the reader has, by number.
    file
        Where the stream begins.

    Returns
    -------
    BinaryIO or None
        The file itself, or, where the stream had to be read for the answer, the bytes that were read; None if it reaches back.
    """
    if all(type(thing) in _DATA for thing in stored.values()):
        return file
    start = file.tell()
    content = io.BytesIO(file.read())
    file.seek(start)
    return None if reaches_back(stored, content) else content


def ask_to_reach_back(passage: Passage, request: LoadRequest, content: BinaryIO, load: Callable[[BinaryIO], Any]) -> Any:
    """Ask about a stream that means nothing without what an earlier one left in the reader: no trace of it alone says what it does.

    Parameters
    ----------
    passage
        The way through the gate.
    request
        What the person asked for.
    content
        The stream, and what follows it.
    load
        Reads those very bytes.

    Raises
    ------
    ModelLoadBlockedError
        If the load was kept blocked, or resolved anything beyond that.
    """
    use = named_use(
        f"{request.loader}.memo", "keeps what earlier streams resolved, and this one uses it in ways that cannot be traced"
    )
    name = request.source.rpartition("/")[2]
    data = content.read()
    content.seek(0)
    artifact = Artifact(name, request.source, "pickle", hashlib.sha256(data).hexdigest(), len(data))

    def run() -> Any:
        with Scope(Mode.APPROVED, label=request.loader):
            return load(content)

    with passage.public(request):
        return go_on(passage, request, artifact, (use,), (named_finding("pickle-reaches-back", use, request.source),), run)
