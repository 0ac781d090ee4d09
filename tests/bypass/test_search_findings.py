"""What the search found: streams that were called harmless, or given up, and were neither."""

import importlib
import io
import pickle
import struct
import subprocess
import sys

import pytest

from judging import asks, look  # isort: skip
from opcodes import text  # isort: skip


class Rows(list):
    pass


def test_dill_gives_an_object_the_class_that_it_is_of(hold, in_notebook):
    dill = pytest.importorskip("dill", reason="sets the class of what it loads")
    in_notebook(Rows)
    stream = pickle.dumps(Rows([1]))
    hold()

    assert type(dill.loads(stream)) is Rows
    assert type(dill.load(io.BytesIO(stream))) is Rows


SHORT_STATES = {
    "a tree, a list": b"csklearn.neighbors._ball_tree\nnewObj\n(csklearn.neighbors._ball_tree\nBallTree64\ntR]b.",
    "a tree, a tuple": b"csklearn.neighbors._kd_tree\nnewObj\n(csklearn.neighbors._kd_tree\nKDTree64\ntR(K\x01tb.",
    "a distance": b"csklearn.metrics._dist_metrics\nnewObj\n(csklearn.metrics._dist_metrics\nEuclideanDistance64\ntR]b.",
}


@pytest.mark.parametrize("stream", SHORT_STATES.values(), ids=SHORT_STATES)
def test_a_state_that_is_read_past_its_end_is_asked_about(stream):
    pytest.importorskip("sklearn.neighbors", reason="reads its states without looking at their length")

    assert asks(b"\x80\x02" + stream)


def test_a_state_that_is_read_past_its_end_crashes_the_plain_load():
    pytest.importorskip("sklearn.neighbors", reason="reads its states without looking at their length")
    stream = b"\x80\x02" + SHORT_STATES["a tree, a list"]

    ended = subprocess.run([sys.executable, "-c", f"import pickle; pickle.loads({stream!r})"], check=False, capture_output=True)

    assert ended.returncode < 0


def test_honest_trees_and_distances_pass():
    neighbors = pytest.importorskip("sklearn.neighbors", reason="its trees are looked at")
    metrics = pytest.importorskip("sklearn.metrics")
    points = [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]]
    honest = [neighbors.KDTree(points), neighbors.BallTree(points, sample_weight=[1.0, 2.0, 3.0])]
    honest += [metrics.DistanceMetric.get_metric("minkowski", p=3), metrics.DistanceMetric.get_metric("haversine")]

    assert [asks(pickle.dumps(value, protocol)) for value in honest for protocol in (2, 4)] == [False] * 8


# A reader of bytes goes on where a reader of files finds that a frame ends too late.
CUT_FRAME = b"\x80\x05\x95" + struct.pack("<Q", 15) + b"cnumpy\nexp\n\x95" + struct.pack("<Q", 1) + b".\x80\x04N."


def test_a_stream_that_some_readers_finish_is_not_given_up():
    np = pytest.importorskip("numpy", reason="the stream names a function of it")

    assert pickle.loads(CUT_FRAME) is np.exp
    with pytest.raises(pickle.UnpicklingError):
        pickle.load(io.BytesIO(CUT_FRAME))
    assert look(CUT_FRAME).error is None
    assert asks(CUT_FRAME)


def test_a_stream_that_no_reader_finishes_is_given_up():
    assert look(b"\x80\x04\x95" + struct.pack("<Q", 9) + b"K\x01").error is not None
    assert look(b"\x80\x02]q").error is not None


class Raw(bytes):
    pass


class Word(str):
    __slots__ = ()


def test_a_size_is_no_content_for_bytes_of_a_class(in_notebook):
    in_notebook(Raw, Word)
    folded = b"]q\x00" + b"".join(b"](h%ch%ceq%c" % (place, place, place + 1) for place in range(60))

    assert len(pickle.loads(b"\x80\x02c__main__\nRaw\nK\x09\x85\x81.")) == 9
    assert asks(b"\x80\x02c__main__\nRaw\n\x8a\x05\xff\xff\xff\xff\x00\x85\x81.")
    assert asks(b"\x80\x02c__main__\nWord\n" + folded + b"\x85\x81.")


def test_text_and_bytes_of_a_class_pass(in_notebook):
    in_notebook(Raw, Word)

    assert not any(asks(pickle.dumps([Raw(b"abc"), Raw(), Word("abc"), Word()], protocol)) for protocol in (2, 3, 4, 5))


RAN = []


class Described:
    @property
    def add(self):
        RAN.append("add")
        return [].append


def test_the_python_reader_asks_for_nothing_where_there_is_nothing_to_add(hold, in_notebook):
    in_notebook(Described)
    stream = b"\x80\x04c__main__\nDescribed\n)\x81(\x90."
    RAN.clear()

    pickle._Unpickler(io.BytesIO(stream)).load()
    assert RAN == ["add"]
    hold()
    RAN.clear()
    assert type(pickle._Unpickler(io.BytesIO(stream)).load()) is Described
    assert not RAN


def test_so_does_a_reader_whose_module_was_read_again_before_the_guard(hold, in_notebook):
    """Libraries that were imported before keep the class that the module had then."""
    in_notebook(Described)
    first = pickle._Unpickler
    names = dict(vars(pickle))
    try:
        importlib.reload(pickle)
        assert pickle._Unpickler is not first
        RAN.clear()
        hold()
        assert type(first(io.BytesIO(b"\x80\x04c__main__\nDescribed\n)\x81(\x90.")).load()) is Described
        assert not RAN
    finally:
        vars(pickle).update(names)


def test_arrays_hold_as_many_bytes_as_their_shape_has_places():
    np = pytest.importorskip("numpy", reason="its arrays are looked at")
    honest = pickle.dumps(np.zeros((3, 2)), 2)

    assert b"K\x03K\x02\x86" in honest
    assert not asks(honest)
    assert asks(honest.replace(b"K\x03K\x02\x86", b"K\x03K\x03\x86"))
    assert asks(honest.replace(b"K\x03K\x02\x86", b"\x8a\x08" + b"\xff" * 7 + b"\x7fK\x02\x86"))


def test_arrow_gets_as_many_buffers_as_a_type_has():
    arrow = pytest.importorskip("pyarrow", reason="reaches for buffers that are not there")
    honest = [
        arrow.array(["a", None]),
        arrow.array([1, None]),
        arrow.array([None]),
        arrow.array([True]),
        arrow.array([1.5], "float32"),
    ]
    honest += [arrow.array([b"a"], arrow.large_binary())]
    short = (
        b"cpyarrow.lib\n_restore_array\n(cpyarrow.lib\ntype_for_alias\n" + text("string") + b"\x85RK\x02K\x00K\x00]NaNa]Nt\x85R."
    )

    assert [asks(pickle.dumps(value, protocol)) for value in honest for protocol in (2, 4)] == [False] * 12
    assert asks(b"\x80\x02" + short)
    assert asks(b"\x80\x02" + short.replace(text("string"), text("int64")).replace(b"]NaNa]", b"]Na]"))
    assert asks(b"\x80\x02" + short.replace(b"]NaNa]", b"]NaNaNa]").replace(b"K\x02K\x00K\x00", b"K\x02K\x00\x8a\x01\xff"))


def test_a_state_that_only_a_stand_in_makes_no_dictionary_is_not_given_up(in_notebook):
    class Table(dict):
        pass

    in_notebook(Table)
    Table.__qualname__ = "Table"
    stream = b"\x80\x02ccollections\nOrderedDict\n)Rc__main__\nTable\n)\x81" + text("a") + b"K\x01sb."

    assert pickle.loads(stream).a == 1
    assert look(stream).error is None
    assert asks(stream)


def test_a_tree_makes_room_for_no_more_outputs_than_it_may_have():
    tree = pytest.importorskip("sklearn.tree", reason="its trees are looked at")
    honest = pickle.dumps(tree.DecisionTreeClassifier().fit([[0.0], [1.0]], [0, 1]).tree_, 2)
    head, end = honest.split(b"K\x01\x87", 1)

    assert not asks(honest)
    assert asks(head + b"\x8a\x05\xff\xff\xff\x7f\x00\x87" + end)
    assert asks(head + b"\x8a\x01\xff\x87" + end)


def test_the_state_of_what_was_made_in_another_way_is_no_error_of_the_judgement():
    pytest.importorskip("numpy", reason="its arrays are looked at")
    dtype = b"cnumpy\ndtype\n" + text("O8") + b"\x89\x88\x87R"
    stream = b"\x80\x02cnumpy._core.multiarray\n_reconstruct\n(K\x03tR(K\x01K\x02\x85" + dtype + b"\x89]tb."

    assert asks(stream)


CODES_OF_NOBODY_KNOWS_HOW_MANY = b"""\x80\x03cpandas._libs.arrays
__pyx_unpickle_NDArrayBacked
(cpandas
Categorical
tR(ccopy_reg
_reconstructor
(cpandas
CategoricalDtype
tR}(X\n\0\0\0categoriescpandas.core.indexes.base
_new_Index
(cpandas
Index
}(X\x04\0\0\0datacpyarrow.lib
_restore_array
((cpyarrow.lib
type_for_alias
(X\x0c\0\0\0large_stringtRX\x03\0\0\0twottRutRX\x07\0\0\0orderedI00
ubcnumpy._core.multiarray
_reconstruct
(cnumpy
ndarray
(K\0tc_codecs
encode
(X\x01\0\0\0bX\x06\0\0\0latin1tRtR(K\x01(K\x02tcnumpy
dtype
(X\x02\0\0\0i1I00
I01
tR(K\x03X\x01\0\0\0|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tbI00
c_codecs
encode
(X\x02\0\0\0\0\x01X\x06\0\0\0latin1tRtbtb."""


def test_a_length_that_is_no_number_is_asked_about():
    pytest.importorskip("pandas", reason="its codes are compared with the length of an array of Arrow")

    assert asks(CODES_OF_NOBODY_KNOWS_HOW_MANY)
