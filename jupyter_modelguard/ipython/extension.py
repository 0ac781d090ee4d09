"""`%load_ext modelguard`: connect the guard to the IPython shell, and take it off again.

Thin on purpose: the guard knows nothing of IPython's events, and nothing here decides about a load.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.config import ModelGuardConfig
from jupyter_modelguard.guard import current, start, stop
from jupyter_modelguard.ipython.alias import foreign_alias
from jupyter_modelguard.ipython.magics import ModelGuardMagics
from jupyter_modelguard.ipython.site import current_site, number_cell

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["load_ipython_extension", "unload_ipython_extension"]

_ATTRIBUTE = "_modelguard_begin_cell"  # on the shell: the callback that is registered there


def load_ipython_extension(shell: Any) -> None:
    """Hold this shell's loads; loading it again, under either name, changes nothing."""
    _check_alias()
    config = ModelGuardConfig(parent=shell)
    guard = start(shell, config, site=current_site)
    if hasattr(shell, _ATTRIBUTE):
        return
    shell.configurables.append(config)  # where %config looks

    def begin_cell(*_: object) -> None:
        number_cell(shell)
        guard.begin_cell()

    shell.events.register("pre_run_cell", begin_cell)
    setattr(shell, _ATTRIBUTE, begin_cell)
    shell.register_magics(ModelGuardMagics)


def unload_ipython_extension(shell: Any) -> None:
    """Restore what was patched; refused while a load is under way."""
    if current() is not None:
        stop()
    begin_cell: Callable[..., None] | None = getattr(shell, _ATTRIBUTE, None)
    if begin_cell is None:
        return
    shell.configurables[:] = [one for one in shell.configurables if not isinstance(one, ModelGuardConfig)]
    shell.events.unregister("pre_run_cell", begin_cell)
    delattr(shell, _ATTRIBUTE)
    shell.magics_manager.magics["line"].pop("modelguard", None)


def _check_alias() -> None:
    """Say so when the module called modelguard is another project's: this kernel is guarded, the next may not be."""
    foreign = foreign_alias()
    if foreign is not None:
        warnings.warn(
            f"The module modelguard, from {foreign}, belongs to another project. "
            "Use %load_ext jupyter_modelguard; it guards this kernel now.",
            stacklevel=2,
        )
