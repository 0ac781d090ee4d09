"""GGUF: keys with values, among them chat templates, and tensors behind them.

The numbers run nothing, and the templates are code for whoever renders them. A header that lies does nothing to this reader; what it does
to native ones is memory corruption.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.byte_ranges import DATA, INSPECTED, MISSED
from jupyter_modelguard.engines.formats.gguf_reader import MAGIC, LieError, read_header
from jupyter_modelguard.policy.chat_templates import may_be_template, template_findings
from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.types import ByteRange, Coverage, ScanReport

if TYPE_CHECKING:
    from typing import BinaryIO

    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.formats.gguf_reader import Header
    from jupyter_modelguard.engines.scanner import Scanner
    from jupyter_modelguard.types import Finding

__all__ = ["ENGINE"]

_MOST_TEMPLATES: Final = 200


class Gguf:
    """Checks the header, judges the templates, and accounts for every tensor."""

    name = "gguf 1"

    def takes(self, content: Content) -> bool:
        """By the magic bytes."""
        return content.head.startswith(MAGIC)

    def scan(self, content: Content, scanner: Scanner) -> ScanReport:
        """Scan one file."""
        del scanner
        with content.open() as file:
            try:
                header = read_header(file, content.size)
                ranges = _ranges(file, header, content.size)
            except LieError as error:
                return self._lies(content, str(error))
            file.seek(0)
            digest = hashlib.sha256(file.read(header.length)).hexdigest()
        findings: tuple[Finding, ...] = ()
        missed: tuple[str, ...] = ()
        left = _MOST_TEMPLATES
        for key, texts in header.texts.items():
            for text in texts:
                if not may_be_template(text):
                    continue
                left -= 1
                if left < 0:
                    missed += (f"more than {_MOST_TEMPLATES} templates",)
                    break
                found, unread = template_findings(text, key)
                findings += found
                missed += unread if "template" in key else ()  # other texts are read by nobody as one
            if left < 0:
                break
        coverage = Coverage(1 + len(missed), 1, missed, ranges)
        return ScanReport(content.name, "gguf", digest, content.size, findings, coverage=coverage, engines=(self.name,))

    def _lies(self, content: Content, what: str) -> ScanReport:
        title = f"The header {what}; readers in C++ that believed such headers wrote beyond their memory"
        coverage = Coverage(1, 0, (f"its header {what}",), (ByteRange(0, content.size, MISSED),))
        return ScanReport(
            content.name,
            "gguf",
            "",
            content.size,
            (finding("lying-header", title, "header"),),
            coverage=coverage,
            engines=(self.name,),
        )


def _ranges(file: BinaryIO, header: Header, size: int) -> tuple[ByteRange, ...]:
    """Account for the header, each tensor, and the zeros between them; all else belongs to nothing."""
    ranges = [ByteRange(0, header.length, INSPECTED)]
    start = -(-header.length // header.alignment) * header.alignment if header.tensors else header.length
    before = header.length
    placed = sorted(header.tensors, key=lambda tensor: tensor.offset)
    for place, tensor in enumerate(placed):
        first = start + tensor.offset
        following = start + placed[place + 1].offset if place + 1 < len(placed) else size
        last = first + tensor.size if tensor.size >= 0 else following
        if last > size or first > size:
            raise LieError(f"places the tensor {tensor.name[:60]!r} at bytes {first:,} to {last:,} of a file of {size:,}")
        if first < before and last > first:
            raise LieError(f"places the tensor {tensor.name[:60]!r} over another part of the file")
        ranges += [*_zeros(file, before, first, header.alignment), ByteRange(first, last, DATA)]
        before = max(before, last)
    ranges += _zeros(file, before, size, header.alignment)
    return tuple(ranges)


def _zeros(file: BinaryIO, start: int, end: int, alignment: int) -> list[ByteRange]:
    """Say that a gap is nothing but what fills it up to the next multiple."""
    if not 0 < end - start < max(alignment, 32):
        return []
    file.seek(start)
    return [ByteRange(start, end, INSPECTED)] if not file.read(end - start).strip(b"\0") else []


ENGINE: Final = Gguf()
