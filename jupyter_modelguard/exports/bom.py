"""The models of a history as a bill of materials: CycloneDX 1.6, written by the format's own library.

Each artifact that was loaded is a component once, with what was found out about it. A component bears a hash where all its bytes were
hashed; the digest of what can carry code is a property, since no other tool computes that.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_modelguard.types import Artifact, HistoryRecord

__all__ = ["bill_of_materials"]

_PROPERTY = "modelguard:"
_LOADED = frozenset({Outcome.LOADED, Outcome.ALLOWED})


def bill_of_materials(records: Iterable[HistoryRecord]) -> str:
    """Write the artifacts that loads got to read; what was blocked is none of them.

    Raises
    ------
    ConfigurationError
        The library is not installed.
    """
    try:
        from cyclonedx.model.bom import Bom
        from cyclonedx.output.json import JsonV1Dot6
    except ImportError:
        raise ConfigurationError(
            'A bill of materials needs cyclonedx-python-lib: pip install "jupyter_modelguard[bom]"'
        ) from None
    found: dict[tuple[str, ...], HistoryRecord] = {}
    for record in records:
        if record.artifact is not None and record.outcome in _LOADED:
            found.setdefault(_what(record.artifact), record)
    bom = Bom(components=[_component(record, record.artifact) for record in found.values() if record.artifact is not None])
    # No component depends on another. The library looks through all of them to say so of each: minutes for the files of a year.
    vars(bom)["register_dependency"] = lambda target, depends_on=None: None  # noqa: ARG005 as the library calls it
    return str(JsonV1Dot6(bom).output_as_string(indent=2))


def _what(artifact: Artifact) -> tuple[str, ...]:
    return artifact.source, artifact.digest, artifact.content


def _component(record: HistoryRecord, artifact: Artifact) -> Any:
    from cyclonedx.model import HashAlgorithm, HashType, Property
    from cyclonedx.model.component import Component, ComponentType

    facts = {
        "source": artifact.source,
        "format": artifact.format,
        "risk": record.level.value if record.level is not None else "",
        "outcome": record.outcome.value,
        "code-bearing-sha256": artifact.digest,
    }
    repository, _, commit = artifact.source.removeprefix("hf:").partition("@")
    named = artifact.source.startswith("hf:")
    return Component(
        name=repository if named else PurePath(artifact.name).name or artifact.name,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        version=commit or None,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=artifact.content)] if artifact.content else [],
        properties=[Property(name=_PROPERTY + name, value=value) for name, value in facts.items() if value],
    )
