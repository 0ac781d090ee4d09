"""`modelguard demo`: real files, honest and armed, to see with one's own eyes what the guard does.

The armed files only ever write a canary into their own folder; nothing is fetched from anywhere.
"""

from __future__ import annotations

from jupyter_modelguard.demo.files import DemoFile, make_files
from jupyter_modelguard.demo.run import run_demo

__all__ = ["DemoFile", "make_files", "run_demo"]
