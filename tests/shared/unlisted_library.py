"""A library that no list knows, with a class for each thing that a load can do to one."""

__all__ = ["LIBRARY"]

LIBRARY = """
import abc
import dataclasses
import enum
import typing
from collections import OrderedDict, namedtuple

class Plain: pass
class Restored:
    __setattr__ = object.__setattr__
    __delattr__ = object.__delattr__
class Point(namedtuple("Point", "x y")): pass
Pair = namedtuple("Pair", "x y")
Pair.__module__ = __name__
class Typed(typing.NamedTuple):
    x: int
    y: int = 0
class Forged(tuple):
    _fields = ("x", "y")
    def __new__(cls, x, y): return tuple.__new__(cls, [x, y])
class Color(enum.Enum):
    RED = 1
    BOTH = (1, 2)
    def fit(self): pass
class Bits(enum.Flag):
    A = 1
    B = 2
class Whole(enum.IntEnum):
    A = 1
class Asks(enum.Enum):
    RED = 1
    @classmethod
    def _missing_(cls, value): return cls.RED
class AsksFlags(enum.Flag):
    A = 1
    B = 2
    @classmethod
    def _missing_(cls, value): return cls.A
class HashedColor(enum.Enum):
    RED = 1
    def __hash__(self): return 1
@dataclasses.dataclass
class Data:
    a: int = 0
@dataclasses.dataclass(frozen=True)
class Frozen:
    a: int = 0
@dataclasses.dataclass(frozen=True, slots=True)
class FrozenSlots:
    a: int
@dataclasses.dataclass(frozen=True)
class OwnFrozen:
    a: int = 0
    def __setstate__(self, state): pass
class Property:
    __slots__ = ("_a",)
    @property
    def a(self): return self._a
    @a.setter
    def a(self, value): self._a = value
class Default:
    fit = None
class Proto(typing.Protocol): pass
class Slotted: __slots__ = ("a",)
class Abstract(abc.ABC): pass
class Child(Plain): pass
class ListChild(list): pass
class DictChild(dict): pass
class SetChild(set): pass
class StrChild(str): pass
class Ordered(OrderedDict): pass
class Broken(ValueError): pass
class Method:
    def fit(self): pass
class New:
    def __new__(cls): return object.__new__(cls)
class Init:
    def __init__(self): pass
class Setstate:
    def __setstate__(self, state): pass
class Setattr:
    def __setattr__(self, name, value): pass
class Getattr:
    def __getattr__(self, name): raise AttributeError(name)
class Getattribute:
    def __getattribute__(self, name): return object.__getattribute__(self, name)
class Del:
    def __del__(self): pass
class Hash:
    def __hash__(self): return 1
class Eq:
    def __eq__(self, other): return True
    __hash__ = object.__hash__
class Html:
    def _repr_html_(self): return ''
class Mime:
    def _repr_mimebundle_(self, **_): return {}
class Display:
    def _ipython_display_(self): pass
class FakeClass:
    __class__ = property(lambda self: int)
class FakeDict:
    __dict__ = property(lambda self: {})
class Appends(list):
    def append(self, item): pass
class Extends(list):
    def extend(self, items): pass
class Indexes(dict):
    def __setitem__(self, key, value): pass
class Meta(type): pass
class WithMeta(metaclass=Meta): pass
class Outer:
    class Inner: pass
Alias = Plain
Plain2 = Plain
def function(): pass
"""
