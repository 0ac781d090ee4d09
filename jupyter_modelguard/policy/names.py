"""One spelling for a global, whichever Python wrote the pickle.

Pickles of protocol 2 and below name modules as Python 2 knew them, and the unpickler renames them while it loads. A pickle of protocol 3
and above is *not* renamed: there `__builtin__` means a file `__builtin__.py`, which somebody may have planted. So a renamed
global is only as good as its second name if no module of the first name can be imported.
"""

from __future__ import annotations

import _compat_pickle
import sys
from importlib.machinery import PathFinder

from jupyter_modelguard.types import QualifiedName

__all__ = ["importable", "normalise"]


def normalise(module: str, name: str) -> QualifiedName:
    """Give the name that Python 3 knows a global by, as the unpickler does for protocols 0 to 2."""
    if (module, name) in _compat_pickle.NAME_MAPPING:
        return QualifiedName(*_compat_pickle.NAME_MAPPING[(module, name)])
    return QualifiedName(_compat_pickle.IMPORT_MAPPING.get(module, module), name)


def importable(module: str) -> bool:
    """Whether an import of this module might find something here.

    Only the first part is looked for, along `sys.path` and without importing anything: to look further would run the
    `__init__.py` of the package above.
    """
    top = module.partition(".")[0]
    if not top or module in sys.modules or top in sys.modules or top in sys.builtin_module_names:
        return True
    try:
        return PathFinder.find_spec(top) is not None
    except Exception:  # noqa: BLE001 a broken path entry answers nothing, and no answer is not "no"
        return True
