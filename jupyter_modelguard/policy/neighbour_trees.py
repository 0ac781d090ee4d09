"""Whether the nodes of a neighbour tree of scipy point inside the tree, and at points that there are.

`cKDTree.__setstate__` copies raw nodes into memory and follows the numbers of their children at once, by recursion; each later search
goes by their ranges of points and by the list of points. It looks at none of these numbers, so all of them are looked at here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_modelguard.artifacts.payload import Payload
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
    if not places.once(count, lambda: _are_points(places, count)):
        return "it lists points that it has not"
    wrong: str = raw.once((count, dimensions), lambda: _wrong_with_nodes(raw, count, dimensions))
    return wrong


def _are_points(places: Payload, count: int) -> bool:
    """Whether each of many numbers is that of a point."""
    import numpy as np

    numbers = (np.frombuffer(piece, "<i8") for piece in places.pieces())
    return all(some.min() >= 0 and some.max() < count for some in numbers)


def _wrong_with_nodes(  # noqa: PLR0911 a list of reasons
    raw: Payload, count: int, dimensions: int
) -> str:
    import numpy as np

    kind = np.dtype(_NODE)
    if not len(raw) or len(raw) % kind.itemsize:
        return "its nodes are not whole"
    total = len(raw) // kind.itemsize
    branches: Any = np.full((total, 2), -1, np.intp)  # the two below each node; -1 for leaves
    found: Any = np.zeros(total, np.bool_)  # nodes that are below another
    first = 0
    for piece in raw.pieces():
        nodes = np.frombuffer(piece, kind)
        ordered = (nodes["start"] >= 0) & (nodes["start"] <= nodes["end"]) & (nodes["end"] <= count)
        if not (ordered & (nodes["children"] == nodes["end"] - nodes["start"])).all():
            return "its nodes have points that it has not"
        if not ((nodes["split_dim"] >= -1) & (nodes["split_dim"] < dimensions)).all():
            return "its nodes are split along an axis that it has not"
        inner = np.flatnonzero(nodes["split_dim"] != -1)
        below = np.stack([nodes["less"][inner], nodes["greater"][inner]], axis=1)
        # Each node comes behind its parent and has one: so they are one tree, and following it comes to an end.
        if not ((below > (first + inner)[:, None]) & (below < total)).all():
            return "its nodes go back to earlier ones, or to some that it has not"
        branches[first + inner] = below
        if found[below].any():
            return "its nodes are no tree"
        found[below] = True
        first += len(nodes)
    if 2 * np.count_nonzero(branches[:, 0] >= 0) != total - 1 or np.count_nonzero(found) != total - 1:
        return "its nodes are no tree"
    return "" if _is_shallow(branches, np) else "its nodes are too deep"


def _is_shallow(branches: Any, np: Any) -> bool:
    level = np.zeros(1, dtype=np.intp)
    for _ in range(_DEEPEST):
        level = branches[level].ravel()
        level = level[level >= 0]
        if not len(level):
            return True
    return False
