"""Models that are written as text: configurations of Keras outside its archives, and SavedModels as text.

Keras takes a folder with a `config.json` for a model, and `model_from_json` any such text. TensorFlow takes a `saved_model.pbtxt` where
there is no `saved_model.pb`; nobody has exported one in years, so it is told and not read.
"""

from __future__ import annotations

import json
import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.formats.keras_archives import keras_report
from jupyter_modelguard.errors import ScanError

if TYPE_CHECKING:
    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner
    from jupyter_modelguard.types import ScanReport

__all__ = ["ENGINE"]

_LARGEST: Final = 64 << 20  # bytes
_BEFORE: Final = b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"  # what may stand before a document, marks of its encoding too
_MOST: Final = 256 << 20
_KEYS: Final = (b'"class_name"', b'"config"')
_KEY: Final = b"class_name"
_ESCAPE: Final = b"\\u"  # by which a document can write any letter
_SAVED_MODEL: Final = re.compile(rb"^\s*(meta_graphs|saved_model_schema_version)\s*[:{<#]", re.MULTILINE)
_BY_NAME: Final = "saved_model.pbtxt"  # the only one that is loaded


class ModelTexts:
    """Knows a configuration by its keys, wherever it lies."""

    name = "model-texts 1"

    def takes(self, content: Content) -> bool:
        """By an opening brace, or the words a SavedModel begins with."""
        start = content.head.lstrip(_BEFORE)
        return not start or start.startswith((b"{", b"[")) or _is_saved_model(content)

    def scan(self, content: Content, scanner: Scanner) -> ScanReport | None:
        """Judge a configuration; None where a document is none."""
        del scanner
        if _is_saved_model(content):
            raise ScanError("a SavedModel written as text is not read here: save it again as saved_model.pb")
        if content.size > _MOST:
            return None  # which the engine of all text says, too
        data = content.read()
        plain = data.replace(b"\x00", b"")
        if _KEY not in plain and _ESCAPE not in plain:
            return None
        if content.size > _LARGEST:
            if all(key in plain for key in _KEYS):
                raise ScanError(f"a configuration of more than {_LARGEST >> 20} MiB")
            return None
        try:
            tree = json.loads(data)
        except (ValueError, RecursionError):
            return None
        if not (
            isinstance(tree, dict) and isinstance(tree.get("class_name"), str) and isinstance(tree.get("config"), (dict, list))
        ):
            return None
        return keras_report(content, "keras", [("config", data)])


def _is_saved_model(content: Content) -> bool:
    path = content.source.path if not content.depth else content.name
    if path is not None and PurePath(path).name == _BY_NAME:
        return True
    return _SAVED_MODEL.search(content.head) is not None


ENGINE: Final = ModelTexts()
