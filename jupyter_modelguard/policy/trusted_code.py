"""The text of code files that somebody trusted, kept so that a later version can be shown by its differences.

A file lies under its own digest and is compared with it whenever it is read, so that what is shown as "before" is what was trusted. It
grants nothing: trust goes by the digests in `trust.json` alone. What cannot be kept or read is only not compared.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
from typing import TYPE_CHECKING

from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.policy.trust_folder import check_file, check_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from jupyter_modelguard.types import CodeFile

__all__ = ["TrustedCode"]

_LOG = logging.getLogger(__name__)
_FOLDER = "trusted-code"
_LARGEST = 1 << 20  # bytes of one file
_DIGITS = re.compile(r"[0-9a-f]{64}")
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


class TrustedCode:
    """Files by their digests, in a folder beside what is trusted.

    Parameters
    ----------
    folder
        Finds the folder of this person; see `jupyter_modelguard.config.default_home`.
    """

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder

    def keep(self, files: Iterable[CodeFile]) -> None:
        """Keep the text of files; it never raises."""
        for file in files:
            if len(file.content) > _LARGEST or hashlib.sha256(file.content).hexdigest() != file.digest:
                continue
            try:
                self._write(file)
            except (ConfigurationError, OSError):
                _LOG.info("%s could not be kept for a later comparison", file.path, exc_info=True)

    def read(self, digest: str) -> bytes | None:
        """Give the text of a file that was trusted; None where it is not there, or not what was trusted."""
        if not _DIGITS.fullmatch(digest):
            return None
        path = self._folder() / _FOLDER / digest
        try:
            if not check_folder(path.parent):
                return None
            descriptor = os.open(path, os.O_RDONLY | _NO_LINK)
            with os.fdopen(descriptor, "rb") as file:
                check_file(path, os.fstat(descriptor))
                content = file.read(_LARGEST + 1)
        except (ConfigurationError, OSError):
            return None
        return content if hashlib.sha256(content).hexdigest() == digest else None

    def forget_all_but(self, digests: Iterable[str]) -> None:
        """Remove what no decision speaks of any more; it never raises."""
        kept = frozenset(digests)
        with contextlib.suppress(ConfigurationError, OSError):
            folder = self._folder() / _FOLDER
            if check_folder(folder):
                for path in folder.iterdir():
                    if path.name not in kept:
                        path.unlink()

    def _write(self, file: CodeFile) -> None:
        folder = self._folder() / _FOLDER
        check_folder(folder, create=True)
        if self.read(file.digest) is not None:
            return
        fresh = folder / f"{file.digest}.{os.getpid()}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as written:
                written.write(file.content)
            fresh.replace(folder / file.digest)
        except BaseException:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise
