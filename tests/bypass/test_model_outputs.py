"""Outputs of models whose own constructor would ask objects of the file.

The constructor goes through the first field of an output to see whether it holds the others, and sets what it finds there. An object
that is plain data anywhere else would run there.
"""

import copyreg
import pickle

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

torch = pytest.importorskip("torch", reason="outputs hold tensors")
outputs = pytest.importorskip("transformers.modeling_outputs", reason="outputs of transformers", exc_type=ImportError)
generated = pytest.importorskip("transformers.generation.utils", reason="outputs of transformers", exc_type=ImportError)
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


class Walked:
    """Runs a program when somebody goes through it, or calls it."""

    def __init__(self, canary):
        self.canary = str(canary)

    def __iter__(self):
        open(self.canary, "w").close()
        return iter(())

    def __call__(self, *_arguments, **_options):
        open(self.canary, "w").close()


class Pair(list):
    """A list that runs a program when it is asked for its first item."""

    def __getitem__(self, place):
        if list.__getitem__(self, 0) == "loss":
            open(list.__getitem__(self, 1), "w").close()
        return list.__getitem__(self, place)


class Output:
    """Pickles as the call that makes an output, with attributes and items."""

    def __init__(self, cls, *arguments, state=None, items=()):
        self.parts = cls, arguments, state, None, iter(items)

    def __reduce__(self):
        return self.parts


@pytest.fixture
def walked(canary, in_notebook):
    in_notebook(Walked, Pair)
    return Walked(canary)


def blocked(data):
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("cls", [outputs.BaseModelOutput, outputs.CausalLMOutput, generated.GenerateDecoderOnlyOutput])
def test_first_field_that_is_an_object_is_held(cls, protocol, walked, canary, hold):
    data = pickle.dumps(Output(cls, walked), protocol)
    pickle.loads(data)
    assert canary.exists(), "the attack does not work"
    canary.unlink()
    hold()
    blocked(data)
    assert not canary.exists()


def test_pair_in_the_first_field_that_is_an_object_is_held(walked, canary, hold):
    data = pickle.dumps(Output(outputs.CausalLMOutput, (Pair(["loss", str(canary)]),)))
    pickle.loads(data)
    assert canary.exists(), "the attack does not work"
    canary.unlink()
    hold()
    blocked(data)
    assert not canary.exists()


@pytest.mark.parametrize("method", ["items", "to_tuple", "keys"])
def test_first_field_that_names_a_method_is_held(method, walked, canary, hold):
    """The constructor sets what the pairs of its first field say, whatever they name."""
    data = pickle.dumps(Output(outputs.BaseModelOutput, ((method, walked),)))
    getattr(pickle.loads(data), method)()
    assert canary.exists(), "the attack does not work"
    hold()
    blocked(data)


@pytest.mark.parametrize("where", ["state", "items"])
def test_object_under_the_name_of_a_method_is_held(where, walked, canary, hold):
    given = {"state": {"to_tuple": walked}} if where == "state" else {"items": [("to_tuple", walked)]}
    data = pickle.dumps(Output(outputs.BaseModelOutput, None, **given))
    pickle.loads(data).to_tuple()
    assert canary.exists(), "the attack does not work"
    hold()
    blocked(data)


def test_items_that_replace_the_attributes_are_held(walked, canary, hold):
    data = pickle.dumps(Output(outputs.BaseModelOutput, None, items=[("__dict__", {"to_tuple": walked})]))
    pickle.loads(data).to_tuple()
    assert canary.exists(), "the attack does not work"
    hold()
    blocked(data)


def test_copy_of_a_dictionary_is_held(hold):
    class Copied:
        def __reduce__(self):
            return copyreg._reconstructor, (outputs.BaseModelOutput, dict, {"to_tuple": 1})

    data = pickle.dumps(Copied())
    assert dict.__getitem__(pickle.loads(data), "to_tuple") == 1
    hold()
    blocked(data)


def test_object_that_is_walked_is_plain_data_in_another_field(walked, canary, hold):
    data = pickle.dumps(outputs.BaseModelOutput(torch.ones(1), walked))
    hold()
    pickle.loads(data)
    assert not canary.exists()
