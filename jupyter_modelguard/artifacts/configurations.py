"""Configurations of OpenMMLab and its kin: which files one is based on, and which modules it has imported, without running anything.

A configuration in Python is executed; one in JSON or YAML can be based on one in Python, and each can name modules to import
(`custom_imports`). Before that, text between double braces is replaced: by the file's own name, or by the environment.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import json
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.types import CodeFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["SUFFIXES", "Configuration", "read_configuration"]

SUFFIXES: Final = (".py", ".json", ".yaml", ".yml")
_MOST_FILES = 200
_LARGEST = 10 << 20  # bytes of one file
_ENVIRONMENT = re.compile(r"\{\{[\'\"]?\s*\$(\w+)\s*\:\s*(\S*?)\s*[\'\"]?\}\}")
_BRACES = re.compile(r"\{\{[^{}]*\}\}")


@dataclass(slots=True)
class Configuration:
    """What a configuration would run.

    Attributes
    ----------
    texts
        The files in Python by their absolute paths, its own first.
    filled_in
        What of those is executed, where braces in it were replaced by something.
    modules
        Dotted names of modules that it has imported.
    """

    texts: dict[str, CodeFile] = field(default_factory=dict)
    filled_in: list[CodeFile] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)


def read_configuration(
    path: str, trusted: Callable[[str], bool], shown: Callable[[str], bytes | None] = lambda _: None
) -> Configuration:
    """Read a configuration and everything that it is based on.

    Parameters
    ----------
    path
        Absolute.
    trusted
        Whether a path belongs to Python or to an installed library; such files are left out.
    shown
        What a file held when somebody was shown it, if that is what will be executed whatever it holds now.
    """
    found, waiting, seen = Configuration(), [path], set[str]()
    folder = os.path.dirname(path)
    while waiting and len(seen) < _MOST_FILES:
        place = waiting.pop(0)
        if place in seen or not place.endswith(SUFFIXES) or not os.path.isfile(place) or trusted(place):
            continue
        seen.add(place)
        content = shown(place)
        if content is None:
            with open(place, "rb") as file:
                content = file.read(_LARGEST)
        text = _filled_in(content.decode("utf-8", "replace"), place)
        if not place.endswith(".py"):
            bases = _read_document(text, place, found)
        else:
            name = os.path.relpath(place, folder) if place.startswith(folder + os.sep) else place
            found.texts[place] = _code_file(name, content)
            if (done := text.encode()) != content:
                found.filled_in.append(_code_file(f"{name} (filled in)", done))
            bases = _read_python(text, place, found)
        waiting += [os.path.normpath(os.path.join(os.path.dirname(place), base)) for base in bases if "::" not in base]
    return found


def _code_file(path: str, content: bytes) -> CodeFile:
    return CodeFile(path, hashlib.sha256(content).hexdigest(), content)


def _filled_in(text: str, path: str) -> str:
    """Replace what stands between braces as mmengine does before it executes or reads the text."""
    if "{{" not in text:
        return text
    name = os.path.basename(path)
    stem, suffix = os.path.splitext(name)
    own = {"fileDirname": os.path.dirname(path), "fileBasename": name, "fileBasenameNoExtension": stem, "fileExtname": suffix}
    for key, value in own.items():
        text = re.sub(r"\{\{\s*" + key + r"\s*\}\}", lambda _, value=value: value.replace("\\", "/"), text)  # type: ignore[misc]
    return _ENVIRONMENT.sub(lambda match: os.environ.get(match[1]) or match[2], text)


def _read_document(text: str, path: str, found: Configuration) -> list[str]:
    try:
        data = json.loads(text) if path.endswith(".json") else _plain_yaml(_BRACES.sub("braces", text))
    except Exception:  # noqa: BLE001 the library says what is wrong with the file when it reads it
        return []
    if not isinstance(data, dict):
        return []
    found.modules += _texts(data.get("custom_imports"))
    return list(_texts(data.get("_base_")))


def _plain_yaml(text: str) -> Any:
    """Read YAML as texts, lists and dicts, whatever its tags say."""
    yaml: Any = importlib.import_module("yaml")

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            if isinstance(part, (str, list)):
                yield from _texts(part)


def _read_python(text: str, path: str, found: Configuration) -> list[str]:
    try:
        tree = ast.parse(_BRACES.sub("braces", text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    bases: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            bases += _beside(node, path)
        elif isinstance(node, ast.Assign):
            names = {name.id for name in node.targets if isinstance(name, ast.Name)}
            if names & {"_base_", "custom_imports"}:
                texts = [
                    part.value for part in ast.walk(node.value) if isinstance(part, ast.Constant) and isinstance(part.value, str)
                ]
                (bases if "_base_" in names else found.modules).extend(texts)
    return bases


def _beside(node: ast.ImportFrom, path: str) -> Iterator[str]:
    """Say which files a relative import may read, the way mmengine finds bases and Python finds modules."""
    folder = os.path.join(os.path.dirname(path), *[".."] * (node.level - 1))
    inner = os.path.join(folder, *(node.module or "").split("."))
    for place in (inner, *(os.path.join(inner, alias.name) for alias in node.names)):
        yield f"{place.rstrip(os.sep)}.py"
        yield os.path.join(place, "__init__.py")
