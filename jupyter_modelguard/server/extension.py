"""The server extension as Jupyter loads it: the addresses, the schemas of the events, and the thread that watches the history.

`etc/jupyter/jupyter_server_config.d/jupyter_modelguard.json` in the environment turns it on, and `jupyter server extension disable
jupyter_modelguard` off. Loads are guarded with it and without it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from jupyter_server.extension.application import ExtensionApp

from jupyter_modelguard.config import ModelGuardConfig
from jupyter_modelguard.server.audit import emit, events_of, register
from jupyter_modelguard.server.desk import Desk
from jupyter_modelguard.server.place import HistoryPlace
from jupyter_modelguard.server.routes import LANES, routes
from jupyter_modelguard.server.watcher import Watcher

if TYPE_CHECKING:
    from jupyter_modelguard.history.glance import Difference

__all__ = ["ModelGuardServer"]


class ModelGuardServer(ExtensionApp):
    """Shows the history to JupyterLab, and brings decisions to the kernels that wait for them."""

    name = "jupyter_modelguard"
    description = "Shows what models were loaded, and lets people decide about loads that wait."

    def initialize_handlers(self) -> None:
        """Add the addresses, and begin to watch."""
        self.place = HistoryPlace()
        self.threads = {name: ThreadPoolExecutor(number, f"modelguard-{name}") for name, number in LANES.items()}
        self.handlers.extend(routes(Desk(self.place, ModelGuardConfig(parent=self)), self.threads))
        if self.serverapp is not None and self.serverapp.event_logger is not None:
            register(self.serverapp.event_logger)
        self.watcher = Watcher(self.place, self._tell)
        self.watcher.start()

    async def stop_extension(self) -> None:
        """End the threads and let go of the history."""
        self.watcher.stop()
        for threads in self.threads.values():
            threads.shutdown(wait=False, cancel_futures=True)
        self.place.close()

    def _tell(self, difference: Difference) -> None:
        server = self.serverapp
        if server is not None and server.event_logger is not None:
            server.io_loop.add_callback(emit, server.event_logger, events_of(difference))


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": "jupyter_modelguard.server.extension", "app": ModelGuardServer}]
