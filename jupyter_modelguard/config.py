"""What a user may set, and where the history lives.

Settings are traitlets, so `%config ModelGuardConfig.ask_with = "prompt"` and `ipython_config.py` both work. They set comfort;
what may load is policy and is decided elsewhere, because any cell can override a traitlet.

Five environment variables are read. `MODELGUARD_HOME` names the folder of the history; it is read once, and refused unless it
belongs to this user and is closed to others. `MODELGUARD_DATABASE_URL` names a PostgreSQL database that keeps the history in its place.
`MODELGUARD_HEADLESS` says how to decide where nobody can answer, and `MODELGUARD_STRICT` holds libraries too. `JUPYTERHUB_USER` says
whose rows are meant in a database that many share. None of them moves trust: the per-user folder is derived from the password database,
not from variables that a notebook can set.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
from pathlib import Path

from traitlets import Bool, CaselessStrEnum, Float
from traitlets.config import Configurable

from jupyter_modelguard.errors import ConfigurationError

__all__ = [
    "BLOCKED",
    "CHILDREN",
    "RUN_FOLDER",
    "ModelGuardConfig",
    "database_url",
    "default_home",
    "headless_mode",
    "home",
    "hub_user",
    "named_home",
    "strict_by_environment",
    "user_name",
]

BLOCKED = "MODELGUARD_BLOCKED"
"""Variable by which `modelguard run` names the file that its processes add to what they block; not for people to set."""

RUN_FOLDER = "modelguard-run-"
"""How the name of the folder of that file begins."""

CHILDREN = "MODELGUARD_CHILDREN"
"""Variable by which a guarded process tells those it starts; not for people to set, and it loosens nothing."""

_LOG = logging.getLogger(__name__)
_FOLDER = "jupyter-modelguard"
_DATABASE = "postgresql+psycopg://"
_PLATFORM: str = sys.platform  # a plain string: every branch is checked on every platform


class ModelGuardConfig(Configurable):
    """Comfort settings of the guard in one kernel."""

    ready_within = Float(3.0, min=0.0, help="Seconds a card has to appear before the question moves to a text prompt.").tag(
        config=True
    )
    ask_with = CaselessStrEnum(
        ("card", "prompt", "headless"),
        default_value="card",
        help="First way to ask: a card, a text prompt, or never (every load that would ask is blocked).",
    ).tag(config=True)
    ask_hub = Bool(
        True,  # noqa: FBT003 the default, as traitlets wants it
        help="Whether the card of a repository's code shows what its hub knows of it, asked without a token once the card is there. "
        "Offline mode of the hub's client says no too.",
    ).tag(config=True)
    strict = Bool(
        False,  # noqa: FBT003 the default, as traitlets wants it
        help="Hold libraries that unpickle for themselves too, traffic between processes included. "
        "MODELGUARD_STRICT=1 says so whatever is set here.",
    ).tag(config=True)
    keep_history = Float(
        365.0, min=0.0, help="Days that lines of the history are kept; older ones go when new ones are written. 0 keeps all."
    ).tag(config=True)
    history_journal = CaselessStrEnum(
        ("auto", "wal", "delete"),
        default_value="auto",
        help="How SQLite keeps the history whole: wal is quicker; delete is for a folder of a network, where wal is not reliable; auto "
        "goes by the file system.",
    ).tag(config=True)
    export_names = Bool(
        True,  # noqa: FBT003 the default, as traitlets wants it
        help="Whether exports of the history name files, notebooks and persons. If not, each gets a name that means nothing, the "
        "same throughout one export.",
    ).tag(config=True)


@functools.cache
def home() -> Path:
    """Folder of the history, from `MODELGUARD_HOME` or the per-user default.

    It is created closed to others when missing. A folder that cannot be created is returned all the same: a history that
    cannot be written never changes a decision.

    Raises
    ------
    ConfigurationError
        The folder belongs to somebody else or others may enter it.
    """
    what = "MODELGUARD_HOME" if os.environ.get("MODELGUARD_HOME") else "The folder of modelguard's history"
    return _closed_folder(named_home(), what)


def named_home() -> Path:
    """Name the folder that `home` gives, as it is: neither created nor checked.

    Raises
    ------
    ConfigurationError
        `MODELGUARD_HOME` is no absolute path.
    """
    named = os.environ.get("MODELGUARD_HOME")
    if not named:
        return default_home()
    folder = Path(named)
    if not folder.is_absolute():
        raise ConfigurationError(f"MODELGUARD_HOME must be an absolute path, not {named!r}.")
    return folder


def default_home() -> Path:
    """Per-user folder that no environment variable can redirect; trust stays here.

    Raises
    ------
    ConfigurationError
        The operating system knows no home folder for this user.
    """
    if _PLATFORM == "win32":
        return _windows_data_folder() / _FOLDER
    personal = _home_folder()
    if _PLATFORM == "darwin":
        return personal / "Library" / "Application Support" / _FOLDER
    return personal / ".local" / "share" / _FOLDER


def database_url() -> str | None:
    """Database that keeps the history, from `MODELGUARD_DATABASE_URL`; None for a file in `home()`.

    Raises
    ------
    ConfigurationError
        The variable names anything but PostgreSQL; its text, which may hold a password, is not repeated.
    """
    url = os.environ.get("MODELGUARD_DATABASE_URL")
    if not url:
        return None
    if url.startswith(_DATABASE):
        return url
    raise ConfigurationError(f"MODELGUARD_DATABASE_URL must begin with {_DATABASE}user@host/name.")


def headless_mode() -> str | None:
    """How to decide without asking: "deny", "lock", or None when a person may be asked.

    Raises
    ------
    ConfigurationError
        `MODELGUARD_HEADLESS` holds anything else; a typing error must not open a way to ask.
    """
    mode = os.environ.get("MODELGUARD_HEADLESS")
    if not mode:
        return None
    if mode in {"deny", "lock"}:
        return mode
    raise ConfigurationError(f"MODELGUARD_HEADLESS must be deny or lock, not {mode!r}.")


def strict_by_environment() -> bool:
    """Whether `MODELGUARD_STRICT` asks to hold libraries that unpickle for themselves too; no value of it loosens anything.

    Raises
    ------
    ConfigurationError
        It holds something else than 0 or 1.
    """
    mode = os.environ.get("MODELGUARD_STRICT") or "0"
    if mode in {"0", "1"}:
        return mode == "1"
    raise ConfigurationError(f"MODELGUARD_STRICT must be 1 or 0, not {mode!r}.")


def user_name() -> str:
    """Login name of the person this process runs as, as the operating system knows it."""
    if _PLATFORM != "win32":
        import pwd

        try:
            return pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            return f"uid {os.getuid()}"
    import getpass

    return getpass.getuser()


def hub_user() -> str:
    """Name of the person as their hub knows them, from `JUPYTERHUB_USER`; else as `user_name` has it.

    In the containers of a hub everybody has the same login name, so that it tells nobody apart. For labels alone: who may write to a
    shared database may bear any name there.
    """
    return os.environ.get("JUPYTERHUB_USER") or user_name()


def _closed_folder(folder: Path, what: str) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = folder.stat()
    except OSError as error:
        _LOG.warning("%s, %s, cannot be used (%s); records stay in memory.", what, folder, error.strerror)
        return folder
    if _PLATFORM != "win32":
        if state.st_uid != os.getuid():
            raise ConfigurationError(f"{what}, {folder}, belongs to another user. Name a folder of your own in MODELGUARD_HOME.")
        if state.st_mode & 0o077:
            raise ConfigurationError(f"{what}, {folder}, is open to others. Close it first: chmod 700 {folder}")
    return folder


def _home_folder() -> Path:
    import pwd

    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        raise ConfigurationError(
            f"User id {os.getuid()} has no entry in the password database. Name a folder of your own in MODELGUARD_HOME."
        ) from None


def _windows_data_folder() -> Path:
    import ctypes

    local_app_data, longest = 0x1C, 32_768
    buffer = ctypes.create_unicode_buffer(longest)
    if getattr(ctypes, "windll").shell32.SHGetFolderPathW(None, local_app_data, None, 0, buffer):  # noqa: B009 absent elsewhere
        raise ConfigurationError("Windows names no folder for this user's data. Name one in MODELGUARD_HOME.")
    return Path(buffer.value)
