"""What programs of their own say of code files: Semgrep with rules of this package, and what somebody's settings name.

They take seconds, so they are asked by a scan that wants second opinions and never before a decision. Each runs in a process like the one
that reads files, but for its memory: an analyser may need more than a reader. Nothing is sent anywhere by what is switched on here.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.code_opinions.asking import together
from jupyter_modelguard.engines.code_opinions.given_files import give
from jupyter_modelguard.engines.code_opinions.opinion import Answer
from jupyter_modelguard.engines.code_opinions.sarif_reading import LARGEST, read_sarif
from jupyter_modelguard.engines.code_opinions.settings import Program, settings
from jupyter_modelguard.errors import ScanError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_modelguard.types import CodeFile, ScanReport

__all__ = ["asked", "programs", "semgrep"]

_RULES: Final = Path(__file__).with_name("model_code.semgrep.yaml")
_SECONDS: Final = 120.0  # for Semgrep
_LONGEST: Final = 160  # characters of what went wrong
_SEMGREP: Final = (
    *("scan", "--config", str(_RULES), "--sarif", "--quiet", "--metrics", "off", "--disable-version-check", "--disable-nosem"),
    *("--no-git-ignore", "--jobs", "1", "--max-target-bytes", "0", "--timeout", "20", "--output", "{output}", "{folder}"),
)
_NOWHERE: Final = "http://127.0.0.1:9"  # where no proxy is
_ENVIRONMENT: Final = {
    "SEMGREP_SEND_METRICS": "off",
    "SEMGREP_ENABLE_VERSION_CHECK": "0",
    "HTTP_PROXY": _NOWHERE,
    "HTTPS_PROXY": _NOWHERE,
    "ALL_PROXY": _NOWHERE,
    "http_proxy": _NOWHERE,
    "https_proxy": _NOWHERE,
    "all_proxy": _NOWHERE,
    "NO_PROXY": "",
    "no_proxy": "",
}
_NOT_GIVEN: Final = ("SEMGREP_APP_TOKEN", "SEMGREP_RULES", "SEMGREP_BASELINE_COMMIT", "SEMGREP_BASELINE_REF")


def semgrep() -> str:
    """Find Semgrep: beside this Python, or in a folder of PATH that is no relative one; empty where there is none."""
    folders = [str(Path(sys.executable).parent), *os.environ.get("PATH", "").split(os.pathsep)]
    here = os.path.realpath(Path.cwd())
    safe = [folder for folder in folders if Path(folder).is_absolute() and os.path.realpath(folder) != here]
    return shutil.which("semgrep", path=os.pathsep.join(safe)) or ""


def programs() -> tuple[Program, ...]:
    """Name the programs that would be asked.

    Raises
    ------
    ConfigurationError
        The settings cannot be used.
    """
    found = semgrep()
    own = (Program("semgrep", (found, *_SEMGREP), _SECONDS),) if found else ()
    return (*own, *settings().programs)


def asked(report: ScanReport, files: tuple[CodeFile, ...], wanted: tuple[Program, ...]) -> ScanReport:
    """Put into a report on code files what programs say of them."""
    return together(report, files, (partial(_ask, program) for program in wanted))


def _ask(program: Program, files: Iterable[CodeFile]) -> Answer:
    with tempfile.TemporaryDirectory(prefix="modelguard-", ignore_cleanup_errors=True) as place:
        folder, output = Path(place, "code"), Path(place, "said.sarif")
        folder.mkdir()
        names, missed = give(files, folder)
        if not names:
            return Answer(program.name, missed=missed)
        # A program looks upwards for settings as far as a repository reaches: here it begins and ends.
        for name in (".semgrepignore", ".gitignore"):
            Path(place, name).touch()
        said = _run(program, place, str(folder), output)
        opinions, more = read_sarif(said, program.name, names)
    return Answer(program.name, opinions, (*missed, *more))


def _run(program: Program, place: str, folder: str, output: Path) -> bytes:
    """Run a program to its end or ours, and give what it wrote."""
    command = [word.replace("{folder}", folder).replace("{output}", str(output)) for word in program.command]
    printed, complained = Path(place, "printed"), Path(place, "complained")
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_GIVEN}
    if program.command[1:] == _SEMGREP:
        environment |= _ENVIRONMENT | {"SEMGREP_SETTINGS_FILE": str(Path(place, "settings.yml")), "SEMGREP_LOG_FILE": os.devnull}
    with printed.open("wb") as out, complained.open("wb") as err:
        try:
            process = subprocess.Popen(  # noqa: S603 as the settings of this user have it
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=place, env=environment, start_new_session=True
            )
        except OSError as error:
            raise ScanError(f"{program.name} cannot be run ({error.strerror})") from None
        try:
            status = process.wait(program.seconds)
        except subprocess.TimeoutExpired:
            raise ScanError(f"{program.name} takes longer than {program.seconds:g} seconds") from None
        finally:
            _end(process)
    said = _start(output if output.exists() else printed, LARGEST + 1)
    if not said.strip():
        words = _start(complained, 1 << 12).decode("utf-8", "replace").split()
        raise ScanError(f"{program.name} said nothing and ended with {status}: {' '.join(words)[:_LONGEST]}")
    return said


def _start(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program with all that it started; what ended by itself may have left something behind."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
