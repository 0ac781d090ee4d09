"""Views of graphs that have no end: a notebook that shows one makes a list of all its edges."""

import copyreg
import itertools
import pickle

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

networkx = pytest.importorskip("networkx", reason="the views are of networkx")
reportviews = pytest.importorskip("networkx.classes.reportviews", reason="the views are of networkx")

MANY = 100_000


class View:
    """Pickles as a view whose edges are what an attacker put there."""

    def __init__(self, kind, **parts):
        self.parts = (copyreg._reconstructor, (kind, object, None), {"_graph": networkx.Graph(), **parts})

    def __reduce__(self):
        return self.parts


def test_edges_without_an_end_are_held(hold):
    # not of an undirected graph, whose view makes a list of them before it gives the first
    data = pickle.dumps(View(reportviews.OutEdgeView, _adjdict={1: itertools.count()}))
    assert len(list(itertools.islice(pickle.loads(data), MANY))) == MANY, "the attack does not work"
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)


def test_edges_of_a_multigraph_without_an_end_are_held(hold):
    data = pickle.dumps(View(reportviews.OutMultiEdgeView, _adjdict={1: {2: itertools.count()}}))
    assert len(list(itertools.islice(pickle.loads(data), MANY))) == MANY, "the attack does not work"
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)


@pytest.mark.parametrize("kind", ["Graph", "DiGraph", "MultiGraph", "MultiDiGraph"])
def test_graphs_whose_edges_were_looked_at_load(hold, kind):
    graph = getattr(networkx, kind)([(1, 2), (2, 3)])
    assert len(graph.edges) == graph.number_of_edges()
    assert dict(graph.degree)
    data = pickle.dumps(graph)
    hold()
    assert list(pickle.loads(data).edges) == list(graph.edges)
