"""The armed samples: files that run code in their real loader, each with one technique that somebody used or published.

All that a sample does is to make an empty file, its canary. `sample.write(folder)` writes it and gives its path; `sample.load` is what a
person would run to load it. A sample that leaves no canary there proves nothing and fails the tests.
"""

from __future__ import annotations

import base64
import importlib
import importlib.util
import marshal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assembly import call, read, stream

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LOADS", "SAMPLES", "WARM", "Armed", "Effect", "armed"]

SAMPLES: dict[str, Armed] = {}
FAMILIES = ("armed_calls", "armed_opcodes", "armed_containers", "armed_torch", "armed_documents")
WARM = ("torch", "numpy", "joblib", "yaml", "dill")  # imported once before the samples are loaded

LOADS = {
    "pickle": "import pickle\nwith open(path, 'rb') as file: pickle.load(file)",
    "every pickle of the file": (
        "import pickle\nwith open(path, 'rb') as file:\n    while True:\n        try:\n            pickle.load(file)\n"
        "        except pickle.UnpicklingError:\n            file.read(1)"
    ),
    "torch": "import torch\ntorch.load(path, weights_only=False)",
    "joblib": "import joblib\njoblib.load(path)",
    "numpy": "import numpy\nnumpy.load(path, allow_pickle=True)",
    "numpy archive": "import numpy\nmembers = numpy.load(path, allow_pickle=True)\nfor name in members: members[name]",
    "pandas": "import pandas\npandas.read_pickle(path)",
    "dill": "import dill\nwith open(path, 'rb') as file: dill.load(file)",
    "cloudpickle": "import cloudpickle\nwith open(path, 'rb') as file: cloudpickle.load(file)",
}
"""How files are loaded, by the word that samples use; every other word is Python source itself."""


@dataclass(frozen=True)
class Effect:
    """What a sample does, in the forms that attacks need."""

    canary: str

    @property
    def shell(self) -> str:
        return f"touch {self.canary}"

    @property
    def code(self) -> str:
        return f"open({self.canary!r}, 'w')"

    @property
    def system(self) -> bytes:
        """A whole pickle that runs it."""
        return stream(call("os:system", self.shell))

    @property
    def bytecode(self) -> str:
        """A function that runs it when it is called, as Keras stores functions."""
        code = compile(f"lambda x, **_: ({self.code}.close(), x)[1]", "layer", "eval").co_consts[0]
        return base64.b64encode(marshal.dumps(code)).decode("ascii")

    def attack(self, expression: str, folder: Path) -> bytes:
        """Write the pickle that an expression describes; see `assembly.read` and `advisories.toml`."""
        names = {
            "CANARY": self.canary,
            "CODE": self.code,
            "SHELL": self.shell,
            "BYTES": self.shell.encode(),
            "FOLDER": str(folder),
            "FILE": str(folder / "planted.py"),
            "INNER": self.system,
            "MARSHALLED": marshal.dumps(compile(self.code, "planted", "exec")),
        }
        return stream(read(expression, **names))


@dataclass(frozen=True)
class Armed:
    """One sample.

    Attributes
    ----------
    technique
        What makes it run code, or hides that it does.
    load
        A word of `LOADS`, or Python source that loads the file at `path`.
    suffix
        The ending that people, and other scanners, expect of such a file.
    make
        Gives the file's bytes, or writes to the path that it is given and gives nothing: (effect, path).
    needs
        Modules without which it cannot be made or does not work.
    reference
        Where it was published.
    """

    name: str
    technique: str
    load: str
    suffix: str
    make: Any
    needs: tuple[str, ...] = ()
    reference: str = ""

    @property
    def source(self) -> str:
        """What a person would run."""
        return LOADS.get(self.load, self.load)

    def missing(self) -> str:
        """Name a module that it needs and that is not here."""
        return next((module for module in self.needs if not _is_here(module)), "")

    def write(self, folder: Path) -> Path:
        """Write it to a folder of its own; its canary is `canary` there."""
        path = folder / f"sample{self.suffix}"
        content = self.make(Effect(str(folder / "canary")), path)
        if content is not None:
            path.write_bytes(content)
        return path


def armed(name, technique, load="pickle", suffix=".pkl", needs=(), reference=""):
    """Register the function below as the `make` of a sample."""

    def register(make):
        if name in SAMPLES:
            raise ValueError(f"two samples are called {name}")
        SAMPLES[name] = Armed(name, technique, load, suffix, make, tuple(needs), reference)
        return make

    return register


def _is_here(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def gather() -> dict[str, Armed]:
    """Read every family's module and give all samples by name."""
    for family in FAMILIES:
        importlib.import_module(family)
    return SAMPLES


__all__ += ["gather"]
