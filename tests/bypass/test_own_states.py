"""Objects whose class shares its attributes, takes its own items for its state, or wraps its own methods while it is loaded.

What a file gives one such object would be there for all others of the class, or would be done over and over again.
"""

import contextlib
import pickle

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from opcodes import HEAD, glob, text  # isort: skip
from assembly import call, ref, stream, with_state, write  # isort: skip

pytestmark = pytest.mark.filterwarnings("ignore")

PROCESS = {
    "_cpu": True, "backend": "stranger", "debug": False, "distributed_type": "NO", "num_processes": 7,
    "process_index": 3, "local_process_index": 3, "fork_launched": False,
}  # fmt: skip


def bare(name):
    return call("copyreg:_reconstructor", ref(name), ref("builtins:object"), None)


def process_state(made):
    return stream(with_state(made, {**PROCESS, "device": call("torch:device", "meta")}))


@pytest.fixture
def state(monkeypatch):
    """What all objects of accelerate share, as it was."""
    cls = pytest.importorskip("accelerate.state", reason="accelerate is not installed", exc_type=ImportError).PartialState
    kept = {}
    monkeypatch.setattr(cls, "_shared_state", kept)
    return kept


@pytest.mark.torch
def test_state_of_one_process_does_not_become_that_of_all(state, hold):
    data = process_state(call("accelerate.state:PartialState"))
    pickle.loads(data)
    assert state["backend"] == "stranger", "the attack does not work"
    state.clear()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)
    assert "backend" not in state


@pytest.mark.torch
def test_state_of_a_process_that_is_made_past_its_constructor_is_its_own(state, hold):
    hold()
    assert pickle.loads(process_state(bare("accelerate.state:PartialState"))).num_processes == PROCESS["num_processes"]
    assert not state


def doubled(count):
    """Write dictionaries of addict that hold one Counter: each is updated with itself, and adds its list to itself."""
    out = HEAD + glob("collections", "Counter") + b"}" + text("x") + b"]K\x01as\x85Rq\x000]("
    return out + (glob("addict.addict", "Dict") + b")\x81q\x01" + text("k") + b"h\x00sh\x01b") * count + b"e."


def forked(count):
    """Write dictionaries of addict, each with two ways to the one before."""
    out = HEAD + glob("addict.addict", "Dict") + b")\x81q\x000"
    out += (glob("addict.addict", "Dict") + b")\x81" + text("a") + b"h\x00s" + text("b") + b"h\x00sq\x000") * count
    return out + b"h\x00h\x00b."


def copied(count):
    """Write plain dictionaries, each with two ways to the one before, and the call that copies them all."""
    out = HEAD + b"}q\x000" + (b"}" + text("a") + b"h\x00s" + text("b") + b"h\x00sq\x000") * count
    return out + glob("addict.addict", "Dict") + text("k") + b"h\x00\x86\x85R."


def test_options_that_double_a_list_each_time_are_held(hold):
    addict = pytest.importorskip("addict", reason="addict is not installed")
    length = 10
    made = pickle.loads(doubled(length))
    assert type(made[0]) is addict.Dict
    assert len(made[0]["k"]["x"]) == 1 << length, "the attack does not work"
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(doubled(100))


@pytest.mark.parametrize("bomb", [forked, copied])
def test_options_whose_work_doubles_with_each_level_are_held(bomb, hold):
    pytest.importorskip("addict", reason="addict is not installed")
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(bomb(60))


class Growing(list):
    """A list that runs a program when it is made by a call, which a load of its own pickle does not do."""

    def __init__(self, items=()):
        super().__init__(items)
        for item in self:
            if type(item) is str:
                open(item, "w").close()


def test_list_that_is_made_anew_by_options_is_held(hold, canary, in_notebook):
    pytest.importorskip("addict", reason="addict is not installed")
    in_notebook(Growing)
    growing = HEAD + glob("addict.addict", "Dict") + text("k") + glob("collections", "defaultdict") + b")R" + text("grown")
    growing += glob("__main__", "Growing") + b")\x81" + write(str(canary)) + b"as\x86\x85R."
    pickle.loads(growing)
    assert canary.exists(), "the attack does not work"
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(growing)
    assert not canary.exists()


def test_options_in_options_load(hold):
    addict = pytest.importorskip("addict", reason="addict is not installed")
    options = addict.Dict(model={"layers": [{"size": 3}], "names": {"a": {"b": 1}}})
    data = pickle.dumps(options, 4)
    hold()
    assert pickle.loads(data) == options


@pytest.mark.torch
def test_step_of_an_optimizer_is_not_replaced_for_the_whole_process(hold, monkeypatch):
    pytest.importorskip("networkx", reason="a view of networkx is called in place of the method")
    cls = pytest.importorskip(
        "transformers.optimization", reason="an optimizer that is no torch's own", exc_type=ImportError
    ).Adafactor
    step = vars(cls)["step"]
    monkeypatch.setattr(cls, "step", step)
    view = with_state(bare("networkx.classes.reportviews:NodeView"), {"_nodes": {}})
    parts = {"defaults": {}, "profile_hook_step": view, "param_groups": [], "state": {}}
    data = stream(with_state(bare("transformers.optimization:Adafactor"), parts))
    with contextlib.suppress(AttributeError):
        pickle.loads(data)
    assert vars(cls)["step"] is not step, "the attack does not work"
    cls.step = step
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)
    assert vars(cls)["step"] is step


def test_bunch_that_is_called_is_held(hold):
    pytest.importorskip("statsmodels.tools.tools", reason="statsmodels is not installed")
    made = HEAD + glob("statsmodels.tools.tools", "Bunch") + b")R" + text("_repr_html_") + glob("builtins", "len") + b"s."
    assert pickle.loads(made)._repr_html_ is len, "the attack does not work"
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(made)
