"""Whether a view of a graph of networkx, which the graph keeps once somebody looked at its edges or degrees, looks at a graph.

A view stands in place of a property of its graph and can be called, with nodes to look at. What it then asks for those nodes is the graph
that it holds: that must be one of networkx's own classes, whose methods inspection keeps from being hidden. And a notebook that shows a
view goes through all of its edges: so they must lie in exact dictionaries, not in something that has no end.
"""

from __future__ import annotations

from typing import Any

from jupyter_modelguard.policy.record import is_made, name_of

__all__ = ["wrong_with_graph_view"]

_GRAPHS = frozenset(
    {
        "networkx.classes.graph.Graph",
        "networkx.classes.digraph.DiGraph",
        "networkx.classes.multigraph.MultiGraph",
        "networkx.classes.multidigraph.MultiDiGraph",
    }
)
_NEIGHBOURS = frozenset({"_adjdict", "_succ", "_pred"})


def wrong_with_graph_view(_arguments: tuple[Any, ...], state: Any, _dtype: Any) -> str:
    """Say what a view looks at that is no graph; nothing if it is one."""
    if state is None:
        return ""
    held = state["_graph"]
    for key in _NEIGHBOURS & state.keys():
        inside = list(state[key].values())
        # Between two nodes of a multigraph is a dictionary of edges, between others one of attributes: it is one in any case.
        if not all(type(near) is dict and all(type(edges) is dict for edges in near.values()) for near in inside):
            return "its edges are not kept in dictionaries"
    return "" if is_made(held) and str(name_of(held)) in _GRAPHS else "it looks at something else than a graph"
