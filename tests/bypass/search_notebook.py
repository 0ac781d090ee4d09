"""Classes such as a notebook might define, whose every method would show that it ran.

Making an instance of most of them runs nothing, so the guard may clear them; none of what they define may then be called by a load. The
watch recognises their functions by this very file.
"""

from __future__ import annotations

import sys
from collections import OrderedDict, UserDict
from enum import Enum

__all__ = ["CLASSES", "define"]


class Plain:
    """Has nothing at all."""


class Answers:
    """Answers whatever a loader might ask an object that it was handed."""

    def __call__(self, *_, **__):
        return self

    def _answer(self, *_, **__):
        return 1

    def _text(self, *_):
        return "answered"

    def _nothing(self, *_, **__):
        return iter(())

    __len__ = __index__ = __int__ = __bool__ = __float__ = __complex__ = __lt__ = __gt__ = __le__ = __round__ = __trunc__ = (
        _answer
    )
    __add__ = __radd__ = __mul__ = __rmul__ = __sub__ = __neg__ = __contains__ = __enter__ = __exit__ = __missing__ = _answer
    __str__ = __repr__ = __fspath__ = __format__ = __bytes__ = _text
    __iter__ = __reversed__ = keys = items = values = __dir__ = _nothing
    __array__ = __array_ufunc__ = __array_function__ = __array_wrap__ = __torch_function__ = __array_prepare__ = __dlpack__ = (
        _answer
    )
    __reduce__ = __reduce_ex__ = __copy__ = __deepcopy__ = __getstate__ = __sklearn_tags__ = __buffer__ = _answer
    pop = get = update = copy = read = write = close = decode = encode = split = size = utcoffset = tzname = dst = fromutc = (
        _answer
    )
    is_integer = as_integer_ratio = limit_denominator = transpose = reshape = view = astype = tobytes = _answer

    def __getitem__(self, key):
        raise IndexError(key)

    @property
    def shape(self):
        return (1,)

    dtype = ndim = nbytes = data = numerator = denominator = real = imag = device = layout = days = seconds = name = shape
    __array_interface__ = __array_struct__ = __array_priority__ = __cuda_array_interface__ = _fields = shape


class Described:
    """Has a property of every name that a stream is likely to ask for."""

    @property
    def a(self):
        return 1

    x = nodes = factory = default_factory = shown = made = f8 = C = F = cpu = latin1 = strided = forward = keys = items = a
    shape = dtype = pop = get = update = append = extend = add = _modules = _parameters = _buffers = O8 = V8 = MT19937 = PCG64 = a


class Shown:
    """Has a property, as honest classes do, that a load must not ask for."""

    @property
    def shown(self):
        return 1

    @classmethod
    def made(cls):
        return cls()

    @staticmethod
    def free():
        return 1

    extend_later = append_later = made


class Rows(list):
    """A list."""


class Table(dict):
    """A dictionary."""

    def __missing__(self, key):
        return key


class Ordered(OrderedDict):
    """An ordered dictionary."""


class Members(set):
    """A set."""


class Pair(tuple):
    """A tuple, without a place for attributes."""

    __slots__ = ()

    def __iter__(self):
        return iter(())


class Word(str):
    """Text."""

    __slots__ = ()

    def __str__(self):
        return "word"


class Number(int):
    """A number."""

    def __index__(self):
        return 1


class Amount(float):
    """A fraction."""


class Raw(bytes):
    """Bytes."""


class Failure(Exception):  # noqa: N818 as people name theirs
    """An exception."""


class Slotted:
    """Keeps its attributes in slots."""

    __slots__ = ("append", "label")


class Inherits(Shown, Rows):
    """Gets what it has from two others."""


class Starts:
    """Runs when it is called."""

    def __init__(self, *_):
        self.started = True


class StartsRows(list):
    """A list that runs when it is called, and not when it is made."""

    def __init__(self, *_):
        super().__init__()


class Receives:
    """Runs when it gets a state."""

    def __setstate__(self, state):
        self.state = state


class ReceivesRows(Rows):
    """A list that runs when it gets items."""

    def append(self, item):
        """Take one."""

    def extend(self, items):
        """Take some."""


class ReceivesTable(Table):
    """A dictionary that runs when it gets items."""

    def __setitem__(self, key, value):
        """Take one."""


class ReceivesMembers(set):
    """A set that runs when it gets members."""

    def add(self, item):
        """Take one."""


class Hashes:
    """Runs as a key."""

    def __hash__(self):
        return 1

    def __eq__(self, other):
        return True


class Compares:
    """Runs when it is compared, and can therefore be no key."""

    def __eq__(self, other):
        return True

    __hash__ = None


class Ends:
    """Runs when it goes away."""

    def __del__(self):
        self.ended = True


class Asks:
    """Runs when an attribute is missing."""

    def __getattr__(self, name):
        raise AttributeError(name)


class Displays:
    """Runs when it is displayed."""

    def _repr_html_(self):
        return "<script></script>"


class Meta(type):
    """Runs when the class is used."""

    def __call__(cls, *_, **__):
        return object()

    def __instancecheck__(cls, instance):
        return True


class HasMeta(metaclass=Meta):
    """Has a metaclass."""


class Colour(Enum):
    """Has members that the whole process shares."""

    RED = 1


class Wraps(UserDict):
    """A dictionary by inheritance from a class in Python."""


CLASSES = tuple(cls for cls in vars().copy().values() if isinstance(cls, type) and cls.__module__ == __name__)


def define() -> None:
    """Make the classes the notebook's own."""
    for cls in CLASSES:
        cls.__module__ = "__main__"
        setattr(sys.modules["__main__"], cls.__name__, cls)
