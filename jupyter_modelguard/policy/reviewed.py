"""What is known of the objects that reviewed globals make in one stream: the answers to what patterns ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_modelguard.policy.dtypes import Structures
from jupyter_modelguard.policy.patterns import matches_all
from jupyter_modelguard.policy.record import CALLABLE, GLOBAL, OBJECTS, GlobalMark, is_global, is_made, name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_modelguard.artifacts.payload import Payload, PayloadsPassedOver
    from jupyter_modelguard.policy.catalogue import InertRow
    from jupyter_modelguard.types import QualifiedName

__all__ = ["ReviewedObjects"]


class ReviewedObjects:
    """Remembers how each object was made and what state it was given.

    Parameters
    ----------
    rows
        The reviewed globals, by name.
    """

    def __init__(self, rows: Mapping[QualifiedName, InertRow]) -> None:
        self._rows = rows
        self._calls: dict[int, tuple[Any, InertRow, tuple[Any, ...]]] = {}  # by identity of the object; holds it alive
        self._states: dict[int, tuple[Any, InertRow, Any]] = {}
        self._taken: dict[
            int, dict[Any, Any]
        ] = {}  # states of pandas' arrays and types as they were taken, by identity of the object
        self._given: dict[int, tuple[Any, ...]] = {}  # arguments of calls that made an object of their first one, by its identity
        self._types: dict[int, Any] = {}  # checked numpy types, by identity of the object that stands for one
        self._structures = Structures()
        self._free: set[QualifiedName] = set()  # of what there are objects under attributes of any name
        self._used: set[int] = set()  # identities of objects that something relies on as they are
        self._lists: dict[int, list[Any]] = {}  # what an array of objects copied from a list, by identity of the array
        self._items: dict[int, list[Any]] = {}  # what each SETITEM or APPEND put into an object, by its identity
        self._contents: dict[int, tuple[Any, Payload]] = {}  # raw content of arrays that joblib describes, by their identity
        self.passed_over: PayloadsPassedOver | None = None  # of the stream that is read now
        self._read: dict[int, Any] = {}  # arrays of objects that were read apart, by identity of what describes them

    def owner(self, stub: Any, arguments: tuple[Any, ...]) -> Any:
        """Say which global the object that a call makes is an instance of."""
        row = self._rows.get(stub.qualified)
        if row is None or not row.first or not arguments or not is_global(arguments[0]):
            return stub
        return stub if name_of(arguments[0]) == row.unless else arguments[0]

    def kind(self, kind: Any, value: Any = None) -> str | QualifiedName:
        """Say what a value is that is no builtin, by its type; of an array only the value itself tells whether it holds objects.

        An object of an open class is told by the name of the class.
        """
        if not issubclass(type(kind), GlobalMark):
            return GLOBAL
        row = self._rows.get(kind.qualified)
        if row is None:
            name: QualifiedName = kind.qualified
            return name
        if value is not None and row.makes == "numpy.ndarray" and self.members(value) != []:
            return OBJECTS
        return CALLABLE if row.callable else row.makes

    def arrays_of_objects(self) -> set[int]:
        """Give the identities of arrays that hold objects."""
        return {
            id(made)
            for made, row, state in self._states.values()
            if row.makes == "numpy.ndarray"
            and (
                type(state) is not tuple or (state and type(state[-1]) is list)
            )  # most hold numbers, and are passed over quickly
            and self.members(made) != []
        } | {id(made) for made, row, _ in self._calls.values() if row.check == "dill-array" and self.members(made) != []}

    def makes(self, made: Any) -> str:
        """Say what a made object is; empty if no list knows its maker."""
        row = self._rows.get(type(made).qualified)
        return "" if row is None else row.makes

    def is_value(self, stub: Any) -> bool:
        """Whether a global may stand as a value."""
        row = self._rows.get(name_of(stub))
        return row is not None and row.value

    def is_idle(self, stub: Any) -> bool:
        """Whether a global does nothing whatever it is called with."""
        row = self._rows.get(name_of(stub))
        return row is not None and row.idle

    def is_callable(self, made: Any) -> bool:
        """Whether a made object is a function of some kind."""
        row = self._rows.get(type(made).qualified)
        return row is None or row.callable

    def is_label(self, made: Any) -> bool:
        """Whether hash and order of a made object are reviewed, or of a constant that a global names."""
        row = self._rows.get(name_of(made))
        return row is not None and row.key and (row.value or not is_global(made))

    def use(self, made: Any) -> bool:
        """Note that a call or state relies on an object as it is now; always true."""
        self._used.add(id(made))
        return True

    def free(self, made: Any) -> bool:
        """Note that an object stands under an attribute of any name; always true."""
        self._free.add(name_of(made))
        return True

    def members(self, made: Any) -> list[Any] | None:
        """Give the objects that an array holds, empty for one of numbers; None for what is no array that numpy makes."""
        if self.makes(made) != "numpy.ndarray":
            return None
        made = self.apart(made)
        if id(made) in self._lists:
            return self._lists[id(made)]
        known = self._states.get(id(made))
        state = known[2] if known is not None else self._given_state(made)
        if type(state) is dict:  # raw numbers behind the pickle, or objects whose reading is still under way
            found = self.dtype(state.get("dtype"))
            return None if found is None or found.hasobject else []
        return next((item for item in state if type(item) is list), []) if type(state) is tuple else None

    def _given_state(self, made: Any) -> tuple[Any, ...]:
        """Find the state of an array in the arguments of the call that made it, where dill puts it."""
        known = self._calls.get(id(made))
        arguments = known[2] if known is not None else ()
        return next((given for given in arguments if type(given) is tuple and given and type(given[-1]) is list), ())

    def keep_members(self, made: Any, state: Any) -> None:
        """Copy the objects of an array as numpy does when it gets them: the list that brings them can be changed later."""
        if type(state) is tuple and state and type(state[-1]) is list:
            self._lists[id(made)] = list(state[-1])

    def keep_content(self, made: Any, content: Payload) -> None:
        """Note the raw content of an array that is only described."""
        self._contents[id(made)] = (made, content)

    def content(self, made: Any) -> Payload | None:
        """Give the raw content of an array that is only described; None where that is not known."""
        known = self._contents.get(id(made))
        return None if known is None else known[1]

    def payload(self, content: Any) -> Payload | None:
        """Give what a load will have for some bytes of the trace; None where that cannot be told."""
        if type(content) not in (bytes, bytearray, memoryview) or self.passed_over is None:
            return None
        return self.passed_over.of(content)

    def read_apart(self, made: Any, objects: Any) -> None:
        """Note which array holds the objects of one that is only described."""
        self._read[id(made)] = objects

    def apart(self, made: Any) -> Any:
        """Give the array of objects that joblib reads in place of one that it describes; any other as it is."""
        return self._read.get(id(made), made)

    def dtype(self, made: Any) -> Any:
        """Give the numpy type that an object of the trace stands for; None if numpy would make another."""
        if not is_made(made) or self.makes(made) != "numpy.dtype":
            return None
        self._used.add(id(made))
        if id(made) not in self._types:
            known = self._calls.get(id(made))
            state = self._states.get(id(made))
            self._types[id(made)] = None  # a type inside itself is none
            if known is not None and matches_all(("str|global:numpy.record", "bool|int", "bool|int"), known[2], self):
                found = self._structures.rebuild(known[2], None if state is None else state[2], self.dtype)
                if found is not None and (found.names is not None or found.subdtype is not None):
                    del self._types[id(made)]  # numpy keeps the dictionary of its fields, which can be changed between two uses
                    return found
                self._types[id(made)] = found
        return self._types[id(made)]

    def arrow_type(self, made: Any) -> str:
        """Give the name by which a type of Arrow was looked up; empty for one that was made in another way."""
        known = self._calls.get(id(made))
        return known[2][0] if known is not None and [type(given) for given in known[2]] == [str] else ""

    def given(self, made: Any) -> tuple[Any, ...]:
        """Give the arguments of the call that made an object; empty if no reviewed global did."""
        known = self._calls.get(id(made))
        return self._given.get(id(made)) or (known[2] if known is not None else ())

    def state(self, made: Any) -> Any:
        """Give the state that an object of a reviewed global was given; None without one."""
        if id(made) in self._taken:
            return self._taken[id(made)]
        known = self._states.get(id(made))
        return None if known is None else known[2]

    def pairs(self, made: Any) -> list[tuple[Any, Any]] | None:
        """Give every key and value that the stream put into a reviewed mapping, also those that it replaced.

        None for a mapping that has more than those, because it was made a copy of a dictionary.
        """
        return None if id(made) in self._given else self._items.get(id(made), [])

    def _peek_dtype(self, made: Any) -> Any:
        """Check a type without counting that as a use of it."""
        used = id(made) in self._used
        found = self.dtype(made)
        if not used:
            self._used.discard(id(made))
        return found
