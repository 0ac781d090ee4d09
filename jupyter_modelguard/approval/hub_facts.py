"""What the hub knows of a repository whose code is asked about: its scan, its age, where its branch stands, what people write about it.

Extra lines, which come while the card is there and never before, never hold it up and never lower a level. They are asked for by a thread
of their own, only where the hub's client is loaded and says that it may be used, at the address that it goes by, and without a token.
"""

from __future__ import annotations

import functools
import re
import sys
import threading
import time
import tomllib
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.approval.hub_reading import HubSilentError, read_json
from jupyter_modelguard.approval.view import Fact

if TYPE_CHECKING:
    from jupyter_modelguard.types import Artifact

__all__ = ["HubFacts", "facts_of"]

_SECONDS: Final = 8.0  # for all that is asked
_NAME: Final = re.compile(r"[\w.-]{1,96}(?:/[\w.-]{1,96})?", re.ASCII)
_MOST_TITLES: Final = 4
_LONGEST_TITLE: Final = 120
_LONGEST_VALUE: Final = 40
_SHOWN: Final = 7  # digits of a commit
_MOST_FILES: Final = 3
_WORDS: Final = Path(__file__).parent / "hub_words.toml"
_SAYS: Final = "The hub says"
_UNREADABLE: Final = "nothing: its answer could not be read"


class HubFacts:
    """Asks a hub about code in the background.

    Parameters
    ----------
    artifact
        The code that is asked about.
    """

    def __init__(self, artifact: Artifact | None) -> None:
        self._found: tuple[Fact, ...] = ()
        self._ready = threading.Event()
        self._asked = False
        self._given_up = time.monotonic() + 2 * _SECONDS  # a hub may give its answer a byte at a time
        endpoint = _endpoint()
        if artifact is None or artifact.format != "python-code" or not artifact.source.startswith("hf:") or not endpoint:
            return
        name, _, commit = artifact.source.removeprefix("hf:").partition("@")
        if _NAME.fullmatch(name) and not {".", ".."}.intersection(name.split("/")):
            self._asked = True
            threading.Thread(target=self._ask, args=(endpoint, name, commit), name="modelguard-hub", daemon=True).start()

    def take(self) -> tuple[Fact, ...]:
        """Give what came since the last time; empty until something did."""
        if not self._asked or not (self._ready.is_set() or time.monotonic() > self._given_up):
            return ()
        self._asked = False
        return self._found or (Fact(_SAYS, "nothing: it took too long"),)

    def _ask(self, endpoint: str, name: str, commit: str) -> None:
        try:
            self._found = facts_of(endpoint, name, commit)
        except Exception:  # noqa: BLE001 garbage of any kind is one line
            self._found = (Fact(_SAYS, _UNREADABLE),)
        self._ready.set()


def facts_of(endpoint: str, name: str, commit: str) -> tuple[Fact, ...]:
    """Ask a hub about a repository, and put in words what it says; a hub that says nothing is one line.

    Parameters
    ----------
    endpoint
        Where its interface is.
    name, commit
        The repository, and the full id by which its code was asked for; empty where it was a branch.
    """
    until = time.monotonic() + _SECONDS
    place = f"{endpoint}/api/models/{urllib.parse.quote(name)}"
    try:
        info = read_json(f"{place}?securityStatus=true", until)
    except HubSilentError as error:
        return (Fact(_SAYS, f"nothing: {error}"),)
    if not isinstance(info, dict):
        return (Fact(_SAYS, _UNREADABLE),)
    said = [
        Fact(_SAYS, " · ".join(filter(None, (_ages(info), _counts(info), _scan(info.get("securityRepoStatus")), _state(info)))))
    ]
    said.append(Fact("Revision", _revision(info, commit)))
    try:
        titles = _titles(read_json(f"{place}/discussions", until), f"{endpoint}/{name}/discussions")
    except HubSilentError:
        return tuple(said)
    return (*said, *(Fact("Discussed there", title) for title in titles))


def _endpoint() -> str:
    """Give the address that the hub's client goes by in this process; empty where it is not loaded, or is not to be used."""
    constants: Any = getattr(sys.modules.get("huggingface_hub"), "constants", None)
    if constants is None or getattr(constants, "HF_HUB_OFFLINE", True):
        return ""
    endpoint = getattr(constants, "ENDPOINT", "")
    if not isinstance(endpoint, str) or "@" in endpoint:  # a password in it is for the load alone, and would be shown
        return ""
    return endpoint.rstrip("/")


def _ages(info: dict[str, Any]) -> str:
    days = [(what, _day(info.get(key))) for what, key in (("created", "createdAt"), ("last changed", "lastModified"))]
    return " · ".join(f"{what} {day}" for what, day in days if day)


def _counts(info: dict[str, Any]) -> str:
    found = []
    for key, what in (("downloads", "downloads last month"), ("likes", "likes")):
        number = info.get(key)
        if type(number) is int and 0 <= number < 10**12:
            found.append(f"{number:,} {what}")
    return " · ".join(found)


def _scan(status: object) -> str:
    if not isinstance(status, dict):
        return "its scan: no result"
    issues = status.get("filesWithIssues")
    named = [one for one in issues if isinstance(one, dict)] if isinstance(issues, list) else []
    if named:
        listed = [f"{_value(one.get('path'))} ({_value(one.get('level'))})" for one in named[:_MOST_FILES]]
        more = f" and {len(named) - _MOST_FILES:,} more" if len(named) > _MOST_FILES else ""
        return f"its scan found issues: {', '.join(listed)}{more}"
    return "its scan reported no issue, which proves nothing" if status.get("scansDone") is True else "its scan: not done yet"


def _state(info: dict[str, Any]) -> str:
    return " · ".join(word for word in ("disabled", "private") if info.get(word) is True)


def _revision(info: dict[str, Any], commit: str) -> str:
    head = info.get("sha")
    now = head[:_SHOWN] if isinstance(head, str) and re.fullmatch("[0-9a-f]{40}", head) else ""
    if not commit:
        return f"not pinned: the code can change at any time{f'; the main branch is at {now}' if now else ''}"
    if not now:
        return f"pinned to {commit[:_SHOWN]}"
    return f"pinned to {commit[:_SHOWN]}, {'where the main branch is' if head == commit else f'the main branch is at {now}'}"


def _titles(answer: object, place: str) -> list[str]:
    """Find discussions whose titles speak of security, as a stranger's words with the address to read on."""
    listed = answer.get("discussions") if isinstance(answer, dict) else None
    found = []
    for one in listed if isinstance(listed, list) else ():
        title, number = (one.get("title"), one.get("num")) if isinstance(one, dict) else (None, None)
        if isinstance(title, str) and type(number) is int and 0 < number < 10**9 and _speaks(title[:1_000]):
            shown = title if len(title) <= _LONGEST_TITLE else f"{title[:_LONGEST_TITLE]}…"
            found.append(f"“{shown}” · {place}/{number}")
    more = len(found) - _MOST_TITLES
    return [*found[:_MOST_TITLES], *([f"{more:,} more of this kind · {place}"] if more > 0 else [])]


def _speaks(title: str) -> bool:
    return _security().search(title.casefold()) is not None


@functools.cache
def _security() -> re.Pattern[str]:
    """Compile the words: those of scripts with blanks between words begin one, the others stand anywhere."""
    listed = tomllib.loads(_WORDS.read_text(encoding="utf-8"))
    begins = [word.casefold() for language in listed["begins"].values() for word in language]
    anywhere = [word.casefold() for language in listed["anywhere"].values() for word in language]
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, begins))})|{'|'.join(map(re.escape, anywhere))}")


def _day(value: object) -> str:
    return value[:10] if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d", value, re.ASCII) else ""


def _value(value: object) -> str:
    text = value if isinstance(value, str) else "?"
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
