"""A real JupyterLab or Notebook in a folder of its own, with real kernels: one person's, or one that several people share.

Its kernels are of the Python of these tests (`test-0`) and of those that MODELGUARD_TEST_KERNELS lists for other versions of ipykernel. One
more, `elsewhere`, keeps its history where the server does not look, as a kernel on another machine would.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import jupyter_modelguard

__all__ = ["Lab", "running_lab"]

# Who somebody is stands in a cookie, as with a hub: their requests are checked for the XSRF token that those with a token are excused from.
PEOPLE = """
from jupyter_server.auth import Authorizer, IdentityProvider, User

class People(IdentityProvider):
    def get_user(self, handler):
        name = handler.get_cookie("person")
        return User(name) if name in {"ada", "mary", "grace"} else None

class Rights(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return resource != "jupyter_modelguard" or action == "read" or user.username != "grace"

c.ServerApp.identity_provider_class = People
c.ServerApp.authorizer_class = Rights
"""

# Trust, and the key that seals decisions, lie in no folder that a variable names.
PROGRAM = """
import pathlib, runpy, sys
from jupyter_modelguard import config
trust, application = pathlib.Path(sys.argv.pop(1)), sys.argv.pop(1)
config.default_home = lambda: trust
runpy.run_module(application, run_name="__main__", alter_sys=True)
"""


class Lab:
    """A server; `notebook` writes a notebook into its folder, `url` opens it.

    Kernels that should have the trust of a shared one set `config.default_home` to `trust` before they load the extension.
    """

    def __init__(self, folder, port, token, trust):
        self.folder = folder
        self.base = f"http://127.0.0.1:{port}"
        self.trust = trust
        self._token = token

    def notebook(self, name, *cells, kernel="python3"):
        content = {
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"cell-{at}",
                    "execution_count": None,
                    "metadata": {},
                    "outputs": [],
                    "source": source,
                }
                for at, source in enumerate(cells)
            ],
            "metadata": {"kernelspec": {"display_name": kernel, "language": "python", "name": kernel}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        (self.folder / name).write_text(json.dumps(content))
        return self.url(f"/lab/tree/{name}")

    def url(self, path):
        # One workspace a page: pages of a server would reopen each other's notebooks.
        path = path.replace("/lab/", f"/lab/workspaces/{secrets.token_hex(4)}/", 1)
        return f"{self.base}{path}?reset" + (f"&token={self._token}" if self._token else "")

    def answers(self):
        headers = {"Authorization": f"token {self._token}"} if self._token else {"Cookie": "person=ada"}
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{self.base}/api/status", headers=headers), timeout=5) as reply:
                return reply.status == 200
        except (urllib.error.URLError, OSError):
            return False


def kernel_pythons():
    """Pythons to run kernels with: the one of these tests, and those that MODELGUARD_TEST_KERNELS lists for other ipykernels."""
    return [sys.executable, *filter(None, os.environ.get("MODELGUARD_TEST_KERNELS", "").split(os.pathsep))]


def add_kernels(data, elsewhere):
    kernels = {f"test-{at}": (python, {}) for at, python in enumerate(kernel_pythons())}
    kernels["elsewhere"] = (sys.executable, {"MODELGUARD_HOME": str(elsewhere)})
    for name, (python, environment) in kernels.items():
        folder = data / "kernels" / name
        folder.mkdir(parents=True)
        # However slow this machine is, the question is not to move from the card to a prompt.
        command = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--ModelGuardConfig.ready_within=60"]
        content = {"argv": command, "display_name": name, "language": "python", "env": environment}
        (folder / "kernel.json").write_text(json.dumps(content))


def lab_extension():
    """What was built: of this tree, or of the installed wheel, which another Python would not find."""
    ours = Path(jupyter_modelguard.__file__).parent / "labextension"
    return ours if ours.is_dir() else Path(sys.prefix, "share", "jupyter", "labextensions", "jupyter-modelguard")


@contextlib.contextmanager
def running_lab(home, python=sys.executable, application="jupyterlab", *, people=False, extension=True):
    """Run a server in a fresh folder.

    Parameters
    ----------
    home
        Where everything of it goes.
    python
        That has the application; kernels are of the Python of these tests.
    application
        "jupyterlab" or "notebook".
    people
        Whether Ada and Mary share it, who may do everything, with Grace, who may read; else it is for whoever has its token.
    extension
        Whether our server extension is on.
    """
    folder = home / "notebooks"
    folder.mkdir()
    for name in ("modelguard", "elsewhere", "trust"):
        (home / name).mkdir(mode=0o700)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    quiet = home / "config/lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    if people:
        (home / "config" / "jupyter_server_config.py").write_text(PEOPLE)
    add_kernels(home / "data", home / "elsewhere")
    (home / "data" / "labextensions").mkdir()
    (home / "data" / "labextensions" / "jupyter-modelguard").symlink_to(lab_extension())
    environment = os.environ | {
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_PREFER_ENV_PATH": "0",  # what lies there comes before what is installed
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "MODELGUARD_HOME": str(home / "modelguard"),
    }
    started = (python, "-P", "-c", PROGRAM, str(home / "trust"), application) if people else (python, "-m", application)
    command = [
        *(*started, "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"),
        *(f"--ServerApp.port={port}", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}"),
        *("--ServerApp.port_retries=0", "--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True"),
        f"--ServerApp.jpserver_extensions={{'jupyter_modelguard': {extension}}}",  # of this tree, wherever the switch is installed
    ]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    running = Lab(folder, port, "" if people else token, home / "trust")
    try:
        deadline = time.monotonic() + 120
        while not running.answers():
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{application} did not start:\n{(home / 'log').read_text()[-4000:]}", pytrace=False)
            time.sleep(0.2)
        yield running
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
