"""What a person, or the library that was asked, does with an object right after a silent load.

A method of it is called, or a notebook shows it. Neither may run what the file put in the place of a method: an object of some other
class, which has nothing to do with its holder but that it can be called.
"""

import argparse
import pickle
import types

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from assembly import call, ref, stream, with_state  # isort: skip

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
)


class Program:
    def __init__(self, canary):
        self.canary = str(canary)

    def __call__(self, *_arguments, **_options):
        open(self.canary, "w").close()


class Box:
    """A class that keeps something under one name."""

    def __init__(self, kept):
        self.kept = kept


@pytest.fixture
def touch(hold, canary):
    """Show that touching what a pickle holds runs its program, and that it is not loaded unasked."""

    def attack(data, use):
        use(pickle.loads(data))
        assert canary.exists(), "the attack does not work"
        canary.unlink()
        hold()
        with pytest.raises(ModelLoadBlockedError):
            use(pickle.loads(data))
        assert not canary.exists()

    return attack


def evaluating(canary):
    """Describe an object of an installed class that evaluates one of its slots as Python, given no arguments at all."""
    pytest.importorskip("sqlalchemy.orm.clsregistry", reason="SQLAlchemy is not installed")
    made = call("copyreg:_reconstructor", ref("sqlalchemy.orm.clsregistry:_class_resolver"), ref("builtins:object"), None)
    return with_state(made, (None, {"arg": f"open({str(canary)!r}, 'w').close()", "tables_only": False, "_dict": {}}))


def holder(name="sklearn.linear_model._base:LinearRegression"):
    pytest.importorskip(name.partition(":")[0], reason="the library of the holder is not installed")
    return call("copyreg:_reconstructor", ref(name), ref("builtins:object"), None)


@pytest.mark.parametrize("name", ["float", "eval", "half", "anything"])
def test_an_installed_class_that_evaluates_text(touch, canary, name):
    data = stream({"model": with_state(holder(), {name: evaluating(canary)})})
    touch(data, lambda loaded: getattr(loaded["model"], name)())


def test_an_installed_class_that_evaluates_text_where_its_holder_keeps_things(touch, canary):
    data = stream({"model": with_state(holder(), {"coef_": evaluating(canary)})})
    touch(data, lambda loaded: loaded["model"].coef_())


def test_an_installed_class_that_evaluates_text_and_is_called_itself(touch, canary):
    touch(stream([evaluating(canary)]), lambda loaded: loaded[0]())


def test_an_installed_class_that_writes_files(touch, canary):
    pytest.importorskip("joblib.logger", reason="joblib is not installed")
    made = call("copyreg:_reconstructor", ref("joblib.logger:PrintTime"), ref("builtins:object"), None)
    writing = with_state(made, {"last_time": 0, "start_time": 0, "logfile": str(canary)})
    touch(stream(with_state(holder(), {"float": writing})), lambda loaded: loaded.float())


@pytest.mark.parametrize("name", ["float", "predict", "coef"])
def test_a_class_of_the_notebook_under_any_name(touch, canary, in_notebook, name):
    in_notebook(Program, Box)
    box = Box(None)
    setattr(box, name, Program(canary))
    touch(pickle.dumps(box), lambda loaded: getattr(loaded, name)())


def test_a_holder_that_takes_any_attribute(touch, canary, in_notebook):
    in_notebook(Program)
    for holding in (types.SimpleNamespace, argparse.Namespace):
        data = pickle.dumps(holding(float=Program(canary)))
        pickle.loads(data).float()
        assert canary.exists()
        canary.unlink()
    touch(pickle.dumps(argparse.Namespace(float=Program(canary))), lambda loaded: loaded.float())


def test_a_dictionary_whose_keys_read_as_attributes(touch, canary, in_notebook):
    bunch = pytest.importorskip("sklearn.utils", reason="scikit-learn is not installed").Bunch
    in_notebook(Program)
    touch(pickle.dumps(bunch(float=Program(canary))), lambda loaded: loaded.float())


@pytest.mark.parametrize("part", ["_modules", "_buffers", "_parameters"])
def test_a_part_of_a_network_that_is_no_network(touch, canary, in_notebook, part):
    network = pytest.importorskip("torch", reason="torch is not installed").nn.Identity()
    in_notebook(Program)
    vars(network)[part]["predict"] = Program(canary)
    touch(pickle.dumps(network), lambda loaded: loaded.predict())


def test_a_class_of_the_notebook_where_its_holder_keeps_things_loads(hold, canary, in_notebook):
    in_notebook(Program, Box)
    data = pickle.dumps(Box(Program(canary)))
    hold()
    assert type(pickle.loads(data).kept) is Program
    assert not canary.exists()


def test_a_function_of_the_notebook_is_no_value(touch, canary, in_notebook, monkeypatch):
    import __main__

    def touched():
        open(str(canary), "w").close()

    touched.__qualname__, touched.__module__ = "touched", "__main__"
    monkeypatch.setattr(__main__, "touched", touched, raising=False)
    in_notebook(Box)
    box = Box(None)
    box.float = touched
    touch(pickle.dumps(box), lambda loaded: loaded.float())


def test_an_operator_that_a_library_keeps_in_such_a_dictionary_loads(hold):
    optimize = pytest.importorskip("scipy.optimize", reason="scipy is not installed")
    data = pickle.dumps(optimize.minimize(lambda place: (place**2).sum(), [1.0, 2.0], method="L-BFGS-B"))
    hold()
    assert pickle.loads(data).hess_inv(pickle.loads(data).x).shape == (2,)
