"""Reading JSON of a hub's public interface, without a token, and never more or longer than was said beforehand.

The hub's own client follows redirects to any host, takes an answer of any size and waits for each piece of it anew; here a hub may be
slow, wrong or hostile. A redirect is followed on the same host alone, which is what a renamed repository needs.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from http.client import HTTPMessage, HTTPResponse

__all__ = ["HubSilentError", "read_json"]

_MOST: Final = 1 << 20  # bytes of one answer
_PIECE: Final = 1 << 14
_PLAIN: Final = {"Accept": "application/json", "User-Agent": "jupyter-modelguard"}


class HubSilentError(Exception):
    """A hub gave no answer that can be used; the message says why, in half a sentence."""


class _SameHost(urllib.request.HTTPRedirectHandler):
    max_redirections = 3

    def redirect_request(  # noqa: PLR0913, PLR0917 as the handler is called
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if _host(newurl) != _host(req.full_url):
            raise HubSilentError("it pointed to another host, which was not asked")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def read_json(address: str, until: float) -> Any:
    """Read one address.

    Parameters
    ----------
    address
        With "http" or "https".
    until
        A reading of `time.monotonic` at which to give up.

    Raises
    ------
    HubSilentError
        There was no answer in time, or none that is JSON.
    """
    if urllib.parse.urlsplit(address).scheme not in {"http", "https"}:
        raise HubSilentError("its address is none of the web")
    opener = urllib.request.build_opener(_SameHost)
    request = urllib.request.Request(address, headers=_PLAIN)  # noqa: S310 the scheme was looked at
    try:
        with opener.open(request, timeout=max(until - time.monotonic(), 0.1)) as answer:
            content = _bounded(answer, until)
        return json.loads(content)
    except HubSilentError:
        raise
    except urllib.error.HTTPError as error:
        error.close()
        private = error.code in {401, 403, 404}
        raise HubSilentError("nothing without a token, and none is sent" if private else f"it answered {error.code}") from None
    except TimeoutError:
        raise HubSilentError("it took too long") from None
    except (ValueError, RecursionError):
        raise HubSilentError("its answer could not be read") from None
    except Exception as error:  # noqa: BLE001 whatever a connection fails with
        late = isinstance(getattr(error, "reason", None), TimeoutError)
        raise HubSilentError("it took too long" if late else "it could not be reached") from None


def _bounded(answer: HTTPResponse, until: float) -> bytes:
    content = b""
    while piece := answer.read1(_PIECE):
        content += piece
        if len(content) > _MOST:
            raise HubSilentError("its answer was too long")
        if time.monotonic() > until:
            raise HubSilentError("it took too long")
    return content


def _host(address: str) -> tuple[str, str | None, int | None]:
    parts = urllib.parse.urlsplit(address)
    return parts.scheme, parts.hostname, parts.port
