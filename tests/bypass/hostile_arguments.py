"""Try the rows of one list with hostile arguments; run in a process of its own, which prints what went wrong, one line each.

For a closed row anything is tried; for a reviewed row, what its patterns admit: containers are filled with witnesses, objects that note
which of their methods somebody called, wherever a pattern does not look inside.
"""

import itertools
import os
import resource
import sys
import sysconfig
import threading
import tomllib
import warnings
from pathlib import Path

from jupyter_modelguard.policy import catalogue
from jupyter_modelguard.policy.pattern_text import Fields, Items, Members, parse

sys.path.append(str(Path(__file__).parent))

from hostile_objects import find, made, numbers  # isort: skip

MOST_MEMORY = 6 << 30
MOST_SECONDS = 60
MOST_TRIES = 40  # of one row
LIBRARIES = tuple(os.path.realpath(sysconfig.get_paths()[name]) for name in ("stdlib", "purelib", "platlib"))
HARMLESS = {
    "array.__new__",
    "builtins.id",
    "compile",
    "ctypes.cdata",
    "ctypes.cdata/buffer",
    "gc.get_referents",
    "object.__getattr__",
    "sys._getframe",
    "sys.unraisablehook",
    "time.sleep",
}
ASKED_OF_ANYTHING = {"__hash__", "__eq__"}
noted = []
watching = []


def hook(event, arguments):
    if not watching or event in HARMLESS or event.startswith("cpython."):
        return
    reads = (
        event == "open" and arguments[1] in ("r", "rb", None) and not (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    )
    if reads and isinstance(arguments[0], (str, bytes)) and os.path.realpath(os.fsdecode(arguments[0])).startswith(LIBRARIES):
        return
    if event == "exec" and arguments[0].co_filename.startswith((*LIBRARIES, "<frozen ")):
        return  # a lazy import of the library
    if event == "import" and arguments[0].partition(".")[0] in sys.modules:
        return
    if event == "ctypes.dlsym" and os.path.realpath(arguments[0]._name or "").startswith(LIBRARIES):
        return  # a function of the library's own native part
    if event == "marshal.loads":
        return  # the bytecode of such an import
    noted.append(f"raised {event} {str(arguments)[:100]}")


class Witness:
    """Notes who asks it for what."""


def _method(name):
    def method(self, *_, **__):
        if watching:
            noted.append(f"asked an object of the file for {name}")
        if name == "__hash__":
            return 1
        if name == "__eq__":
            return self is _[0] if _ else False
        raise TypeError(name)

    return method


for one in [
    "__call__",
    "__iter__",
    "__next__",
    "__len__",
    "__getitem__",
    "__setitem__",
    "__delitem__",
    "__contains__",
    "__index__",
    "__int__",
    "__float__",
    "__complex__",
    "__bool__",
    "__str__",
    "__bytes__",
    "__format__",
    "__add__",
    "__radd__",
    "__lt__",
    "__gt__",
    "__le__",
    "__ge__",
    "__eq__",
    "__hash__",
    "__enter__",
    "__exit__",
    "__get__",
    "__set__",
    "__getattr__",
    "__setstate__",
    "__array__",
    "__array_interface__",
    "__torch_function__",
    "__fspath__",
    "__buffer__",
    "__reduce_ex__",
    "__missing__",
]:
    setattr(Witness, one, _method(one))


class Trap(dict):
    """A dictionary that is no exact one."""

    __getitem__ = get = pop = keys = items = update = _method("a dictionary's method")


def hostile():
    deep = []
    for _ in range(2000):
        deep = [deep]
    return [
        Witness(),
        [Witness()],
        {"a": Witness()},
        (Witness(),),
        Trap(a=1),
        deep,
        len,
        type,
        os.system,
        "os.system",
        "codecs",
        "../../x",
        b"\x00" * 64,
        -1,
        1 << 40,
        1 << 70,
        float("nan"),
        1e308,
        None,
        True,
        "",
        b"",
        (),
        [],
        {},
        {"a": 1},
        range(5),
        object(),
        "a" * 5000,
    ]


WORDS = {
    "none": [None],
    "bool": [True, False],
    "int": [0, -1, 7, 1 << 62, 1 << 70],
    "float": [0.5, float("inf"), float("nan")],
    "complex": [1j],
    "str": ["", "os.system", "a" * 5000, "\0", "../x", "float64", "{0.__class__}"],
    "bytes": [b"", b"\x00" * 32, b"\xff" * 32, b"cos\nsystem\n."],
    "bytearray": [bytearray(), bytearray(b"\xff" * 32)],
    "memoryview": [memoryview(b"\xff" * 16)],
    "ints": [(), (1, 2), (-1,), (1 << 40,)],
    "sizes": [(), (0,), (2, 3), (1 << 40,)],
    "empty": [__import__("collections").OrderedDict()],
}


def containers():
    return {
        "list": [[], [Witness(), Witness()]],
        "tuple": [(), (Witness(), Witness())],
        "dict": [{}, {"a": Witness()}, {"a": {"b": [Witness()]}}],
        "plain": [None, 1, "os.system", [1, [2]], {"a": {"b": (1,)}}, b"\xff" * 16, {1: 2}],
        "known": [None, 1, (), [1, "a"], {"a": (1, 2)}, (1, 2, 3)],
        "any": [None, {"a": Witness()}, Witness()],
        "attributes": [{}, {"a": 1, "b": [1]}],
        "label": [1, "a", (1, "b")],
        "numbers": numbers(),
    }


def values(part):
    """Give values that one alternative of a pattern admits."""
    if isinstance(part, Members):
        inner = [value for one in part.members for value in values(one)][:6]
        fill = {"list": list, "tuple": tuple, "dict": lambda items: {f"k{n}": item for n, item in enumerate(items)}}[part.kind]
        return [fill([]), fill(inner), *(fill([value]) for value in inner)]
    if isinstance(part, Items):
        columns = [[value for one in item for value in values(one)][:4] for item in part.items]
        return [tuple(row) for row in itertools.islice(itertools.product(*columns), 12)]
    if isinstance(part, Fields):
        columns = {key: [value for one in parts for value in values(one)] for key, parts in part.fields.items()}
        rows = [{key: column[turn % len(column)] for key, column in columns.items() if column} for turn in range(6)]
        return [*rows, {key: column[0] for key, column in columns.items() if key in part.needed and column}]
    if part.startswith("="):
        return [part[1:]]
    word, _, rest = part.partition(":")
    if word == "made":
        try:
            return [made(rest)]
        except (LookupError, ImportError):
            return []
    if word == "global":
        try:
            return [find(rest)] if rest else [int]
        except LookupError:
            return []
    if word in ("global-value", "storage", "labels"):
        return []
    return WORDS.get(part) or containers().get(part, [])


def drawn(pattern):
    return [value for part in parse(pattern.rstrip("?*")) for value in values(part)]


def calls(row):
    """Give argument lists that a row admits."""
    patterns = row.get("arguments")
    if patterns is None:
        return []
    columns = [drawn(pattern) for pattern in patterns]
    least = sum(1 for pattern in patterns if pattern[-1] not in "?*")
    found = []
    for count in range(least, len(columns) + 1):
        if all(columns[:count]):
            turns = max(map(len, columns[:count]), default=1)
            found += [
                tuple(column[(turn + place) % len(column)] for place, column in enumerate(columns[:count]))
                for turn in range(turns)
            ]
    return found[:MOST_TRIES]


def states(row):
    pattern = row.get("state")
    if pattern is None:
        return []
    if isinstance(pattern, list):
        columns = [drawn(part) for part in pattern]
        if not all(columns):
            return []
        return [tuple(column[(turn + place) % len(column)] for place, column in enumerate(columns)) for turn in range(MOST_TRIES)]
    return drawn(pattern)[:MOST_TRIES]


def build(value, state):
    """Do as BUILD does."""
    if hasattr(type(value), "__setstate__"):
        value.__setstate__(state)
    elif isinstance(state, dict):
        vars(value).update(state)


def attempt(label, act, *, closed):
    before = len(noted)
    watching.append(1)
    try:
        act()
    except Exception:  # noqa: BLE001 a refusal is what hostile arguments deserve
        pass
    finally:
        watching.clear()
    for sentence in noted[before:]:
        asked = sentence.rpartition(" ")[2]
        if sentence.startswith("asked") and (asked in ASKED_OF_ANYTHING or (closed and asked != "__call__")):
            continue
        print(f"{label}: {sentence}")


def snapshot(owner):
    return {name: id(value) for name, value in vars(owner).items()} if isinstance(owner, type) else None


def try_row(module, name, row, *, closed):
    try:
        target = find(f"{module}.{name}")
    except LookupError:
        return False
    except Exception:  # noqa: BLE001 a library that fails to import is not here
        return False
    before, label = snapshot(target), f"{module}.{name}"
    if closed:
        for value in hostile():
            attempt(label, lambda value=value: target(value), closed=True)
            attempt(label, lambda value=value: target(value, value), closed=True)
            attempt(label, lambda value=value: build(target(), value), closed=True)
    elif name != "_load_from_bytes" and row.get("check") not in (
        "array",
        "dtype",
        "masked-array",
        "buffer",
        "scalar",
        "array-wrapper",
        "arrow-array",
        "blocks",
        "dill-array",
        "distance",
        "neighbour-tree",
    ):
        # What a check or the trace narrows further than patterns do has tests of its own.
        for arguments in calls(row):
            attempt(label, lambda arguments=arguments: target(*arguments), closed=False)
        if isinstance(target, type) and row.get("arguments") is not None:
            first = next(iter(calls(row)), ())
            for state in states(row):
                attempt(label, lambda state=state: build(target.__new__(target, *first), state), closed=False)
    if before is not None and snapshot(target) != before:
        print(f"{label}: changed its class")
    return True


def main(stem):
    warnings.simplefilter("ignore")
    rows = tomllib.loads((Path(catalogue.__file__).parent / "lists" / f"{stem}.toml").read_text(encoding="utf-8"))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS * 3, MOST_SECONDS * 3))
    sys.addaudithook(hook)
    tried = 0
    for kind in ("closed", "inert"):
        for row in rows.get(kind, ()):
            modules = row["module"] if isinstance(row["module"], list) else [row["module"]]
            names = row["name"] if isinstance(row["name"], list) else [row["name"]]
            for module, name in itertools.product(modules, names):
                threads = set(threading.enumerate())
                tried += try_row(module, name, row, closed=kind == "closed")
                if set(threading.enumerate()) - threads:
                    print(f"{module}.{name}: started a thread")
    print(f"tried {tried}")
    sys.stdout.flush()
    os._exit(0)  # libraries with threads of their own are slow to end


if __name__ == "__main__":
    main(sys.argv[1])
