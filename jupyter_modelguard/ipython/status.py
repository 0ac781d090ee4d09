"""What `%modelguard status` says beside the state: what is held how strictly, and what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_modelguard.guard import Guard

__all__ = ["children", "facts"]

_MOST = 10  # lines of one kind
_MOST_NAMES = 3  # of one library


def facts(guard: Guard) -> list[tuple[str, str]]:
    """List what to know of a guard that is in place, as `(label, sentence)` pairs."""
    from jupyter_modelguard.engines.code_opinions.present import analysers

    mode = "on: libraries that unpickle for themselves are held too" if guard.strict else "off"
    found = [("strict", mode)]
    found.append(("children", children()))
    found.append(("analysers", str(analysers())))
    libraries = sorted(guard.unguarded.by_library().items(), key=lambda seen: -sum(seen[1].values()))
    found += [("not held", f"{library} resolved {_names(names)}") for library, names in libraries[:_MOST]]
    early = guard.patches.bound_early()
    found += [("bound early", f"{place} is {what}: held by the audit hook alone") for place, what in early[:_MOST]]
    if len(early) > _MOST:
        found.append(("bound early", f"{len(early) - _MOST} more"))
    found += [
        ("not found", f"{row.module}.{row.attribute} is no more: held by the audit hook alone") for row in guard.patches.holes
    ]
    return found


def children() -> str:
    """Say whether processes that are started from here are guarded."""
    from jupyter_modelguard.ipython.lasting import holds_children

    if holds_children():
        return "forked and spawned processes are guarded; nobody is asked there"
    return "forked processes are guarded, spawned ones are not: modelguard install --children"


def _names(names: dict[str, int]) -> str:
    shown = [f"{name} ×{count}" for name, count in sorted(names.items(), key=lambda name: -name[1])[:_MOST_NAMES]]
    more = len(names) - _MOST_NAMES
    return ", ".join([*shown, *([f"{more} more"] if more > 0 else [])])
