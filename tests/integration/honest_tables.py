"""Honest files of the scientific libraries: arrays, tables, estimators, graphs, formulas."""

import importlib

import numpy as np
from honest_files import CLOUDPICKLE, DILL, JOBLIB, JOBLIB_COMPRESSED, PANDAS, PICKLE, PICKLE2, PICKLE5, features, honest, target


def predicts(model):
    """What a fitted estimator says."""
    return model.predict(features())


def transforms(model):
    return model.transform(features())


def fitted(format, name, module, maker, use=predicts, **options):  # noqa: A002 the word for it
    """A fitted estimator: one line each."""

    @honest(name, module, format=format, use=use)
    def write():
        made = getattr(importlib.import_module(module), maker)(**options)
        return made.fit(features(), target())


fitted(JOBLIB, "sklearn: random forest", "sklearn.ensemble", "RandomForestClassifier", n_estimators=3, random_state=3)
fitted(PICKLE, "sklearn: gradient boosting", "sklearn.ensemble", "GradientBoostingClassifier", n_estimators=3)
fitted(JOBLIB, "sklearn: histogram boosting", "sklearn.ensemble", "HistGradientBoostingClassifier", max_iter=3)
fitted(PICKLE, "sklearn: logistic regression", "sklearn.linear_model", "LogisticRegression")
fitted(PICKLE2, "sklearn: linear regression of protocol 2", "sklearn.linear_model", "LinearRegression")
fitted(PICKLE, "sklearn: support vectors", "sklearn.svm", "SVC")
fitted(JOBLIB, "sklearn: neighbours", "sklearn.neighbors", "KNeighborsClassifier", algorithm="kd_tree")
fitted(
    JOBLIB_COMPRESSED, "sklearn: neural network", "sklearn.neural_network", "MLPClassifier", max_iter=3, hidden_layer_sizes=(3,)
)
fitted(PICKLE, "sklearn: Gaussian process", "sklearn.gaussian_process", "GaussianProcessClassifier")
fitted(PICKLE5, "sklearn: k-means", "sklearn.cluster", "KMeans", n_clusters=2, n_init=1, random_state=3)
fitted(JOBLIB, "sklearn: principal components", "sklearn.decomposition", "PCA", transforms, n_components=2)
fitted(JOBLIB, "sklearn: isolation forest", "sklearn.ensemble", "IsolationForest", n_estimators=3, random_state=3)
fitted(PICKLE, "sklearn: stochastic gradient", "sklearn.linear_model", "SGDClassifier", max_iter=5, tol=None)
fitted(CLOUDPICKLE, "sklearn: naive Bayes in cloudpickle", "sklearn.naive_bayes", "GaussianNB")
fitted(DILL, "sklearn: ridge in dill", "sklearn.linear_model", "Ridge")

# One line each: what scikit-learn has most of.
for module, makers in {
    "sklearn.linear_model": (
        "Lasso",
        "ElasticNet",
        "BayesianRidge",
        "HuberRegressor",
        "Perceptron",
        "RidgeClassifier",
        "LogisticRegressionCV",
    ),
    "sklearn.svm": ("SVR", "LinearSVC", "OneClassSVM", "NuSVC"),
    "sklearn.tree": ("DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier"),
    "sklearn.ensemble": (
        "RandomForestRegressor",
        "ExtraTreesClassifier",
        "AdaBoostClassifier",
        "BaggingClassifier",
        "GradientBoostingRegressor",
        "HistGradientBoostingRegressor",
    ),
    "sklearn.neighbors": ("KNeighborsRegressor", "NearestCentroid", "LocalOutlierFactor"),
    "sklearn.naive_bayes": ("BernoulliNB",),
    "sklearn.cluster": ("MiniBatchKMeans", "DBSCAN", "AgglomerativeClustering", "MeanShift", "Birch"),
    "sklearn.mixture": ("GaussianMixture", "BayesianGaussianMixture"),
    "sklearn.discriminant_analysis": ("LinearDiscriminantAnalysis", "QuadraticDiscriminantAnalysis"),
    "sklearn.gaussian_process": ("GaussianProcessRegressor",),
    "sklearn.neural_network": ("MLPRegressor",),
    "sklearn.covariance": ("EllipticEnvelope",),
    "sklearn.calibration": ("CalibratedClassifierCV",),
    "sklearn.dummy": ("DummyClassifier",),
    "sklearn.cross_decomposition": ("PLSRegression",),
}.items():
    for number, maker in enumerate(makers):
        said = (lambda model: model.labels_) if maker in ("DBSCAN", "AgglomerativeClustering", "LocalOutlierFactor") else predicts
        if maker == "LocalOutlierFactor":
            said = lambda model: model.negative_outlier_factor_  # noqa: E731 one of two
        fitted((PICKLE, JOBLIB)[number % 2], f"sklearn: {maker}", module, maker, said)

for module, makers in {
    "sklearn.preprocessing": (
        "StandardScaler",
        "MinMaxScaler",
        "RobustScaler",
        "PolynomialFeatures",
        "QuantileTransformer",
        "PowerTransformer",
    ),
    "sklearn.decomposition": ("TruncatedSVD", "FastICA", "FactorAnalysis", "KernelPCA"),
    "sklearn.feature_selection": ("VarianceThreshold",),
    "sklearn.impute": ("SimpleImputer", "KNNImputer"),
    "sklearn.manifold": ("Isomap",),
}.items():
    for number, maker in enumerate(makers):
        options = {"n_quantiles": 10} if maker == "QuantileTransformer" else {}
        fitted((JOBLIB, PICKLE)[number % 2], f"sklearn: {maker}", module, maker, transforms, **options)

for maker in ("XGBRanker", "XGBRFClassifier"):
    ranks = {"qid": [0] * 40} if maker == "XGBRanker" else {}

    @honest(f"xgboost: {maker}", "xgboost", format=JOBLIB, use=predicts)
    def write(maker=maker, ranks=ranks):
        import xgboost

        return getattr(xgboost, maker)(n_estimators=2, max_depth=2).fit(features(), target(), **ranks)


@honest("sklearn: pipeline for a table", "sklearn", "pandas", format=JOBLIB, use=lambda model: model[1])
def table_pipeline():
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    table = pd.DataFrame({"size": features()[:, 0], "kind": ["a", "b"] * 20})
    columns = ColumnTransformer(
        [("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["size"]), ("words", OneHotEncoder(), ["kind"])]
    )
    model = make_pipeline(columns, LogisticRegression()).fit(table, target())
    return [model, model.predict(table)]


@honest("sklearn: search over a grid", "sklearn", format=JOBLIB, use=predicts)
def grid():
    from sklearn.model_selection import GridSearchCV
    from sklearn.tree import DecisionTreeClassifier

    return GridSearchCV(DecisionTreeClassifier(random_state=3), {"max_depth": [1, 2]}, cv=2).fit(features(), target())


@honest("sklearn: words", "sklearn", format=PICKLE, use=lambda model: model.transform(["a graph"]).toarray())
def words():
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(ngram_range=(1, 2)).fit(["graph of trees", "a graph"])


@honest("skops: logistic regression", "skops.io", load=lambda path: importlib.import_module("skops.io").load(path), use=predicts)
def skops_file(path):
    import skops.io
    from sklearn.linear_model import LogisticRegression

    skops.io.dump(LogisticRegression().fit(features(), target()), path)


fitted(
    JOBLIB,
    "imbalanced-learn: balanced forest",
    "imblearn.ensemble",
    "BalancedRandomForestClassifier",
    n_estimators=2,
    random_state=3,
)


@honest("imbalanced-learn: pipeline", "imblearn", format=PICKLE, use=predicts)
def oversampled():
    from imblearn.over_sampling import SMOTE
    from imblearn.pipeline import make_pipeline
    from sklearn.linear_model import LogisticRegression

    return make_pipeline(SMOTE(k_neighbors=2, random_state=3), LogisticRegression()).fit(features(), target())


fitted(PICKLE, "xgboost: classifier", "xgboost", "XGBClassifier", n_estimators=3, max_depth=2)
fitted(JOBLIB, "xgboost: regressor", "xgboost", "XGBRegressor", n_estimators=3, max_depth=2)


@honest(
    "xgboost: booster",
    "xgboost",
    format=PICKLE,
    use=lambda model: model.predict(importlib.import_module("xgboost").DMatrix(features())),
)
def booster():
    import xgboost

    return xgboost.train({"max_depth": 2}, xgboost.DMatrix(features(), target()), 2)


fitted(PICKLE, "lightgbm: classifier", "lightgbm", "LGBMClassifier", n_estimators=3, verbose=-1)
fitted(JOBLIB, "lightgbm: regressor", "lightgbm", "LGBMRegressor", n_estimators=3, verbose=-1)


@honest("lightgbm: booster", "lightgbm", format=JOBLIB, use=predicts)
def light_booster():
    import lightgbm

    return lightgbm.train({"verbose": -1}, lightgbm.Dataset(features(), target()), 2)


fitted(PICKLE, "catboost: classifier", "catboost", "CatBoostClassifier", iterations=3, verbose=0, allow_writing_files=False)
fitted(JOBLIB, "catboost: regressor", "catboost", "CatBoostRegressor", iterations=3, verbose=0, allow_writing_files=False)
fitted(JOBLIB, "hdbscan: clusters", "hdbscan", "HDBSCAN", lambda model: model.labels_, min_cluster_size=3, core_dist_n_jobs=1)


@honest("umap: embedding", "umap", format=JOBLIB, use=lambda model: model.embedding_)
def umap_model():
    import umap

    return umap.UMAP(n_neighbors=4, n_epochs=5, random_state=3, n_jobs=1, init="random").fit(features())


@honest("hmmlearn: Gaussian chain", "hmmlearn", format=PICKLE, use=predicts)
def chain():
    from hmmlearn.hmm import GaussianHMM

    return GaussianHMM(2, n_iter=3, random_state=3).fit(features())


@honest("lifelines: Kaplan-Meier", "lifelines", format=PICKLE, use=lambda model: model.survival_function_)
def survival():
    import lifelines

    return lifelines.KaplanMeierFitter().fit(np.arange(1, 11), np.ones(10))


@honest("lifelines: Cox", "lifelines", format=JOBLIB, use=lambda model: model.params_)
def cox():
    import lifelines
    import pandas as pd

    table = pd.DataFrame({"x": features(20)[:, 0], "t": np.arange(1.0, 21), "e": [1, 0] * 10})
    return lifelines.CoxPHFitter().fit(table, "t", "e")


@honest("statsmodels: least squares", "statsmodels.api", format=PICKLE, use=lambda results: results.params)
def least_squares():
    import statsmodels.api as sm

    return sm.OLS(target().astype(float), sm.add_constant(features())).fit()


@honest(
    "statsmodels: formula, with its own save and load",
    "statsmodels.api",
    load=lambda path: importlib.import_module("statsmodels.api").load(str(path)),
    use=lambda results: results.params.to_dict(),
)
def formula(path):
    import pandas as pd
    import statsmodels.formula.api as smf

    table = pd.DataFrame(features(), columns=list("abcd"))
    smf.ols("a ~ b + c", table).fit().save(str(path))


@honest("statsmodels: generalised linear model", "statsmodels.api", format=JOBLIB, use=lambda results: results.params)
def generalised():
    import statsmodels.api as sm

    return sm.GLM(np.abs(features()[:, 0]), features(), family=sm.families.Poisson()).fit()


@honest("statsmodels: ARIMA", "statsmodels.api", format=PICKLE, use=lambda results: results.params)
def arima():
    from statsmodels.tsa.arima.model import ARIMA

    return ARIMA(features()[:, 0], order=(1, 0, 0)).fit()


@honest("scipy: sparse matrices", "scipy.sparse", format=PICKLE, use=lambda made: [one.toarray() for one in made])
def sparse():
    import scipy.sparse as sp

    return [sp.csr_matrix(np.eye(3)), sp.coo_array(np.eye(3)), sp.csc_matrix(np.eye(2))]


@honest("scipy: distributions", "scipy.stats", format=PICKLE, use=lambda made: [one.cdf(0.5) for one in made])
def distributions():
    import scipy.stats

    return [scipy.stats.norm(0.0, 2.0), scipy.stats.gamma(2.0)]


@honest("scipy: interpolation", "scipy.interpolate", format=PICKLE, use=lambda made: [np.asarray(one(1.5)) for one in made])
def interpolation():
    import scipy.interpolate as sp

    x = np.arange(6.0)
    return [sp.CubicSpline(x, x**2), sp.make_interp_spline(x, x**2), sp.PchipInterpolator(x, x)]


@honest("scipy: neighbour tree", "scipy.spatial", format=JOBLIB, use=lambda tree: tree.query(np.zeros(4))[1])
def tree():
    import scipy.spatial

    return scipy.spatial.cKDTree(features())


@honest("numpy: objects in .npy", load=lambda path: np.load(path, allow_pickle=True))
def objects(path):
    array = np.empty(2, dtype=object)
    array[:] = [{"a": 1}, [np.arange(3)]]
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=True)


def read_archive(path):
    with np.load(path, allow_pickle=True) as archive:
        return {name: archive[name] for name in archive}


@honest("numpy: archive of arrays and objects", load=read_archive)
def archive(path):
    with path.open("wb") as file:
        np.savez(file, plain=np.arange(3), objects=np.array([{"a": 1}, None], dtype=object))


@honest("numpy: records, masks, generators", format=PICKLE, use=lambda made: [*made[:3], made[3].normal(), made[4].normal()])
def arrays():
    return [
        np.zeros(2, dtype=[("x", "f4"), ("name", "U5")]),
        np.array(["2024-01-01"], dtype="datetime64[D]"),
        np.float32(3.5),
        np.random.RandomState(3),
        np.random.default_rng(3),
        np.ma.masked_array([1, 2], [True, False]),
    ]


@honest("pandas: table of many types", format=PANDAS)
def table():
    import pandas as pd

    return pd.DataFrame(
        {
            "number": [1.5, None],
            "word": ["a", "b"],
            "kind": pd.Categorical(["x", "y"]),
            "day": pd.to_datetime(["2024-01-01", "2024-01-02"]),
            "zone": pd.to_datetime(["2024-01-01", "2024-01-02"]).tz_localize("UTC"),
            "whole": pd.array([1, None], dtype="Int64"),
            "flag": pd.array([True, None], dtype="boolean"),
            "list": [[1], {"a": 2}],
        }
    )


@honest("pandas: series with two indices", format=PANDAS)
def series():
    import pandas as pd

    index = pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["word", "number"])
    return pd.Series([1.0, 2.0, 3.0, 4.0], index=index, name="value")


@honest("pandas: time series in a pickle", "pandas", format=PICKLE)
def times():
    import pandas as pd

    return pd.Series(range(4), index=pd.date_range("2024-01-01", periods=4, freq="h"))


@honest("pandas: table in joblib", "pandas", format=JOBLIB)
def joblib_table():
    import pandas as pd

    return pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}, index=pd.Index(["r", "s"], name="row"))


@honest("xarray: data set", "xarray", format=PICKLE, use=lambda data: data["heat"].to_numpy())
def data_cube():
    import xarray

    return xarray.Dataset({"heat": (("x", "y"), np.ones((2, 3)))}, coords={"x": [1, 2]}, attrs={"unit": "K"})


@honest("polars: table", "polars", format=PICKLE)
def polars_table():
    import polars as pl

    return pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})


@honest("pyarrow: table", "pyarrow", format=PICKLE)
def arrow_table():
    import pyarrow as pa

    return pa.table({"a": [1, 2], "b": ["x", "y"]})


@honest("networkx: graph", "networkx", format=PICKLE, use=lambda graph: sorted(graph.edges))
def graph():
    import networkx as nx

    made = nx.DiGraph(nx.karate_club_graph())
    made.add_node("x", weight=1.5)
    made.remove_node("x")
    return made


@honest("sympy: formula", "sympy", format=PICKLE, use=str)
def expression():
    import sympy

    x, y = sympy.symbols("x y")
    return sympy.sin(x) ** 2 + sympy.Rational(1, 3) * y


@honest("shapely: shapes", "shapely", format=PICKLE, use=lambda shapes: [shape.wkt for shape in shapes])
def shapes():
    import shapely

    return [shapely.Point(1, 2), shapely.box(0, 0, 1, 1), shapely.LineString([(0, 0), (1, 1)])]
