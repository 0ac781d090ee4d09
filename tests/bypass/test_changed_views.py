"""Bytes that are looked at, made something of, changed, read by native code, and changed back before anybody looks again."""

import pickle
import struct
import subprocess
import sys

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from opcodes import content, glob, many, number, text  # isort: skip

pytestmark = pytest.mark.filterwarnings("ignore")

PLACES = struct.pack("<4i", 0, 2, 4, 6)
FAR = struct.pack("<4i", 0, 0x3FFFFFFF, 0x7EFFFFFF, 0x7FFFFFFF)
OBJECTS = (
    glob("numpy", "dtype") + many(text("O8"), b"\x89", b"\x88") + b"R"
    + many(number(3), text("|"), b"N", b"N", b"N", number(-1), number(-1), number(63)) + b"b"
)  # fmt: skip


def written(new):
    return b"(" + b"".join(number(place) + number(byte) for place, byte in enumerate(new)) + b"u"


def view(places):
    buffers = b"](N" + places + glob("pyarrow.lib", "py_buffer") + content(b"abcdef") + b"\x85R" + b"e"
    kind = glob("pyarrow.lib", "type_for_alias") + text("string") + b"\x85R"
    array = glob("pyarrow.lib", "_restore_array")
    array += many(many(kind, number(3), number(0), number(0), buffers, b"]", b"N")) + b"R"
    made = glob("pandas.core.arrays.string_arrow", "ArrowStringArray") + b")\x81}("
    made += text("_pa_array") + glob("pyarrow.lib", "chunked_array") + b"]" + array + b"a\x85R"
    return made + text("_dtype") + glob("pandas", "StringDtype") + many(text("pyarrow")) + b"Rub"


def index_of(texts):
    parts = b"}(" + text("data") + texts + text("dtype") + OBJECTS + b"u"
    return glob("pandas.core.indexes.base", "_new_Index") + many(glob("pandas", "Index"), parts) + b"R"


def texts_elsewhere(changed):
    """Write texts of Arrow whose places are far outside while pandas makes Python texts of them."""
    shared = b"\x80\x05\x96" + struct.pack("<Q", len(PLACES)) + PLACES + b"q\x000"
    texts = view(glob("pyarrow.lib", "py_buffer") + b"h\x00\x85R") + b"q\x010"
    change, back = (b"h\x00" + written(new) + b"0" for new in (FAR, PLACES))
    return shared + texts + (change if changed else b"") + index_of(b"h\x01") + b"q\x020" + (back if changed else b"") + b"h\x02."


def load_elsewhere(data, tmp_path):
    path = tmp_path / "texts"
    path.write_bytes(data)
    source = "import pickle, sys, warnings; warnings.simplefilter('ignore'); pickle.load(open(sys.argv[1], 'rb'))"
    return subprocess.run([sys.executable, "-c", source, path], stderr=subprocess.DEVNULL, check=False).returncode


def test_places_that_are_changed_and_changed_back_are_held(hold, tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    pytest.importorskip("pandas", reason="pandas is not installed")
    assert load_elsewhere(texts_elsewhere(changed=False), tmp_path) == 0
    assert load_elsewhere(texts_elsewhere(changed=True), tmp_path) < 0, "the attack does not work"
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(texts_elsewhere(changed=True))


@pytest.mark.parametrize("name", ["texts", "sparse", "tree"])
def test_views_that_a_pickler_writes_load(hold, name):
    numpy = pytest.importorskip("numpy", reason="numpy is not installed")
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    made = {
        "texts": lambda: pandas.DataFrame({"a": ["x", "y"], "b": [1, 2]}),
        "sparse": lambda: pandas.arrays.SparseArray([0, 0, 1.0]),
        "tree": lambda: pytest.importorskip("scipy.spatial", reason="scipy is not installed").cKDTree(numpy.ones((9, 2))),
    }[name]()
    data = pickle.dumps(made, 5)
    assert b"\x96" in data
    hold()
    assert type(pickle.loads(data)) is type(made)
