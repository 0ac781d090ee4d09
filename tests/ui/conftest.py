"""A real browser, and a real JupyterLab in a folder of its own."""

import contextlib
import importlib.util
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from card_stage import PAGE, STATIC
from card_states import states

import jupyter_modelguard

REQUIRED = os.environ.get("MODELGUARD_REQUIRE_BROWSER") == "1"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def absent(what):
    """Skip for want of something, or fail where it was promised."""
    if REQUIRED:
        pytest.fail(f"{what}, and MODELGUARD_REQUIRE_BROWSER is set", pytrace=False)
    pytest.skip(what)


def pytest_collection_modifyitems(items):
    for item in items:
        if "ui" in item.path.parts:
            item.add_marker(pytest.mark.browser)


def chromium():
    """Path of the system's own Chromium, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def browser():
    """Chromium, the system's own."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("playwright is not installed")
    if chromium() is None:
        absent("no chromium on PATH")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, request):
    """A page on which every error of ours is a failure."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(30_000)
    yield opened
    if shots := os.environ.get("MODELGUARD_SCREENSHOTS"):  # a folder, to look at how each test left the page
        opened.screenshot(path=f"{shots}/{re.sub(r'[^a-z0-9]+', '-', request.node.name.lower())}.png")
    opened.close()


@pytest.fixture(scope="module")
def stage(browser):
    """A page that draws the card of given traits."""
    # less motion: colours change at once, and their contrast can be measured
    opened = browser.new_page(viewport={"width": 1100, "height": 900}, reduced_motion="reduce")
    opened.set_default_timeout(10_000)

    def answer(route):
        name = route.request.url.rpartition("/")[2]
        if name in {"card.js", "card.css"}:
            route.fulfill(path=STATIC / name)
        else:
            route.fulfill(body=PAGE, content_type="text/html")

    opened.route("http://card.test/**", answer)
    faults = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("dialog", lambda dialog: (faults.append(dialog.message), dialog.dismiss()))
    opened.goto("http://card.test/page")
    opened.wait_for_function("window.ready")
    yield opened
    opened.close()
    assert faults == []


@pytest.fixture
def show(stage):
    def shown(what, theme="light", width=1100):
        stage.set_viewport_size({"width": width, "height": 900})
        stage.evaluate("theme => { document.documentElement.dataset.mgTheme = theme }", theme)
        stage.evaluate("traits => window.show(traits)", json.loads(json.dumps(states()[what] if isinstance(what, str) else what)))
        return stage.locator("#card")

    return shown


def kernel_pythons():
    """Pythons to run kernels with: the one of these tests, and those that MODELGUARD_TEST_KERNELS lists for other ipykernels."""
    return [sys.executable, *filter(None, os.environ.get("MODELGUARD_TEST_KERNELS", "").split(os.pathsep))]


def add_kernels(data):
    for at, python in enumerate(kernel_pythons()):
        folder = data / "kernels" / f"test-{at}"
        folder.mkdir(parents=True)
        command = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (folder / "kernel.json").write_text(json.dumps({"argv": command, "display_name": f"test-{at}", "language": "python"}))


class Lab:
    """A JupyterLab server; `notebook` writes a notebook into its folder, `url` opens it."""

    def __init__(self, folder, port, token):
        self.folder = folder
        self._base = f"http://127.0.0.1:{port}"
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
        return f"{self._base}{path}?reset&token={self._token}"

    def answers(self):
        try:
            with urllib.request.urlopen(f"{self._base}/api/status?token={self._token}", timeout=5) as reply:
                return reply.status == 200
        except (urllib.error.URLError, OSError):
            return False


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """JupyterLab as installed beside these tests, with none of this user's own settings."""
    with running_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="session")
def start_lab(tmp_path_factory):
    """Run a server of another Python or application than `lab`, as a context."""

    def start(python, application):
        if python == sys.executable and importlib.util.find_spec(application) is None:
            absent(f"{application} is not installed")
        return running_lab(tmp_path_factory.mktemp("elsewhere"), python, application)

    return start


@contextlib.contextmanager
def running_lab(home, python=sys.executable, application="jupyterlab"):
    """Run JupyterLab, or Notebook by `application="notebook"`, with the Python that has it; kernels are of the Python of these tests."""
    folder = home / "notebooks"
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    quiet = home / "config/lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    add_kernels(home / "data")
    built = Path(jupyter_modelguard.__file__).parent / "labextension"
    if built.is_dir():  # the one of this tree, whatever was installed
        (home / "data" / "labextensions").mkdir()
        (home / "data" / "labextensions" / "jupyter-modelguard").symlink_to(built)
    private = home / "modelguard"
    private.mkdir(mode=0o700)
    environment = os.environ | {
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_PREFER_ENV_PATH": "0",  # what lies there comes before what is installed
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "MODELGUARD_HOME": str(private),
    }
    command = [
        *(python, "-m", application, "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"),
        *(f"--ServerApp.port={port}", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}"),
        *("--ServerApp.port_retries=0", "--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True"),
        "--ServerApp.jpserver_extensions={'jupyter_modelguard': True}",  # of this tree, wherever the switch is installed
    ]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    running = Lab(folder, port, token)
    try:
        deadline = time.monotonic() + 60
        while not running.answers():
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"JupyterLab did not start:\n{(home / 'log').read_text()[-4000:]}", pytrace=False)
            time.sleep(0.2)
        yield running
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
