"""What rules for YARA-X say: those of this package, and a folder of somebody's own where the settings name one.

Rules look at text, so that they also see what stands in strings and comments, and a file that is no Python. A text that says in which
encoding it stands is looked at as Python would read it.
"""

from __future__ import annotations

import functools
import importlib
import io
import time
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.code_opinions.opinion import Answer, Opinion
from jupyter_modelguard.engines.code_opinions.settings import settings
from jupyter_modelguard.engines.installed import version_of
from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.policy.code_opinions import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jupyter_modelguard.types import CodeFile

__all__ = ["DISTRIBUTION", "MODULE", "ask", "rules_of"]

DISTRIBUTION: Final = "yara-x"
MODULE: Final = "yara_x"
_RULES: Final = Path(__file__).with_name("model_code.yar")
_SECONDS: Final = 3  # for a file
_SECONDS_FOR_ALL: Final = 10.0
_MOST_MATCHES: Final = 100  # of one pattern in a file
_MOST_RULE_FILES: Final = 500
_LARGEST_RULES: Final = 4 << 20  # bytes of one file of rules


def ask(files: Iterable[CodeFile]) -> Answer:
    """Ask YARA-X about files."""
    rules, broken = _rules(settings().yara_rules)
    scanner = importlib.import_module(MODULE).Scanner(rules)
    scanner.set_timeout(_SECONDS)
    scanner.max_matches_per_pattern(_MOST_MATCHES)
    opinions: list[Opinion] = []
    missed = list(broken)
    until = time.monotonic() + _SECONDS_FOR_ALL
    for file in files:
        if time.monotonic() > until:
            missed.append(f"{file.path}: yara-x takes longer than {_SECONDS_FOR_ALL:g} seconds for all files")
            continue
        text = _as_python_reads(file.content)
        try:
            found = scanner.scan(text)
        except Exception as error:  # noqa: BLE001 it took too long, most likely
            missed.append(f"{file.path}: yara-x cannot read it ({type(error).__name__})")
            continue
        opinions += _opinions(file.path, text, found)
    return Answer(f"yara-x {version_of(DISTRIBUTION)}", tuple(opinions), tuple(missed))


def rules_of(folder: Path) -> Iterator[Path]:
    """Find the files of rules in a folder, in order; at most a few hundred."""
    yield from sorted(path for path in folder.iterdir() if path.suffix in {".yar", ".yara"} and path.is_file())[:_MOST_RULE_FILES]


@functools.lru_cache(1)
def _rules(folder: Path | None) -> tuple[Any, tuple[str, ...]]:
    """Compile the rules; those of a file that cannot be compiled are left out, and that is told."""
    module: Any = importlib.import_module(MODULE)
    compiler = _compiler(module, "modelguard", _RULES)
    missed = []
    own: list[Path] = []
    if folder is not None:
        try:
            own = list(rules_of(folder))
        except OSError as error:
            missed.append(f"the folder of rules {folder} cannot be read ({error.strerror})")
    for path in own:
        try:
            _compiler(module, path.name, path).build()  # tried by itself: one that fails would spoil the others
            _add(compiler, path.name, path)
        except (module.CompileError, ConfigurationError, OSError, ValueError) as error:
            missed.append(f"the rules {path.name} cannot be used ({str(error).splitlines()[0][:160] or type(error).__name__})")
    return compiler.build(), tuple(missed)


def _compiler(module: Any, namespace: str, path: Path) -> Any:
    compiler = module.Compiler()
    compiler.enable_includes(False)  # noqa: FBT003 as it is called
    _add(compiler, namespace, path)
    return compiler


def _add(compiler: Any, namespace: str, path: Path) -> None:
    compiler.new_namespace(namespace)
    with path.open("rb") as file:
        text = file.read(_LARGEST_RULES + 1)
    if len(text) > _LARGEST_RULES:
        raise ConfigurationError("it is too large")
    compiler.add_source(text.decode("utf-8"), origin=path.name)


def _opinions(path: str, text: bytes, found: Any) -> Iterator[Opinion]:
    for rule in found.matching_rules:
        told = {name: value for name, value in rule.metadata if isinstance(value, str)}
        kind = kind_of(told.get("finding", ""))
        message = told.get("description", "")[:160] or f"it matches the rule {rule.identifier}"
        matched = [(pattern.identifier, match.offset) for pattern in rule.patterns for match in pattern.matches]
        places = [place for name, place in matched if name.startswith("$line")] or [place for _, place in matched[:1]]
        for line in sorted({_line(text, place) for place in places}) or [0]:
            yield Opinion("yara-x", rule.identifier, kind, path, line, message)


def _line(text: bytes, place: int) -> int:
    """Count to the line of a match; one that begins with the line's end is about the next."""
    return text.count(b"\n", 0, place + 1) + 1


def _as_python_reads(content: bytes) -> bytes:
    """Give a text in UTF-8 whose first lines say that it stands in another encoding; anything else as it is."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        if encoding in {"utf-8", "utf-8-sig"}:
            return content
        return content.decode(encoding).encode("utf-8", "surrogatepass")
    except (SyntaxError, UnicodeError, LookupError, ValueError):
        return content
