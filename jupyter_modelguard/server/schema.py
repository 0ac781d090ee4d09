"""The wire types as JSON Schema: `python -m jupyter_modelguard.server.schema` writes `jupyter_modelguard/schemas/wire.json`.

The front end's types are made from that file: `npm run wire` in `labextension/` writes `src/panel/wire.ts`. Both files are checked in, and
a test makes them again and compares.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any, Final

import msgspec

from jupyter_modelguard.server import wire

__all__ = ["PATH", "schema", "schema_text"]

PATH: Final = Path(__file__).parents[1] / "schemas" / "wire.json"
"""Where the schema is checked in."""

_BODIES: Final = (wire.Answer,)
_ANSWERS: Final = (
    wire.Status,
    wire.Scans,
    wire.Notebooks,
    wire.Detail,
    wire.Deleted,
    wire.Approvals,
    wire.Decided,
    wire.Sessions,
    wire.TrustList,
    wire.Forgotten,
    wire.Problem,
)


def schema() -> dict[str, Any]:
    """Make the schema of all wire types."""
    kinds = (*_ANSWERS, *_BODIES)
    _, components = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    bodies = {kind.__name__ for kind in _BODIES}
    for name, component in components.items():
        if "description" in component:
            component["description"] = inspect.cleandoc(component["description"])
        if "properties" in component and name not in bodies:
            component["required"] = list(component["properties"])  # what we send is always whole
            component["additionalProperties"] = False
            for part in component["properties"].values():
                part.pop("default", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Wire",
        "description": "Every answer of the server extension by its name, and the body that it takes.",
        "type": "object",
        "properties": {kind.__name__: {"$ref": f"#/$defs/{kind.__name__}"} for kind in kinds},
        "additionalProperties": False,
        "$defs": dict(sorted(components.items())),
    }


def schema_text() -> str:
    """Write the schema as it is checked in."""
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    PATH.write_text(schema_text(), "utf-8", newline="\n")
