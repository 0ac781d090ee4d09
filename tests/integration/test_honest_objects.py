"""Objects that people keep in files, made by the real libraries: each loads without a question, and comes back as it was."""

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import functools
import io
import ipaddress
import math
import operator
import pathlib
import pickle
import random
import re
import sys
import time
import types
import typing
import uuid
import warnings
import zoneinfo
from fractions import Fraction

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

np = pytest.importorskip("numpy", reason="many of these objects hold arrays")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


class Color(enum.Enum):
    RED = 1
    BLUE = "blue"

    def fit(self):
        """A method, which no member's value may hide."""


class Bits(enum.Flag):
    READ = 1
    WRITE = 2


class Level(enum.IntEnum):
    LOW = 1


class Pair(typing.NamedTuple):
    left: int
    right: object = None


@dataclasses.dataclass
class Settings:
    rate: float = 0.1
    layers: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class FrozenSettings:
    rate: float = 0.1


@dataclasses.dataclass(frozen=True, slots=True)
class SlottedSettings:
    rate: float = 0.1


class Slotted:
    __slots__ = ("left", "right")

    def __init__(self, left, right):
        self.left = left
        self.right = right

    def __eq__(self, other):
        return (self.left, self.right) == (other.left, other.right)

    __hash__ = None


class Model:
    def __init__(self, size):
        self.weights = np.ones(size)

    def __eq__(self, other):
        return bool((self.weights == other.weights).all())

    __hash__ = None


MINE = (Color, Bits, Level, Pair, Settings, FrozenSettings, SlottedSettings, Slotted, Model)
NOTEBOOK = {
    "member": Color.RED,
    "flags": Bits.READ | Bits.WRITE,
    "number": Level.LOW,
    "member as a key": {Color.RED: 1},
    "named tuple": Pair(1, [2]),
    "data class": Settings(layers=[1]),
    "frozen data class": FrozenSettings(),
    "frozen data class with slots": SlottedSettings(),
    "slots": Slotted(1, [2]),
    "own constructor": Model(3),
}
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
PYTHON = {
    "zone": dt.datetime(2020, 1, 1, tzinfo=BERLIN),
    "moment as a key": {dt.datetime(2020, 1, 1, tzinfo=BERLIN): 1},
    "partial": functools.partial(max, 3),
    "partial with names": functools.partial(round, ndigits=2),
    "regular expression": re.compile("a+", re.IGNORECASE),
    "namespace": types.SimpleNamespace(rate=0.1, inner=types.SimpleNamespace(layers=[1])),
    "containers": [
        collections.Counter("aab"),
        collections.deque([1], 3),
        collections.ChainMap({1: 2}),
        collections.defaultdict(set, a={1}),
        collections.defaultdict(int, a=1),
        collections.defaultdict(collections.Counter),
        collections.defaultdict(functools.partial(collections.defaultdict, int)),
        collections.UserDict(a=1),
    ],
    "numbers": [decimal.Decimal("1.5"), Fraction(1, 3), uuid.UUID(int=5), pathlib.PurePosixPath("a/b")],
    "addresses": {ipaddress.ip_address("1.2.3.4"): ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_address("::1"): 1},
    "random": random.Random(3),
    "errors": [ValueError("x", 1), KeyError("a"), FileNotFoundError(2, "no", "f"), UnicodeDecodeError("utf8", b"a", 0, 1, "bad")],
    "types": [type(None), type(...), int, set, slice, ValueError],
    "functions": [len, math.sqrt, operator.add, str.lower],
    "streams": [io.BytesIO(b"a"), io.StringIO("a")],
    "time": time.gmtime(0),
}


def shown(value):
    """What can be compared of values that know no equality of their own."""
    if isinstance(value, (list, tuple)):
        return [shown(item) for item in value]
    return repr(value) if type(value).__eq__ is object.__eq__ or isinstance(value, BaseException) else value


@pytest.fixture
def in_notebook(monkeypatch):
    for cls in MINE:
        monkeypatch.setattr(cls, "__module__", "__main__")
        monkeypatch.setattr(sys.modules["__main__"], cls.__name__, cls, raising=False)


def reloaded(value, protocol, hold):
    data = pickle.dumps(value, protocol)
    running = hold()
    found = pickle.loads(data)
    assert [outcome for _, outcome in running.outcomes()] == ["loaded"]
    return found


@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize("name", NOTEBOOK)
def test_object_of_the_notebook_loads(name, protocol, hold, in_notebook):
    assert reloaded(NOTEBOOK[name], protocol, hold) == NOTEBOOK[name]


@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize("name", PYTHON)
def test_object_of_python_loads(name, protocol, hold):
    zoneinfo.ZoneInfo.clear_cache()
    value = PYTHON[name]
    found = reloaded(value, protocol, hold)
    if name == "random":
        assert found.getstate() == value.getstate()
    elif name == "streams":
        assert [stream.getvalue() for stream in found] == [stream.getvalue() for stream in value]
    else:
        assert shown(found) == shown(value)


def test_members_that_early_versions_of_python_3_11_wrote_load(hold, in_notebook, monkeypatch):
    """They write `getattr(class, name)`; those of 3.11.4 and later call the class with the value again."""
    value = [Color.RED, Color.BLUE, Level.LOW, {Color.RED: Bits.READ}]
    with monkeypatch.context() as patch:
        for kind in (Color, Level, Bits):
            patch.setattr(kind, "__reduce_ex__", lambda member, _: (getattr, (type(member), member._name_)))
        data = pickle.dumps(value)
    assert b"getattr" in data
    running = hold()
    assert pickle.loads(data) == value
    assert [outcome for _, outcome in running.outcomes()] == ["loaded"]


def test_listed_function_in_partial_works_after_the_load(hold):
    assert reloaded(functools.partial(max, 3), 5, hold)(2) == 3


def characters():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old in numpy's eyes, and in people's files
        return np.char.array(["a"])


def arrays():
    records = np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])
    return {
        "matrix": np.ones((1, 2)).view(np.matrix),
        "records": records.view(np.recarray),
        "record": records.view(np.recarray)[0],
        "characters": characters(),
        "masked": np.ma.array([1, 2], mask=[1, 0]),
        "nested records": np.zeros(2, [("a", [("b", "f4"), ("c", "i2", (3,))])]),
        "dates": np.array(["2020-01-01"], "M8[D]"),
        "polynomial": np.polynomial.Polynomial([1, 2]),
        "old polynomial": np.poly1d([1, 2]),
        "random state": np.random.RandomState(1),
        "generator": np.random.default_rng(1),
        "functions": [np.log, np.add, np.mean, np.clip],
        "partial": functools.partial(np.clip, a_min=0, a_max=1),
        "objects": np.array([{"a": 1}, None], dtype=object),
    }


@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize("name", arrays())
def test_object_of_numpy_loads(name, protocol, hold):
    value = arrays()[name]
    found = reloaded(value, protocol, hold)
    assert type(found) is type(value)
    assert pickle.dumps(found, 5) == pickle.dumps(value, 5) or repr(found) == repr(value)


def frames():
    pd = pytest.importorskip("pandas", reason="needs pandas")
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [1.0, 2.0, 3.0], "c": ["x", "y", "z"]})
    moments = pd.date_range("2020", periods=3)
    return {
        "frame": frame,
        "series": frame.a,
        "text": frame.c,
        "empty": pd.DataFrame(),
        "indexed": frame.set_index("c"),
        "two indices": frame.set_index(["a", "c"]),
        "wide": pd.DataFrame({"a": [1], "b": ["x"], "c": pd.to_datetime(["2020"]), "d": pd.Categorical(["q"]), "e": [True]}),
        "array as columns": pd.DataFrame(np.zeros((3, 3))),
        "range": frame.index,
        "labels": pd.Index(["a", "b"]),
        "mixed labels": pd.Index(["a", 1, (1, "b"), None], dtype=object),
        "moments": moments,
        "moments of a zone": pd.date_range("2020", periods=3, tz="Europe/Berlin"),
        "moments of UTC": pd.Series(pd.date_range("2020", periods=3, tz="UTC")),
        "durations": pd.timedelta_range("1D", periods=3),
        "periods": pd.period_range("2020", periods=3, freq="M"),
        "intervals": pd.interval_range(0, 3),
        "categories": pd.Series(["a", "b"], dtype="category"),
        "category index": pd.CategoricalIndex(["a", "b"]),
        "whole numbers": pd.Series([1, None], dtype="Int64"),
        "truth": pd.Series([True, None], dtype="boolean"),
        "python text": pd.Series(["a", None], dtype=pd.StringDtype("python")),
        "sparse": pd.Series(pd.arrays.SparseArray([0, 0, 1])),
        "objects": pd.Series([1, "a", None, [1]], dtype=object),
        "scalars": [
            pd.Timestamp("2020"),
            pd.Timestamp("2020", tz="Europe/Berlin"),
            pd.Timedelta("1D"),
            pd.Period("2020-01", "M"),
            pd.NaT,
            pd.NA,
            pd.Interval(0, 1),
        ],
        "steps": [pd.offsets.MonthEnd(2), pd.offsets.BDay(), pd.offsets.Week(weekday=0), pd.DateOffset(months=1)],
        "types": frame.dtypes,
        "many codes": pd.DataFrame(
            {"a": pd.Categorical(np.arange(300_000) % 7)}, pd.MultiIndex.from_arrays([np.arange(300_000)] * 2)
        ),
    }


FRAMES = [
    "frame", "series", "text", "empty", "indexed", "two indices", "wide", "array as columns", "range", "labels", "mixed labels",
    "moments", "moments of a zone", "moments of UTC", "durations", "periods", "intervals", "categories", "category index", "whole numbers",
    "truth", "python text", "sparse", "objects", "scalars", "steps", "types", "many codes",
]  # fmt: skip


@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize("name", FRAMES)
def test_object_of_pandas_loads(name, protocol, hold):
    value = frames()[name]
    found = reloaded(value, protocol, hold)
    assert found.equals(value) if hasattr(value, "equals") else repr(found) == repr(value)


@pytest.mark.parametrize("name", ["wide", "many codes"])
def test_frame_loads_through_pandas_and_joblib(name, tmp_path, hold):
    pd = pytest.importorskip("pandas", reason="needs pandas")
    joblib = pytest.importorskip("joblib", reason="needs joblib")
    frame = frames()[name]
    if name == "wide":
        frame.index = pd.Index(["row"], dtype=object)
    frame.to_pickle(tmp_path / "frame.pkl")
    joblib.dump(frame, tmp_path / "frame.joblib")
    running = hold()
    assert pd.read_pickle(tmp_path / "frame.pkl").equals(frame)
    assert joblib.load(tmp_path / "frame.joblib").equals(frame)
    assert {outcome for _, outcome in running.outcomes()} == {"loaded"}


def models():
    """Every estimator of scikit-learn, and what people put together of them."""
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    import scipy.interpolate
    import scipy.optimize
    import scipy.sparse
    import scipy.stats
    from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.metrics import f1_score, make_scorer
    from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    rows = np.random.default_rng(0).random((40, 3))
    target = rows @ [1, 2, 3]
    wanted = (rows[:, 0] > 0.5).astype(int)
    words = np.where(wanted, "u", "v").astype(object)[:, None]
    columns = ColumnTransformer([("numbers", StandardScaler(), [0, 1]), ("words", OneHotEncoder(), [3])])
    dense = np.eye(4)
    return {
        "columns": make_pipeline(columns, LogisticRegression()).fit(np.hstack([rows.astype(object), words]), wanted),
        "logarithm": FunctionTransformer(np.log1p, inverse_func=np.expm1).fit(rows),
        "clip": FunctionTransformer(np.clip, kw_args={"a_min": 0}).fit(rows),
        "target": TransformedTargetRegressor(LinearRegression(), func=np.log1p, inverse_func=np.expm1).fit(rows, target),
        "grid": GridSearchCV(LogisticRegression(), {"C": [1.0]}, scoring=make_scorer(f1_score, average="macro")).fit(
            rows, wanted
        ),
        "random search": RandomizedSearchCV(LogisticRegression(), {"C": scipy.stats.loguniform(1e-3, 1)}, n_iter=2).fit(
            rows, wanted
        ),
        "boosting": HistGradientBoostingClassifier(max_iter=2).fit(rows, wanted),
        "words": TfidfVectorizer(tokenizer=str.split, token_pattern=None).fit(["a b", "b c"]),
        "sparse": [getattr(scipy.sparse, f"{kind}_{what}")(dense) for kind in SPARSE for what in ("matrix", "array")],
        "distributions": [scipy.stats.norm(0, 1), scipy.stats.gamma(2), scipy.stats.loguniform(1e-3, 1), scipy.stats.norm],
        "interpolation": [
            scipy.interpolate.interp1d([1, 2, 3], [1, 2, 3]),
            scipy.interpolate.interp1d([1, 2, 3, 4], [1, 2, 3, 5], kind="cubic"),
            scipy.interpolate.CubicSpline([1, 2, 3], [1, 2, 3]),
            scipy.interpolate.UnivariateSpline([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]),
            scipy.interpolate.make_interp_spline([1, 2, 3, 4], [1, 2, 3, 4]),
        ],
        "result": scipy.optimize.minimize(lambda x: (x**2).sum(), [1.0]),
    }


SPARSE = ("coo", "dok", "lil", "bsr", "dia", "csr", "csc")
MODELS = [
    "columns", "logarithm", "clip", "target", "grid", "random search", "boosting", "words", "sparse", "distributions",
    "interpolation", "result",
]  # fmt: skip


@pytest.fixture(scope="module")
def fitted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return models()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize("name", MODELS)
def test_model_loads(name, protocol, hold, fitted):
    found = reloaded(fitted[name], protocol, hold)
    assert type(found) is type(fitted[name])


def test_loaded_model_predicts_as_before(hold, fitted):
    rows = np.random.default_rng(1).random((5, 3))
    found = reloaded(fitted["random search"], 5, hold)
    assert (found.predict(rows) == fitted["random search"].predict(rows)).all()


@pytest.mark.filterwarnings("ignore")
def test_every_fitted_estimator_loads(hold):
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    from sklearn.utils import all_estimators

    rows = np.random.default_rng(0).random((30, 3))
    wanted = (rows[:, 0] > 0.5).astype(int)
    held, seen = [], 0
    pickles = {}
    for name, cls in all_estimators():
        for given in ((rows, wanted), (["a bc", "bc de"],), (rows, wanted[:, None])):
            try:
                pickles[name] = pickle.dumps(cls().fit(*given))
                break
            except Exception:  # noqa: BLE001 some need arguments or data of their own, which is not what is tested
                continue
    running = hold()
    for name, data in pickles.items():
        seen += 1
        try:
            pickle.loads(data)
        except ModelLoadBlockedError as error:
            held.append((name, str(error)))
    assert not held
    assert seen > 150
    assert {outcome for _, outcome in running.outcomes()} == {"loaded"}


def test_results_of_statsmodels_load(hold):
    sm = pytest.importorskip("statsmodels.api", reason="needs statsmodels")
    rows = np.random.default_rng(0).random((40, 3))
    found = reloaded(sm.OLS(rows @ [1, 2, 3], rows).fit(), 5, hold)
    assert np.allclose(found.params, [1, 2, 3])
