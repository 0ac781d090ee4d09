"""Classes of real libraries, judged live: what their methods would do with a state, and the estimators that only hold data."""

from __future__ import annotations

import pickle
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.inspection import inspect_open
from jupyter_modelguard.engines.trace import trace_stream
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.types import Judgement, RiskLevel

from judging import level_of_piece as judged  # isort: skip
from judging import look  # isort: skip
from opcodes import glob, mapping, text  # isort: skip

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


pytestmark = pytest.mark.usefixtures("kind")


def test_item_that_reads_as_a_method_asks() -> None:
    pytest.importorskip("scipy.optimize", reason="needs scipy")
    result = glob("scipy.optimize._optimize", "OptimizeResult") + b")\x81"
    plain = glob("sklearn.base", "BaseEstimator") + b")\x81"
    pytest.importorskip("sklearn.base", reason="needs scikit-learn")
    assert not judged(result + text("x") + plain + b"s").asks
    assert judged(result + text("__setstate__") + plain + b"s").asks
    assert judged(result + text("_repr_html_") + plain + b"s").asks


def test_formula_in_the_state_of_a_model_asks() -> None:
    """statsmodels evaluates the formula that such a state holds, as Python code, while it is loaded."""
    pytest.importorskip("statsmodels.base.data", reason="needs statsmodels")
    data = glob("statsmodels.base.data", "ModelData") + b")\x81"
    assert not judged(data + mapping(endog=b"N") + b"b").asks
    for key in ("restore_design_info", "restore_model_spec"):
        assert judged(data + mapping(**{key: b"\x88"}, formula=text("y ~ exit()")) + b"b").asks


def test_array_of_objects_where_numbers_are_computed_asks() -> None:
    """Its members would be asked for a number, by Python code of their own."""
    np = pytest.importorskip("numpy")
    pytest.importorskip("sklearn.isotonic", reason="needs scikit-learn")
    isotonic = glob("sklearn.isotonic", "IsotonicRegression") + b")\x81"

    def array(dtype: Any) -> bytes:
        return pickle.dumps(np.array([1.0, 2.0], dtype), 3)[2:-1]

    numbers = mapping(X_thresholds_=array(float), y_thresholds_=array(float))
    assert not judged(isotonic + numbers + b"b").asks
    assert judged(isotonic + mapping(X_thresholds_=array(float), y_thresholds_=array(object)) + b"b").asks


def estimators() -> dict[str, Callable[[], Any]]:
    sklearn = pytest.importorskip("sklearn")
    assert sklearn
    import numpy as np
    from sklearn import (
        cluster,
        decomposition,
        ensemble,
        linear_model,
        naive_bayes,
        neighbors,
        neural_network,
        pipeline,
        preprocessing,
        svm,
        tree,
    )
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.model_selection import GridSearchCV

    x = np.random.default_rng(0).random((40, 3))
    y = (x[:, 0] > 0.5).astype(int)
    fitted = {
        "forest": ensemble.RandomForestClassifier(3),
        "boosting": ensemble.GradientBoostingClassifier(n_estimators=2),
        "histogram boosting": ensemble.HistGradientBoostingClassifier(max_iter=2),
        "logistic": linear_model.LogisticRegression(),
        "sgd": linear_model.SGDClassifier(),
        "scaler": preprocessing.StandardScaler(),
        "encoder": preprocessing.OneHotEncoder(handle_unknown="ignore"),
        "neighbours": neighbors.KNeighborsClassifier(algorithm="kd_tree"),
        "balls": neighbors.KNeighborsClassifier(algorithm="ball_tree"),
        "svc": svm.SVC(),
        "tree": tree.DecisionTreeClassifier(),
        "bayes": naive_bayes.GaussianNB(),
        "means": cluster.KMeans(2, n_init=1),
        "components": decomposition.PCA(2),
        "network": neural_network.MLPClassifier((3,), max_iter=3),
        "pipeline": pipeline.Pipeline([("scale", preprocessing.StandardScaler()), ("fit", linear_model.LogisticRegression())]),
        "search": GridSearchCV(linear_model.LogisticRegression(), {"C": [1.0, 2.0]}),
    }
    made = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, estimator in fitted.items():
            made[name] = estimator.fit(x, y)
        made["words"] = TfidfVectorizer().fit(["a bc", "bc de"])
    return made


def test_every_estimator_is_silent(tmp_path: Path) -> None:
    joblib = pytest.importorskip("joblib")
    asked = {}
    for name, estimator in estimators().items():
        for protocol in (2, 5):
            data = pickle.dumps(estimator, protocol)
            found = look(data).report
            if evaluate(found).level is not RiskLevel.DATA_ONLY:
                asked[name] = [use for use in found.globals if use.judgement is Judgement.UNKNOWN]
        joblib.dump(estimator, tmp_path / "model.joblib")
        found = inspect_open(trace_stream(StreamSource(path=str(tmp_path / "model.joblib")), "joblib")).report
        if evaluate(found).level is not RiskLevel.DATA_ONLY:
            asked[f"{name}, joblib"] = [use for use in found.globals if use.judgement is Judgement.UNKNOWN]
    assert asked == {}
