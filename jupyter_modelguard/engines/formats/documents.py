"""Text: documents that name what they call, which are judged as their loads are, and all other text, which is data.

Text can be large (vocabularies, tables, logs) and is told apart by marks before anything parses it: names that a configuration must have
to be of interest, or the escapes that such a name could be written with.
"""

from __future__ import annotations

import codecs
import hashlib
import importlib
import importlib.util
import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.policy.chat_templates import template_findings
from jupyter_modelguard.policy.jsonpickle_tags import judge_jsonpickle
from jupyter_modelguard.policy.model_configs import MARKS, judge_config
from jupyter_modelguard.policy.own_yaml_tags import judge_yaml
from jupyter_modelguard.types import Coverage, ScanReport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner
    from jupyter_modelguard.types import Finding, GlobalUse

__all__ = ["ENGINE"]

_LARGEST: Final = 256 << 20  # bytes
_LARGEST_YAML: Final = 4 << 20  # a parser takes a second for that
_LARGEST_TWICE: Final = 1 << 20
_LARGEST_TEMPLATE: Final = 1 << 20
_WIDE: Final = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NO_TEXT: Final = bytes(set(range(32)) - set(b"\t\n\r\f\v\b\x1b")) + b"\x7f"
_ESCAPES: Final = (
    b"\\u00",
    b"\\U0000",
    b"\\x",
    b"\\\n",
    b"\\\r",
    b"\\\xc2\x85",
    b"\\\xe2\x80",
)  # by which a name can be written otherwise
_TAG: Final = (
    re.compile(  # behind what may stand before one: YAML has more line breaks than bytes have, and needs no space in braces
        rb"(?:^|[\s,\[{:?]|\xc2\x85|\xe2\x80[\xa8\xa9]|\xef\xbb\xbf)!(<[^>\s]*>|[\w%!][^\s,\[\]{}]*)", re.MULTILINE
    )
)
_PYTHON: Final = (b"!python", b"2002:python")  # in a tag, where no handle of the document's own stands for a part of it
_KEY: Final = re.compile(  # that a configuration may have which was not parsed: a name that matters, or one that is written with escapes
    rb"_target_|auto_map|class_path|loader_module|custom_pipelines|!new:|!apply:|\?\s+[\"']?target\b|(?:^|[\s{,\"'])(?:target|chat_template|pip)[\"']?\s*:\s"
    rb"|\\(?:x|u00|U000000|\r?\n)[^\"\n]{1,200}\"\s*:"
)
_JSON: Final = re.compile(rb"\s*[\[{]")
_TEMPLATE: Final = re.compile(r"\{%-?\s*for\s+\w+\s+in\s+\w*messages\b")
_TEMPLATES: Final = (".jinja", ".jinja2", ".j2")
_Judged = tuple[str, tuple["GlobalUse", ...], tuple["Finding", ...], tuple[str, ...]]
_PLAIN: Final[_Judged] = ("text", (), (), ())


class Documents:
    """Finds what text names: Python objects, code, templates."""

    name = "text 2"

    def takes(self, content: Content) -> bool:
        """By the lack of what no text has."""
        return _is_text(content.head)

    def scan(self, content: Content, scanner: Scanner) -> ScanReport | None:
        """Judge a document; None where it is no text in the end."""
        del scanner
        if content.size > _LARGEST:
            raise ScanError(f"text of more than {_LARGEST >> 20} MiB")
        data = content.read()
        if not _is_text(data):
            return None
        digest = hashlib.sha256(data).hexdigest()
        wide = next((name for mark, name in _WIDE if data.startswith(mark)), "")
        if wide:
            try:
                data = data.decode(wide).encode()
            except UnicodeDecodeError:
                return None
        kind, uses, findings, missed = _judged(data, str(content.name or content.source.path or ""))
        coverage = Coverage(1 + len(missed), 1, missed)
        return ScanReport(content.name, kind, digest, content.size, findings, uses, coverage, engines=(self.name,))


def _is_text(data: bytes) -> bool:
    return data.startswith(tuple(mark for mark, _ in _WIDE)) or len(data.translate(None, _NO_TEXT)) == len(data)


def _judged(data: bytes, name: str) -> _Judged:
    data = data.removeprefix(codecs.BOM_UTF8)
    if name.lower().endswith(_TEMPLATES) or _reads_messages(data):
        judged = _template(data, name)
        if judged is not None and not any(mark in data for mark in (b"!!", b"!<", b"%TAG")):
            return judged
        if judged is not None:  # what YAML reads of it, too: to that the template may be a comment
            read = _yaml(data, python=True)
            return judged[0], judged[1] + read[1], judged[2] + read[2], judged[3] + (read[3] if read[1] else ())
    marked = any(mark in data for mark in MARKS) or any(escape in data for escape in _ESCAPES)
    pickled = b'"py' in data or b"\\u00" in data
    tags = [unquote_to_bytes(tag) for tag in _TAG.findall(data)] if b"!" in data else []
    handles = b"%TAG" in data and b"!" in data
    if not (marked or pickled or tags or handles):
        return _PLAIN
    if _JSON.match(data) is not None:
        tree = _json(data)
        if tree is not _PLAIN:
            return _json_judged(data, tree, pickled=pickled)
    if pickled and (judged := _lines_judged(data)) is not None:
        return judged
    python = handles or any(mark in tag for tag in tags for mark in _PYTHON)
    return _yaml(data, python=python) if marked or tags or handles else _PLAIN


def _reads_messages(data: bytes) -> bool:
    if b"{%" not in data or b"messages" not in data or len(data) > _LARGEST_TEMPLATE or b"get_flashed_messages" in data:
        return False
    start = data.lstrip()[:2]
    return start in (b"{%", b"{{", b"{#") or (start[:1] != b"{" and _TEMPLATE.search(data.decode("utf-8", "replace")) is not None)


def _template(data: bytes, name: str) -> _Judged | None:
    """Judge a template; text that only looks like one, and cannot be read as one, is text."""
    place = name.replace("\\", "/").rpartition("/")[2]
    if len(data) > _LARGEST_TEMPLATE:
        return ("jinja", (), (), (f"{place}: a template of more than {_LARGEST_TEMPLATE >> 20} MiB",))
    findings, missed = template_findings(data.decode("utf-8", "replace"), place)
    if missed and not name.lower().endswith(_TEMPLATES):
        return None
    return "jinja", (), findings, missed


def _json(data: bytes) -> Any:
    """Read JSON with everything that stands in it, also what a later key of the same name hides."""

    def every(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            for number, (key, value) in enumerate(pairs):
                if found[key] is not value:
                    found[f"{key} (hidden {number})"] = {key: value}
        return found

    try:
        return json.loads(data, object_pairs_hook=every)
    except RecursionError:
        raise ScanError("JSON that is nested too deeply to be read") from None
    except ValueError:
        return _PLAIN


def _lines_judged(data: bytes) -> _Judged | None:
    uses: tuple[GlobalUse, ...] = ()
    findings: dict[Finding, None] = {}
    for tree in _json_lines(data):
        more, found = judge_jsonpickle(tree)
        uses += more
        findings |= dict.fromkeys(found)
    return ("jsonpickle", uses, tuple(findings), ()) if uses or findings else None


def _json_lines(data: bytes) -> Iterator[Any]:
    """Read one document a line, as programs write them one after another; none where the first line is no document."""
    first = True
    for line in data.splitlines():
        if line.strip() and (first or b'"py' in line or b"\\u00" in line):
            tree = _json(line)
            if tree is not _PLAIN:
                yield tree
            elif first:
                return
            first = False


def _json_judged(data: bytes, tree: Any, *, pickled: bool) -> _Judged:
    uses, findings, missed = judge_config(tree, _lines(data))
    kind = "json" if isinstance(tree, (dict, list)) and (uses or findings) else "text"
    if pickled:
        more, found = judge_jsonpickle(tree)
        if more or found:
            kind, uses, findings = "jsonpickle", uses + more, findings + found
    return kind, uses, findings, missed


def _yaml(data: bytes, *, python: bool) -> _Judged:
    """Judge YAML, of which nearly any text is some; only what parses, or holds tags before it breaks off, is worth a word."""
    if len(data) > _LARGEST_YAML or importlib.util.find_spec("yaml") is None:
        if python or _KEY.search(data):
            why = "no parser is installed here" if len(data) <= _LARGEST_YAML else f"it is larger than {_LARGEST_YAML >> 20} MiB"
            raise ScanError(f"what it names was not looked at: {why}")
        return _PLAIN
    yaml = importlib.import_module("yaml")
    line_of = _lines(data)
    found = judge_yaml(data, getattr(yaml, "CSafeLoader", yaml.SafeLoader), line_of, python=python)
    if python and not found[0]:  # the two parsers of PyYAML need not agree
        if len(data) > _LARGEST_TWICE:
            raise ScanError("its YAML tags were not looked at: it is too large for a second parser")
        found = judge_yaml(data, yaml.SafeLoader, line_of, python=python)
    uses, findings, missed = found
    return ("yaml" if uses or findings or missed else "text"), uses, findings, missed


def _lines(data: bytes) -> Any:
    def line_of(text: str) -> int:
        place = data.find(text.partition("\n")[0].encode("utf-8", "surrogatepass"))
        return data.count(b"\n", 0, place) + 1 if place >= 0 else 0

    return line_of


ENGINE: Final = Documents()
