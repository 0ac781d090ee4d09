"""Honest objects of the libraries that are here, as tokens to compose and change."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import fractions
import importlib
import io
import pathlib
import pickle
import uuid
import warnings
from array import array
from typing import TYPE_CHECKING, Any

import search_opcodes
import search_table_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["raw_arrays", "samples"]

_LONGEST = 400  # tokens; longer ones take longer than they teach


def samples(libraries: frozenset[str]) -> list[list[bytes]]:
    """Pickle the honest objects of some libraries, with and without a memo, for old and new protocols."""
    found = []
    for library, makers in _MAKERS.items():
        if library not in libraries:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                values = list(makers())
            except (ImportError, AttributeError):
                continue
            for value in values:
                found += list(_spellings(value, persistent=library == "torch"))
    return found


def _spellings(value: Any, *, persistent: bool) -> Iterator[list[bytes]]:
    for protocol, plain in ((2, True), (4, True), (4, False), (1, True)):
        file = io.BytesIO()
        pickler = _Storages(file, protocol) if persistent else pickle.Pickler(file, protocol)
        pickler.fast = plain
        try:
            pickler.dump(value)
            tokens = search_opcodes.split(file.getvalue())
        except Exception:  # noqa: BLE001 some objects refuse some protocols, and reach themselves without a memo
            continue
        if len(tokens) <= _LONGEST:
            yield tokens


def raw_arrays() -> list[list[bytes]]:
    """Make objects as joblib writes them: what describes an array, and the array itself behind its BUILD."""
    try:
        np: Any = importlib.import_module("numpy")
        wrapper = importlib.import_module("joblib.numpy_pickle").NumpyArrayWrapper
    except ImportError:
        return []
    found = []
    for content in (
        np.zeros(2),
        np.ones((2, 2), "f4", order="F"),
        np.array(["a", "bc"]),
        np.zeros(1, "M8[s]"),
        np.zeros(0),
        np.array([None, {}]),
    ):
        order = "F" if content.flags.fnc else "C"
        made = wrapper(np.ndarray, content.shape, order, content.dtype)
        made.numpy_array_alignment_bytes = None
        raw = pickle.dumps(content, 2) if content.dtype.hasobject else content.tobytes("A")
        tokens = search_opcodes.split(pickle.dumps(made, 2))
        found.append([*tokens[:-1], tokens[-1] + raw])
    return found


class _Storages(pickle.Pickler):
    """Writes storages of tensors as torch's legacy format does."""

    def persistent_id(self, obj: Any) -> Any:
        import torch

        if isinstance(obj, torch.storage.TypedStorage):
            return "storage", getattr(torch, obj.pickle_storage_type()), "0", "cpu", obj.size(), None
        return None


def _python() -> Iterator[Any]:
    yield {"weights": [1, 2.5, None, True, "a"], 1: (1, 2, 3, 4), b"b": bytearray(b"xyz")}
    yield [set("ab"), frozenset("ab"), 1 << 70, -1, complex(1, 2), ..., NotImplemented, range(3), slice(1, None)]
    yield collections.OrderedDict(a=1, b=[2])
    yield collections.defaultdict(list, a=[1])
    yield collections.defaultdict(None, a=1)
    yield collections.Counter("aab")
    yield collections.deque([1, 2], 3)
    yield dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    yield {
        dt.datetime(2020, 1, 1): dt.date(2020, 1, 1),
        dt.time(1, tzinfo=dt.timezone(dt.timedelta(hours=1), "x")): dt.timedelta(1),
    }
    yield {
        decimal.Decimal("1.5"): fractions.Fraction(1, 3),
        uuid.UUID(int=5): pathlib.Path("a/b"),
        pathlib.PureWindowsPath("c"): 1,
    }
    yield array("d", [1.0, 2.0])
    yield ValueError("wrong", 1)
    yield type("Holder", (), {"__reduce__": lambda _: (collections.OrderedDict, (), {"a": 1})})()


def _numpy() -> Iterator[Any]:
    np: Any = importlib.import_module("numpy")
    for kind in ("f8", ">i4", "?", "U3", "S5", "c16", "M8[ns]", "m8[3D]", "V4", "f2", "O"):
        yield np.zeros(2, kind)
    yield np.dtype([("a", "f8"), ("b", "U2", (2,))])
    yield np.zeros(2, [("a", "f8"), ("b", "M8[s]")])
    yield np.dtype({"names": ["a", "b"], "formats": ["i1", "O"], "offsets": [0, 8], "itemsize": 24})
    yield {np.float64(1): np.int32(3), np.str_("x"): np.datetime64("2020", "s"), np.bool_(True): np.dtype("f4")}
    yield np.array([None, {"a": 1}, [2]], dtype=object)
    yield np.asfortranarray(np.ones((2, 2)))
    yield np.ma.array([1.0, 2.0], mask=[True, False])
    yield np.random.default_rng(1)
    yield np.random.RandomState(1)
    yield np.random.SeedSequence(1)
    yield [np.random.PCG64(1), np.random.MT19937(1), np.random.Philox(1), np.random.SFC64(1)]
    yield np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])
    yield np.matrix([[1]])
    yield np.poly1d([1, 2])


def _pandas() -> Iterator[Any]:
    pd: Any = importlib.import_module("pandas")
    yield pd.DataFrame({"a": [1, 2], "b": [1.5, None]})
    yield pd.Series([1, 2], index=["x", "y"], name="s")
    yield pd.Timestamp("2020-01-01")
    yield pd.Timedelta("1D")
    yield pd.date_range("2020", periods=2)
    yield pd.Categorical(["a", "b"])
    yield pd.Index([1, 2])
    yield pd.Series([1, None], dtype="Int64")
    yield pd.Series(["a", None], dtype="string")
    yield pd.interval_range(0, 2)
    yield pd.period_range("2020", periods=2, freq="M")


def _scipy() -> Iterator[Any]:
    sparse: Any = importlib.import_module("scipy.sparse")
    yield sparse.csr_matrix([[0, 1], [1, 0]])
    yield sparse.coo_array([[0, 1], [1, 0]])
    yield importlib.import_module("scipy.stats").norm(0, 1)
    yield importlib.import_module("scipy.interpolate").interp1d([0, 1], [1, 2])
    yield importlib.import_module("scipy.spatial").cKDTree([[0.0, 1.0], [1.0, 0.0]])
    yield from search_table_samples.splines()


def _sklearn() -> Iterator[Any]:
    points, labels = [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [3.0, 1.0]], [0, 1, 0, 1]
    for module, name, options in (
        ("linear_model", "LogisticRegression", {}),
        ("linear_model", "SGDClassifier", {}),
        ("tree", "DecisionTreeClassifier", {}),
        ("ensemble", "RandomForestClassifier", {"n_estimators": 1}),
        ("ensemble", "GradientBoostingClassifier", {"n_estimators": 1}),
        ("ensemble", "HistGradientBoostingClassifier", {"max_iter": 1}),
        ("neighbors", "KNeighborsClassifier", {"n_neighbors": 1, "algorithm": "kd_tree"}),
        ("neighbors", "KNeighborsClassifier", {"n_neighbors": 1, "algorithm": "ball_tree"}),
        ("svm", "SVC", {}),
        ("preprocessing", "StandardScaler", {}),
        ("preprocessing", "OneHotEncoder", {}),
        ("cluster", "KMeans", {"n_clusters": 2, "n_init": 1}),
        ("gaussian_process", "GaussianProcessClassifier", {}),
        ("isotonic", "IsotonicRegression", {}),
    ):
        model = getattr(importlib.import_module(f"sklearn.{module}"), name)(**options)
        yield model.fit([point[:1] for point in points] if name.startswith("Iso") else points, labels)
    yield from search_table_samples.losses()


def _torch() -> Iterator[Any]:
    torch: Any = importlib.import_module("torch")
    yield torch.nn.Linear(2, 1).state_dict()
    yield torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU(), torch.nn.BatchNorm1d(2))
    yield torch.nn.Parameter(torch.zeros(2))
    yield {"dtype": torch.float32, "size": torch.Size([1, 2]), "device": torch.device("cpu"), "layout": torch.strided}
    yield torch.quantize_per_tensor(torch.zeros(2), 0.1, 0, torch.qint8)
    yield torch.zeros(2).to_sparse()
    yield torch.nn.MultiheadAttention(2, 1)
    yield from _training(torch)


def _training(torch: Any) -> Iterator[Any]:
    for kind in vars(torch.optim).values():  # the first object of each class wraps the step of that class
        if isinstance(kind, type) and kind is not torch.optim.Optimizer:
            kind([torch.zeros(1, 1)], lr=0.1)
    for name in ("SGD", "Adam", "ASGD", "Adagrad"):
        weight = torch.nn.Parameter(torch.zeros(1))
        steps = getattr(torch.optim, name)([weight], lr=0.1)
        weight.sum().backward()
        steps.step()
        yield steps
    yield torch.optim.lr_scheduler.StepLR(steps, 2)
    yield torch.optim.lr_scheduler.CyclicLR(torch.optim.SGD([weight], lr=0.1, momentum=0.9), 0.01, 0.1)
    yield torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.zeros(2)), generator=torch.Generator(), shuffle=True)


def _pillow() -> Iterator[Any]:
    images: Any = importlib.import_module("PIL.Image")
    images.init()  # what shows a picture imports the writers of all formats
    for mode in ("1", "L", "P", "RGB", "F"):
        yield images.new(mode, (3, 2))


def _transformers() -> Iterator[Any]:
    torch: Any = importlib.import_module("torch")
    repr(torch.zeros(1))  # what shows tensors is imported when one is shown
    outputs: Any = importlib.import_module("transformers.modeling_outputs")
    yield outputs.BaseModelOutput(torch.zeros(1), (torch.zeros(1), torch.zeros(1)))
    yield outputs.CausalLMOutput(logits=torch.zeros(1))


def _mmengine() -> Iterator[Any]:
    logging: Any = importlib.import_module("mmengine.logging")
    yield logging.HistoryBuffer([0.5], [1])


_MAKERS: dict[str, Callable[[], Iterator[Any]]] = {
    "python": _python,
    "numpy": _numpy,
    "pandas": _pandas,
    "scipy": _scipy,
    "sklearn": _sklearn,
    "torch": _torch,
    "PIL": _pillow,
    "transformers": _transformers,
    "mmengine": _mmengine,
    **search_table_samples.TABLE_MAKERS,
}
