"""A guard that stays: the line in the IPython profile that loads the extension in every kernel, and the `.pth` file for children.

What `modelguard install` writes stands between two marks, so that `modelguard uninstall` takes out exactly that.
"""

from __future__ import annotations

import os
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
    return _BEGIN in _read(configuration_file())


def holds_children() -> bool:
    """Whether Python processes that a guarded one starts are guarded too: the `.pth` file is there, and is ours as it should be."""
    file = children_file()
    return file is not None and _read(file) == start_up_line()


def install_line() -> Path:
    """Let every kernel of the default profile load the extension; the file that says so is returned.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    file = configuration_file()
    text = _read(file)
    if _BEGIN not in text:
        first = "" if "get_config()" in text else "c = get_config()  # noqa: F821\n"
        gap = "" if not text or text.endswith("\n") else "\n"
        file.parent.mkdir(parents=True, exist_ok=True)
        _write(file, f"{text}{gap}{_BEGIN}\n{first}{_LINE}\n{_END}\n")
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
    text = _read(file)
    if _BEGIN in text and _END in text:
        before, _, rest = text.partition(f"{_BEGIN}\n")
        _write(file, before + rest.partition(f"{_END}\n")[2])
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
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _write(file: Path, text: str) -> None:
    """Write a file whole or not at all: half a line in a `.pth` file would be said to be wrong by every Python that starts."""
    beside = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        beside.write_text(text, "utf-8")
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
