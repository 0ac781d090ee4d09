"""A real Jupyter server with the extension, in a process of its own, and what asks it things."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

__all__ = ["ADA", "EVE", "GRACE", "Server", "started_server"]

ADA, GRACE, EVE = "token-of-ada", "token-of-grace", "token-of-eve"
"""Who may do everything, who may only look, and who may not even that."""

PEOPLE = """
from jupyter_server.auth import Authorizer, IdentityProvider, User

class People(IdentityProvider):
    names = {"token-of-ada": "ada", "token-of-grace": "grace", "token-of-eve": "eve"}

    def get_user(self, handler):
        scheme, _, token = handler.request.headers.get("Authorization", "").partition(" ")
        handler._token_authenticated = scheme == "token" and token in self.names
        return User(self.names[token]) if handler._token_authenticated else None

class Rights(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        if resource != "jupyter_modelguard":
            return True
        return user.username == "ada" or (user.username == "grace" and action == "read")

c.ServerApp.identity_provider_class = People
c.ServerApp.authorizer_class = Rights
"""

# What the process is asked by tests, beside what the project serves: its modules, and every address with its verbs.
INSIDE = """
import json, sys
from jupyter_server.base.handlers import APIHandler

def rules(router):
    for rule in router.rules:
        if isinstance(getattr(rule.target, "rules", None), list):
            yield from rules(rule.target)
        elif hasattr(rule.matcher, "regex"):
            yield rule.matcher.regex.pattern, rule.target

class Inside(APIHandler):
    def get(self):
        known = {}
        for pattern, target in rules(self.application.default_router):
            if "jupyter-modelguard" in pattern:
                verbs = [verb for verb in self.SUPPORTED_METHODS
                         if getattr(target, verb.lower()) is not self._unimplemented_method
                         and getattr(target, verb.lower()) is not APIHandler._unimplemented_method]
                known[pattern] = sorted(verbs)
        self.finish(json.dumps({"modules": sorted(sys.modules), "routes": known}))

def _load_jupyter_server_extension(server):
    server.web_app.add_handlers(".*$", [("/inside", Inside)])
"""

PROGRAM = """
import pathlib, sys
from jupyter_modelguard import config
trust = pathlib.Path(sys.argv.pop(1))
config.default_home = lambda: trust
from jupyter_server.serverapp import main
main()
"""


class Server:
    """One that answers at `port`; `log()` is what it said."""

    def __init__(self, port, log_file, token, process):
        self.port = port
        self.token = token
        self.process = process
        self._log_file = log_file

    def log(self):
        return self._log_file.read_text("utf-8", "replace")

    def send(self, verb, path, body=None, *, token=..., headers=None, prefix="/jupyter-modelguard"):
        """Send one request; give status, headers and the whole body."""
        token = self.token if token is ... else token
        sent = {"Authorization": f"token {token}"} if token else {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(verb, prefix + path, body, {**sent, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def ask(self, verb, path, body=None, **options):
        """Send one request; give status and what came as JSON."""
        body = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
        status, _, text = self.send(verb, path, body, **options)
        return status, json.loads(text)

    def inside(self):
        return self.ask("GET", "/inside", prefix="")[1]

    @contextlib.contextmanager
    def events(self):
        """Listen to the event bus; gives a function that waits until an event fits."""
        import websocket

        address = f"ws://127.0.0.1:{self.port}/api/events/subscribe?token={self.token}"
        opened = websocket.create_connection(address, timeout=60, header={"Authorization": f"token {self.token}"})
        heard = []

        def until(fits):
            for event in heard:
                if fits(event):
                    return event
            while True:
                event = json.loads(opened.recv())
                heard.append(event)
                if fits(event):
                    return event

        try:
            until.heard = heard
            yield until
        finally:
            opened.close()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def started_server(folder, home, *, people=False, config="", environment=None):
    """Start a server whose history is in `home` and whose trust is in `folder`; `people` are Ada, Grace and Eve."""
    folder.mkdir(exist_ok=True)
    (folder / "jupyter_server_config.py").write_text((PEOPLE if people else "") + textwrap.dedent(config), "utf-8")
    (folder / "inside_for_tests.py").write_text(INSIDE, "utf-8")
    port, token = _free_port(), ADA if people else "secret"
    root = str(Path(__file__).parents[2])
    named = {
        **os.environ,
        "MODELGUARD_HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(folder),
        "JUPYTER_CONFIG_PATH": str(folder),
        "JUPYTER_NO_CONFIG": "",
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "PYTHONPATH": os.pathsep.join([root, str(folder), os.environ.get("PYTHONPATH", "")]),
        **(environment or {}),
    }
    for name in ("MODELGUARD_HEADLESS", "MODELGUARD_DATABASE_URL", "JUPYTER_TOKEN", "JUPYTER_NO_CONFIG"):
        if not named.get(name):
            named.pop(name, None)
    extensions = {"jupyter_modelguard": True, "inside_for_tests": True}
    extensions |= dict.fromkeys(("jupyterlab", "jupyter_lsp", "notebook", "notebook_shim"), False)
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.open_browser": False,
        "ServerApp.root_dir": str(folder),
        "ServerApp.allow_root": True,
        "IdentityProvider.token": token,
        "ServerApp.jpserver_extensions": json.dumps(extensions).replace("true", "True").replace("false", "False"),
    }
    command = [sys.executable, "-P", "-W", "default", "-c", PROGRAM, str(folder / "trust")]
    command += [f"--{name}={value}" for name, value in options.items()]
    log_file = folder / "server.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, env=named, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        server = Server(port, log_file, token, process)
        try:
            _wait_for(server)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(30)


def _wait_for(server):
    deadline = time.monotonic() + 90
    while True:
        with contextlib.suppress(OSError):
            if server.ask("GET", "/inside", prefix="")[0] == 200:
                return
        assert server.process.poll() is None, server.log()
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.1)


def sample(pattern):
    """Make an address of a pattern; a group that is not known here is an error."""
    known = {"([0-9a-f]{1,32})": "0123456789abcdef", "([0-9a-f]{8})": "7f3a91c2", "(/.*)?": "/no/such/address"}
    for group, text in known.items():
        pattern = pattern.replace(group, text)
    address = pattern.removesuffix("$").replace("\\-", "-")
    assert re.fullmatch(r"[/0-9a-z-]+", address), pattern
    return address
