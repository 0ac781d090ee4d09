"""Classes that no list knows, judged live: what is cleared, and what each load-time method is refused for."""

from __future__ import annotations

import pickle
import struct
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines import installed
from jupyter_modelguard.engines import trace as trace_module
from jupyter_modelguard.engines.inspection import inspect_open, modules_to_import
from jupyter_modelguard.engines.trace import trace_stream
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.types import Judgement, RiskLevel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import ModuleType

LIBRARY = """
import abc
import dataclasses
import enum
import typing
from collections import OrderedDict, namedtuple

class Plain: pass
class Point(namedtuple("Point", "x y")): pass
Pair = namedtuple("Pair", "x y")
Pair.__module__ = __name__
class Typed(typing.NamedTuple):
    x: int
    y: int = 0
class Forged(tuple):
    _fields = ("x", "y")
    def __new__(cls, x, y): return tuple.__new__(cls, [x, y])
class Color(enum.Enum):
    RED = 1
    BOTH = (1, 2)
    def fit(self): pass
class Bits(enum.Flag):
    A = 1
    B = 2
class Whole(enum.IntEnum):
    A = 1
class Asks(enum.Enum):
    RED = 1
    @classmethod
    def _missing_(cls, value): return cls.RED
class AsksFlags(enum.Flag):
    A = 1
    B = 2
    @classmethod
    def _missing_(cls, value): return cls.A
class HashedColor(enum.Enum):
    RED = 1
    def __hash__(self): return 1
@dataclasses.dataclass
class Data:
    a: int = 0
@dataclasses.dataclass(frozen=True)
class Frozen:
    a: int = 0
@dataclasses.dataclass(frozen=True, slots=True)
class FrozenSlots:
    a: int
@dataclasses.dataclass(frozen=True)
class OwnFrozen:
    a: int = 0
    def __setstate__(self, state): pass
class Property:
    __slots__ = ("_a",)
    @property
    def a(self): return self._a
    @a.setter
    def a(self, value): self._a = value
class Default:
    fit = None
class Proto(typing.Protocol): pass
class Slotted: __slots__ = ("a",)
class Abstract(abc.ABC): pass
class Child(Plain): pass
class ListChild(list): pass
class DictChild(dict): pass
class SetChild(set): pass
class StrChild(str): pass
class Ordered(OrderedDict): pass
class Broken(ValueError): pass
class Method:
    def fit(self): pass
class New:
    def __new__(cls): return object.__new__(cls)
class Init:
    def __init__(self): pass
class Setstate:
    def __setstate__(self, state): pass
class Setattr:
    def __setattr__(self, name, value): pass
class Getattr:
    def __getattr__(self, name): raise AttributeError(name)
class Getattribute:
    def __getattribute__(self, name): return object.__getattribute__(self, name)
class Del:
    def __del__(self): pass
class Hash:
    def __hash__(self): return 1
class Eq:
    def __eq__(self, other): return True
    __hash__ = object.__hash__
class Html:
    def _repr_html_(self): return ''
class Mime:
    def _repr_mimebundle_(self, **_): return {}
class Display:
    def _ipython_display_(self): pass
class FakeClass:
    __class__ = property(lambda self: int)
class FakeDict:
    __dict__ = property(lambda self: {})
class Appends(list):
    def append(self, item): pass
class Extends(list):
    def extend(self, items): pass
class Indexes(dict):
    def __setitem__(self, key, value): pass
class Meta(type): pass
class WithMeta(metaclass=Meta): pass
class Outer:
    class Inner: pass
Alias = Plain
Plain2 = Plain
def function(): pass
"""

HEAD = b"\x80\x04"


def text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def glob(name: str, module: str = "inspected_library") -> bytes:
    return text(module) + text(name) + b"\x93"


def mapping(**items: bytes) -> bytes:
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def made(name: str) -> bytes:
    return glob(name) + b")\x81"


@pytest.fixture(params=["watched", "light"], autouse=True)
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "light":
        monkeypatch.setattr(trace_module, "WATCH_ALL", -1)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    (tmp_path / "inspected_library.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(str(tmp_path))
    python, packages = installed._roots()
    monkeypatch.setattr(installed, "_roots", lambda: (python, (*packages, str(tmp_path) + "/")))
    import importlib

    yield importlib.import_module("inspected_library")
    del sys.modules["inspected_library"]


def judged(body: bytes) -> RiskLevel:
    return evaluate(inspect_open(trace_stream(StreamSource(data=HEAD + body + b"."), "pickle")).report).level


CLEARED = {
    "plain": made("Plain"),
    "state": made("Plain") + mapping(a=b"N", b=made("Child")) + b"b",
    "child": made("Child"),
    "abstract": made("Abstract"),
    "method": made("Method") + mapping(a=b"N") + b"b",
    "called": glob("Plain") + b")R",
    "list": made("ListChild") + b"(NNe",
    "dictionary": made("DictChild") + b"NNs",
    "ordered": glob("Ordered") + b")RNNs",
    "set": made("SetChild"),
    "text": glob("StrChild") + text("a") + b"\x85\x81",
    "exception": glob("Broken") + text("a") + b"\x85R",
    "key": b"}" + made("Plain") + b"Ns",
    "init by new": made("Init"),
    "unused": glob("Plain") + b"0N",
    "slot state": made("Slotted") + b"N" + mapping(a=b"N") + b"\x86b",
    "slots beside attributes": made("Plain") + mapping(a=b"N") + mapping(b=b"N") + b"\x86b",
    "object in a slot": made("Slotted") + b"N" + mapping(a=made("Plain")) + b"\x86b",
    "named tuple": glob("Pair") + b"NN\x86\x81",
    "named tuple of objects": glob("Typed") + made("Plain") + b"N\x86\x81",
    "named tuple as a base": glob("Point") + b"NN\x86\x81",
    "named tuple as a key": b"}" + glob("Pair") + b"NN\x86\x81Ns",
    "member": glob("Color") + b"K\x01\x85R",
    "member with a tuple": glob("Color") + b"K\x01K\x02\x86\x85R",
    "member as a key": b"}" + glob("Color") + b"K\x01\x85RNs",
    "member that is a number": glob("Whole") + b"K\x01\x85R",
    "flags": glob("Bits") + b"K\x03\x85R",
    "data class": made("Data") + mapping(a=b"N") + b"b",
    "object in place of a default": made("Data") + mapping(a=made("Plain")) + b"b",
    "frozen data class": made("Frozen") + mapping(a=b"N") + b"b",
    "frozen data class with slots": made("FrozenSlots") + b"]Nab",
    "protocol class": made("Default") + mapping(fit=made("Plain")) + b"b",
    "plain value under a method's name": made("Method") + mapping(fit=b"N") + b"b",
}
REFUSED = {
    "init": glob("Init") + b")R",
    "function": glob("function") + b")R",
    "function by inst": b"(iinspected_library\nfunction\n",
    "nested": glob("Outer.Inner") + b")\x81",
    "alias": made("Alias"),
    "metaclass": made("WithMeta"),
    "setstate": made("Setstate") + mapping(a=b"N") + b"b",
    "hash": b"}" + made("Hash") + b"Ns",
    "equality": b"}" + made("Eq") + b"Ns",
    "key in a tuple": b"}" + made("Eq") + b"\x85Ns",
    "append": made("Appends") + b"Na",
    "extend": made("Extends") + b"(NNe",
    "setitem": made("Indexes") + b"NNs",
    "items of no list": made("Plain") + b"Na",
    "items of no dictionary": made("Plain") + b"NNs",
    "tuple state": made("Plain") + b"(NNNtb",
    "property as a slot": made("Property") + b"N" + mapping(a=b"N") + b"\x86b",
    "slot with a setter of its own": made("Setattr") + b"N" + mapping(a=b"N") + b"\x86b",
    "frozen slot": made("Frozen") + b"N" + mapping(a=b"N") + b"\x86b",
    "protocol name as a slot": made("Plain") + b"N" + mapping(append=made("Plain")) + b"\x86b",
    "dictionary as a slot": made("Plain") + b"N" + mapping(__dict__=b"}") + b"\x86b",
    "slots that are no dictionary": made("Plain") + b"NK\x01\x86b",
    "list state": made("Plain") + b"]Nab",
    "list state of a frozen class": made("Frozen") + b"]Nab",
    "list state of a setstate of its own": made("OwnFrozen") + b"]Nab",
    "new of its own on a tuple": glob("Forged") + b"NN\x86\x81",
    "named tuple of objects as a key": b"}" + glob("Pair") + made("Plain") + b"N\x86\x81Ns",
    "objects given to a class": glob("ListChild") + b"]" + made("Plain") + b"a\x85R",
    "no member": glob("Color") + b"K\x09\x85R",
    "flags that are none": glob("Bits") + b"K\x08\x85R",
    "negative flags": glob("Bits") + b"J\xff\xff\xff\xff\x85R",
    "lookup of its own": glob("Asks") + b"K\x09\x85R",
    "flags with a lookup of their own": glob("AsksFlags") + b"K\x03\x85R",
    "member with a hash of its own": b"}" + glob("HashedColor") + b"K\x01\x85RNs",
    "member that is built": glob("Color") + b"K\x01\x85R" + mapping(fit=b"N") + b"b",
    "member by new": glob("Color") + b"K\x01\x85\x81",
    "enumeration made": glob("Color") + text("Other") + b"](\x8c\x01aK\x01\x86e\x86R",
    "object as a member": glob("Color") + made("Plain") + b"\x85R",
    "list as a member": glob("Color") + b"]\x85R",
    "member under a method's name": made("Method") + mapping(fit=glob("Color") + b"K\x01\x85R") + b"b",
    "class slot": made("Plain") + b"N" + mapping(__class__=glob("Child")) + b"\x86b",
    "missing": made("Missing"),
    "object as argument": glob("Plain") + made("Plain") + b"\x85R",
    "function as value": made("Plain") + mapping(a=glob("function")) + b"b",
    "class as value": made("Plain") + mapping(a=glob("Child")) + b"b",
    "object under a method's name": made("Method") + mapping(fit=made("Plain")) + b"b",
    "object under a protocol's name": made("Plain") + mapping(append=made("Plain")) + b"b",
    "object shown": made("Plain") + mapping(_repr_html_=made("Plain")) + b"b",
    "object shown by IPython": made("Plain") + mapping(_ipython_display_=made("Plain")) + b"b",
    "listed function under a method's name": made("Method") + mapping(fit=glob("log", "numpy")) + b"b",
    "state key that is no text": made("Plain") + b"}(NNub",
    "exception with state": glob("Broken") + b")R" + mapping(a=b"N") + b"b",
    "class built": glob("Plain") + b"Nb0N",
    "object called": made("Plain") + b")R",
}


@pytest.mark.parametrize("case", CLEARED)
def test_plain_class_is_cleared(case: str, library: ModuleType) -> None:
    assert judged(CLEARED[case]) is RiskLevel.DATA_ONLY


@pytest.mark.parametrize("case", REFUSED)
def test_class_that_would_run_asks(case: str, library: ModuleType) -> None:
    assert judged(REFUSED[case]).asks


@pytest.mark.parametrize(
    "name",
    ["New", "Setattr", "Getattr", "Getattribute", "Del", "Html", "Mime", "Display", "FakeClass", "FakeDict"],
)
def test_load_time_method_asks(name: str, library: ModuleType) -> None:
    assert judged(made(name)).asks


def test_dropped_object_is_judged(library: ModuleType) -> None:
    """A state that is given to an object which the stream then throws away counts all the same."""
    body = made("Method") + mapping(fit=made("Plain")) + b"b0N"
    assert judged(body).asks


def test_state_that_changes_behind_build_is_judged(library: ModuleType) -> None:
    """The dictionary is harmless again when all is read, but it was not when it became the object's attributes."""
    state = mapping(fit=made("Plain")) + b"q\x05"
    assert judged(made("Method") + state + b"b0" + b"h\x05" + text("fit") + b"Ns").asks


def test_file_outside_the_packages_asks(library: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "_roots", lambda: ((), ("/nowhere/",)))
    assert judged(CLEARED["plain"]).asks


def test_module_with_its_own_getattr_is_not_asked(library: ModuleType) -> None:
    asked = []
    library.__getattr__ = asked.append  # type: ignore[method-assign]
    assert judged(made("Missing")).asks
    assert not asked


def test_notebook_class_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    cls = type("Notebook", (), {"__module__": "__main__", "__qualname__": "Notebook"})
    monkeypatch.setattr(sys.modules["__main__"], "Notebook", cls, raising=False)
    assert judged(glob("Notebook", "__main__") + b")\x81") is RiskLevel.NOTE


def test_origin_is_told_in_words(library: ModuleType) -> None:
    data = HEAD + made("Plain") + b"0" + glob("nothing", "not_a_module_at_all") + b"."
    found = inspect_open(trace_stream(StreamSource(data=data), "pickle")).report
    assert [use.origin for use in found.globals] == ["inspected_library, installed here", "not found here"]


def test_unlisted_library_is_never_imported(library: ModuleType) -> None:
    data = HEAD + glob("Thing", "pip._internal.main") + b"."
    assert modules_to_import(trace_stream(StreamSource(data=data), "pickle")) == ()


def test_planted_library_is_never_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "sklearn"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "planted_here.py").write_text("class Thing: pass\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    data = HEAD + glob("Thing", "sklearn.planted_here") + b"."
    assert modules_to_import(trace_stream(StreamSource(data=data), "pickle")) == ()


def test_item_that_reads_as_a_method_asks() -> None:
    pytest.importorskip("scipy.optimize", reason="needs scipy")
    result = glob("OptimizeResult", "scipy.optimize._optimize") + b")\x81"
    plain = glob("BaseEstimator", "sklearn.base") + b")\x81"
    pytest.importorskip("sklearn.base", reason="needs scikit-learn")
    assert not judged(result + text("x") + plain + b"s").asks
    assert judged(result + text("__setstate__") + plain + b"s").asks
    assert judged(result + text("_repr_html_") + plain + b"s").asks


def test_formula_in_the_state_of_a_model_asks() -> None:
    """statsmodels evaluates the formula that such a state holds, as Python code, while it is loaded."""
    pytest.importorskip("statsmodels.base.data", reason="needs statsmodels")
    data = glob("ModelData", "statsmodels.base.data") + b")\x81"
    assert not judged(data + mapping(endog=b"N") + b"b").asks
    for key in ("restore_design_info", "restore_model_spec"):
        assert judged(data + mapping(**{key: b"\x88"}, formula=text("y ~ exit()")) + b"b").asks


def test_array_of_objects_where_numbers_are_computed_asks() -> None:
    """Its members would be asked for a number, by Python code of their own."""
    np = pytest.importorskip("numpy")
    pytest.importorskip("sklearn.isotonic", reason="needs scikit-learn")
    isotonic = glob("IsotonicRegression", "sklearn.isotonic") + b")\x81"

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
            found = inspect_open(trace_stream(StreamSource(data=data), "pickle")).report
            if evaluate(found).level is not RiskLevel.DATA_ONLY:
                asked[name] = [use for use in found.globals if use.judgement is Judgement.UNKNOWN]
        joblib.dump(estimator, tmp_path / "model.joblib")
        found = inspect_open(trace_stream(StreamSource(path=str(tmp_path / "model.joblib")), "joblib")).report
        if evaluate(found).level is not RiskLevel.DATA_ONLY:
            asked[f"{name}, joblib"] = [use for use in found.globals if use.judgement is Judgement.UNKNOWN]
    assert asked == {}


def test_function_that_does_nothing_may_stand_in_for_a_method(library: ModuleType) -> None:
    idle = glob("call_on_class_only", "gensim.utils")
    assert not judged(made("Method") + mapping(fit=idle) + b"b").asks
    assert judged(made("Method") + mapping(fit=glob("identity", "gensim.utils")) + b"b").asks


def test_one_idle_function_vouches_for_no_other(library: ModuleType) -> None:
    idle, other = glob("call_on_class_only", "gensim.utils"), glob("identity", "gensim.utils")
    both = made("Method") + mapping(fit=idle) + b"b" + made("Method") + mapping(fit=other) + b"b\x86"
    assert judged(both).asks
