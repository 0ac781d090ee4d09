"""As whom somebody decides: Jupyter's identity, or the login name of this machine where Jupyter knows nobody by name.

With a token or a shared password Jupyter makes up a person for each browser ("Anonymous Metis", an id at random). Everybody who has the
token acts with the rights of the person whose server it is, so that person's name is what the history keeps.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jupyter_modelguard.config import user_name

if TYPE_CHECKING:
    from jupyter_server.auth import User

__all__ = ["name_of"]

_MADE_UP = re.compile(r"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}|anonymous")  # what uuid4().hex gives; before 2.0 a word
_LONGEST = 200  # characters


def name_of(user: User) -> str:
    """Name the person that a request comes from, as decisions name them."""
    return user_name() if _MADE_UP.fullmatch(user.username) else user.username[:_LONGEST]
