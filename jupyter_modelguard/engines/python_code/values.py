"""What an expression is known to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from jupyter_modelguard.engines.python_code.model import Class, Source, Unit

__all__ = [
    "Bound",
    "Const",
    "Func",
    "Inst",
    "Kind",
    "Mapping",
    "Module",
    "Names",
    "Part",
    "Ref",
    "Seq",
    "Super",
    "Value",
    "Values",
]

_MOST_CALLS: Final = 3  # one after another
_MOST_DOTS: Final = 16


@dataclass(frozen=True, slots=True)
class Ref:
    """Something of another library, by its name: "os.system"; what a call of it gives is "os.popen()"."""

    name: str
    pieced: bool = False  # whether its name was put together, and does not stand in the file as it is

    def grown(self, ending: str, *, pieced: bool = False) -> tuple[Ref, ...]:
        """Give what is reached from it by ".name", a call or an item; nothing that is further away than anything on the list is."""
        far = self.name.count("()") + self.name.count("[]") >= _MOST_CALLS or self.name.count(".") >= _MOST_DOTS
        return () if far else (Ref(self.name + ending, self.pieced or pieced),)


@dataclass(frozen=True, slots=True)
class Const:
    """A text, number or bytes."""

    value: object
    pieced: bool = False  # whether it was put together from others


@dataclass(frozen=True, slots=True)
class Func:
    """A function or lambda of the program."""

    unit: Unit


@dataclass(frozen=True, slots=True)
class Kind:
    """A class of the program."""

    info: Class


@dataclass(frozen=True, slots=True)
class Inst:
    """An object of a class of the program."""

    info: Class


@dataclass(frozen=True, slots=True)
class Super:
    """What comes after a class in the order of its bases."""

    info: Class


@dataclass(frozen=True, slots=True)
class Module:
    """A file of the program."""

    source: Source


@dataclass(frozen=True, slots=True)
class Names:
    """The dictionary of what a module or namespace holds."""

    of: Ref | Module | None  # None for one that is not known


@dataclass(frozen=True, slots=True, eq=False)  # comparing what holds itself many times over takes for ever
class Seq:
    """A list or tuple."""

    items: tuple[Values, ...]


@dataclass(frozen=True, slots=True, eq=False)  # comparing what holds itself many times over takes for ever
class Mapping:
    """A dictionary with keys that are constants."""

    items: tuple[tuple[object, Values], ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """A method of one of these."""

    of: Value
    name: str


@dataclass(frozen=True, slots=True, eq=False)  # comparing what holds itself many times over takes for ever
class Part:
    """A function with some arguments given already, or that reaches for what it is told: `partial`, `attrgetter`, `methodcaller`."""

    kind: str
    items: tuple[Values, ...]


Value: TypeAlias = "Ref | Const | Func | Kind | Inst | Super | Module | Names | Seq | Mapping | Bound | Part"
Values: TypeAlias = "tuple[Value, ...]"
