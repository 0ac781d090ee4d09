"""Whether the nodes of a neighbour tree of scipy point inside the tree, and at points that there are.

`cKDTree.__setstate__` copies raw nodes into memory and follows the numbers of their children at once, by recursion; each later search
goes by their ranges of points and by the list of points. It looks at none of these numbers, so all of them are looked at here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_modelguard.policy.layouts import Facts

__all__ = ["wrong_with_neighbour_tree"]

# A node as `ckdtree_decl.h` has it: the two places for pointers are written anew while it is loaded.
_NODE = [
    ("split_dim", "<i8"),
    ("children", "<i8"),
    ("split", "<f8"),
    ("start", "<i8"),
    ("end", "<i8"),
    ("pointers", "<i8", (2,)),
    ("less", "<i8"),
    ("greater", "<i8"),
]
_DEEPEST = 1000  # levels; a search goes down by recursion, and trees of numbers have fewer than numbers have bits


def wrong_with_neighbour_tree(_arguments: tuple[Any, ...], state: Any, facts: Facts) -> str:
    """Say what of a neighbour tree would reach past its memory; nothing if all fits."""
    if state is None:
        return ""
    from jupyter_modelguard.policy.layouts import array_of

    nodes, points, count, dimensions, leafsize, maxes, mins, indices, boxsize, boxes = state
    if count < 0 or dimensions < 1 or leafsize < 1:
        return "its numbers are not those of a tree"
    shapes = [
        (points, (count, dimensions), "<f8"),
        (maxes, (dimensions,), "<f8"),
        (mins, (dimensions,), "<f8"),
        (indices, (count,), "<i8"),
    ]
    if boxsize is not None or boxes is not None:
        shapes += [(boxsize, (dimensions,), "<f8"), (boxes, (2 * dimensions,), "<f8")]
    for made, wanted, code in shapes:
        shape, kind, _ = array_of(made, facts)
        if kind is None or kind.str != code or shape != wanted:
            return "its arrays are not as large as it says"
    shape, kind, raw = array_of(nodes, facts)
    places = array_of(indices, facts)[2]
    if kind is None or kind.str != "|S1" or len(shape) != 1 or raw is None or places is None:
        return "its nodes cannot be told, and scipy would not look"
    return _wrong_with_nodes(raw, places, count, dimensions)


def _wrong_with_nodes(  # noqa: PLR0911 a list of reasons
    raw: bytes, places: bytes, count: int, dimensions: int
) -> str:
    import numpy as np

    kind = np.dtype(_NODE)
    if not raw or len(raw) % kind.itemsize:
        return "its nodes are not whole"
    nodes = np.frombuffer(raw, kind)
    indices = np.frombuffer(places, "<i8")
    if len(indices) != count or (count and (indices.min() < 0 or indices.max() >= count)):
        return "it lists points that it has not"
    ordered = (nodes["start"] >= 0) & (nodes["start"] <= nodes["end"]) & (nodes["end"] <= count)
    if not (ordered & (nodes["children"] == nodes["end"] - nodes["start"])).all():
        return "its nodes have points that it has not"
    if not ((nodes["split_dim"] >= -1) & (nodes["split_dim"] < dimensions)).all():
        return "its nodes are split along an axis that it has not"
    inner = np.flatnonzero(nodes["split_dim"] != -1)
    less, greater = nodes["less"][inner], nodes["greater"][inner]
    # Each node comes behind its parent and has one: so they are one tree, and following it comes to an end.
    if not ((less > inner) & (greater > inner)).all():
        return "its nodes go back to earlier ones"
    if not np.array_equal(np.sort(np.concatenate([less, greater])), np.arange(1, len(nodes))):
        return "its nodes are no tree"
    return "" if _is_shallow(nodes, np) else "its nodes are too deep"


def _is_shallow(nodes: Any, np: Any) -> bool:
    level = np.zeros(1, dtype=np.intp)
    for _ in range(_DEEPEST):
        level = level[nodes["split_dim"][level] != -1]
        if not len(level):
            return True
        level = np.concatenate([nodes["less"][level], nodes["greater"][level]])
    return False
