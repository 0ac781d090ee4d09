"""A front end that draws nothing, and the kernel behind it: for tests that see and answer what a person would."""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import time

import jupyter_client

__all__ = ["FrontEnd", "started_kernel"]


class FrontEnd:
    """A client that draws nothing, but sees what a front end sees and answers as one would."""

    def __init__(self, client, manager, environment):
        self.client = client
        self.manager = manager
        self.environment = environment
        self.cells = []
        self.idle = set()  # cells that nothing more comes from
        self.outputs = []  # bundles, updates applied
        self.cards = {}  # model id -> state
        self.prompts = []
        self.questions = []  # the headers of their messages
        self.replies = {}

    def run(self, code, allow_stdin=True):
        self.cells.append(self.client.execute(code, allow_stdin=allow_stdin))
        return self.cells[-1]

    def wait_for(self, what, seconds=60):
        deadline = time.monotonic() + seconds
        while True:
            self._drain()
            found = what()
            if found:
                return found
            assert time.monotonic() < deadline, f"nothing came: {self.outputs} {self.replies}"
            time.sleep(0.005)

    def reply(self, message_id, seconds=60):
        return self.wait_for(lambda: self.replies.get(message_id), seconds)

    def send(self, model_id, content):
        message = self.client.session.msg("comm_msg", {"comm_id": model_id, "data": {"method": "custom", "content": content}})
        self.client.shell_channel.send(message)

    def card(self, after=None):
        """The model id of the card that waits, once it is shown: nobody clicks on a card that has only been announced."""
        return self.wait_for(
            lambda: next((key for key in self.shown() if key != after and self.cards[key].get("state") == "stopped"), None)
        )

    def shown(self):
        views = [bundle.get("application/vnd.jupyter.widget-view+json", {}) for bundle in self.outputs]
        return [view["model_id"] for view in views if view.get("model_id") in self.cards]

    def text(self):
        return "\n".join(bundle.get("text/plain", "") for bundle in self.outputs)

    def _drain(self):
        for channel, take in (
            (self.client.iopub_channel, self._iopub),
            (self.client.stdin_channel, self._stdin),
            (self.client.shell_channel, self._shell),
        ):
            while True:
                try:
                    message = channel.get_msg(timeout=0)
                except queue.Empty:
                    break
                take(message)

    def _shell(self, message):
        self.replies[message["parent_header"].get("msg_id")] = message["content"]

    def _stdin(self, message):
        self.prompts.append(message["content"]["prompt"])
        self.questions.append(message["header"])

    def _iopub(self, message):
        content = message["content"]
        if message["msg_type"] == "comm_open":
            state = content["data"].get("state", {})
            if "token" in state:
                self.cards[content["comm_id"]] = dict(state)
        elif message["msg_type"] == "comm_msg" and content["comm_id"] in self.cards:
            self.cards[content["comm_id"]].update(content["data"].get("state", {}))
        elif message["msg_type"] == "status" and content["execution_state"] == "idle":
            self.idle.add(message["parent_header"].get("msg_id"))
        elif message["msg_type"] == "display_data":
            self.outputs.append(dict(content["data"], _id=content["transient"].get("display_id")))
        elif message["msg_type"] == "update_display_data":
            for bundle in self.outputs:
                if bundle.get("_id") == content["transient"]["display_id"]:
                    bundle.clear()
                    bundle.update(content["data"], _id=content["transient"]["display_id"])
        elif message["msg_type"] in {"stream", "error"}:
            self.outputs.append({"text/plain": content["text"] if "text" in content else "\n".join(content["traceback"])})


@contextlib.contextmanager
def started_kernel(home, python=sys.executable):
    home.chmod(0o700)
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    environment = {
        **os.environ,
        "MODELGUARD_HOME": str(home),
        "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]),
    }
    environment.pop("MODELGUARD_HEADLESS", None)
    manager = jupyter_client.KernelManager()
    manager.kernel_cmd = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager.start_kernel(env=environment)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield client, manager, environment
    client.stop_channels()
    manager.shutdown_kernel(now=True)
