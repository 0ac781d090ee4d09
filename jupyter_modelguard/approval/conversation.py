"""The questions of the card, asked one after the other on a text prompt.

Enter alone keeps a load blocked, at every question. The answer that lets it run is a whole word, the reason is chosen, and a
dangerous finding is typed: nothing that happens by accident, or by text that was pasted for another purpose, lets a file run. An
answer about what is not there any more is none: where the file changed meanwhile, the questions end, and it is looked at again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from jupyter_modelguard.approval.faces.plain import details_text
from jupyter_modelguard.approval.text import as_plain
from jupyter_modelguard.approval.transport import changed_meanwhile
from jupyter_modelguard.config import user_name
from jupyter_modelguard.types import Decision, Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.approval.view import CardView, ScopeChoice

__all__ = ["confirms", "converse"]

_TRIES = 3


def converse(
    view: CardView,
    *,
    say: Callable[[str], None],
    read: Callable[[str], str],
    transport: str,
    changed: Callable[[], bool] = lambda: False,
) -> Decision:
    """Ask about a load whose card was already shown.

    Parameters
    ----------
    view
        What was shown.
    say
        Shows text, already free of a stranger's tricks.
    read
        Asks one question and returns the line that was typed; an `EOFError` counts as an empty line.
    transport
        What the decision says it came through.
    changed
        Whether the file is not any more what was shown; asked after each answer but the one that keeps it blocked.
    """

    def answer(question: str) -> str:
        line = _line(read, question)
        if line and changed():
            raise _ChangedError
        return line

    try:
        chosen = _choose(view, say, answer) if view.scopes else None
    except _ChangedError:
        say(f"{as_plain(view.object)} changed while you were asked, so that answer is not taken. It is looked at again.")
        return changed_meanwhile()
    if chosen is None:
        return Decision(allow=False, by=user_name(), transport=transport, reason="kept blocked", at=time.time())
    reason, scope = chosen
    return Decision(allow=True, by=user_name(), transport=transport, reason=reason, scope=scope, at=time.time())


def confirms(view: CardView, typed: str) -> bool:
    """Whether the finding that a dangerous load wants typed was typed; case and blanks around it do not matter."""
    # a name with lookalike letters may be typed the way it is shown, spelled out
    accepted = {form.lower() for name in view.confirm for form in (name, as_plain(name, name=True, limit=None))}
    return not view.confirm or typed.strip().lower() in accepted


class _ChangedError(Exception):
    """What was shown is not what would be loaded."""


def _choose(view: CardView, say: Callable[[str], None], read: Callable[[str], str]) -> tuple[str, Scope] | None:
    scopes = [scope for scope in view.scopes if scope.enabled]
    if not scopes:
        return None
    act = as_plain(scopes[0].button, limit=None)
    while True:
        answer = read(f'{act}? Type "run", or "show" to see what it does. Enter keeps it blocked: ').lower()
        if answer != "show":
            break
        say(details_text(view))
    if answer != "run":
        return None
    reason = _pick(view.reasons, "Why run it?", read)
    if reason is None:
        return None
    scope = _pick_scope(view, scopes, say, read)
    if scope is None:
        return None
    if view.confirm:
        name = as_plain(view.confirm[0], name=True, limit=None)
        if not confirms(view, read(f"Type {name} to run it. Enter keeps it blocked: ")):
            say("That was something else, so it stays blocked.")
            return None
    return reason, Scope(scope.value)


def _pick_scope(
    view: CardView, scopes: list[ScopeChoice], say: Callable[[str], None], read: Callable[[str], str]
) -> ScopeChoice | None:
    """Ask what is allowed where there is a choice, and say what each means and why the rest is none."""
    for scope in view.scopes:
        if scope.hint or not scope.enabled:
            refused = "" if scope.enabled else "cannot be chosen. "
            say(f"{as_plain(scope.label, limit=None)}: {refused}{as_plain(scope.hint, limit=400)}")
    if len(scopes) == 1:
        return scopes[0]
    labels = tuple(as_plain(scope.label, limit=None) for scope in scopes)
    label = _pick(labels, "What do you allow?", read)
    return None if label is None else scopes[labels.index(label)]


def _pick(options: tuple[str, ...], question: str, read: Callable[[str], str]) -> str | None:
    numbered = " · ".join(f"{number} {option}" for number, option in enumerate(options, 1))
    for _ in range(_TRIES):
        answer = read(f"{question} {numbered}. A number, or Enter to keep it blocked: ")
        if not answer:
            return None
        if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(options):
            return options[int(answer) - 1]
    return None


def _line(read: Callable[[str], str], question: str) -> str:
    try:
        return read(question).strip()
    except EOFError:
        return ""
