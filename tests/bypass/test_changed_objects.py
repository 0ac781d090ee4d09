"""Streams that change what others use, or have a method of an object run: the class is harmless, what is done with it is not."""

import datetime as dt
import io
import pickle

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from assembly import call, ref, stream, with_state, write  # isort: skip
from opcodes import dots, mapping, text  # isort: skip

RAN = []


class Quiet:
    pass


class Loud:
    def append(self, _):
        RAN.append("append")

    extend = append

    def __call__(self, *_, **__):
        RAN.append("__call__")


class Made:
    def __new__(cls, **keywords):
        RAN.append(keywords)
        return super().__new__(cls)


class Pops(dict):
    def pop(self, *_):
        RAN.append("pop")


class Zone(dt.tzinfo):
    def utcoffset(self, _):
        RAN.append("utcoffset")
        return dt.timedelta(0)


class Items(list):
    pass


@pytest.fixture(autouse=True)
def classes(in_notebook):
    RAN.clear()
    in_notebook(Quiet, Loud, Made, Pops, Zone, Items)


def mine(name):
    return dots("__main__", name)


def bare(name):
    return mine(name) + b")\x81"


HEAD = b"\x80\x04"
METHODS = {
    "an object is called in place of append": HEAD
    + bare("Items")
    + mapping(append=bare("Loud"), extend=bare("Loud"))
    + b"bK\x01a.",
    "an object is called in place of __setstate__": HEAD + bare("Quiet") + mapping(__setstate__=bare("Loud")) + b"b}b.",
    "a class is swapped in the slots": HEAD + bare("Quiet") + b"N" + mapping(__class__=mine("Loud")) + b"\x86bK\x01a.",
    "NEWOBJ_EX": HEAD + mine("Made") + b")" + mapping(word=text("x")) + b"\x92.",
    "NEWOBJ": HEAD + mine("Made") + b")\x81.",
    "OBJ": HEAD + b"(" + mine("Made") + b"o.",
    "INST": HEAD + b"(i__main__\nMade\n.",
    "a time zone is asked when its date is a key": stream(
        {call("datetime:datetime", dt.datetime(2020, 1, 1).__reduce__()[1][0], call("__main__:Zone")): 1}
    ),
    "a state has a pop of its own": HEAD
    + write(ref("sklearn.linear_model:LinearRegression"))
    + b")\x81"
    + bare("Pops")
    + text("_sklearn_version")
    + text("0")
    + b"sb.",
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", METHODS)
def test_method_of_an_object_does_not_run(name, hold):
    if "sklearn" in str(METHODS[name]):
        pytest.importorskip("sklearn.linear_model")
    data = METHODS[name]
    pickle.loads(data)
    assert RAN
    RAN.clear()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)
    assert not RAN


LOGGER = call("logging:getLogger", "modelguard-attacked")
CHANGES = {
    "a module": (with_state(ref("logging:time"), {"attacked": 1}), "hasattr(__import__('time'), 'attacked')"),
    "a module through its slots": (
        with_state(ref("logging:os"), (None, {"attacked": 1})),
        "hasattr(__import__('os'), 'attacked')",
    ),
    "a class": (
        with_state(ref("logging:Handler"), (None, {"attacked": 1})),
        "hasattr(__import__('logging').Handler, 'attacked')",
    ),
    "the defaults of a function": (
        with_state(ref("colorsys:rgb_to_hls"), (None, {"__defaults__": (1, 2, 3)})),
        "__import__('colorsys').rgb_to_hls.__defaults__",
    ),
    "the code of a function": (
        with_state(ref("colorsys:rgb_to_hls"), (None, {"__code__": ref("colorsys:rgb_to_hsv.__code__")})),
        "__import__('colorsys').rgb_to_hls.__code__ is __import__('colorsys').rgb_to_hsv.__code__",
    ),
    "a logger": (with_state(LOGGER, {"disabled": True}), "__import__('logging').getLogger('modelguard-attacked').disabled"),
    "a member of an enumeration": (
        with_state(call("http:HTTPStatus", 200), {"_value_": 500}),
        "__import__('http').HTTPStatus(200).value == 500",
    ),
    "the table that pickles": (
        call("copyreg:pickle", ref("builtins:complex"), ref("builtins:eval")),
        "__import__('copyreg').dispatch_table[complex] is eval",
    ),
    "the extension codes": (call("copyreg:add_extension", "os", "system", 7), "__import__('copyreg')._inverted_registry.get(7)"),
    "what an import finds": (
        call("sys:meta_path.append", ref("builtins:eval")),
        "eval in __import__('sys').meta_path",
    ),
    "what is imported already": (
        call("sys:modules.__setitem__", "attacked", ref("builtins:eval")),
        "'attacked' in __import__('sys').modules",
    ),
    "the end of the process": (call("atexit:register", ref("builtins:print")), "__import__('atexit')._ncallbacks()"),
    "a signal": (
        call("signal:signal", 10, ref("builtins:print")),
        "__import__('signal').getsignal(10) is print",
    ),
    "what is printed when the notebook shows a value": (
        call("sys:__dict__.__setitem__", "displayhook", ref("builtins:eval")),
        "__import__('sys').displayhook is eval",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_nothing_that_others_use_is_changed(what, hold, plainly, canary):
    change, changed = CHANGES[what]
    data = stream(change)
    source = f"import pickle\nbefore = bool({changed})\npickle.loads(data)\nif {changed} and not before: open(canary, 'w')"
    plainly(source, data=data, canary=str(canary))
    assert canary.exists()
    before = repr(eval(changed))
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)
    assert repr(eval(changed)) == before


SHOWN = {
    "a method for HTML in a namespace": HEAD
    + write(call("types:SimpleNamespace"))
    + mapping(_repr_html_=write(call(ref("functools:partial"), ref("builtins:str"), "<script>")))
    + b"b.",
    "IPython's HTML": stream(call("IPython.core.display:HTML", "<script>alert(1)</script>")),
    "IPython's HTML without a call": HEAD
    + write(ref("IPython.core.display:HTML"))
    + b")\x81"
    + mapping(data=text("<script>"), url=b"N", filename=b"N", metadata=b"N")
    + b"b.",
    "IPython's JavaScript": stream(call("IPython.core.display:Javascript", "alert(1)")),
    "a chart of altair's kind": HEAD + bare("Quiet") + mapping(_repr_mimebundle_=bare("Loud")) + b"b.",
    "a display of its own": HEAD + bare("Quiet") + mapping(_ipython_display_=bare("Loud")) + b"b.",
}


@pytest.mark.parametrize("name", SHOWN)
def test_what_is_shown_does_not_become_script(name, hold):
    formatters = pytest.importorskip("IPython.core.formatters")
    data = SHOWN[name]
    shown, _ = formatters.DisplayFormatter().format(pickle.loads(data))
    assert shown.keys() - {"text/plain"} or RAN or not shown
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)


def test_forged_type_of_an_array(hold):
    np = pytest.importorskip("numpy")
    honest = np.dtype([("weights", "<f8")])
    function, arguments, state = honest.__reduce__()
    names, fields = state[3], dict(state[4])
    fields["weights"] = (fields["weights"][0], 4096)
    forged = (*state[:4], fields, *state[5:])

    class Forged:
        def __reduce__(self):
            return function, arguments, forged

    data = pickle.dumps(Forged())
    assert pickle.loads(data).fields["weights"][1] == 4096  # reads far behind each of its items
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)
    assert pickle.loads(pickle.dumps(honest)) == honest
    assert names == ("weights",)


@pytest.mark.parametrize("module", ["numpy.random._pickle", "numpy.random"])
def test_functions_that_apply_their_arguments(module, strike, canary):
    np = pytest.importorskip("numpy")
    name = "__randomstate_ctor" if module.endswith("_pickle") else "_pickle.__generator_ctor"
    assert np.random
    strike(stream(call(f"{module}:{name}", str(canary), ref("logging:FileHandler"))))


def test_reader_that_is_shown_its_own_stream(hold, canary):
    """A stream that reads on by itself: the file it stands in is open, and its own reader is the callable."""
    data = HEAD + write(call("pickle:loads", stream(call("builtins:open", str(canary), "w")))) + b"."
    pickle.load(io.BytesIO(data)).close()
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.load(io.BytesIO(data))
    assert not canary.exists()
