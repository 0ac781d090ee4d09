"""The kernel of `modelguard run`: the guard first, then ipykernel as it always is.

Whatever keeps the guard from starting keeps the kernel from starting: an extension that fails to load would only warn.
"""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["main"]


def main() -> None:
    """Start a guarded kernel as the command line of this process says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--lock", type=Path)
    options, arguments = parser.parse_known_args()

    from ipykernel.kernelapp import IPKernelApp

    from jupyter_modelguard import guard
    from jupyter_modelguard.config import default_home
    from jupyter_modelguard.ipython.site import current_site
    from jupyter_modelguard.policy.rulebook import Rulebook

    guard.start(site=current_site, rulebook=Rulebook(default_home, options.project, options.lock))
    IPKernelApp.launch_instance(argv=[*arguments, "--ext=jupyter_modelguard"])
