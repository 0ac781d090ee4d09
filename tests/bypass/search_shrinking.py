"""Make a finding as small as it goes, and write it down so that anyone can run it again."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import pickletools
import time
from pathlib import Path
from typing import TYPE_CHECKING

import search_opcodes
from search_batches import Finding
from search_readers import wrap

if TYPE_CHECKING:
    from search_batches import Batches

__all__ = ["read", "shrink", "write"]


def shrink(finding: Finding, batches: Batches, seconds: float) -> Finding:
    """Leave out tokens as long as the same thing is found."""
    ends = time.monotonic() + seconds
    best = finding

    def same(tokens: list[bytes]) -> Finding | None:
        stream = wrap(b"\x80\x03" + b"".join(tokens) + b".", finding.dialect)
        found = batches.alone(stream, finding.dialect, tokens).findings
        return next((one for one in found if one.key == finding.key), None)

    found = same(finding.tokens)
    if found is None:
        return best  # only as it was spelled
    best = found
    width = max(1, len(best.tokens) // 2)
    while width and time.monotonic() < ends:
        place = 0
        while place < len(best.tokens) and time.monotonic() < ends:
            found = same(best.tokens[:place] + best.tokens[place + width :])
            if found is None:
                place += width
            else:
                best = found
        width //= 2
    for start, end in sorted(search_opcodes.values(best.tokens), key=lambda item: item[0] - item[1]):
        if time.monotonic() < ends and end - start > 1 and end <= len(best.tokens):
            found = same([*best.tokens[:start], b"N", *best.tokens[end:]])
            best = found or best
    return best


def write(finding: Finding, folder: Path, origin: str) -> Path:
    """Write a finding down; `search.py --again FILE` runs it again."""
    listing = io.StringIO()
    with contextlib.suppress(Exception):
        pickletools.dis(
            finding.stream[-sum(map(len, finding.tokens)) - 3 :] if finding.dialect == "pickle" else finding.stream, listing
        )
    content = {
        "what": finding.what,
        "reader": finding.reader,
        "dialect": finding.dialect,
        "found by": origin,
        "stream": finding.stream.hex(),
        "tokens": [token.hex() for token in finding.tokens],
        "bytes": repr(finding.stream),
        "listing": listing.getvalue().splitlines(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"finding-{hashlib.sha256(finding.key.encode()).hexdigest()[:10]}.json"
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


def read(file: str) -> Finding:
    """Read what `write` wrote."""
    content = json.loads(Path(file).read_text())
    tokens = [bytes.fromhex(token) for token in content["tokens"]]
    return Finding(content["what"], content["reader"], content["dialect"], bytes.fromhex(content["stream"]), tokens)
