"""Optimizers, schedules, loaders of batches and histories of training whose own methods would ask objects of the file.

What these methods ask for is no method that a load asks every object for. So a class of the user's own that has one is plain data
anywhere else; here it would run.
"""

import collections
import contextlib
import copyreg
import pickle

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

torch = pytest.importorskip("torch", reason="optimizers are of torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::UserWarning")]


class Answers:
    """Runs a program when it is asked for what numbers, groups and memories are asked for."""

    def __init__(self, canary):
        self.canary = str(canary)

    def _answer(self, *_arguments, **_options):
        with open(self.canary, "w"):
            return 1

    __float__ = __len__ = __call__ = setdefault = get = pop = keys = values = _answer

    def __iter__(self):
        self._answer()
        return iter(())


class Copied:
    """Pickles as a copy of a dictionary in another class."""

    def __init__(self, cls, items):
        self.parts = cls, dict, items

    def __reduce__(self):
        return copyreg._reconstructor, self.parts


@pytest.fixture
def answers(canary, in_notebook):
    in_notebook(Answers)
    return Answers(canary)


@pytest.fixture
def held(hold, canary):
    """Show that loading what this gives runs its program, and that the guard stops it before."""

    def attack(made, protocol=4):
        data = pickle.dumps(made, protocol)
        with contextlib.suppress(TypeError, ValueError, AttributeError, KeyError):  # what the program answers need not be of use
            pickle.loads(data)
        assert canary.exists(), "the attack does not work"
        canary.unlink()
        hold()
        with pytest.raises(ModelLoadBlockedError):
            pickle.loads(data)
        assert not canary.exists()

    return attack


def test_object_that_answers_is_plain_data_anywhere_else(hold, answers, canary):
    data = pickle.dumps({"anything": [answers]})
    hold()
    pickle.loads(data)
    assert not canary.exists()


def optimizer(name="Adam", *, defaults=None, state=None, groups=None, memory=None):
    """Give an optimizer of one parameter, with parts that an attacker chose."""
    weight = torch.nn.Parameter(torch.ones(2))
    steps = getattr(torch.optim, name)([weight], lr=0.1)
    if defaults is not None:
        steps.defaults = defaults
    if groups is not None:
        steps.param_groups = groups
    if memory is not None:
        steps.state[weight] = memory
    if state is not None:
        steps.state = state(weight)
    return steps


KINDS = ["Adam", "AdamW", "Adadelta", "Adagrad", "Adamax", "ASGD", "NAdam", "RAdam", "RMSprop", "Rprop", "Adafactor"]


@pytest.mark.parametrize("name", KINDS)
def test_step_that_is_an_object_is_held(name, held, answers):
    if not hasattr(torch.optim, name):
        pytest.skip(f"this torch has no {name}")
    held(optimizer(name, memory={"step": answers}))


@pytest.mark.parametrize("name", [*KINDS, "SGD"])
def test_group_that_is_an_object_is_held(name, held, answers):
    if not hasattr(torch.optim, name):
        pytest.skip(f"this torch has no {name}")
    held(optimizer(name, groups=[answers]))


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_groups_that_are_an_object_are_held(held, answers, protocol):
    held(optimizer("SGD", groups=answers), protocol)


def test_parameters_that_are_an_object_are_held(held, answers):
    held(optimizer(groups=[{"params": answers}]))


@pytest.mark.parametrize("name", ["SGD", "LBFGS", "SparseAdam"])
def test_defaults_that_are_an_object_are_held(name, held, answers):
    held(optimizer(name, defaults=answers))


def test_state_that_is_an_object_is_held(held, answers):
    held(optimizer(state=lambda _: answers))


def test_memory_that_is_an_object_is_held(held, answers):
    held(optimizer(state=lambda weight: collections.defaultdict(dict, {weight: answers})))


@pytest.mark.parametrize("base", [collections.defaultdict, collections.OrderedDict])
def test_memory_that_came_with_the_call_is_held(held, answers, base):
    held(optimizer(state=lambda weight: Copied(base, {weight: {"step": answers}})))


def test_memory_that_changes_before_the_state_is_given_is_held(held, answers):
    """The same dictionary is put there first and filled later, and only then is the optimizer given its state."""
    memory = {}
    steps = optimizer(memory=memory)
    memory["step"] = answers
    held([steps.state, memory, steps])


def test_number_that_is_an_object_in_another_place_is_held(held, answers):
    held(optimizer("ASGD", memory={"step": torch.tensor(1.0), "eta": [answers], "mu": 1.0}))


def test_optimizer_of_the_users_own_is_asked_for_its_defaults_too(held, answers, in_notebook):
    class Own(torch.optim.Optimizer):
        def step(self, closure=None):
            return closure

    Own.__qualname__ = "Own"
    in_notebook(Own)
    steps = Own([torch.nn.Parameter(torch.ones(1))], {"lr": 0.1})
    steps.defaults = answers
    held(steps)


class State:
    """Pickles as an object of a class that is given a state."""

    def __init__(self, cls, state):
        self.parts = object.__new__, (cls,), state

    def __reduce__(self):
        return copyreg.__newobj__, *self.parts[1:]

    @property
    def __class__(self):
        return self.parts[1][0]


@pytest.fixture
def history(monkeypatch):
    """The class of histories, with a table of statistics for this test alone."""
    logging = pytest.importorskip("mmengine.logging", reason="histories are of mmengine")
    monkeypatch.setattr(logging.HistoryBuffer, "_statistics_methods", {})
    return logging.HistoryBuffer


def test_state_of_a_history_that_is_an_object_is_held(held, answers, history):
    held(State(history, answers))


def test_statistics_that_are_an_object_are_held(held, answers, history):
    held(State(history, {"statistics_methods": answers}))


@pytest.mark.parametrize("name", ["mean", "median"])
def test_statistic_of_the_files_own_is_held_before_the_class_has_it(name, answers, canary, hold, history):
    """It would be that of every history of the process, also of those that no file brought."""
    data = pickle.dumps(State(history, {"statistics_methods": {name: answers}}))
    pickle.loads(data)
    history([0.5], [1]).statistics(name)
    assert canary.exists(), "the attack does not work"
    canary.unlink()
    del history._statistics_methods[name]
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)
    assert name not in history._statistics_methods


def test_statistic_under_the_name_of_another_is_held(hold, history):
    data = pickle.dumps(State(history, {"statistics_methods": {"min": history.max}}))
    pickle.loads(data)
    assert history([1, 2], [1, 1]).statistics("min") == 2
    history._statistics_methods.clear()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)
    assert history([1, 2], [1, 1]).statistics("min") == 1
