"""Weights out of plain pickles and files of joblib: the very numbers that a load gives, whether the classes are installed or not."""

import bz2
import collections
import gzip
import io
import os
import pickle
import resource
import signal
import struct
import sys
import types

import pytest

from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.convert import convert, take_weights
from jupyter_modelguard.engines.weights import plan_weights
from jupyter_modelguard.engines.weights_file import write_weights
from jupyter_modelguard.engines.worker import Worker
from jupyter_modelguard.errors import ScanError

np = pytest.importorskip("numpy", reason="numpy is not installed")
load_file = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed").load_file

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")]
PROTOCOLS = pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))


class Layer:
    """Of a library that may not be installed."""

    def __init__(self, seed):
        self.kernel = np.random.default_rng(seed).normal(size=(3, 4))
        self.bias = np.arange(4, dtype="f4")
        self.name = "dense"


class Slotted:
    __slots__ = ("weight",)

    def __init__(self):
        self.weight = np.ones(3, "i8")


class Stack(list):
    pass


class Table(dict):
    pass


def taken(path):
    """Without the worker, which the tests of the command line go through."""
    out, spool = path.with_name("out.safetensors"), path.with_name("numbers")
    for old in (out, spool):
        old.unlink(missing_ok=True)
    plan = plan_weights(StreamSource(str(path)), str(spool))
    write_weights(plan, str(path), out, str(spool) if spool.exists() else os.devnull)
    return load_file(out), plan


def same(one, other):
    assert set(one) == set(other)
    for name, value in other.items():
        array = np.asarray(value)
        assert one[name].dtype == array.dtype.newbyteorder("="), name
        assert one[name].shape == array.shape, name
        assert one[name].tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes(), name


def written(path, value, protocol=4):
    path.write_bytes(pickle.dumps(value, protocol))
    return path


@PROTOCOLS
def test_arrays_of_every_kind_and_protocol(protocol, tmp_path):
    grid = np.arange(12.0).reshape(3, 4)
    arrays = {code: np.ones(3, code) for code in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")}
    arrays |= {
        "turned": grid.T,
        "part": grid[1:, 1:3],
        "fortran": np.asfortranarray(grid),
        "none": np.empty((0, 3)),
        "one": np.array(3.0),
    }
    arrays |= {"big": np.arange(5, dtype=">i4"), "high": np.arange(200, 256).astype("u1")}
    same(taken(written(tmp_path / "arrays.pkl", arrays, protocol))[0], arrays)


@PROTOCOLS
def test_names_are_attributes_keys_and_places(protocol, tmp_path, monkeypatch):
    """A StyleGAN-like nest, of classes that are gone when the weights are taken."""
    module = types.ModuleType("acme_layers")
    for cls in (Layer, Slotted, Stack, Table):
        monkeypatch.setattr(cls, "__module__", "acme_layers")
        setattr(module, cls.__name__, cls)
    stack, table = Stack([Layer(2)]), Table(w=np.ones(2))
    stack.extra = np.zeros(2)
    value = {
        "G": Layer(1),
        "D": {"blocks": [Layer(3), None]},
        "stack": stack,
        "table": table,
        7: np.ones(1),
        ("a", 1): np.ones(2),
    }
    value["deque"] = collections.deque([np.ones(4)])
    if protocol > 1:
        value["slots"] = Slotted()
    path = tmp_path / "gan.pkl"
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "acme_layers", module)
        written(path, value, protocol)
    with pytest.raises(ModuleNotFoundError):
        pickle.loads(path.read_bytes())
    expected = {
        "G.kernel": value["G"].kernel,
        "G.bias": value["G"].bias,
        "D.blocks.0.kernel": value["D"]["blocks"][0].kernel,
        "D.blocks.0.bias": value["D"]["blocks"][0].bias,
        "stack.0.kernel": stack[0].kernel,
        "stack.0.bias": stack[0].bias,
        "stack.extra": stack.extra,
        "table.w": table["w"],
        "7": np.ones(1),
        "('a', 1)": np.ones(2),
    }
    if protocol > 1:
        expected["slots.weight"] = value["slots"].weight
    found = taken(path)[0]
    assert np.array_equal(found.pop(next(name for name in found if name.startswith("deque"))), np.ones(4))
    same(found, expected)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress], ids=["gzip", "bz2"])
def test_compressed_pickle(pack, tmp_path):
    """As Detectron2's model zoo has it: names to arrays, below one key."""
    arrays = {"backbone.stem.conv1.weight": np.arange(30.0).reshape(2, 3, 5), "pixel_mean": np.ones(3, "f4")}
    path = tmp_path / "model.pkl.packed"
    path.write_bytes(pack(pickle.dumps({"model": arrays, "__author__": "somebody"})))
    found, plan = taken(path)
    same(found, {f"model.{name}": array for name, array in arrays.items()})
    assert plan.others == 1


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3)], ids=str)
def test_joblib(compress, tmp_path):
    joblib = pytest.importorskip("joblib", reason="joblib is not installed")
    layer = Layer(1)
    objects = np.array([np.ones(2), None, "x"], dtype=object)
    value = {
        "layer": layer,
        "objects": objects,
        "words": np.array(["a", "bc"]),
        "big": np.zeros((300, 300), order="F"),
        "after": np.ones(1),
    }
    path = tmp_path / "model.joblib"
    joblib.dump(value, path, compress=compress)
    found, plan = taken(path)
    expected = {
        "layer.kernel": layer.kernel,
        "layer.bias": layer.bias,
        "objects.0": objects[0],
        "big": value["big"],
        "after": np.ones(1),
    }
    same(found, expected)
    assert plan.left_out[0].startswith("words: ")


def test_estimator_of_scikit_learn(tmp_path):
    linear = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    fitted = linear.LogisticRegression().fit(np.arange(20.0).reshape(10, 2), [0, 1] * 5)
    found = taken(written(tmp_path / "fitted.pkl", fitted))[0]
    for name in ("coef_", "intercept_", "classes_"):
        assert np.array_equal(found[name], getattr(fitted, name)), name


class Touch:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.system, (f"touch '{self.canary}'",)


def test_armed_pickle_runs_nothing(tmp_path):
    canary = tmp_path / "canary"
    path = written(tmp_path / "armed.pkl", {"weight": np.ones(2), "extra": Touch(canary)})
    pickle.loads(path.read_bytes())
    assert canary.exists(), "the file is not armed"
    canary.unlink()
    same(taken(path)[0], {"weight": np.ones(2)})
    assert not canary.exists()


def stream(*parts):
    return b"\x80\x04" + b"".join(parts) + b"."


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value


def glob(module, name):
    return b"c" + module + b"\n" + name + b"\n"


DTYPE = glob(b"numpy", b"dtype") + text(b"f8") + b"\x89\x88\x87R"
FLAGS = b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00"
PLAIN = DTYPE + b"(K\x03" + text(b"<") + FLAGS + b"tb"
ARRAY = glob(b"numpy._core.multiarray", b"_reconstruct") + glob(b"numpy", b"ndarray") + b"K\x00\x85C\x01b\x87R"
TWO = b"K\x02\x85"


def state(shape=TWO, kind=PLAIN, size=16):
    """What BUILD gives an array: version, shape, type, order, numbers."""
    return b"(K\x01" + shape + kind + b"\x89C" + bytes([size]) + bytes(size) + b"tb"


def test_forged_arrays_start_from_one_that_is_right(tmp_path):
    path = tmp_path / "right.pkl"
    path.write_bytes(stream(ARRAY, state()))
    assert pickle.loads(path.read_bytes()).shape == (2,)
    same(taken(path)[0], {"tensor": np.zeros(2)})


FORGED = {
    "more elements than bytes": stream(ARRAY, state(b"K\x09\x85")),
    "a negative length": stream(ARRAY, state(b"J\xff\xff\xff\xff\x85", size=8)),
    "two negative lengths": stream(ARRAY, state(b"J\xfe\xff\xff\xffJ\xff\xff\xff\xff\x86")),
    "a length that is true": stream(ARRAY, state(b"\x88\x85", size=8)),
    "a huge length": stream(ARRAY, state(b"\x8a\x09" + b"\xff" * 8 + b"\x00\x85")),
    "a type of another size": stream(ARRAY, state(kind=DTYPE + b"(K\x03" + text(b"<") + b"NNNK\x10K\x01K\x00tb", size=32)),
    "a type with fields": stream(ARRAY, state(kind=DTYPE + b"(K\x03" + text(b"<") + b"N(l}K\x08K\x08K\x00tb")),
    "a type that is changed twice": stream(ARRAY, state(kind=PLAIN + b"(K\x03" + text(b"<") + FLAGS + b"tb")),
    "a type of objects": stream(ARRAY, state(kind=glob(b"numpy", b"dtype") + text(b"O8") + b"\x89\x88\x87R")),
    "a type of another module": stream(ARRAY, state(kind=PLAIN.replace(b"cnumpy\n", b"cacme\n"))),
    "an array that is changed twice": stream(ARRAY, state(), state()),
    "an array that is written to": stream(ARRAY, state(), b"K\x00K\x01s"),
    "another function of that name": stream(ARRAY.replace(b"numpy._core.multiarray", b"acme"), state()),
    "a subclass with a mask": stream(ARRAY.replace(b"numpy\nndarray", b"numpy.ma\nMaskedArray"), state()),
    "a persistent id": stream(b"]", text(b"elsewhere"), b"Qa"),
    "a raw array that is cut off": stream(
        *(b"]", glob(b"joblib.numpy_pickle", b"NumpyArrayWrapper"), b")\x81}(", text(b"shape"), b"M\xff\xff\x85"),
        *(text(b"order"), text(b"C"), text(b"dtype"), DTYPE, b"ub", bytes(80), b"a"),
    ),
}


@pytest.mark.parametrize("data", FORGED.values(), ids=FORGED)
def test_forged_array_is_refused(data, tmp_path):
    path = tmp_path / "forged.pkl"
    path.write_bytes(data)
    with pytest.raises(ScanError):
        plan_weights(StreamSource(str(path)))


@pytest.fixture(scope="module")
def impatient():
    made = Worker(seconds=1.5)
    yield made
    made.close()


BOMBS = {
    "a hash without end": stream(b"K\x01\x94", *(b"0h%ch%c\x86\x94" % (place, place) for place in range(40)), b"0}h\x28Ns"),
    "a hash that is too deep": stream(b"}", b")", b"\x85" * 150_000, b"Ns"),
    "an endless text": stream(b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f"),
    "parameters in parameters": stream(
        b"N", b"q\x01\x8c\x0ctorch._utils\x8c\x12_rebuild_parameter\x93q\x02" + b"0h\x01", *[b"q\x01h\x02h\x01\x85R"] * 20_000
    ),
}


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS)
def test_bomb_ends_in_words_and_the_next_file_works(data, impatient, tmp_path):
    path = tmp_path / "bomb.pkl"
    path.write_bytes(data)
    with pytest.raises(ScanError, match=r"^The weights of bomb\.pkl cannot be taken out: .+\. Ask whoever made the file"):
        convert(path, worker=impatient)
    assert [one.name for one in tmp_path.iterdir()] == ["bomb.pkl"]
    same(load_file(convert(written(tmp_path / "next.pkl", {"w": np.ones(2)}), worker=impatient).path), {"w": np.ones(2)})


def test_words_of_a_stranger_take_one_line(tmp_path):
    odd = stream(b"}(", text(b"good"), ARRAY, state(), text(b"a\nb"), ARRAY, b"(K\x01N", b"N\x89Ntb", b"u")
    path = tmp_path / "odd.pkl"
    path.write_bytes(odd)
    (said,) = taken(path)[1].left_out
    assert said.startswith("'a\\nb': a kind of tensor")


def test_one_array_under_many_names_ends(tmp_path):
    value = [np.zeros(1000)]
    for _ in range(12):
        value = [value, value]
    with pytest.raises(ScanError, match="much larger than the file"):
        plan_weights(StreamSource(str(written(tmp_path / "many.pkl", value))))


def test_what_grows_when_unpacked_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("jupyter_modelguard.engines.scanner.Scanner.__init__.__defaults__", (None, 10, 1 << 20))
    path = tmp_path / "bomb.pkl.gz"
    path.write_bytes(gzip.compress(pickle.dumps({"w": np.zeros(1 << 18)})))
    with pytest.raises(ScanError, match="more than a scan may unpack"):
        plan_weights(StreamSource(str(path)))


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "x" * 900], ids=["dots", "slash", "long"])
def test_names_are_only_names(name, tmp_path):
    path = written(tmp_path / "named.pkl", {name: np.ones(1)})
    same(taken(path)[0], {name: np.ones(1)})
    assert sorted(one.name for one in tmp_path.iterdir()) == ["named.pkl", "numbers", "out.safetensors"]


@pytest.mark.parametrize("name", ["a\nb", "a\0b", "__metadata__", "\ud800", "x" * 2000, "\x1b[2J"], ids=ascii)
def test_names_that_cannot_be_written_are_refused(name, tmp_path):
    with pytest.raises(ScanError, match="a name that cannot be written"):
        plan_weights(StreamSource(str(written(tmp_path / "named.pkl", {name: np.ones(1)}))))


def test_two_tensors_of_one_name_are_refused(tmp_path):
    with pytest.raises(ScanError, match=r"two of its tensors would be called a\.b"):
        plan_weights(StreamSource(str(written(tmp_path / "named.pkl", {"a": {"b": np.ones(1)}, "a.b": np.ones(1)}))))


def test_places_that_cannot_be_written_to(tmp_path):
    path = written(tmp_path / "model.pkl", {"w": np.ones(2)})
    link, there = tmp_path / "link.safetensors", tmp_path / "elsewhere"
    link.symlink_to(there)
    with pytest.raises(ScanError, match="exists already; give another name"):
        convert(path, link)
    assert not there.exists()
    with pytest.raises(ScanError, match="cannot be written: No such file or directory"):
        convert(path, tmp_path / "no folder" / "out.safetensors")
    with pytest.raises(ScanError, match=r"cannot be written: .*Give another place"):
        convert(path, "/proc/out.safetensors")
    same(load_file(convert(path).path), {"w": np.ones(2)})
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link.safetensors", "model.pkl", "model.safetensors"]


def test_full_disk_leaves_nothing_behind(tmp_path):
    path = written(tmp_path / "model.pkl", {"w": np.ones(1 << 16)})
    plan = plan_weights(StreamSource(str(path)), str(tmp_path / "numbers"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 12, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_weights(plan, str(path), tmp_path / "out.safetensors", str(tmp_path / "numbers"))
        with pytest.raises(ScanError, match="no room to keep its numbers: File too large"):
            plan_weights(StreamSource(str(path)), str(tmp_path / "other"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert not (tmp_path / "out.safetensors").exists()


@pytest.mark.torch
@PROTOCOLS
def test_tensors_in_a_plain_pickle(protocol, tmp_path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    grid = torch.arange(12.0).reshape(3, 4)
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    value = {"grid": grid, "turned": grid.t(), "part": grid[1:, 1:3], "half": torch.ones(2, dtype=torch.float16), "net": module}
    path = written(tmp_path / "tensors.pkl", value, protocol)
    found = take_weights(path)
    expected = {name: tensor for name, tensor in value.items() if name != "net"}
    expected |= {f"net.{name}": tensor for name, tensor in module.state_dict().items()}
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor), name


@pytest.mark.torch
def test_storage_that_is_named_often_is_not_written_often(tmp_path):
    """A large storage behind many tensors of one element each would fill the disk before they are counted."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    (data,) = torch.ones(4096).storage().__reduce__()[1]
    tensor = glob(b"torch._utils", b"_rebuild_tensor_v2") + b"(" + glob(b"torch.storage", b"_load_from_bytes") + b"h\x05\x85R"
    tensor += b"K\x00K\x01\x85K\x01\x85\x89" + glob(b"collections", b"OrderedDict") + b")RtR"
    path = tmp_path / "often.pkl"
    path.write_bytes(stream(b"](B", struct.pack("<I", len(data)), data, b"q\x05", tensor * 40, b"e"))
    assert len(pickle.loads(path.read_bytes())) == 41
    with pytest.raises(ScanError, match="much larger than the file"):
        plan_weights(StreamSource(str(path)))


class Called:
    """Pickles as a call with arguments, and a state besides."""

    def __init__(self, *arguments):
        self.arguments = arguments

    def __reduce__(self):
        return Called, self.arguments, {"bias": np.ones(1)}


def test_arguments_count_too(tmp_path):
    found = taken(written(tmp_path / "called.pkl", Called(np.zeros(2), [np.zeros(3)], 7)))[0]
    same(found, {"args.0": np.zeros(2), "args.1.0": np.zeros(3), "bias": np.ones(1)})


@pytest.mark.torch
def test_armed_storage_in_a_plain_pickle_runs_nothing(tmp_path):
    """`_load_from_bytes` would hand these bytes to torch.load."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    canary = tmp_path / "canary"
    inner = io.BytesIO()
    torch.save(Touch(canary), inner, _use_new_zipfile_serialization=False)

    class Nested:
        def __reduce__(self):
            return torch.storage._load_from_bytes, (inner.getvalue(),)

    path = written(tmp_path / "nested.pkl", {"weight": torch.ones(2), "extra": Nested()})
    pickle.loads(path.read_bytes())
    assert canary.exists(), "the file is not armed"
    canary.unlink()
    assert list(take_weights(path)) == ["weight"]
    assert not canary.exists()


@pytest.mark.torch
@pytest.mark.parametrize(
    ("old", "new"),
    [(b"K\x00K\x05\x85K\x01\x85", b"K\x00K\x09\x85K\x01\x85"), (b"K\x00K\x05\x85K\x01\x85", b"K\x03K\x05\x85K\x01\x85"),
     (b"K\x00K\x05\x85K\x01\x85", b"K\x00K\x05\x85K\x07\x85"), (b"cpuq\x03K\x05", b"cpuq\x03K\x09")],
    ids=["longer", "further", "wider", "more than there is"],
)  # fmt: skip
def test_forged_storage_is_refused(old, new, tmp_path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    import pickletools

    data = pickletools.optimize(pickle.dumps(torch.ones(5), 3))
    assert old in data
    path = tmp_path / "forged.pkl"
    path.write_bytes(data.replace(old, new, 1))
    with pytest.raises(ScanError):
        plan_weights(StreamSource(str(path)))
