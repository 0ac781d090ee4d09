"""Codes of pandas that name values which are not there: the load is quiet, and showing the object ends the process."""

import pickle
import signal

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from opcodes import HEAD, glob  # isort: skip

pd = pytest.importorskip("pandas", reason="the codes are pandas'")
np = pytest.importorskip("numpy", reason="pandas' codes are arrays of numpy")

_SHOW = """
import pickle, signal, warnings
signal.alarm(20)
warnings.simplefilter("ignore")
repr(pickle.loads(data))
"""
_CRASHES = (signal.SIGSEGV, signal.SIGBUS)
FAR = 1 << 30
MAKE = glob("pandas.core.indexes.base", "_new_Index")
INDEX = glob("pandas", "Index")
LONG = np.arange(40_000.0)


def wrote(value):
    """What pickles a value, without the ends of the stream."""
    return pickle.dumps(value, 2)[2:-1]


class Made:
    """Pickles as a call, with a state if there is one."""

    def __init__(self, *parts):
        self.parts = parts

    def __reduce__(self):
        return self.parts


def levels(level, *codes):
    make, _, _ = pd.MultiIndex.from_arrays([[1]]).__reduce__()
    parts = {"levels": [level] * len(codes), "codes": list(codes), "sortorder": None, "names": [None] * len(codes)}
    return Made(make, (pd.MultiIndex, parts))


def categories(values, code):
    made = pd.Categorical(values)
    make, arguments, state = made.__reduce__()
    codes = np.array([0, code])
    return Made(make, arguments, tuple(codes if type(part) is np.ndarray else part for part in state))


def attacks():
    text = pd.Index(["a", "b"], dtype=object)
    return {
        "index of numbers": levels(pd.Index(LONG), np.array([0, FAR])),
        "index of a range": levels(pd.RangeIndex(40_000), np.array([0, FAR])),
        "index, before its values": levels(pd.Index(LONG), np.array([0, -FAR])),
        "categories": categories([1.5, 2.5], FAR),
        "categories of objects": categories(text, FAR),
        "categories, before their values": categories([1.5, 2.5], -FAR),
        "categories in a frame": {"a": categories([1.5, 2.5], FAR)},
    }


@pytest.fixture
def crash(plainly, hold):
    """Show that a stream ends a process that shows what it makes, and that with the guard it is not loaded unasked."""

    def attack(data):
        assert plainly(_SHOW, "pandas", data=data) & 0x7F in _CRASHES, "the attack does not work"
        hold()
        with pytest.raises(ModelLoadBlockedError):
            pickle.loads(data)

    return attack


@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize("name", attacks())
def test_codes_beyond_the_values(crash, name, protocol):
    crash(pickle.dumps(attacks()[name], protocol))


def kept(piece):
    """Keep what a piece makes under number 200, and take it from the stack."""
    return piece + b"q\xc80"


def changed(key):
    """Put a range of more values than a file could hold under a key of the dictionary that was kept."""
    return b"h\xc8" + wrote(key) + wrote(pd.RangeIndex(FAR + 1)) + b"s0"


def test_level_whose_parts_are_changed_when_it_is_made(crash):
    """The level has the few values that it was made with; the dictionary that brought them says later that there are many."""
    level = MAKE + b"(" + INDEX + b"h\xc8tRq\xc90"
    codes = wrote("codes") + wrote([np.array([0, FAR])])
    whole = MAKE + b"(" + glob("pandas", "MultiIndex") + b"}(" + wrote("levels") + b"](h\xc9e" + codes + b"utR"
    crash(HEAD + kept(wrote({"data": LONG, "name": None})) + level + changed("data") + whole + b".")


def test_type_whose_categories_are_changed_when_it_has_them(crash):
    kind = glob("pandas", "CategoricalDtype") + b")\x81h\xc8bq\xc90"
    make, arguments, _ = pd.Categorical([]).__reduce__()
    made = wrote(make) + b"(" + glob("pandas", "Categorical") + wrote(arguments[1]) + b"NtR"
    given = b"(h\xc9" + wrote(np.array([0, FAR])) + b"}tb"
    crash(
        HEAD + kept(wrote({"categories": pd.Index(LONG), "ordered": False})) + kind + changed("categories") + made + given + b"."
    )


def test_array_of_dates_that_has_codes_of_its_own(crash):
    """What recodes categories asks what has a type of categories for codes, and dates could have both."""
    make, arguments, _ = pd.array(["2026-01-01"], dtype="datetime64[ns]").__reduce__()
    state = {"_ndarray": np.zeros(2, "M8[ns]"), "_dtype": pd.CategoricalDtype([1.5, 2.5]), "_codes": np.array([0, FAR])}
    parts = {"data": Made(make, arguments, state), "dtype": pd.CategoricalDtype([2.5, 1.5])}
    crash(pickle.dumps(Made(pd.CategoricalIndex([]).__reduce__()[0], (pd.CategoricalIndex, parts))))
