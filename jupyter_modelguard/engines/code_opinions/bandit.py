"""What Bandit says, in process and with less of what it says of honest code.

Its tests and its visitor are used by themselves: what reads files and comments is the part of Bandit that a repository could give
instructions to (`.bandit`, `pyproject.toml`, `# nosec`), and the part that leaves a file out without a word. The visitor walks with a stack
instead of by recursion, which deep expressions would end, and passes over nodes that no test is about.
"""

from __future__ import annotations

import ast
import functools
import importlib
import io
import logging
import time
import warnings
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.code_opinions.opinion import Answer, Opinion
from jupyter_modelguard.engines.installed import version_of
from jupyter_modelguard.policy.code_opinions import kind_of, not_shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from jupyter_modelguard.types import CodeFile

__all__ = ["DISTRIBUTION", "MODULE", "ask"]

DISTRIBUTION: Final = "bandit"
MODULE: Final = "bandit.core.node_visitor"
_LARGEST: Final = 4 << 20  # bytes of a file
_SECONDS: Final = 10.0  # of computing, for all files
_NAME: Final = "./code.py"  # what Bandit is told: it looks on the disk for what lies beside the name


def ask(files: Iterable[CodeFile]) -> Answer:
    """Ask Bandit about files; never from a process that holds somebody's work."""
    opinions: list[Opinion] = []
    missed = []
    until = time.process_time() + _SECONDS
    for file in files:
        if len(file.content) > _LARGEST:
            missed.append(f"{file.path}: too large for bandit")
            continue
        try:
            results, faults = _visited(file.content, until)
        except (Exception, RecursionError, MemoryError) as error:  # noqa: BLE001 a stranger's file in another's analyser
            missed.append(f"{file.path}: bandit cannot read it ({_why(error)})")
            continue
        opinions += [Opinion("bandit", test, kind_of("", test), file.path, line) for test, line in results]
        if faults:
            missed.append(f"{file.path}: {len(faults)} of bandit's tests failed ({faults[0]})")
    return Answer(f"bandit {version_of(DISTRIBUTION)}", tuple(opinions), tuple(missed))


class _OutOfTimeError(Exception):
    pass


def _why(error: BaseException) -> str:
    return f"it takes longer than {_SECONDS:g} seconds" if isinstance(error, _OutOfTimeError) else type(error).__name__


def _visited(content: bytes, until: float) -> tuple[list[tuple[str, int]], list[str]]:
    make = _visitors()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a stranger's escape sequences
        visitor = make(content, until)
        visitor.process(content)
    return visitor.tester.results, visitor.tester.faults


class _Tests:
    """Stands in for Bandit's own runner of tests, which says of a test that fails nothing but a line in a log.

    Parameters
    ----------
    tests
        Bandit's set of tests.
    context
        Bandit's class of what a test is told.
    """

    def __init__(self, tests: Any, context: Callable[[dict[str, Any]], Any]) -> None:
        self._tests = tests
        self._context = context
        self.results: list[tuple[str, int]] = []  # test id and line
        self.faults: list[str] = []

    def run_tests(self, told: dict[str, Any], what: str) -> None:
        """Run every test about one kind of node."""
        context = self._context(told)
        for test in self._tests.get_tests(what):
            try:
                result = test(context, test._config) if hasattr(test, "_config") else test(context)  # noqa: SLF001 as Bandit does
            except Exception as error:  # noqa: BLE001 a fault of one test, brought about by a stranger's file
                self.faults.append(f"{test.__name__}: {type(error).__name__}")
                continue
            if result is not None:
                line = told["lineno"] if result.lineno is None else result.lineno
                self.results.append((result.test_id or test._test_id, max(0, int(line))))  # noqa: SLF001 as above


@functools.cache
def _visitors() -> Callable[[bytes, float], Any]:
    """Import Bandit, and give what makes a visitor for one file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        printed = warnings.formatwarning  # which Bandit sets to one that names neither kind nor place
        node_visitor: Any = importlib.import_module(MODULE)
        config, context, test_set = (importlib.import_module(f"bandit.core.{name}") for name in ("config", "context", "test_set"))
        warnings.formatwarning = printed
    for name in ("bandit", "stevedore"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    # No file is named, so none is read: `BanditConfig` looks for none by itself.
    tests = test_set.BanditTestSet(config.BanditConfig(), {"exclude": not_shown()})
    base: Any = node_visitor.BanditNodeVisitor
    spoken_of = {name.removeprefix("visit_") for name in dir(base) if name.startswith("visit_")} | set(tests.tests)

    class Visitor(base):  # type: ignore[misc]
        """Walks with a stack."""

        def __init__(self, content: bytes, until: float) -> None:
            super().__init__(_NAME, io.BytesIO(content), None, tests, False, {}, None)  # noqa: FBT003 no debugging
            self._until = until
            self.tester = _Tests(tests, context.Context)

        def update_scores(self, scores: Any) -> None:
            """Keep no score."""

        def generic_visit(self, node: ast.AST) -> None:
            """Visit all that is below a node, in the order of the source."""
            waiting: list[tuple[ast.AST | None, Iterator[ast.AST]]] = [(None, _children(node))]
            while waiting:
                parent, children = waiting[-1]
                child = next(children, None)
                if child is None:
                    waiting.pop()
                    if isinstance(parent, (ast.FunctionDef, ast.ClassDef)):
                        self.post_visit(parent)
                    continue
                if time.process_time() > self._until:
                    raise _OutOfTimeError
                if type(child).__name__ in spoken_of:
                    self.pre_visit(child)
                    self.visit(child)
                waiting.append((child, _children(child)))

    return Visitor


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """Give the nodes below a node, each told what Bandit's tests ask of it."""
    for _, value in ast.iter_fields(node):
        if isinstance(value, list):
            below = [item for item in value if isinstance(item, ast.AST)]
            for place, item in enumerate(below):
                _place(item, node, below[place + 1] if place + 1 < len(below) else None)
                yield item
        elif isinstance(value, ast.AST):
            _place(value, node, None)
            yield value


def _place(child: ast.AST, parent: ast.AST, sibling: ast.AST | None) -> None:
    # A node without fields is one object for all trees of this process, which would keep this one and lead from others into it.
    if child._fields:
        child._bandit_sibling = sibling  # type: ignore[attr-defined] # noqa: SLF001
        child._bandit_parent = parent  # type: ignore[attr-defined] # noqa: SLF001
