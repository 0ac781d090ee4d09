"""Honest files of tables and estimators as daily work leaves them: several classes, pipelines, dictionaries of several things."""

import importlib

import numpy as np
from honest_files import DILL, JOBLIB, PICKLE, features, honest


def classes():
    """Three of them."""
    return np.arange(40) % 3


def boosted(format, name, maker, **options):  # noqa: A002 the word for it
    @honest(name, "sklearn", format=format, use=lambda model: model.predict_proba(features()))
    def write():
        return getattr(importlib.import_module("sklearn.ensemble"), maker)(**options).fit(features(), classes())


boosted(PICKLE, "sklearn: gradient boosting of three classes", "GradientBoostingClassifier", n_estimators=2)
boosted(JOBLIB, "sklearn: histogram boosting of three classes", "HistGradientBoostingClassifier", max_iter=2)


def logarithms():
    """A pipeline that takes logarithms of what it is given first."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    steps = FunctionTransformer(np.log1p), StandardScaler(), LogisticRegression()
    return make_pipeline(*steps).fit(np.abs(features()), classes())


for format, how in ((JOBLIB, "joblib"), (DILL, "dill")):  # noqa: A001 the word for it
    honest(
        f"sklearn: pipeline that takes logarithms, in {how}",
        "sklearn",
        format=format,
        use=lambda model: model.predict(np.abs(features())),
    )(logarithms)


@honest("sklearn: logarithm of one column", "sklearn", "pandas", format=JOBLIB, use=lambda made: made[0].transform(made[1]))
def logarithm_of_a_column():
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.preprocessing import FunctionTransformer, MinMaxScaler

    table = pd.DataFrame(np.abs(features()), columns=list("abcd"))
    logarithm = FunctionTransformer(np.log1p, feature_names_out="one-to-one")
    return make_column_transformer((logarithm, ["a"]), (MinMaxScaler(), ["b"]), remainder="passthrough").fit(table), table


@honest("dill: dictionary of a table", "pandas", format=DILL)
def dictionary_of_a_table():
    import pandas as pd

    days = pd.to_datetime(["2024-01-01", "2024-01-02"])
    return {"df": pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": [0.5, None], "day": days, "kind": pd.Categorical(["x", "y"])})}


@honest("dill: column of a table, and arrays", "pandas", format=DILL)
def column_of_a_table():
    import pandas as pd

    return [pd.Series([1.5, None], name="a"), np.ones((2, 3)), np.float32(1.5), np.array(["2024-01-01"], dtype="M8[D]")]


@honest(
    "scipy: surfaces and smoothing",
    "scipy.interpolate",
    format=PICKLE,
    use=lambda made: [np.asarray(one(at)) for one, at in made],
)
def surfaces():
    import scipy.interpolate as sp

    x = np.arange(8.0)
    points = features(20, 2)
    return [
        (sp.RegularGridInterpolator((x, x), np.outer(x, x), method="cubic"), [1.5, 1.5]),
        (sp.RBFInterpolator(points, points[:, 0]), np.array([[0.1, 0.2]])),
        (sp.make_smoothing_spline(x, x**2), 1.5),
        (sp.NdBSpline((x, x), np.ones((5, 5)), 2), [1.5, 1.5]),
        (sp.Akima1DInterpolator(x, x**2), 1.5),
    ]


@honest("sklearn: splines", "sklearn", format=JOBLIB, use=lambda model: model.transform(features()))
def splines():
    from sklearn.preprocessing import SplineTransformer

    return SplineTransformer(n_knots=4).fit(features())


@honest(
    "scipy: neighbour tree beside its points",
    "scipy.spatial",
    format=PICKLE,
    use=lambda made: made["tree"].query(made["points"])[0],
)
def tree_and_points():
    from scipy.spatial import KDTree

    return {"points": features(5000), "tree": KDTree(features(5000)), "labels": np.arange(5000)}


@honest(
    "networkx: directed graphs that were worked with",
    "networkx",
    format=JOBLIB,
    use=lambda made: [dict(one.degree) for one in made],
)
def worked_with():
    import networkx as nx

    graphs = [nx.DiGraph([("a", "b"), ("b", "c")]), nx.MultiDiGraph([(1, 2), (1, 2)]), nx.MultiGraph([(1, 2)])]
    for graph in graphs:
        list(graph.edges(data=True))
        for view in ("adj", "nodes", "degree", "in_degree", "out_degree", "in_edges", "out_edges", "pred", "succ"):
            assert len(getattr(graph, view, "none"))
    nx.set_edge_attributes(graphs[0], 0.5, "weight")
    return graphs


@honest("xarray: measured table", "xarray", "pandas", format=JOBLIB, use=lambda data: data.to_dataframe())
def measured():
    import pandas as pd
    import xarray

    days = pd.date_range("2024-01-01", periods=3)
    heat = (("place", "day"), np.ones((2, 3), "f4"), {"unit": "K", "offset": np.float32(0.5)})
    data = xarray.Dataset({"heat": heat}, coords={"place": ["a", "b"], "day": days, "height": ("place", [1.0, 2.0])})
    return data.assign(mean=data.heat.mean("day"))


@honest("xarray: array of two levels", "xarray", format=PICKLE, use=lambda data: data.to_numpy())
def two_levels():
    import xarray

    return xarray.DataArray(np.eye(2), coords={"x": ["a", "b"], "y": [1, 2]}, name="eye").stack(both=("x", "y"))  # noqa: PD013 levels are what it is about


@honest(
    "lifelines: Cox by groups",
    "lifelines",
    format=PICKLE,
    use=lambda model: model.predict_partial_hazard(model.params_.to_frame().T),
)
def cox_by_groups():
    import lifelines
    import pandas as pd

    table = pd.DataFrame(features(30), columns=list("abcd")).assign(
        time=np.arange(1.0, 31), seen=[1, 0, 1] * 10, place=[0, 1] * 15
    )
    return lifelines.CoxPHFitter(penalizer=0.1).fit(table, "time", "seen", strata=["place"])


@honest("addict: options of several levels", "addict", format=JOBLIB)
def levels():
    import addict

    made = addict.Dict(rate=np.float64(0.1), shape=(1, 2))
    made.layers.first.size = 3
    made.steps = [{"name": "a"}, {"name": "b", "sizes": np.arange(2)}]
    return made
