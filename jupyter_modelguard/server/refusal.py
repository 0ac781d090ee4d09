"""Why a request came to nothing, and the one place that says with which HTTP status."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from jupyter_modelguard.errors import ConfigurationError, HistoryError, ModelGuardError
from jupyter_modelguard.server.wire import Problem

__all__ = ["RefusedError", "problem_of"]

_NEXT: Final = {
    HTTPStatus.BAD_REQUEST: "Send the request as the front end of this version does.",
    HTTPStatus.FORBIDDEN: "Log in again, or ask whoever runs this server for the right to do this.",
    HTTPStatus.NOT_FOUND: "Look at the list again: what was asked for may be deleted.",
    HTTPStatus.METHOD_NOT_ALLOWED: "Send the request as the front end of this version does.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Send less.",
}


class RefusedError(ModelGuardError):
    """A request that cannot be answered as asked.

    Parameters
    ----------
    status
        What HTTP calls it.
    message
        What is wrong.
    then
        What to do next.
    """

    def __init__(self, status: HTTPStatus, message: str, then: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.then = then or _NEXT.get(status, "")


def problem_of(error: BaseException | None, status: int) -> tuple[int, Problem]:
    """Say what to answer where something was raised.

    Parameters
    ----------
    error
        What was raised, if anything was.
    status
        The HTTP status where it is none of our errors.
    """
    if isinstance(error, RefusedError):
        return error.status, Problem(str(error), error.then)
    if isinstance(error, (HistoryError, ConfigurationError, OSError)):
        return HTTPStatus.SERVICE_UNAVAILABLE, Problem(str(error), "Loads are guarded all the same. modelguard doctor says more.")
    known = {one.value for one in HTTPStatus}
    said = HTTPStatus(status) if status in known and status < HTTPStatus.INTERNAL_SERVER_ERROR else None
    if said is None:
        return HTTPStatus.INTERNAL_SERVER_ERROR, Problem("modelguard's server extension failed.", "The server's log says more.")
    message = str(getattr(error, "log_message", None) or said.phrase)
    return said.value, Problem(message, _NEXT.get(said, "The server's log says more."))
