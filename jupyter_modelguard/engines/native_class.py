"""Find out whether the installed transformers has the class that a repository brings as code of its own.

`native_class` runs in the limited worker, on a folder of this machine: nothing is downloaded, and no file of the repository is imported.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Final

from jupyter_modelguard.errors import ScanError

__all__ = ["may_be_native", "native_class", "snapshot"]

_LARGEST: Final = 1 << 22  # bytes of a configuration
_COMMIT_DIGITS: Final = 40


def native_class(folder: str, auto: str) -> str:
    """Name the built-in class that an auto class makes of a folder's configuration without remote code.

    Parameters
    ----------
    folder
        With `config.json`.
    auto
        The auto class: "AutoModelForCausalLM".

    Raises
    ------
    ScanError
        If there is none, or it is not the one that the configuration names.
    """
    config = _read(Path(folder) / "config.json")
    os.environ["HF_HUB_OFFLINE"] = "1"
    import transformers

    architectures = config.get("architectures")
    wanted = architectures[0] if isinstance(architectures, list) and architectures else None
    kind: Any = vars(transformers).get(auto) or getattr(transformers, auto, None)
    mapping = getattr(kind, "_model_mapping", None)
    if mapping is None or not isinstance(wanted, str):
        raise ScanError("which built-in class would be used cannot be told")
    made = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    if type(made).model_type != config.get("model_type") or not type(made).__module__.startswith("transformers.models."):
        raise ScanError("transformers has no built-in configuration of this type")
    found = mapping[type(made)]
    found = found[0] if isinstance(found, tuple) else found
    twin = getattr(transformers, wanted, None)
    if twin is None or not isinstance(twin, type) or twin.__module__.rpartition(".")[0] != found.__module__.rpartition(".")[0]:
        raise ScanError(f"transformers has no class {wanted:.80}")
    if found is not twin and auto != "AutoModel":
        raise ScanError(f"transformers would use {found.__name__}, not {wanted:.80}")
    return str(found.__name__)


def may_be_native(folder: str, auto: str) -> bool:
    """Whether trying is worth its time: transformers, as it is imported here, lists the type of model and the class that is named."""
    try:
        config = _read(Path(folder) / "config.json")
    except ScanError:
        return False
    kind: Any = vars(sys.modules.get("transformers", os)).get(auto)
    listed: Any = getattr(getattr(kind, "_model_mapping", None), "_model_mapping", None)
    architectures = config.get("architectures")
    if not isinstance(listed, dict) or not isinstance(architectures, list) or not architectures:
        return False
    found = listed.get(str(config.get("model_type")))
    return found is not None and (auto == "AutoModel" or architectures[0] == found or architectures[0] in found)


def snapshot(repository: str, revision: str, cache: str = "") -> tuple[str, str] | None:
    """Find a repository's files in the hub's cache, and the commit they are of; None where they are not there.

    Parameters
    ----------
    repository
        "org/name".
    revision
        A branch, a tag or a full commit id.
    cache
        Folder of the cache; the hub's own by default.
    """
    if not cache:
        from huggingface_hub.constants import HF_HUB_CACHE

        cache = HF_HUB_CACHE
    home = Path(cache) / f"models--{repository.replace('/', '--')}"
    commit = revision
    if not _is_commit(revision):
        try:
            commit = (home / "refs" / revision).read_text("ascii").strip()
        except (OSError, ValueError):
            return None
    folder = home / "snapshots" / commit
    return (str(folder), commit) if _is_commit(commit) and folder.is_dir() else None


def _is_commit(text: str) -> bool:
    return len(text) == _COMMIT_DIGITS and set(text) <= set("0123456789abcdef")


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            config = json.loads(file.read(_LARGEST))
    except (OSError, ValueError) as error:
        raise ScanError("its configuration cannot be read") from error
    if not isinstance(config, dict):
        raise ScanError("its configuration is none")
    return config
