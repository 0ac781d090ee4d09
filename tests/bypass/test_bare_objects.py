"""Objects that a stream makes and leaves without their state: native code behind some of them reaches into what is not there."""

import pickle
import signal

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.policy.catalogue import inert

from opcodes import HEAD, glob  # isort: skip

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

_TOUCH = """
import signal, sys, warnings
signal.alarm(5)  # some have no end
warnings.simplefilter("ignore")
try:
    made = sys.modules[module]
    for part in name.split("."):
        made = getattr(made, part)
    made = made.__new__(made)
except BaseException:
    raise SystemExit
everything = lambda thing: [getattr(thing, attribute) for attribute in dir(thing)]
again = lambda thing: thing.__reduce_ex__(4)
for touch in (repr, str, len, hash, bool, everything, again, lambda thing: thing == thing, lambda thing: thing[0]):
    try:
        touch(made)
    except BaseException:
        pass
"""

_LIBRARIES = ("pandas", "scipy.spatial", "scipy.interpolate", "sklearn.neighbors", "sklearn.tree")
_CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL)


def crashes(plainly, name):
    return plainly(_TOUCH, *_LIBRARIES, module=name.module, name=name.name) & 0x7F in _CRASHES


def test_what_crashes_before_it_has_a_state_must_get_one(plainly):
    for library in _LIBRARIES:
        pytest.importorskip(library, reason=f"{library} is not installed")
    bare = [name for name, row in inert().items() if row.arguments == () and row.state is not None and not row.whole]
    assert len(bare) > 20
    assert not [str(name) for name in bare if crashes(plainly, name)]


@pytest.mark.parametrize("name", ["DatetimeArray", "StringArray", "PeriodArray"])
def test_an_array_of_pandas_without_numbers_is_held(plainly, hold, name):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    arrays = pandas.arrays
    checksum = getattr(arrays, name)._from_sequence([]).__reduce__()[1][1] if name == "DatetimeArray" else None
    data = HEAD + glob("pandas.arrays", name) + b")\x81."
    found = next(one for one in inert() if one == ("pandas.arrays", name))
    assert crashes(plainly, found) or pandas.__version__.startswith("2.")  # which has an error for it
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)
    if checksum is not None:
        data = glob("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked") + b"(" + glob("pandas.arrays", name)
        with pytest.raises(ModelLoadBlockedError):
            pickle.loads(HEAD + data + pickle.dumps(checksum, 2)[2:-1] + b"NtR.")


def test_an_array_of_pandas_with_its_numbers_loads(hold):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    made = [pandas.array(["2026-01-01"], dtype="datetime64[ns]"), pandas.Categorical(["a", "b"]), pandas.interval_range(0, 3)]
    data = pickle.dumps(made)
    hold()
    assert str(pickle.loads(data)) == str(made)
