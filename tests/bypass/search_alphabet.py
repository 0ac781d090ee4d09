"""What streams are composed of: the reviewed rows as they are now, classes that inspection clears, and honest pickles."""

from __future__ import annotations

import dataclasses
import importlib
import os
import sys
import tomllib
import warnings
from collections import defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import search_judging
import search_notebook
import search_opcodes
import search_samples

from jupyter_modelguard.engines.installed import file_of, is_installed
from jupyter_modelguard.policy import catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_modelguard.policy.catalogue import InertRow
    from jupyter_modelguard.types import QualifiedName

__all__ = ["Alphabet", "add_rows", "gather"]

_OPEN_CLASSES = 150
_TRIES = 1500


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The parts.

    Parameters
    ----------
    rows
        Reviewed globals that are here, by name.
    makers
        Names of rows that make something, by what they make.
    opened
        Classes that no list knows: the notebook's, and some of the libraries'.
    honest
        Whole pickles of honest objects, as tokens, by the dialect that reads them.
    pieces
        Parts of those, by the global that makes them.
    focus
        Rows to look at more often than at others.
    """

    rows: Mapping[QualifiedName, InertRow]
    makers: Mapping[str, list[QualifiedName]]
    opened: list[tuple[str, str]]
    honest: Mapping[str, list[list[bytes]]]
    pieces: Mapping[str, list[list[bytes]]]
    focus: list[QualifiedName] = field(default_factory=list)

    def for_reader(self, *, storages: bool) -> Alphabet:
        """Leave out what needs tensor storages, for readers that know no persistent ids."""
        if storages:
            return self
        needs = {
            name for name, row in self.rows.items() if any("storage" in pattern.split("|") for pattern in row.arguments or ())
        }
        made = {"made:" + self.rows[name].makes for name in needs}
        needs |= {name for name, row in self.rows.items() if any(made & {*pattern.split("|")} for pattern in row.arguments or ())}
        pieces = {name: [piece for piece in found if b"Q" not in piece] for name, found in self.pieces.items()}
        return dataclasses.replace(
            self,
            rows={name: row for name, row in self.rows.items() if name not in needs},
            makers={what: [name for name in names if name not in needs] for what, names in self.makers.items()},
            pieces={name: found for name, found in pieces.items() if found},
            focus=[name for name in self.focus if name not in needs],
        )


def add_rows(file: str) -> list[str]:
    """Judge with the rows of a file like those of `policy/lists` as well, in place of rows of the same names, and say which they are."""
    with open(file, "rb") as opened:
        added = tomllib.load(opened)["inert"]
    names = {name for row in added for name in catalogue._names(row)}
    plain = {str(name) for name in names}
    wide = {f"{name.module}.*" for name in names}
    read = catalogue._read

    def read_with_rows(name: str) -> dict[str, Any]:
        content = read(name)
        if name.startswith("lists/"):
            rows = [
                {**row, "module": known.module, "name": known.name}
                for row in content.get("inert", ())
                for known in catalogue._names(row)
                if known not in names
            ]
            content["inert"] = rows + added * (name == "lists/closed.toml")
        for row in content.get("capability", ()):  # who lists it says that it is harmless: see whether that is so
            row["names"] = [known for known in row["names"] if known not in plain and known not in wide]
        return content

    catalogue._read = read_with_rows
    for cached in (catalogue.inert, catalogue.closed, catalogue.reviewed_methods, catalogue._capabilities):
        cached.cache_clear()
    return sorted(plain)


def gather(libraries: frozenset[str], seed: int, focus: list[str]) -> Alphabet:
    """Import what the lists name, and put the parts together."""
    search_notebook.define()
    names = {*catalogue.inert(), *catalogue.closed()}
    rows: dict[QualifiedName, InertRow] = {}
    makers: dict[str, list[QualifiedName]] = defaultdict(list)
    for name in sorted(names):
        library = name.module.partition(".")[0]
        if "python" not in libraries and library in sys.stdlib_module_names:
            continue
        if library not in libraries and library not in sys.stdlib_module_names and str(name) not in focus:
            continue
        if _find(name) is None:
            continue
        row = catalogue.inert().get(name) or catalogue.InertRow(
            name, "closed", ("any*",), "any", items=frozenset({"index"}), key=True
        )
        rows[name] = row
        if row.arguments is not None:
            makers[row.makes].append(name)
    plain = search_samples.samples(libraries - {"torch"})
    honest = {"pickle": plain}
    if "joblib" in libraries:
        honest["joblib"] = search_samples.raw_arrays()
    if "torch" in libraries:
        honest["torch"] = search_samples.samples(libraries & {"torch"})
    pieces: dict[str, list[list[bytes]]] = defaultdict(list)
    for tokens in plain + honest.get("torch", []):
        _take_apart(tokens, pieces)
    opened = [("__main__", cls.__name__) for cls in search_notebook.CLASSES] + _library_classes(Random(seed))
    return Alphabet(rows, makers, opened, honest, pieces, [name for name in rows if str(name) in focus])


def _find(name: QualifiedName) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found: Any = importlib.import_module(name.module)
            for part in name.name.split("."):
                found = getattr(found, part)
        except Exception:  # noqa: BLE001 a library that is not here, or not whole
            return None
    return found


def _take_apart(tokens: list[bytes], pieces: dict[str, list[list[bytes]]]) -> None:
    for start, end in search_opcodes.values(tokens):
        part = tokens[start:end]
        first = next((token for token in part if token[:1] in b"c"), None)
        if first is None or part[0] not in (first, b"(") or len(part) > 120 or part[-1][:1] not in b"Rb\x81oi\x92":
            continue
        gets, puts = ({token[1:] for token in part if token[:1] == kind} for kind in (b"j", b"r"))
        if gets <= puts:
            made = ".".join(first[1:-1].decode().split("\n"))
            if part not in pieces[made]:
                pieces[made].append(part)


def _library_classes(random: Random) -> list[tuple[str, str]]:
    """Pick classes of Python and of installed libraries that inspection clears when they are made and get a state."""
    candidates = []
    for module_name, module in sorted(sys.modules.items()):
        path = file_of(module_name) if module_name.isascii() and not module_name.startswith(("search_", "_")) else None
        if path is None or (path and not is_installed(path)) or "jupyter_modelguard" in module_name or os.sep + "search" in path:
            continue
        for attribute, value in list(vars(module).items()):
            if isinstance(value, type) and vars(value).get("__module__") == module_name and value.__qualname__ == attribute:
                candidates.append((module_name, attribute))
    random.shuffle(candidates)
    found = []
    for module_name, attribute in candidates[:_TRIES]:
        stream = b"\x80\x02" + search_opcodes.name(module_name, attribute) + b")\x81}b."
        if search_judging.judge(stream, "pickle").silent:
            found.append((module_name, attribute))
            if len(found) >= _OPEN_CLASSES:
                break
    return found
