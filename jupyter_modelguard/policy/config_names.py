"""Dotted names in configurations, as `hydra.utils.instantiate` and its like would call them.

Such a builder imports as much of the name as is a module and takes attributes from there, so that `torch.serialization.os.system` is
`os.system`. A class of a well-known library is made from plain values and says nothing; what is known to be dangerous is;
and all else is code of whoever has it installed.
"""

from __future__ import annotations

import functools
import re
import sys
import tomllib
from pathlib import Path
from typing import Final

from jupyter_modelguard.policy.catalogue import capability_of
from jupyter_modelguard.policy.libraries import known_libraries
from jupyter_modelguard.policy.named import named_use
from jupyter_modelguard.types import GlobalUse, Judgement, QualifiedName

__all__ = ["is_dotted", "pipeline_libraries", "target_use"]

_DOTTED: Final = re.compile(r"[^\W\d]\w*(?:[.:][^\W\d]\w*)*")
_PARTS: Final = frozenset(  # names of Python's own modules that libraries have modules of
    [
        "collections",
        "io",
        "random",
        "types",
        "signal",
        "distributed",
        "statistics",
        "logging",
        "queue",
        "calendar",
        "datasets",
        "abc",
        "copy",
        "test",
        "parser",
        "tokenize",
        "optparse",
        "sched",
        "select",
        "code",
        "html",
        "profile",
        "trace",
        "string",
        "numbers",
        "fractions",
        "typing",
        "enum",
    ]
)
_PLAIN: Final = frozenset(
    [
        "collections.OrderedDict",
        "builtins.int",
        "builtins.float",
        "builtins.str",
        "builtins.bool",
        "builtins.list",
        "builtins.dict",
        "builtins.tuple",
        "builtins.set",
        "builtins.slice",
        "builtins.range",
        "builtins.len",
        "builtins.max",
        "builtins.min",
        "builtins.sum",
        "pathlib.Path",
        "pathlib.PurePath",
        "datetime.timedelta",
        "datetime.datetime",
        "datetime.date",
        "fractions.Fraction",
        "decimal.Decimal",
    ]
)
_CALLS: Final = "is called with what the file says, by whoever builds it"


@functools.cache
def _rows() -> tuple[frozenset[str], tuple[str, ...]]:
    rows = tomllib.loads(Path(__file__).with_name("config_libraries.toml").read_text(encoding="utf-8"))
    return frozenset(rows["classes_of"]) | known_libraries(), tuple(rows["functions_of"])


def is_dotted(text: str) -> bool:
    """Whether a text has the form of a name with a module."""
    return "." in text and _DOTTED.fullmatch(text) is not None


def target_use(name: str, count: int = 1, *, trusting: bool = False) -> GlobalUse | None:
    """Judge what a configuration names; None where it is a class of a known library.

    Parameters
    ----------
    name
        As the file has it; a bare name is a builtin.
    count
        How often the file names it.
    trusting
        Whether its arguments have code of a model's own run.
    """
    name = name.strip().replace(":", ".")
    if not _DOTTED.fullmatch(name):
        return GlobalUse(QualifiedName("", name[:200]), count, Judgement.UNKNOWN, f"{_CALLS}, and is worked out then")
    first, _, rest = name.partition(".")
    inner = capability_of(QualifiedName(first, rest)) if rest else None
    if inner is not None and inner.judgement is Judgement.DANGEROUS:
        module, _, attribute = name.rpartition(".")
        return GlobalUse(QualifiedName(module, attribute), count, Judgement.DANGEROUS, inner.sentence)
    use = named_use(name, _CALLS, count)
    if use.judgement is Judgement.DANGEROUS or inner is not None or trusting:
        return use
    qualified = name if "." in name else f"builtins.{name}"
    return None if qualified in _PLAIN or _is_librarys(name) else use


def _is_librarys(name: str) -> bool:
    libraries, functions = _rows()
    parts = name.split(".")
    if parts[0] not in libraries or len(parts) == 1:
        return False
    if any(part in sys.stdlib_module_names and part not in _PARTS for part in parts[1:]):
        return False  # a module that the library only imports
    if name.startswith(functions):
        return True
    made = [part.lstrip("_")[:1].isupper() for part in parts[-2:]]
    return made[-1] or (made[0] and parts[-1] in ("from_pretrained", "from_config"))


@functools.cache
def pipeline_libraries() -> frozenset[str]:
    """Name the libraries whose classes pipelines of diffusers are made of."""
    rows = tomllib.loads(Path(__file__).with_name("config_libraries.toml").read_text(encoding="utf-8"))
    return frozenset(rows["pipelines"]) | {
        "diffusers",
        "transformers",
        "onnxruntime",
        "optimum",
        "peft",
        "flax",
        "controlnet_aux",
    }
