"""Objects of installed classes that stand where a load, or a notebook that shows what was loaded, calls something.

An instance of a plain class may be called. So no such object may stand where a method is looked for, and there are more such places than
the attributes of an object.
"""

import contextlib
import copyreg
import doctest
import importlib
import pickle

import pytest

from jupyter_modelguard.engines.live_class import wrong_with
from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.policy.catalogue import inert
from jupyter_modelguard.policy.record import OpenClass
from jupyter_modelguard.types import QualifiedName

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::UserWarning")


class Program:
    def __init__(self, canary):
        self.canary = str(canary)

    def __call__(self, *_arguments, **_options):
        open(self.canary, "w").close()


@pytest.fixture
def program(canary, in_notebook):
    """An object that runs a program when it is called."""
    in_notebook(Program)
    return Program(canary)


def shown(loaded):
    formatters = pytest.importorskip("IPython.core.formatters", reason="shows objects")
    formatter = formatters.DisplayFormatter()
    formatter.format(loaded)
    with contextlib.suppress(AttributeError, TypeError):
        loaded._repr_html_()


@pytest.fixture
def show(hold, canary):
    """Show that a pickle runs a program when what it holds is shown, and that it is not loaded unasked."""

    def attack(data):
        shown(pickle.loads(data))
        assert canary.exists(), "the attack does not work"
        canary.unlink()
        hold()
        with pytest.raises(ModelLoadBlockedError):
            shown(pickle.loads(data))
        assert not canary.exists()

    return attack


def test_items_that_read_as_attributes_stand_in_for_what_shows_an_object(show, program):
    bunch = pytest.importorskip("sklearn.utils", reason="a dictionary whose keys read as attributes").Bunch
    show(pickle.dumps(bunch(_ipython_display_=program)))


def test_items_may_come_with_the_call(show, program):
    pytest.importorskip("sklearn.utils", reason="a dictionary whose keys read as attributes")

    class Made:
        def __reduce__(self):
            from sklearn.utils import Bunch

            return copyreg._reconstructor, (Bunch, dict, {"_ipython_display_": program})

    show(pickle.dumps(Made()))


def test_a_key_that_equals_a_name_is_that_name(show, program):
    bunch = pytest.importorskip("sklearn.utils", reason="a dictionary whose keys read as attributes").Bunch
    numpy = pytest.importorskip("numpy", reason="its text is text")
    show(_keyed(bunch, numpy, program))


def _keyed(bunch, numpy, program):
    made = bunch()
    dict.__setitem__(made, numpy.str_("_ipython_display_"), program)
    return pickle.dumps(made)


@pytest.mark.parametrize("part", ["_modules", "_buffers", "_parameters"])
@pytest.mark.parametrize("protocol", [1, 4])
def test_parts_of_a_network_stand_in_for_what_shows_it(show, program, part, protocol):
    network = pytest.importorskip("torch", reason="networks look attributes up in three dictionaries").nn.Identity()
    vars(network)[part]["_ipython_display_"] = program
    show(pickle.dumps(network, protocol))


@pytest.mark.parametrize("name", ["_sk_visual_block_", "_doc_link_url_param_generator", "_get_doc_link"])
def test_what_estimators_are_asked_for_when_they_are_shown(show, program, name):
    estimator = pytest.importorskip("sklearn.linear_model", reason="estimators show themselves").LinearRegression()
    estimator.fit_intercept = True
    vars(estimator)[name] = program
    show(pickle.dumps(estimator))


def test_items_that_come_with_a_call_are_read_before_the_state(ask, program):
    """The load itself looks `__setstate__` up where the class has none."""
    optimize = pytest.importorskip("scipy.optimize", reason="a dictionary whose keys read as attributes")

    class Made:
        def __reduce__(self):
            return copyreg._reconstructor, (optimize.OptimizeResult, dict, {"__setstate__": program}), {}

    made = pickle.dumps(Made()).removesuffix(b".")
    ask(made + b"." if made.endswith(b"b") else made + b"}b.")


@pytest.mark.parametrize("name", ["float", "eval", "anything"])
def test_a_program_of_the_standard_library_is_no_data(hold, canary, name):
    """Libraries call what they have loaded: `checkpoint["model"].float()`."""
    test = doctest.DocTest([doctest.Example(f"open({str(canary)!r}, 'w').close()\n", "")], {}, "name", None, 0, None)
    model = doctest.DocTestParser()
    vars(model)[name] = doctest.DocTestCase(test)
    data = pickle.dumps({"model": model})
    getattr(pickle.loads(data)["model"], name)()
    assert canary.exists()
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)


def test_a_call_that_sets_items_one_by_one_runs_the_class(monkeypatch):
    """`OrderedDict` does that for its subclasses."""
    from collections import OrderedDict

    import __main__

    kind = type("Kind", (OrderedDict,), {"__setitem__": lambda *_: None, "__module__": "__main__"})
    monkeypatch.setattr(__main__, "Kind", kind, raising=False)
    assert wrong_with(OpenClass(QualifiedName("__main__", "Kind"), called=True, arguments=1))
    assert not wrong_with(OpenClass(QualifiedName("__main__", "Kind"), called=True))


# Calls of these give nothing but another view of what they hold.
_VIEWS = {
    f"networkx.classes.reportviews.{kind}View" for kind in ("Node", "Edge", "OutEdge", "InEdge", "MultiEdge", "OutMultiEdge")
}
_VIEWS |= {"networkx.classes.reportviews.InMultiEdgeView"}
_VIEWS |= {f"networkx.classes.reportviews.{kind}DegreeView" for kind in ("", "Di", "In", "Out", "Multi")}
_VIEWS |= {f"networkx.classes.reportviews.{kind}MultiDegreeView" for kind in ("Di", "In", "Out")}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_rows_whose_objects_can_be_called_say_so():
    silent = []
    for name, row in inert().items():
        if row.callable or row.arguments is None or str(name) in _VIEWS:
            continue
        try:
            found = importlib.import_module(name.module)
            for part in name.name.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError, OSError):
            continue
        if isinstance(found, type) and any("__call__" in vars(base) for base in found.__mro__):
            silent.append(str(name))
    assert not silent


class Number:
    def __init__(self, canary):
        self.canary = str(canary)

    def __float__(self):
        open(self.canary, "w").close()
        return 1.0

    def __int__(self):
        return int(float(self))

    def __index__(self):
        return int(float(self))

    def __eq__(self, _other):
        return float(self) == 1

    __hash__ = None


@pytest.fixture
def ask(hold, canary, in_notebook):
    """Show that a load asks an object of the notebook's own for something, and that it is not done unasked."""
    in_notebook(Number)

    def attack(data):
        with contextlib.suppress(Exception):
            pickle.loads(data)
        assert canary.exists(), "the attack does not work"
        canary.unlink()
        hold()
        with pytest.raises(ModelLoadBlockedError):
            pickle.loads(data)
        assert not canary.exists()

    return attack


def test_a_comparison_of_a_parameter(ask, canary):
    isotonic = pytest.importorskip("sklearn.isotonic", reason="compares a parameter while it is loaded")
    model = isotonic.IsotonicRegression().fit([1, 2], [1, 2])
    model.out_of_bounds = Number(canary)
    ask(pickle.dumps(model))


def test_objects_that_become_a_number_of_a_masked_array(ask, canary):
    numpy = pytest.importorskip("numpy", reason="masks arrays")
    values = numpy.ma.array([1.0, 2.0])
    state = list(values.__reduce__()[2])
    state[-1] = numpy.array([Number(canary)])

    class Made:
        def __reduce__(self):
            return *values.__reduce__()[:2], tuple(state)

    ask(pickle.dumps(Made()))


def test_an_array_keeps_what_a_list_held(ask, canary):
    """The list is overwritten after the array has read it, and before the array is used."""
    numpy = pytest.importorskip("numpy", reason="holds objects")
    rebuild, arguments, state = numpy.array([None], dtype=object).__reduce__()
    masked, parts, values = numpy.ma.array([1.0, 2.0]).__reduce__()
    array = part(rebuild) + part(arguments) + b"R(K\x01K\x01\x85" + part(state[2]) + b"\x89](" + part(Number(canary)) + b"e"
    array = array.replace(b"](", b"]r\xff\x00\x00\x00(") + b"tb" + b"j\xff\x00\x00\x00K\x00K\x01s0"
    ask(b"\x80\x02" + part(masked) + part(parts) + b"R(" + b"".join(map(part, values[:-1])) + array + b"tb.")


def part(value):
    return pickle.dumps(value, 2)[2:-1]


class Hashed(Number):
    def __hash__(self):
        return int(self)


def test_an_index_keeps_what_a_list_held(ask, canary, in_notebook):
    numpy = pytest.importorskip("numpy", reason="holds objects")
    pandas = pytest.importorskip("pandas", reason="hashes labels")
    in_notebook(Hashed)
    rebuild, arguments, state = numpy.array([None], dtype=object).__reduce__()
    array = (
        part(rebuild) + part(arguments) + b"R(K\x01K\x01\x85" + part(state[2]) + b"\x89]r\xff\x00\x00\x00(" + part(Hashed(canary))
    )
    array += b"etb" + b"j\xff\x00\x00\x00K\x00K\x01s0"
    make = part(pandas.core.indexes.base._new_Index)
    index = make + b"(" + part(pandas.Index) + b"}" + part("data") + array + b"stR"
    kind = part(pandas.CategoricalDtype) + b")\x81}" + part("categories") + index + b"sb"
    categories = make + b"(" + part(pandas.CategoricalIndex)
    categories += b"}(" + part("data") + part(numpy.array([1])) + part("dtype") + kind + b"utR"
    ask(b"\x80\x02" + categories + b".")


class Like(Number):
    def __array__(self, *_arguments, **_options):
        return float(self)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("before", [False, True])
def test_objects_beside_one_whose_state_is_as_its_method_needs_it(ask, canary, in_notebook, before, protocol):
    """What each object of a class holds counts, not what all of them hold together."""
    isotonic = pytest.importorskip(
        "sklearn.isotonic", reason="makes arrays of two attributes while it is loaded"
    ).IsotonicRegression
    in_notebook(Like)
    honest, armed = (isotonic().fit([1, 2, 3], [1, 2, 3]) for _ in range(2))
    armed.X_thresholds_ = [Like(canary)] * 3
    ask(pickle.dumps([armed, honest] if before else [honest, armed], protocol))
