"""A guard that stays: the line in the IPython profile that loads the extension in every kernel, and the `.pth` file for children.

What `modelguard install` writes stands between two marks, so that `modelguard uninstall` takes out exactly that.
"""

from __future__ import annotations

import os
import re
import shutil
import site
import sysconfig
from pathlib import Path

from jupyter_modelguard.children import start_up_line

__all__ = [
    "children_file",
    "configuration_file",
    "holds_children",
    "install_children",
    "install_line",
    "is_installed",
    "uninstall",
]

_PTH = "jupyter-modelguard-children.pth"
_BEGIN = "# >>> modelguard >>>"
_END = "# <<< modelguard <<<"
_FIRST_END = re.compile(r"^\r?\n")
_LINE = 'c.InteractiveShellApp.extensions.append("jupyter_modelguard")'


def configuration_file() -> Path:
    """Return the configuration of IPython's default profile, which kernels read too."""
    from IPython.paths import get_ipython_dir

    return Path(get_ipython_dir()) / "profile_default" / "ipython_config.py"


def children_file() -> Path | None:
    """Return the `.pth` file that is there, or None."""
    return next((folder / _PTH for folder in _folders() if (folder / _PTH).is_file()), None)


def is_installed() -> bool:
    """Whether every kernel of the default profile loads the extension."""
    return _BEGIN in _read_or_nothing(configuration_file())


def holds_children() -> bool:
    """Whether Python processes that a guarded one starts are guarded too: the `.pth` file is there, and is ours as it should be."""
    file = children_file()
    return file is not None and _read_or_nothing(file) == start_up_line()


def install_line() -> Path:
    """Let every kernel of the default profile load the extension; the file that says so is returned.

    Raises
    ------
    OSError
        If what is there cannot be read, or the file cannot be written.
    """
    file = configuration_file()
    text = _read(file) if file.exists() else ""
    if _BEGIN not in text:
        gap = "" if not text or text.endswith("\n") else "\n"
        file.parent.mkdir(parents=True, exist_ok=True)
        _write(file, f"{text}{gap}{_BEGIN}\nc = get_config()  # noqa: F821\n{_LINE}\n{_END}\n")
    return file


def install_children() -> Path:
    """Let every Python that a guarded process starts be guarded too; the `.pth` file is returned.

    Raises
    ------
    OSError
        If no folder that Python reads at its start can be written.
    """
    folders = _folders()
    for folder in folders:
        file = folder / _PTH
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write(file, start_up_line())
        except OSError:
            if folder == folders[-1]:
                raise
        else:
            return file
    message = "Python reads no folder at its start that .pth files could be in"
    raise OSError(message)


def uninstall() -> list[Path]:
    """Take out what was installed; the files that were changed or removed are returned."""
    changed = []
    file = configuration_file()
    text = _read_or_nothing(file)
    if _BEGIN in text and _END in text:
        before, _, rest = text.partition(_BEGIN)
        _write(file, before + _FIRST_END.sub("", rest.partition(_END)[2], count=1))
        changed.append(file)
    while (children := children_file()) is not None:
        children.unlink()
        changed.append(children)
    return changed


def _folders() -> list[Path]:
    found = [Path(sysconfig.get_path("purelib"))]
    if site.ENABLE_USER_SITE:
        found.append(Path(site.getusersitepackages()))
    return found


def _read(file: Path) -> str:
    """Read a file so that `_write` gives back every byte of it, whatever its encoding and its ends of lines."""
    return file.read_bytes().decode("utf-8", "surrogateescape")


def _read_or_nothing(file: Path) -> str:
    try:
        return _read(file)
    except OSError:
        return ""


def _write(file: Path, text: str) -> None:
    """Write a file whole or not at all: half a line in a `.pth` file would be said to be wrong by every Python that starts.

    A link stays a link: people keep their configuration in a repository and link to it.
    """
    file = file.resolve()
    beside = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        beside.write_bytes(text.encode("utf-8", "surrogateescape"))
        if file.exists():
            shutil.copymode(file, beside)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
