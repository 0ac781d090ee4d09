"""The card as a widget: the front end's files, and the traits that it draws."""

from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["card_files", "widget_class"]

_LOG = logging.getLogger(__name__)
_STATIC = Path(__file__).parent / "static"


def card_files() -> tuple[str, str] | None:
    """Read the front end's script and style; None when this is a checkout in which they were not built."""
    try:
        return (_STATIC / "card.js").read_text(encoding="utf-8"), (_STATIC / "card.css").read_text(encoding="utf-8")
    except OSError:
        return None


@functools.cache
def widget_class() -> Callable[..., Any] | None:
    """Make the widget's class; None where it was not built or no widget library is installed."""
    files = card_files()
    if files is None:
        _LOG.info("The card's front end is not built; a text prompt asks instead.")
        return None
    script, style = files
    try:
        import anywidget
        import traitlets
    except ImportError:
        return None

    class ModelGuardCard(anywidget.AnyWidget):
        """The widget; everything it knows is in its traits."""

        _esm = script
        _css = style
        token = traitlets.Unicode().tag(sync=True)
        view = traitlets.Dict().tag(sync=True)
        state = traitlets.Unicode().tag(sync=True)
        receipt = traitlets.Unicode().tag(sync=True)
        earlier: Any = traitlets.List().tag(sync=True)
        others: Any = traitlets.List().tag(sync=True)
        progress = traitlets.Dict().tag(sync=True)
        late: Any = traitlets.List().tag(sync=True)

    # The name by which the lab extension knows a card; it stays where the class first was.
    ModelGuardCard.__module__ = "jupyter_modelguard.approval.card"
    return ModelGuardCard
