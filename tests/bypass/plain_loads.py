"""Run attacks where nobody is guarded, in a process of its own: each must work there, or a test that blocks it says nothing.

The process imports what attacks need once and forks for each; the fork is thrown away with whatever the attack did to it.
"""

from __future__ import annotations

import pickle
import struct
import subprocess
import sys

__all__ = ["PlainLoads"]

_SERVER = r"""
import os, pickle, struct, sys, time, importlib
for name in sys.argv[1:]:
    importlib.import_module(name)
asked, answers = sys.stdin.buffer, sys.stdout.buffer
while head := asked.read(4):
    folder, seconds, source, names = pickle.loads(asked.read(struct.unpack("<I", head)[0]))
    child = os.fork()
    if not child:
        try:
            quiet = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(quiet, descriptor)
            os.chdir(folder)
            sys.path.insert(0, folder)
            sys.argv[:] = ["attack"]
            exec(compile(source, "attack", "exec"), {"__name__": "__main__", **names})
        except BaseException:
            pass
        finally:
            os._exit(0)
    deadline = time.monotonic() + seconds
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > deadline:
            os.kill(child, 9)
        time.sleep(0.002)
    answers.write(struct.pack("<i", ended[1]))
    answers.flush()
"""


class PlainLoads:
    """A Python without the guard.

    Parameters
    ----------
    modules
        What it imports once, for all attacks.
    """

    def __init__(self, *modules: str) -> None:
        command = [sys.executable, "-c", _SERVER, *modules]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def run(self, source: str, folder: str, seconds: float = 60, **names: object) -> int:
        """Run Python source with these names in a folder; the status as `os.waitpid` gives it."""
        asked = pickle.dumps((folder, seconds, source, names))
        self._process.stdin.write(struct.pack("<I", len(asked)) + asked)
        self._process.stdin.flush()
        return struct.unpack("<i", self._process.stdout.read(4))[0]

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=20)
        self._process.stdout.close()
