"""Run source as a cell of a notebook runs: by IPython's own frame, with the text where tracebacks look for it."""

from __future__ import annotations

import itertools
import linecache

__all__ = ["run_cell"]

_numbers = itertools.count()
_runner = {"__name__": "IPython.core.interactiveshell"}
exec("def run(code, names): exec(code, names)", _runner)


def run_cell(source, names=None, *, title="cell"):
    """Run it; give the names that it knows and made."""
    filename = f"<{title} {next(_numbers)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    names = {} if names is None else names
    names["__name__"] = "__main__"
    _runner["run"](compile(source, filename, "exec"), names)
    return names
