"""Honest objects of graphs, data sets, splines, survival models and options, for the search to compose and change."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["TABLE_MAKERS", "losses", "splines"]


def _networkx() -> Iterator[Any]:
    networkx: Any = importlib.import_module("networkx")
    for kind in ("Graph", "DiGraph", "MultiGraph", "MultiDiGraph"):
        graph = networkx.path_graph(3, create_using=getattr(networkx, kind))
        for view in ("nodes", "edges", "adj", "degree", "in_edges", "in_degree", "out_degree"):
            getattr(graph, view, None)
        yield graph


def _xarray() -> Iterator[Any]:
    xarray: Any = importlib.import_module("xarray")
    data = xarray.Dataset({"a": (("x", "y"), [[1.0, 2.0]])}, coords={"x": ["p"], "y": [1, 2]}, attrs={"unit": "K"})
    yield data
    yield data["a"]
    yield data["a"].variable
    yield data.stack(z=("x", "y"))


def splines() -> Iterator[Any]:
    """Make splines and other objects of scipy that restore themselves."""
    interpolate: Any = importlib.import_module("scipy.interpolate")
    yield interpolate.make_interp_spline([0, 1, 2, 3], [0, 1, 4, 9])
    yield interpolate.CubicSpline([0, 1, 2], [0, 1, 4])
    yield interpolate.RBFInterpolator([[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0], kernel="linear")
    yield importlib.import_module("scipy.spatial").KDTree([[0.0, 1.0], [1.0, 0.0]], leafsize=1)


def _lifelines() -> Iterator[Any]:
    lifelines: Any = importlib.import_module("lifelines")
    yield lifelines.CoxPHFitter(penalizer=0.5)


def _addict() -> Iterator[Any]:
    yield importlib.import_module("addict").Dict(a=1, b={"c": [1, {"d": 2}]})


def _statsmodels() -> Iterator[Any]:
    yield importlib.import_module("statsmodels.tools.tools").Bunch(a=1, b={"c": 2})


def losses() -> Iterator[Any]:
    """Make the losses of scikit-learn that a function restores."""
    yield importlib.import_module("sklearn._loss._loss").CyHalfMultinomialLoss()


TABLE_MAKERS: dict[str, Callable[[], Iterator[Any]]] = {
    "networkx": _networkx,
    "xarray": _xarray,
    "lifelines": _lifelines,
    "addict": _addict,
    "statsmodels": _statsmodels,
}
