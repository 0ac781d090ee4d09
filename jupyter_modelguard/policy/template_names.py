"""Names in chat templates: those that lead into Python's insides, those that renderers give, and the methods of plain data."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["DUNDER", "FUNCTIONS", "HIDDEN", "INSIDES", "MAKERS", "METHODS", "PROBES"]

INSIDES: Final = frozenset(
    [
        "mro",
        "gi_frame",
        "gi_code",
        "gi_yieldfrom",
        "cr_frame",
        "cr_code",
        "ag_frame",
        "ag_code",
        "f_back",
        "f_globals",
        "f_builtins",
        "f_locals",
        "f_code",
        "tb_frame",
        "tb_next",
        "func_globals",
        "func_code",
        "func_closure",
        "func_defaults",
        "im_class",
        "im_func",
        "im_self",
        "co_consts",
        "co_code",
        "co_names",
    ]
)
DUNDER: Final = re.compile(r"__[A-Za-z][A-Za-z0-9_]*__")
HIDDEN: Final = re.compile(
    r"__(?:class|base|bases|mro|subclasses|globals|builtins|import|init|dict|getattribute|getattr|getitem|code|"
    r"closure|func|self|module|call|new|reduce|reduce_ex|loader|spec|subclasshook|wrapped)__"
)
FUNCTIONS: Final = frozenset(  # of Jinja, and those that renderers of chat templates give
    [
        "range",
        "dict",
        "namespace",
        "lipsum",
        "cycler",
        "joiner",
        "raise_exception",
        "strftime_now",
        "caller",
        "super",
        "loop",
        "gettext",
        "ngettext",
        "_",
    ]
)
MAKERS: Final = frozenset({"cycler", "joiner", "namespace", "dict", "range"})  # what they give may be called, or is plain data
METHODS: Final = frozenset(
    name for kind in (str, list, dict, tuple, set, int, float, bytes) for name in dir(kind) if not name.startswith("_")
) | {"cycle", "changed", "next", "reset", "strftime", "isoformat", "date", "now", "today"}
PROBES: Final = frozenset(
    {"lipsum", "self", "request", "url_for", "get_flashed_messages"}
)  # nothing for a chat; attacks begin there
