"""Rows that are no loaders: where code files and threads come from, and where warnings go."""

from __future__ import annotations

from typing import Final

from jupyter_modelguard.hooks.code_files import guard_get_code, guard_sourceless_get_code, guard_zipped_get_code
from jupyter_modelguard.hooks.row import Row, bare
from jupyter_modelguard.hooks.shown_warnings import keep_warning
from jupyter_modelguard.hooks.threads import carry_submitted, guard_thread_start

__all__ = ["MECHANISM"]

MECHANISM: Final = (
    Row("_frozen_importlib_external", "SourceLoader.get_code", lambda original, _: guard_get_code(original)),
    Row("_frozen_importlib_external", "SourcelessFileLoader.get_code", lambda original, _: guard_sourceless_get_code(original)),
    Row("zipimport", "zipimporter.get_code", lambda original, _: guard_zipped_get_code(original)),
    Row("warnings", "_showwarnmsg", bare(keep_warning)),
    Row("threading", "Thread.start", lambda original, _: guard_thread_start(original)),
    Row("concurrent.futures.thread", "ThreadPoolExecutor.submit", bare(carry_submitted)),
)
