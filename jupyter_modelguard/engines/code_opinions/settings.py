"""Which further analysers somebody switched on, in a file of their own: `analysers.toml` in the folder that also keeps trust.

A command of the file is run, so nobody else may be able to write it, no environment variable names another one, and no file of a project
or repository is ever read for it.

    yara_rules = "/home/ada/yara"            # a folder of *.yar beside the rules of this package

    [[sarif]]                                # any number of them
    name = "codeql"
    command = ["my-codeql", "{folder}", "{output}"]   # {output}: where it writes SARIF; without, it writes it to its standard output
    seconds = 600
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jupyter_modelguard.config import default_home
from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.policy.trust_folder import check_file, check_folder

__all__ = ["FILE", "Program", "Settings", "settings"]

FILE: Final = "analysers.toml"
_LARGEST: Final = 1 << 20  # bytes
_SECONDS: Final = 120.0
_MOST: Final = 20  # programs
_TABLES: Final = {"yara_rules", "sarif"}
_KEYS: Final = {"name", "command", "seconds"}


@dataclass(frozen=True, slots=True)
class Program:
    """A program that looks at a folder of code and writes SARIF."""

    name: str
    command: tuple[str, ...]
    seconds: float = _SECONDS


@dataclass(frozen=True, slots=True)
class Settings:
    """What somebody switched on."""

    yara_rules: Path | None = None
    programs: tuple[Program, ...] = ()


def settings(folder: Path | None = None) -> Settings:
    """Read the file; nothing is switched on where there is none.

    Parameters
    ----------
    folder
        Where it lies, if not in this user's own folder.

    Raises
    ------
    ConfigurationError
        Somebody else could have written it, or it cannot be understood.
    """
    try:
        path = (default_home() if folder is None else folder) / FILE
    except ConfigurationError:
        return Settings()  # this user has no folder, so that nothing can be in it
    try:
        with path.open("rb") as file:
            check_folder(path.parent)
            check_file(path, os.fstat(file.fileno()))
            text = file.read(_LARGEST)
    except (FileNotFoundError, NotADirectoryError):
        return Settings()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}).") from None
    try:
        return _understood(tomllib.loads(text.decode("utf-8")))
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{path} cannot be understood: {error}") from None


def _understood(written: dict[str, Any]) -> Settings:
    if unknown := sorted(set(written) - _TABLES):
        raise ValueError(f"it has no setting {unknown[0]}")
    folder = written.get("yara_rules")
    if folder is not None and not (isinstance(folder, str) and Path(folder).is_absolute()):
        raise ValueError("yara_rules must be an absolute path")
    programs = written.get("sarif", [])
    if not isinstance(programs, list) or len(programs) > _MOST:
        raise ValueError(f"sarif must be tables, {_MOST} at the most")
    return Settings(None if folder is None else Path(folder), tuple(map(_program, programs)))


def _program(row: Any) -> Program:
    if not isinstance(row, dict) or set(row) - _KEYS:
        raise ValueError("a program has name, command and seconds")
    name, command, seconds = row.get("name"), row.get("command"), row.get("seconds", _SECONDS)
    if not isinstance(name, str) or not name.isprintable() or not name:
        raise ValueError("a program needs a name")
    if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
        raise ValueError(f"{name} needs a command: a list of words")
    if not any("{folder}" in word for word in command):
        raise ValueError(f"the command of {name} must say where {{folder}} goes")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < float("inf"):
        raise ValueError(f"the seconds of {name} must be a number")
    return Program(name, tuple(command), float(seconds))
