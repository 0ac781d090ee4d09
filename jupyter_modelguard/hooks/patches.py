"""Put the rows of the table in place, keep them there, and take them out again.

A finder applies a module's rows whenever that module is executed. Modules imported earlier are patched at once, with the names that other
modules of the same libraries and the user's namespace had bound to the very original.
"""

from __future__ import annotations

import logging
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import wrapt

from jupyter_modelguard.artifacts.trusted_paths import trusted_roots
from jupyter_modelguard.hooks.attribution import is_traffic
from jupyter_modelguard.hooks.changed_names import holes
from jupyter_modelguard.hooks.early_classes import adopt, release
from jupyter_modelguard.hooks.finder import Finder
from jupyter_modelguard.hooks.passage import Passage
from jupyter_modelguard.hooks.plugins import every_row
from jupyter_modelguard.hooks.row import GuardedFunction, Row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_modelguard.hooks.gate import Gate

__all__ = ["Patches"]

_log = logging.getLogger(__name__)


class Patches:
    """The table, in place; a handle that restores.

    Parameters
    ----------
    gate
        The guard that the wrappers ask.
    rows
        What to patch; by default the table, and what other packages add to it.

    Attributes
    ----------
    missing
        Rows whose library no longer has that name: loaders that are not held by a wrapper here.
    searched
        Modules that had bound no loader by name when they were searched: how many names they had, and their own. They are searched
        again when they have grown. Guards that follow one another may share it.
    """

    def __init__(self, gate: Gate, rows: Iterable[Row] | None = None) -> None:
        self._passage = Passage(gate)
        self._rows: dict[str, list[Row]] = {}
        for row in every_row() if rows is None else rows:
            self._rows.setdefault(row.module, []).append(row)
        self._placed: list[tuple[Any, str, Any, Any]] = []
        self._adopted: list[tuple[Any, str, Any, Any]] = []
        self._namespace: dict[str, Any] | None = None
        self.searched: dict[int, tuple[int, object]] = {}
        self._finder = Finder(self.guards, self.apply)
        self.missing: set[Row] = set()
        self._in_place: set[Row] = set()
        self._told: set[Row] = set()

    @property
    def libraries(self) -> frozenset[str]:
        """Top-level names of the libraries that the table knows."""
        return frozenset(name.partition(".")[0] for name in self._rows)

    @property
    def holes(self) -> list[Row]:
        """What is missing and nothing stands in for."""
        return holes(self.missing, self._in_place)

    def guards(self, module: str) -> bool:
        """Return whether something is done when a module is imported: the table has rows for it, or its pickles are traffic."""
        return module in self._rows or is_traffic(module)

    def install(self, namespace: dict[str, Any] | None = None) -> None:
        """Patch what is imported already, and watch for the rest.

        Parameters
        ----------
        namespace
            The user's names; those bound to an original are bound to its guarded form instead.
        """
        self._passage.over = False
        sys.meta_path.insert(0, self._finder)
        for name in tuple(self._rows):
            module = sys.modules.get(name)
            if module is not None:
                self.apply(name, module)
        self._namespace = namespace
        guarded: dict[int, tuple[Any, Any]] = {}
        for owner, _, original, new in self._placed:
            if not isinstance(owner, type):  # libraries have rows for names of theirs: the first row is the loader's own
                guarded.setdefault(id(original), (original, new))
        self._placed += self._rebind(namespace, guarded, note=True)
        for original, new in guarded.values():
            if isinstance(new, type):
                self._adopted += adopt(original, new)

    def restore(self) -> None:
        """Put back every attribute that is still ours; what somebody replaced since stays theirs."""
        self._passage.over = True
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        release(self._adopted)
        self._rebind(self._namespace, {id(new): (new, original) for _, _, original, new in self._placed})
        while self._placed:
            owner, name, original, replacement = self._placed.pop()
            names = owner if isinstance(owner, dict) else vars(owner)
            if names.get(name) is replacement:
                if isinstance(owner, dict):
                    owner[name] = original
                else:
                    setattr(owner, name, original)

    def bound_early(self) -> list[tuple[str, str]]:
        """List the names that other libraries had bound to a loader before it was guarded: `(place, loader)`, for people."""
        loaders = {id(row[2]): row[2] for row in self._placed if row[1] == getattr(row[2], "__name__", "")}
        found = []
        for module in tuple(sys.modules.values()):
            name = getattr(module, "__name__", "")
            if type(module) is not ModuleType or name.partition(".")[0] == "jupyter_modelguard":
                continue
            for bound, value in tuple(vars(module).items()):
                original = loaders.get(id(value))
                if original is not None and original is value:
                    found.append((f"{name}.{bound}", f"{original.__module__}.{original.__name__}"))
        return sorted(set(found))

    def apply(self, name: str, module: ModuleType) -> None:
        """Apply the rows of a module, by the name it is imported by: `__name__` may be another one, as importlib's is.

        A fault in here must never make the user's import fail.
        """
        if is_traffic(name):
            self._leave(module)
        for row in self._rows.get(name, ()):
            try:
                attributes = _spelled_out(module, row.attribute)
                for attribute in attributes:
                    self._apply_row(module, row, attribute)
                if not attributes:
                    self.missing.add(row)
            except Exception:  # noqa: BLE001 a bug of ours, whatever it is, is logged and shown by the doctor
                _log.exception("could not guard %s.%s", row.module, row.attribute)
                self.missing.add(row)
        self._tell(name)

    def _tell(self, module: str) -> None:
        """Say once in a short line what a library no longer has; not while another version's name for it may still be imported."""
        changed = [row for row in self.holes if row.module == module and row not in self._told]
        waiting = {row.either for rows in self._rows.values() for row in rows if row.either and row.module not in sys.modules}
        changed = [row for row in changed if row.either not in waiting]
        if changed:
            self._told.update(changed)
            names = ", ".join(row.attribute for row in changed)
            _log.warning("%s has no %s any more: held by the audit hook alone. modelguard doctor says more.", module, names)

    def _apply_row(self, module: ModuleType, row: Row, attribute: str) -> None:
        try:
            owner, name, original = wrapt.resolve_path(module, attribute)
        except AttributeError:
            self.missing.add(row)
            return
        self._in_place.add(row)
        if any(names is owner and at == name and replacement is original for names, at, _, replacement in self._placed):
            return  # executed again by somebody who kept its names
        original = _plain(original)  # bound by name from a module that was guarded when this one was imported
        replacement = row.build(original, self._passage)
        setattr(owner, name, replacement)
        self._placed.append((owner, name, original, replacement))
        for other in _left_behind(owner, name) if row.module == "pickle" else ():
            own = vars(other)[name]
            replacement = row.build(own, self._passage)
            setattr(other, name, replacement)
            self._placed.append((other, name, own, replacement))

    def _leave(self, module: ModuleType) -> None:
        """Give classes whose pickles are traffic the plain loaders that they took while they were guarded: they would pay twice.

        Names of the module itself stay: loky pickles `loads` by its name, which leads to the guarded one.
        """
        originals = {id(new): (new, original) for _, _, original, new in self._placed}
        for kind in tuple(vars(module).values()):
            # Not isinstance: that asks the object too, and torch has one that answers with a warning.
            if issubclass(type(kind), type) and kind.__module__ == module.__name__:
                for name, value in tuple(vars(kind).items()):
                    new, original = originals.get(id(value), (None, None))
                    if new is value and original is not None:
                        setattr(kind, name, original)

    def _rebind(
        self, namespace: dict[str, Any] | None, changes: dict[int, tuple[Any, Any]], *, note: bool = False
    ) -> list[tuple[Any, str, Any, Any]]:
        """Bind one thing in place of another wherever libraries of the table and the user's own modules had bound it by name."""
        libraries = self.libraries | {"_pickle"}
        owners: list[Any] = [
            getattr(module, "__dict__", {})
            for name, module in tuple(sys.modules.items())
            if name.partition(".")[0] in libraries or _is_users(module)
        ]
        if namespace is not None:
            owners.append(namespace)
            # a library may put another module in its own place (transformers does) while the user keeps the first
            owners += [
                vars(value)
                for value in tuple(namespace.values())
                if isinstance(value, ModuleType) and value.__name__.partition(".")[0] in libraries
            ]
        placed = []
        for names in owners:
            values = tuple(names.values())
            state = (len(values), names.get("__name__"))
            if names is not namespace and self.searched.get(id(names)) == state:
                continue
            if changes.keys().isdisjoint(map(id, values)):  # without a Python step a name: a kernel has a quarter of a million
                if note:
                    self.searched[id(names)] = state
                continue
            for name, value in tuple(names.items()):
                old, new = changes.get(id(value), (None, None))
                if old is value and new is not None:
                    names[name] = new
                    placed.append((names, name, old, new))
        return placed


def _is_users(module: ModuleType) -> bool:
    """Return whether a module is the user's own: a file outside the standard library and site-packages.

    By the text of its path alone, since a kernel has thousands of modules; a library behind a link is then searched for nothing.
    """
    path = getattr(module, "__file__", None)
    return type(path) is str and not path.startswith(trusted_roots())


def _spelled_out(module: ModuleType, attribute: str) -> list[str]:
    """List the attributes that a row means: `AutoModel*.from_pretrained` is one of each class that begins so and has its own."""
    owner, _, method = attribute.partition(".")
    if not owner.endswith("*"):
        return [attribute]
    classes = ((name, value) for name, value in vars(module).items() if name.startswith(owner[:-1]) and isinstance(value, type))
    return [f"{name}.{method}" for name, value in classes if method in vars(value)]


def _left_behind(owner: Any, method: str) -> list[type]:
    """List the classes of the same name that an earlier execution of the module left, not guarded yet: libraries keep the first."""
    if not isinstance(owner, type):
        return []
    name, kept = type.__dict__["__qualname__"], owner.__module__
    family: list[type] = type.__subclasses__(owner.__bases__[0])
    return [
        other
        for other in family
        if name.__get__(other) == owner.__qualname__
        and other is not owner
        and vars(other).get("__module__") == kept
        and method in vars(other)
        and not hasattr(vars(other)[method], "__modelguard__")
    ]


def _plain(loader: Any) -> Any:
    """Return the loader itself, if this is its guarded form."""
    if isinstance(loader, GuardedFunction):
        return loader.__wrapped__
    return getattr(loader, "__modelguard__", loader)
