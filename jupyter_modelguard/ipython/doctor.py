"""Whether the guard can do its work in this environment, one line a question: what `modelguard doctor` prints.

Nothing is changed and nothing is sent. A foreign module called modelguard is read, never imported.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jupyter_modelguard.config import default_home, headless_mode, home
from jupyter_modelguard.errors import ConfigurationError, HistoryError
from jupyter_modelguard.ipython.alias import foreign_alias
from jupyter_modelguard.policy.places import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Diagnosis", "diagnosis"]


class Diagnosis(NamedTuple):
    """One thing that was looked at."""

    well: bool
    text: str  # what is so, and what to do where it is not well


def diagnosis() -> tuple[Diagnosis, ...]:
    """Look at everything that a guarded notebook needs."""
    questions: tuple[Callable[[], Diagnosis], ...] = (
        _alias,
        _home,
        _database,
        _trust,
        _policy,
        _headless,
        _card,
        _kernel,
        _panel,
        _rows,
        _names,
        _engines,
        _analysers,
        _lasting,
        _children,
    )
    return tuple(question() for question in questions)


def _alias() -> Diagnosis:
    foreign = foreign_alias()
    if foreign is not None:
        text = f"The module modelguard is another project's ({foreign}): %load_ext modelguard would not guard. "
        return Diagnosis(well=False, text=text + "Use %load_ext jupyter_modelguard.")
    if "modelguard" not in sys.modules and importlib.util.find_spec("modelguard") is None:
        return Diagnosis(
            well=False, text="%load_ext modelguard finds no module. Use %load_ext jupyter_modelguard, or install again."
        )
    return Diagnosis(well=True, text="%load_ext modelguard loads this package.")


def _home() -> Diagnosis:
    try:
        folder = home()
    except ConfigurationError as error:
        return Diagnosis(well=False, text=str(error))
    if not folder.is_dir():
        return Diagnosis(well=False, text=f"The folder of the history, {folder}, cannot be made; records stay in memory.")
    return Diagnosis(well=True, text=f"The history is in {folder}, closed to others.")


def _database() -> Diagnosis:
    from jupyter_modelguard.history.opening import open_history

    try:
        store = open_history()
        try:
            waiting = len(store.pending())
        finally:
            store.close()
    except ConfigurationError:
        return Diagnosis(well=False, text="The guard does not start before its folder is as it must be.")
    except HistoryError as error:
        said = str(error).rstrip(".")
        return Diagnosis(well=False, text=f"{said}. Loads are decided all the same; the history stays in memory.")
    return Diagnosis(well=True, text=f"The history can be written; {waiting} {'load waits' if waiting == 1 else 'loads wait'}.")


def _trust() -> Diagnosis:
    from jupyter_modelguard.ipython.trusting import said_of_trust
    from jupyter_modelguard.policy.trust import Trust

    trust = Trust(default_home)
    try:
        trust.entries()
    except (ConfigurationError, OSError) as error:
        return Diagnosis(well=False, text=str(error))
    return Diagnosis(well=True, text=f"Trusted for longer than one load: {said_of_trust(trust)}.")


def _policy() -> Diagnosis:
    from jupyter_modelguard.ipython.policies import said_of_policy
    from jupyter_modelguard.policy.rulebook import Rulebook

    rulebook = Rulebook(default_home)
    for file in rulebook.policy.files():
        if file.problem:
            return Diagnosis(well=False, text=f"{file.problem} Until then every load that is looked at is asked about.")
        if file.powerless and file.place.kind is not Kind.PROJECT:
            return Diagnosis(well=False, text=f"What {file.place.path} allows does not count: {file.powerless}")
    return Diagnosis(well=True, text=f"Rules and lock files that count in this folder: {said_of_policy(rulebook)}.")


def _headless() -> Diagnosis:
    try:
        mode = headless_mode()
    except ConfigurationError as error:
        return Diagnosis(well=False, text=str(error))
    said = "MODELGUARD_HEADLESS is not set: a person is asked where one can answer."
    return Diagnosis(well=True, text=said if mode is None else f"MODELGUARD_HEADLESS is {mode}: nobody is asked.")


def _card() -> Diagnosis:
    from jupyter_modelguard.approval.widget import card_files

    if card_files() is None:
        return Diagnosis(well=False, text="The card's front end is not built, so a text prompt asks. Install again from a wheel.")
    if importlib.util.find_spec("anywidget") is None:
        return Diagnosis(well=False, text="anywidget is missing, so a text prompt asks. pip install anywidget")
    return Diagnosis(well=True, text="The card can be shown.")


def _kernel() -> Diagnosis:
    try:
        found = version("ipykernel")
    except PackageNotFoundError:
        return Diagnosis(well=True, text="ipykernel is not installed; terminal IPython and scripts can be guarded.")
    return Diagnosis(well=True, text=f"ipykernel {found} is installed.")


def _panel() -> Diagnosis:
    """Look for what the server and the front end of this very environment read; another one's cannot be seen from here."""
    from jupyter_core.paths import jupyter_config_path, jupyter_path

    server = [Path(folder, "jupyter_server_config.d", "jupyter_modelguard.json") for folder in jupyter_config_path()]
    front = [Path(folder, "jupyter-modelguard", "package.json") for folder in jupyter_path("labextensions")]
    absent = [
        what for what, files in (("server extension", server), ("front end", front)) if not any(file.is_file() for file in files)
    ]
    if absent:
        text = f"The panel's {' and '.join(absent)} is not where this Jupyter looks: loads are guarded, the panel is not there. "
        return Diagnosis(well=False, text=text + "Install jupyter-modelguard in the environment that runs the server too.")
    return Diagnosis(well=True, text="JupyterLab and Notebook find the panel and its server extension here.")


def _rows() -> Diagnosis:
    from jupyter_modelguard.hooks.plugins import broken_rows, every_row

    loaders = {row.loader for row in every_row() if row.loader}
    broken = broken_rows()
    if broken:
        said = "; ".join(f"{name} ({why})" for name, why in broken.items())
        return Diagnosis(well=False, text=f"The rows of other packages cannot be read, so their loaders are not held: {said}")
    return Diagnosis(well=True, text=f"{len(loaders)} loaders have a row of their own.")


def _names() -> Diagnosis:
    """Look for what the installed libraries call their loaders, in their sources and in what this process has guarded."""
    from jupyter_modelguard.guard import current
    from jupyter_modelguard.hooks.changed_names import changed_names
    from jupyter_modelguard.hooks.plugins import every_row

    guard = current()
    seen = [] if guard is None else [f"{row.module}.{row.attribute}" for row in guard.patches.holes]
    changed = sorted({*seen, *changed_names(every_row())})
    if changed:
        text = (
            f"Libraries here no longer have what loads are held by, so the audit hook alone holds these: {', '.join(changed)}. "
        )
        return Diagnosis(well=False, text=text + "A later jupyter-modelguard may know their names.")
    return Diagnosis(well=True, text="The libraries that are installed here have the loaders that the guard knows.")


def _engines() -> Diagnosis:
    from jupyter_modelguard.engines.registry import own_engines
    from jupyter_modelguard.engines.worker import Worker

    worker = Worker()
    try:
        broken = worker.broken_engines()
    finally:
        worker.close()
    if broken:
        said = "; ".join(f"{name} ({why})" for name, why in broken.items())
        return Diagnosis(well=False, text=f"Engines of other packages cannot be had, so their formats are not inspected: {said}")
    return Diagnosis(well=True, text=f"{len(own_engines())} engines look at files, and those that other packages bring.")


def _analysers() -> Diagnosis:
    from jupyter_modelguard.engines.code_opinions.present import analysers

    found = analysers()
    if found.trouble:
        return Diagnosis(well=False, text=f"An analyser cannot be asked about a model's own code. {found.trouble}")
    return Diagnosis(well=True, text=f"Other analysers of a model's own code: {found}.")


def _lasting() -> Diagnosis:
    from jupyter_modelguard.ipython.lasting import configuration_file, is_installed

    if is_installed():
        return Diagnosis(well=True, text=f"Every kernel loads the guard by itself, through {configuration_file()}.")
    return Diagnosis(well=True, text="A notebook is guarded by %load_ext modelguard; modelguard install does so in every kernel.")


def _children() -> Diagnosis:
    from jupyter_modelguard.ipython.lasting import children_file, holds_children

    if holds_children():
        return Diagnosis(well=True, text=f"Processes that a guarded one starts are guarded too, through {children_file()}.")
    if children_file() is not None:
        text = f"{children_file()} is not as this version writes it, so spawned processes may not be guarded. "
        return Diagnosis(well=False, text=text + "modelguard install --children writes it again.")
    return Diagnosis(
        well=True, text="Forked processes are guarded, spawned ones are not; modelguard install --children guards both."
    )
