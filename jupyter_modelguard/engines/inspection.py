"""Judge the classes that no list knows, in the process that has them.

A class is cleared when nothing of it runs while its objects are made: every method that a load could reach is the interpreter's own,
or on the short list of methods that were read (`policy/methods.toml`). It must be here already, come from the standard library, from
an installed package or from the user's own notebook, and bear the very name the stream gives it. Nothing is imported and no
attribute is asked for in a way that could run code.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from jupyter_modelguard.engines.installed import file_of, find_file, is_installed, is_python, namespace_of, version_of
from jupyter_modelguard.engines.live_class import wrong_with
from jupyter_modelguard.engines.verdict import StreamTrace, with_globals
from jupyter_modelguard.policy.catalogue import inert, reviewed_methods
from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.policy.libraries import is_never_imported, known_libraries
from jupyter_modelguard.policy.names import importable, normalise
from jupyter_modelguard.types import Finding, Judgement, QualifiedName

__all__ = ["inspect_open", "modules_to_import"]


def inspect_open(trace: StreamTrace) -> StreamTrace:
    """Judge what a trace left open, and say of every global where it comes from here.

    Runs in the process that is going to load, also for a trace that left no class open: whether a Python 2 name could be
    imported as it stands is a question to this process.
    """
    opened = {item.name: item for item in trace.open_classes}
    raw = _raw_names(trace)
    uses = []
    extra: list[Finding] = []
    for use in trace.report.globals:
        judged = use
        if use.judgement is Judgement.INSPECT:
            wrong = wrong_with(opened[use.name]) if use.name in opened else "is used in a way that was not recorded"
            if wrong:
                judged = replace(use, judgement=Judgement.UNKNOWN, reason=wrong)
            else:
                judged = replace(
                    use, judgement=Judgement.INERT, reason="is a plain class: none of its methods run while it is loaded"
                )
                if use.name.module == "__main__":
                    extra.append(finding("pickle-notebook-class", f"{use.name.name} is a class of this notebook"))
        if judged.judgement in (Judgement.INERT, Judgement.CLOSED):
            planted = [module for module in raw.get(use.name, ()) if module != use.name.module and importable(module)]
            if planted:
                judged = replace(
                    judged,
                    judgement=Judgement.UNKNOWN,
                    reason=f"is written {planted[0]}.{use.name.name}, which could be imported",
                )
            elif _is_planted(use.name.module):
                judged = replace(
                    judged,
                    judgement=Judgement.UNKNOWN,
                    reason="comes from a file outside Python and its installed packages",
                )
        uses.append(replace(judged, origin=_origin(use.name)))
    finished = with_globals(trace, tuple(uses), ())
    return replace(finished, report=replace(finished.report, findings=finished.report.findings + tuple(extra)))


def modules_to_import(trace: StreamTrace) -> tuple[str, ...]:
    """Name the modules that must be imported before the classes of a trace can be inspected and loaded.

    Only modules that a reviewed list knows, or of a library that the lists know or `policy/libraries.toml` names, and only where the file
    that would run belongs to the standard library or an installed package.
    """
    known = {name.module for name in inert()}
    libraries = {module.partition(".")[0] for module in known} | {method.partition(".")[0] for method in reviewed_methods()}
    libraries = {name for name in libraries if name not in sys.stdlib_module_names} | known_libraries()
    wanted = []
    for use in trace.report.globals:
        if use.judgement not in (Judgement.INSPECT, Judgement.INERT, Judgement.CLOSED):
            continue
        row = inert().get(use.name)
        for module in (use.name.module, *(row.imports if row is not None else ())):
            if module in sys.modules or module in wanted:
                continue
            allowed = module in known or (module.partition(".")[0] in libraries and not is_never_imported(module))
            path = find_file(module) if allowed else None
            if path is not None and (path in ("built-in", "frozen") or is_installed(path)):
                wanted.append(module)
    return tuple(wanted)


def _is_planted(module: str) -> bool:
    """Whether a module that a list knows is, or would be imported from, a file that is no library's: somebody put it in the way."""
    if module == "__main__":
        return False
    path = file_of(module) if namespace_of(module) is not None else find_file(module)
    return path is not None and path not in ("", "built-in", "frozen") and not is_installed(path)


def _raw_names(trace: StreamTrace) -> dict[QualifiedName, list[str]]:
    raw: dict[QualifiedName, list[str]] = {}
    for module, name in sorted(trace.names):
        raw.setdefault(normalise(module, name), []).append(module)
    return raw


def _origin(name: QualifiedName) -> str:
    """Say in words where a global comes from here."""
    if name.module == "__main__":
        return "this notebook"
    path = file_of(name.module)
    if path is None:
        path = find_file(name.module)
    if path is None:
        return "not found here"
    if path in ("", "built-in", "frozen") or is_python(path):
        return "Python"
    if is_installed(path):
        top = name.module.partition(".")[0]
        version = version_of(top)
        return f"{top} {version}, installed here" if version else f"{top}, installed here"
    inside = Path(path).resolve().is_relative_to(Path.cwd())
    return "a file in the working directory" if inside else "a file outside Python and its installed packages"
