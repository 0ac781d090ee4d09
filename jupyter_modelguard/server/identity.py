"""As whom somebody decides: Jupyter's identity, or the login name of this machine where Jupyter knows nobody by name.

With a token or a shared password Jupyter makes up a person for each browser ("Anonymous Metis", an id at random). Everybody who has the
token acts with the rights of the person whose server it is, so that person's name is what the history keeps. A person who is known keeps
their own name, also where it looks like such an id: nobody may decide in the name of the one whose server it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jupyter_modelguard.config import user_name

if TYPE_CHECKING:
    from jupyter_server.auth import User

__all__ = ["name_of"]

_MADE_UP = re.compile(r"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}")  # what uuid4().hex gives
_CALLED = (
    "Anonymous "  # the beginning of such a person's name; one who is known has their user name there, or a name of their own
)
_LONGEST = 200  # characters


def name_of(user: User) -> str:
    """Name the person that a request comes from, as decisions name them."""
    made_up = _MADE_UP.fullmatch(user.username) is not None and (user.name or "").startswith(_CALLED)
    return user_name() if made_up else user.username[:_LONGEST]
