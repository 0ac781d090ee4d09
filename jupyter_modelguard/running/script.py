"""A script, run in this process as Python would run it, with the guard in place before its first line."""

from __future__ import annotations

import io
import sys
import traceback
import types
from typing import TYPE_CHECKING

from jupyter_modelguard import guard
from jupyter_modelguard.config import default_home
from jupyter_modelguard.policy.rulebook import Rulebook
from jupyter_modelguard.types import CallSite

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["run_script"]


def run_script(path: Path, arguments: Sequence[str], lock: Path | None) -> int:
    """Run a script and give its exit status.

    Parameters
    ----------
    path
        The script; its folder is the project whose policy and lock files count.
    arguments
        What it finds in `sys.argv` behind its name.
    lock
        The lock file that was named; raises `ConfigurationError` like `Rulebook`.
    """
    rulebook = Rulebook(default_home, path.parent, lock)
    guard.start(site=lambda: CallSite(path.name), rulebook=rulebook)
    before = sys.modules["__main__"], sys.argv, sys.path[:]
    main = types.ModuleType("__main__")
    main.__file__ = str(path)
    main.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"], sys.argv = main, [str(path), *arguments]
    if not sys.flags.safe_path:
        sys.path[:1] = [str(path.parent)]
    try:
        with io.open_code(str(path)) as file:
            code = compile(file.read(), str(path), "exec", dont_inherit=True)
        exec(code, main.__dict__)  # noqa: S102 running it is what was asked for
    except SystemExit as leaving:
        return _status(leaving.code)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 whatever ends a script ends it as Python would
        _show(error)
        return 1
    finally:
        sys.modules["__main__"], sys.argv, sys.path[:] = before
    return 0


def _status(code: object) -> int:
    """Give what Python makes of the argument of `sys.exit`."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    sys.stderr.write(f"{code}\n")
    return 1


def _show(error: BaseException) -> None:
    """Show an error as Python does at the end of a script, from the script's own first frame on."""
    inner = error.__traceback__.tb_next if error.__traceback__ is not None else None
    traceback.print_exception(type(error), error, inner)
