"""What code that runs as this user could take along: names of variables and files that hold secrets, never what is in them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

__all__ = ["secret_files", "secret_names"]

_SECRET: Final = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|^AWS_PROFILE$|^KAGGLE_KEY$"
    r"|^DATABASE_URL$|^PGPASSFILE$|^SSH_AUTH_SOCK$|(?:^|_)PAT$|_DSN$",
    re.IGNORECASE,
)
_MOST_NAMES: Final = 6
_MOST_FILES: Final = 5
_FILES: Final = (
    ".cache/huggingface/token",
    ".cache/huggingface/stored_tokens",
    ".netrc",
    "_netrc",
    ".aws/credentials",
    ".kaggle/kaggle.json",
    ".modelscope/credentials",
    ".csghub/token",
    ".config/gcloud/application_default_credentials.json",
    ".azure/msal_token_cache.json",
    ".git-credentials",
    ".config/gh/hosts.yml",
    ".docker/config.json",
    ".kube/config",
    ".pypirc",
    ".npmrc",
    ".pgpass",
    ".ssh/id_ed25519",
    ".ssh/id_ecdsa",
    ".ssh/id_rsa",
)


def secret_names() -> str:
    """Name the variables of the environment that by their names hold secrets and are set; empty where there are none."""
    return _listed(sorted(name for name, value in os.environ.items() if value and _SECRET.search(name)), _MOST_NAMES)


def secret_files() -> str:
    """Name the files with secrets of well-known programs that are there and that this user may read; none is opened."""
    try:
        home = Path.home()
    except RuntimeError:
        return ""
    places = [f"~/{name}" for name in _FILES if os.access(home / name, os.R_OK)]
    if (elsewhere := os.environ.get("HF_HOME")) and os.access(Path(elsewhere, "token"), os.R_OK):
        places.insert(0, str(Path(elsewhere, "token")))
    return _listed(places, _MOST_FILES)


def _listed(names: list[str], most: int) -> str:
    more = len(names) - most
    return f"{', '.join(names[:most])}{f' and {more} more' if more > 0 else ''}"
