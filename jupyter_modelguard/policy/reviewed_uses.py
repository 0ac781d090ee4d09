"""Whether calls, states and items are what the rows of the reviewed lists admit.

Each is judged when it happens, and those that a later opcode could change again at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_modelguard.policy.checks import CHECKS, CONTENT, LAYOUTS
from jupyter_modelguard.policy.patterns import matches, matches_all
from jupyter_modelguard.policy.record import ATOMS, CONTAINERS, hides_method, is_global, is_made, is_plain
from jupyter_modelguard.policy.reviewed import ReviewedObjects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_modelguard.policy.catalogue import InertRow
    from jupyter_modelguard.types import QualifiedName

__all__ = ["ReviewedUses"]


class ReviewedUses(ReviewedObjects):
    """Holds the acts of one stream on reviewed globals against their rows.

    Parameters
    ----------
    rows
        The reviewed globals, by name.
    """

    def __init__(self, rows: Mapping[QualifiedName, InertRow]) -> None:
        super().__init__(rows)
        self._problems: dict[QualifiedName, str] = {}
        self._outer: list[tuple[InertRow, tuple[Any, ...]]] = []  # calls that make an object of their first argument
        self._members: list[tuple[InertRow, Any]] = []  # items of objects whose rows say what they must be

    def problem(self, name: QualifiedName, sentence: str) -> None:
        """Note that a global is used in a way that nothing vouches for; the first reason is kept."""
        self._problems.setdefault(name, sentence)

    def _judge_call(self, row: InertRow, arguments: tuple[Any, ...]) -> None:
        if row.arguments is None:
            self.problem(row.name, "is called, which is not reviewed")
        elif not matches_all(row.arguments, arguments, self):
            self.problem(row.name, "is called with arguments that are not reviewed")
        elif row.check:
            wrong = CHECKS[row.check](arguments, None, self if row.check in LAYOUTS else self.dtype)
            if wrong:
                self.problem(row.name, wrong)

    def _judge_member(self, row: InertRow, member: Any) -> None:
        if not matches(row.member, member, self):
            self.problem(row.name, "is given items that are not reviewed")

    def _judge_state(self, row: InertRow, made: Any, state: Any) -> None:
        good = False
        if isinstance(row.state, tuple):
            good = type(state) is tuple and matches_all(row.state, state, self)
        elif row.state == "itself":
            good = state is made and not self._hides_method(made)
        elif row.state is not None:
            good = matches(row.state, state, self)
        if not good:
            self.problem(row.name, "is given a state that is not reviewed")
            return
        if row.check == "dtype":
            if self._peek_dtype(made) is None:
                self.problem(row.name, "is not a data type that numpy makes")
        elif row.check and row.name not in self._problems:  # checks rely on arguments that fit their patterns
            known = self._calls.get(id(made))
            wrong = CHECKS[row.check](known[2] if known is not None else (), state, self if row.check in LAYOUTS else self.dtype)
            if wrong:
                self.problem(row.name, wrong)

    def _hides_method(self, made: Any) -> bool:
        """Whether an item of a dictionary whose items read as attributes stands in for a method."""
        items = self._items.get(id(made), [])
        return any(type(key) is str and (hides_method(key) or hasattr(dict, key)) and not is_plain(value) for key, value in items)

    def _judge_again(self) -> None:
        for made, row, arguments in self._calls.values():
            if row.whole and id(made) not in self._states:
                self.problem(row.name, "is left without the state that its native part relies on")
            if not _is_settled(arguments):
                self._judge_call(row, arguments)
        for made, row, state in self._states.values():
            if row.check in CONTENT or not _is_settled(state):
                self._judge_state(row, made, state)
        for row, arguments in self._outer:
            if not _is_settled(arguments):
                self._judge_call(row, arguments)
        for row, member in self._members:
            self._judge_member(row, member)


def _is_settled(value: Any) -> bool:
    """Whether what was judged, and stands here at the end of the stream, was the same then. Objects in it are judged by themselves."""
    if type(value) is not tuple:
        return False
    for item in value:
        if is_made(item) or is_global(item):
            continue
        if type(item) in CONTAINERS and not item:
            continue  # opcodes only ever add
        if type(item) not in ATOMS and not (type(item) is tuple and all(not is_made(one) and type(one) in ATOMS for one in item)):
            return False
    return True
