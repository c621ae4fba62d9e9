"""The HTTP under python-telegram-bot, on aiohttp.

It takes a fraction of the processor time of the library's own, and never logs a URL, which holds the token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode
from urllib.request import getproxies

import aiohttp
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

_UNAUTHORIZED = 401
_UNSENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientProxyConnectionError)


class NeverSent(NetworkError):
    """The service wasn't reached: nothing was accepted."""


class NoAnswer(TimedOut):
    """The request went out and no answer came."""


class AiohttpRequest(BaseRequest):
    """Keeps one session. ``timeout_s`` bounds connecting and each wait for data, three times as much for an upload."""

    def __init__(
        self, timeout_s: float = 20.0, connections: int = 64, *, traces: Sequence[aiohttp.TraceConfig] = ()
    ) -> None:
        self._timeout_s = timeout_s
        self._connections = connections
        self._traces = [*traces]
        self._session: aiohttp.ClientSession | None = None
        self.refused = False
        """Whether the service has refused the token."""

    @property
    def read_timeout(self) -> float:
        """Seconds to wait for an answer."""
        return self._timeout_s

    async def initialize(self) -> None:
        """Open the session."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self._connections)
            # Behind many a company's door the way to Telegram is a proxy that the environment names. Where there is
            # none, looking for it would cost each request a turn in a thread.
            self._session = aiohttp.ClientSession(
                connector=connector, trust_env=bool(getproxies()), trace_configs=self._traces
            )

    async def shutdown(self) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def do_request(  # noqa: PLR0917 - the library's signature
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002
    ) -> tuple[int, bytes]:
        """Post, and return status and body; raise ``NeverSent`` or ``NoAnswer``."""
        if self._session is None:
            raise NeverSent("the session isn't open")
        wait = read_timeout if isinstance(read_timeout, int | float) else self._timeout_s
        if request_data and request_data.multipart_data:
            wait *= 3
        connect = connect_timeout if isinstance(connect_timeout, int | float) else self._timeout_s
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=wait, connect=connect)
        try:
            async with self._session.request(method, url, timeout=timeout, **_body(request_data)) as answer:
                self.refused = answer.status == _UNAUTHORIZED
                return answer.status, await answer.read()
        except _UNSENT as error:
            raise NeverSent(type(error).__name__) from error
        except aiohttp.InvalidURL:
            # Its text is the URL.
            raise NeverSent("the base URL isn't one") from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NoAnswer(type(error).__name__) from error


def _body(request_data: RequestData | None) -> dict[str, Any]:
    """A multipart body where there are files; the plain form otherwise, which is cheaper to make."""
    if request_data is None:
        return {}
    files = request_data.multipart_data
    if not files:
        form = urlencode(request_data.json_parameters).encode()
        return {"data": form, "headers": {"Content-Type": "application/x-www-form-urlencoded"}}
    multipart = aiohttp.FormData(quote_fields=False)
    for name, value in request_data.json_parameters.items():
        multipart.add_field(name, value)
    for name, (filename, content, media_type) in files.items():
        multipart.add_field(name, content, filename=filename, content_type=media_type)
    return {"data": multipart}
