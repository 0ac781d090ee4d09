"""The addresses below `<base>/jupyter-modelguard/`: who may ask, what was asked, and off to the desk on another thread.

Every verb asks Jupyter who it is and whether they may, under the resource name `jupyter_modelguard`: GET is reading, POST and DELETE are
writing. Answers are JSON, refusals too.
"""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

import msgspec
from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from jupyter_modelguard.errors import ModelGuardError
from jupyter_modelguard.server.filters import FILTERS, PAGE, page, search_of, single, understood
from jupyter_modelguard.server.identity import name_of
from jupyter_modelguard.server.refusal import RefusedError, problem_of
from jupyter_modelguard.server.wire import Answer, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from concurrent.futures import Executor

    from jupyter_modelguard.server.desk import Desk

__all__ = ["AUTH_RESOURCE", "LANES", "PREFIX", "routes"]

AUTH_RESOURCE: Final = "jupyter_modelguard"
PREFIX: Final = "/jupyter-modelguard"
LANES: Final = {"look": 2, "decide": 1, "export": 1}
"""Threads of each kind of request: whoever looks for much or takes it all away, keeps nobody from deciding."""

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
_LARGEST = 16_384  # bytes of a body
_FILES: Final = {  # ending and media type of each format
    "json": ("json", "application/json"),
    "csv": ("csv", "text/csv; charset=utf-8"),
    "sarif": ("sarif", "application/sarif+json"),
    "cyclonedx": ("cdx.json", "application/vnd.cyclonedx+json"),
}


class Route(APIHandler):
    """What all addresses share.

    Parameters
    ----------
    desk
        Answers.
    threads
        Where it does so, one for each of `LANES`: nothing that waits for a database runs on the server's loop.
    """

    auth_resource = AUTH_RESOURCE
    lane: ClassVar[str] = "look"

    def initialize(self, desk: Desk, threads: Mapping[str, Executor]) -> None:
        """Take what the route was made with."""
        self.desk = desk
        self.threads = threads[self.lane]

    def set_default_headers(self) -> None:
        """Have no answer kept: they name files and people."""
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")

    def compute_etag(self) -> None:
        """Nothing is kept, so nothing is compared; hashing a long export would hold up the loop."""

    async def prepare(self) -> None:  # type: ignore[override] # as Jupyter's own
        """Refuse what is too large, after Jupyter has looked at who asks."""
        await super().prepare()
        if len(self.request.body) > _LARGEST:
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is larger than {_LARGEST:,} bytes.")

    async def ask(self, question: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Have a question answered on another thread."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, lambda: question(*arguments, **named))

    def reply(self, answer: object) -> None:
        """Send an answer."""
        self.finish(encode(answer))

    def asked(self, names: Collection[str] = ()) -> dict[str, list[str]]:
        """Read the address behind the question mark; other names than these are refused."""
        arguments = {name: self.get_query_arguments(name, strip=False) for name in self.request.query_arguments}
        understood(arguments, names)
        return arguments

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say as JSON why there is no answer."""
        error = kwargs["exc_info"][1] if "exc_info" in kwargs else None
        status, problem = problem_of(error, status_code)
        self.set_status(status)
        self.finish(encode(problem))

    def log_exception(self, kind: Any, value: Any, trace: Any) -> None:
        """Log a fault; what was refused on purpose is none."""
        if isinstance(value, ModelGuardError):
            _LOG.debug("Refused %s %s: %s", self.request.method, self.request.path, value)
        else:
            super().log_exception(kind, value, trace)


class StatusRoute(Route):
    """What this server has, and who asks."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer with `Status`."""
        self.asked()
        user = self.current_user
        may_decide = await ensure_async(self.authorizer.is_authorized(self, user, "write", AUTH_RESOURCE))
        self.reply(await self.ask(self.desk.status, name_of(user), may_decide=bool(may_decide)))


class ScansRoute(Route):
    """The list of loads."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer with `Scans`."""
        arguments = self.asked(FILTERS | PAGE)
        limit, offset = page(arguments)
        self.reply(await self.ask(self.desk.scans, search_of(arguments), limit, offset))


class ScanRoute(Route):
    """One load."""

    @web.authenticated
    @authorized
    async def get(self, session: str, identity: str) -> None:
        """Answer with `Detail`."""
        self.asked()
        self.reply(await self.ask(self.desk.detail, session, identity))

    @web.authenticated
    @authorized
    async def delete(self, session: str, identity: str) -> None:
        """Delete it, and answer with `Deleted`."""
        self.asked()
        self.reply(await self.ask(self.desk.delete, session, identity))


class NotebooksRoute(Route):
    """How many loads there are, by notebook and by level."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer with `Notebooks`."""
        self.reply(await self.ask(self.desk.notebooks, search_of(self.asked(FILTERS))))


class ApprovalsRoute(Route):
    """What waits for a decision."""

    lane = "decide"

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer with `Approvals`."""
        self.asked()
        self.reply(await self.ask(self.desk.approvals))


class ApprovalRoute(Route):
    """One load that waits."""

    lane = "decide"

    @web.authenticated
    @authorized
    async def post(self, session: str, identity: str) -> None:
        """Take an `Answer`, and answer with `Decided`."""
        self.asked()
        try:
            answer = msgspec.json.decode(self.request.body, type=Answer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"The body is no answer: {error}.", "Send what the card sends.") from None
        self.reply(await self.ask(self.desk.decide, session, identity, answer, name_of(self.current_user)))


class SessionsRoute(Route):
    """The processes that wrote to the history."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer with `Sessions`."""
        self.asked()
        self.reply(await self.ask(self.desk.sessions))


class TrustRoute(Route):
    """What is trusted for longer than one load."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer with `TrustList`."""
        self.asked()
        self.reply(await self.ask(self.desk.trusted))


class TrustedRoute(Route):
    """One thing that is trusted."""

    @web.authenticated
    @authorized
    async def delete(self, identity: str) -> None:
        """Take trust back, and answer with `Forgotten`."""
        self.asked()
        self.reply(await self.ask(self.desk.forget, identity))


class ExportRoute(Route):
    """The history as a file."""

    lane = "export"

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer with the file."""
        arguments = self.asked(FILTERS | {"format", "names"})
        name, names = single(arguments, "format") or "json", single(arguments, "names") or "show"
        if names not in {"show", "hide"}:
            raise RefusedError(HTTPStatus.BAD_REQUEST, "'names' is neither show nor hide.", "Choose one of them.")
        text = await self.ask(self.desk.exported, name, search_of(arguments), names=names == "show")
        ending, media_type = _FILES[name]
        self.set_header("Content-Disposition", f"attachment; filename=modelguard-history.{ending}")
        self.finish(text.encode("utf-8", "backslashreplace"), set_content_type=media_type)


class NowhereRoute(Route):
    """Every other address: refused as JSON, where Jupyter would answer with a page."""

    @web.authenticated
    @authorized("read")  # type: ignore[untyped-decorator]
    async def get(self, _rest: str) -> None:
        """Refuse."""
        raise RefusedError(HTTPStatus.NOT_FOUND, "There is nothing at this address.")

    post = put = patch = delete = get


_ID = "([0-9a-f]{8})"
_SESSION = "([0-9a-f]{1,32})"


def routes(desk: Desk, threads: Mapping[str, Executor]) -> list[tuple[str, type[Route], dict[str, Any]]]:
    """List the addresses, without the server's base URL."""
    made_with = {"desk": desk, "threads": threads}
    return [
        (PREFIX + pattern, route, made_with)
        for pattern, route in (
            ("/status", StatusRoute),
            ("/scans", ScansRoute),
            (f"/scans/{_SESSION}/{_ID}", ScanRoute),
            ("/notebooks", NotebooksRoute),
            ("/approvals", ApprovalsRoute),
            (f"/approvals/{_SESSION}/{_ID}", ApprovalRoute),
            ("/sessions", SessionsRoute),
            ("/trust", TrustRoute),
            (f"/trust/{_ID}", TrustedRoute),
            ("/export", ExportRoute),
            ("(/.*)?", NowhereRoute),
        )
    ]
