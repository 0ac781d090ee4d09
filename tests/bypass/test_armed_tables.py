"""Objects of the scientific libraries, armed where a load would run something: each is held, and shown to run it without the guard."""

import contextlib
import importlib
import pickle

import pytest
from assembly import call, stream, with_state

from jupyter_modelguard.errors import ModelLoadBlockedError

pytestmark = pytest.mark.filterwarnings("ignore")


class Program:
    """Writes a canary, whatever it is called with."""

    def __init__(self, canary):
        self.canary = str(canary)

    def __call__(self, *_arguments, **_options):
        open(self.canary, "w").close()


class Made:
    """Pickles as a call, with a state if there is one."""

    def __init__(self, *parts):
        self.parts = parts

    def __reduce__(self):
        return self.parts


@pytest.fixture
def program(canary, in_notebook):
    in_notebook(Program)
    return Program(canary)


@pytest.fixture
def ask(hold, canary):
    """Show that a load writes the canary without the guard, and that with it nothing is written unasked."""

    def attack(data, reader=pickle):
        with contextlib.suppress(Exception):
            reader.loads(data)
        assert canary.exists(), "the attack does not work"
        canary.unlink()
        hold()
        with pytest.raises(ModelLoadBlockedError):
            reader.loads(data)
        assert not canary.exists()

    return attack


def test_loss_of_a_class_of_the_notebook(ask, program, in_notebook):
    """It is given attributes by the function that makes it, and then a state, which goes to one of them."""
    loss = pytest.importorskip("sklearn._loss._loss", reason="losses in C")
    make, (_, checksum, _) = loss.CyHalfMultinomialLoss().__reduce__()

    class Loss(loss.CyHalfMultinomialLoss):
        pass

    Loss.__qualname__ = "Loss"
    in_notebook(Loss)
    ask(pickle.dumps(Made(make, (Loss, checksum, ({"__setstate__": program},)), {})))


def test_boosting_of_three_classes_whose_loss_is_something_else(strike, armed):
    """The estimator of three classes loads; with a command in place of its loss it does not."""
    boosting = pytest.importorskip("sklearn.ensemble", reason="boosts").GradientBoostingClassifier(n_estimators=1)
    model = boosting.fit([[0.0], [1.0], [2.0]], [0, 1, 2])
    model._loss.closs = armed
    strike(pickle.dumps(model), "sklearn.ensemble")


@pytest.mark.parametrize("reader", ["pickle", "dill"])
def test_type_that_dill_looks_up_and_that_opens_a_file(ask, canary, reader):
    pytest.importorskip("dill", reason="looks types up")
    ask(stream(call(call("dill._dill:_load_type", "FileType"), str(canary), "w")), importlib.import_module(reader))


def test_type_that_dill_looks_up_and_calls_what_it_is_given(ask, canary, program):
    """`map` holds a function of the file, and calls it as soon as somebody iterates."""
    pytest.importorskip("dill", reason="looks types up")
    lazy = call(call("dill._dill:_load_type", "map"), call("__main__:Program", str(canary)), [1])
    ask(stream(call(call("dill._dill:_load_type", "list"), lazy)))


class Asked:
    """Writes a canary as soon as it is asked for an attribute."""

    def __init__(self, canary):
        self.canary = str(canary)

    @property
    def t(self):
        open(self.canary, "w").close()

    items = t

    def nbunch_iter(self, _nodes):
        self.t  # noqa: B018 it is asked for
        return iter(())


def test_spline_that_asks_something_of_the_notebook_for_its_knots(ask, canary, in_notebook):
    spline = pytest.importorskip("scipy.interpolate", reason="splines").BSpline
    if not hasattr(spline, "__setstate__"):
        pytest.skip("splines restore themselves from scipy 1.18 on")
    in_notebook(Asked)
    make, arguments, state = spline([0, 1, 2, 3], [1.0, 2.0], 1).__reduce_ex__(0)
    ask(pickle.dumps(Made(make, arguments, (Asked(canary), state[1]))))


@pytest.mark.parametrize("maker", ["make_interp_spline", "CubicSpline", "PchipInterpolator"])
def test_spline_that_brings_a_command(strike, armed, maker):
    interpolate = pytest.importorskip("scipy.interpolate", reason="splines")
    spline = getattr(interpolate, maker)([0.0, 1, 2, 3], [1.0, 2, 3, 4])
    keeps = vars(spline.__dict__.get("_delegate_to", spline)) if maker == "make_interp_spline" else vars(spline)
    keeps["axis"] = armed
    strike(pickle.dumps(spline), "scipy.interpolate")


def viewed(**changes):
    """A graph whose edges were looked at, through a view that is changed."""
    networkx = pytest.importorskip("networkx", reason="graphs keep views")
    graph = networkx.path_graph(3)
    edges = graph.edges
    for name, value in changes.items():
        setattr(edges, name, value)
    return graph


def test_view_of_a_graph_that_asks_something_of_the_notebook_for_its_edges(ask, canary, in_notebook):
    in_notebook(Asked)
    ask(pickle.dumps(viewed(_adjdict=Asked(canary))))


@pytest.mark.parametrize("view", ["edges", "degree"])
def test_view_of_something_of_the_notebook_that_is_no_graph(hold, canary, in_notebook, view):
    in_notebook(Asked)
    graph = viewed()
    getattr(graph, view)._graph = Asked(canary)
    data = pickle.dumps(graph)
    list(pickle.loads(data).edges([1])) if view == "edges" else pickle.loads(data).degree._graph.nbunch_iter([1])
    assert canary.exists(), "the attack does not work"
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)


def test_view_of_a_graph_that_brings_a_command(strike, armed):
    graph = viewed()
    graph.edges[0, 1]["weight"] = armed
    strike(pickle.dumps(graph), "networkx")


class Shown:
    """Writes a canary when a notebook shows it."""

    def __init__(self, canary):
        self.canary = str(canary)
        self.dtype, self.shape, self.ndim = None, (), 0

    def _repr_html_(self):
        open(self.canary, "w").close()
        return ""


@pytest.fixture
def show(hold, canary):
    """Show that an object of a pickle writes the canary when it is shown, and that with the guard it is not loaded unasked."""
    formatter = pytest.importorskip("IPython.core.formatters", reason="shows objects").DisplayFormatter()

    def attack(data):
        formatter.format(pickle.loads(data))
        assert canary.exists(), "the attack does not work"
        canary.unlink()
        hold()
        with pytest.raises(ModelLoadBlockedError):
            formatter.format(pickle.loads(data))
        assert not canary.exists()

    return attack


@pytest.mark.parametrize("kind", ["Dataset", "DataArray"])
def test_attribute_of_a_data_set_that_stands_in_for_what_shows_it(show, program, kind):
    made = getattr(pytest.importorskip("xarray", reason="looks attributes up in a dictionary"), kind)()
    made.attrs["_ipython_display_"] = program
    show(pickle.dumps(made))


def test_data_of_a_variable_that_shows_itself(show, canary, in_notebook):
    xarray = pytest.importorskip("xarray", reason="shows its data")
    in_notebook(Shown)
    variable = xarray.Variable((), 1.5)
    variable._data = Shown(canary)
    show(pickle.dumps(variable))


def test_data_set_that_brings_a_command(strike, armed):
    xarray = pytest.importorskip("xarray", reason="data sets")
    strike(pickle.dumps(xarray.Dataset({"a": ("x", [1, 2])}, attrs={"unit": armed})), "xarray")


class Restored:
    """Writes a canary when it is given a state."""

    def __setstate__(self, state):
        open(state["canary"], "w").close()


def fitter():
    return pytest.importorskip("lifelines", reason="asks another model for its attributes").CoxPHFitter()


def test_model_that_asks_something_of_the_notebook_how_it_is_shown(show, canary, in_notebook):
    in_notebook(Shown)
    model = fitter()
    model._model = Shown(canary)
    show(pickle.dumps(model))


def test_model_whose_second_state_goes_to_the_one_inside(ask, canary, in_notebook):
    in_notebook(Restored)
    cox = with_state(call("lifelines.fitters.coxph_fitter:CoxPHFitter"), {"_model": call("__main__:Restored")})
    fitter()
    ask(stream(with_state(cox, {"canary": str(canary)})))


def test_model_that_brings_a_command(strike, armed):
    model = fitter()
    model.strata = [armed]
    strike(pickle.dumps(model), "lifelines")


class Updated(dict):
    """Writes a canary when it is updated."""

    def update(self, other):
        open(self["canary"], "w").close()


def test_options_that_update_a_dictionary_of_the_notebook(ask, canary, in_notebook):
    addict = pytest.importorskip("addict", reason="updates its values")
    in_notebook(Updated)
    made = addict.Dict()
    dict.__setitem__(made, "layers", Updated(canary=str(canary)))
    ask(pickle.dumps(made))


@pytest.mark.parametrize(
    ("module", "name"), [("addict", "Dict"), ("statsmodels.tools.tools", "Bunch")], ids=["addict", "statsmodels"]
)
def test_item_that_stands_in_for_what_shows_a_dictionary(show, program, module, name):
    made = getattr(pytest.importorskip(module, reason="items read as attributes"), name)()
    dict.__setitem__(made, "_ipython_display_", program)
    show(pickle.dumps(made))


def test_options_that_bring_a_command(strike, armed):
    addict = pytest.importorskip("addict", reason="options")
    strike(pickle.dumps(addict.Dict(layers=[armed])), "addict")


@pytest.mark.parametrize("name", ["keys", "update", "_repr_html_", "__setstate__"])
def test_reviewed_function_that_hides_a_method_of_a_dictionary(name):
    pytest.importorskip("statsmodels.tools.tools", reason="items are attributes")
    from jupyter_modelguard.artifacts.source import StreamSource
    from jupyter_modelguard.engines.inspection import inspect_open
    from jupyter_modelguard.engines.trace import trace_stream
    from jupyter_modelguard.policy.evaluate import evaluate

    def asks(key):
        made = (
            b"\x80\x02cstatsmodels.tools.tools\nBunch\n)\x81q\x00U" + bytes([len(key)]) + key.encode() + b"cmath\nsqrt\nsh\x00b."
        )
        return evaluate(inspect_open(trace_stream(StreamSource(data=made), "pickle")).report).level.asks

    assert asks(name)
    assert not asks("root")
