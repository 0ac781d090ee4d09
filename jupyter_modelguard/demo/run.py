"""Show the demo: in JupyterLab where there is a browser, in the terminal where there is one, and as a table anywhere else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_modelguard.demo.files import DemoFile, make_files
from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.guard import current, start, stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

__all__ = ["run_demo"]

_NOTEBOOK = "quickstart.ipynb"


def run_demo(console: Console, *, terminal: bool = False, folder: str | None = None) -> int:
    """Make the demo's files in a fresh folder and show what the guard does with them.

    Parameters
    ----------
    console
        Where to write.
    terminal
        Walk through in the terminal even if there is a browser.
    folder
        Where to make the files; a fresh temporary folder by default.

    Returns
    -------
    int
        The exit status: 0 if everything went as the demo says.
    """
    place = Path(folder) if folder is not None else Path(tempfile.mkdtemp(prefix="modelguard-demo-"))
    files = make_files(place)
    console.print(
        f"The demo's files are in [bold]{place}[/bold]. The armed ones only write a canary file there.", highlight=False
    )
    if not terminal and _has_browser():
        return _open_lab(console, place)
    return _walk(console, place, files, ask=sys.stdin.isatty())


def _has_browser() -> bool:
    import webbrowser

    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def _open_lab(console: Console, place: Path) -> int:
    with resources.as_file(_notebook()) as notebook:
        shutil.copy(notebook, place / _NOTEBOOK)
    console.print("Opening JupyterLab; stop it with Ctrl-C.")
    return subprocess.run([sys.executable, "-m", "jupyterlab", _NOTEBOOK], cwd=place, check=False).returncode  # noqa: S603 no word of it comes from outside


def _notebook() -> resources.abc.Traversable:
    packaged = resources.files("jupyter_modelguard").joinpath("_examples", _NOTEBOOK)
    if packaged.is_file():
        return packaged
    return Path(__file__).parents[2] / "example_notebooks" / _NOTEBOOK  # a checkout installed in editable mode


def _walk(console: Console, place: Path, files: tuple[DemoFile, ...], *, ask: bool) -> int:
    """Load every file under the guard. Without a person at the terminal, what would ask is blocked."""
    from rich.table import Table

    table = Table("File", "What it is", "Outcome", "Its code ran")
    as_told = True
    before = Path.cwd()
    os.chdir(place)
    try:
        with _guard(ask=ask):
            for file in files:
                if ask:
                    console.print(f"\n[bold]{file.name}[/bold]: {file.story}\n  {file.code}", highlight=False)
                outcome, blocked = _load(file)
                ran = bool(file.canary) and (place / file.canary).exists()
                as_told &= ran is False or (ask and not blocked)
                as_told &= blocked is file.armed or ask
                table.add_row(file.name, file.story, outcome, "yes" if ran else "no")
    finally:
        os.chdir(before)
    console.print(table)
    return 0 if as_told else 1


@contextmanager
def _guard(*, ask: bool) -> Iterator[None]:
    """Hold the loads of this process and ask at its terminal, which `install` does not do: a script's loads have nobody to answer."""
    already = current() is not None
    start(at_terminal=ask)
    try:
        yield
    finally:
        if not already:
            stop()


def _load(file: DemoFile) -> tuple[str, bool]:
    try:
        exec(compile(file.code, "<demo>", "exec"), {"__name__": "__main__"})  # noqa: S102 the demo's own line
    except ModelLoadBlockedError:
        return "stopped before its code ran", True
    return ("loaded after you said so" if file.armed else "loaded silently"), False
