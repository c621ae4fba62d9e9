"""GET over HTTP for every feed: bounded in time and size, polite, and failing in the feeds' own terms.

A source is described once (:class:`Source`) and asked by path. Where it is reached can be changed by configuration, so
that a proxy, a mirror or a local server can stand in for it. Nothing that leaves this module names a secret: errors
carry the address without its query.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import ssl
import zlib
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from importlib import import_module
from typing import Any, Protocol, Self, TypeVar

import httpx
from pydantic import SecretStr

from adapters.clock import Clock
from adapters.feeds.port import Fault, FeedProblem
from adapters.http_text import decoded_text, is_challenge, looks_like_html
from adapters.paces import UNHURRIED, OwnPaces, Pace, Paces

USER_AGENT = "tapewatch/0.1 (market alerts; one client, cached, paced)"
_RETRY_PAUSES_S = (0.5, 2.0)
_DEFAULT_COOL_DOWN = timedelta(seconds=60)
_MAX_REDIRECTS = 4
_KEPT_BODY = 4096

Params = Mapping[str, str | int | float]
T = TypeVar("T")


class HttpFailure(Exception):
    """A request brought nothing usable.

    ``fault`` says what can be done about it, ``retry_at`` when to ask again if the source said so, ``status`` the HTTP
    status (``None`` without an answer) and ``body`` the beginning of the answer, for a source with documented errors.
    """

    def __init__(
        self,
        message: str,
        *,
        source: str,
        fault: Fault,
        status: int | None = None,
        retry_at: datetime | None = None,
        body: str = "",
    ) -> None:
        super().__init__(message)
        self.source = source
        self.fault = fault
        self.status = status
        self.retry_at = retry_at
        self.body = body

    def problem(self, subject: str = "") -> FeedProblem:
        """The failure as a feed reports it; ``subject`` is the series, symbol or day that it touches."""
        return FeedProblem(self.source, self.fault, str(self), subject, self.retry_at)


class _Transient(HttpFailure):
    """A failure that the next try may not meet."""


class CoolDowns(Protocol):
    """Which sources asked for a pause, known to every process."""

    async def until(self, source: str, now: datetime) -> datetime | None:
        """When ``source`` may be asked again; ``None`` when it may be asked at ``now``."""
        ...

    async def begin(self, source: str, until: datetime, why: str) -> None:
        """Nobody asks ``source`` before ``until``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """How one source is reached.

    ``timeout_s`` bounds a whole try, the last byte included; ``pace`` is how fast all processes together ask;
    ``max_bytes`` counts decompressed bytes. ``secret_headers`` are sent to the source's own host only.
    """

    name: str
    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_headers: Mapping[str, SecretStr] = field(default_factory=dict)
    timeout_s: float = 20.0
    pace: Pace = UNHURRIED
    max_bytes: int = 16 * 1024 * 1024
    cool_down: timedelta = _DEFAULT_COOL_DOWN
    """How long to pause after a 429 that names no time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete 2xx answer. ``url`` has no query; ``body`` is decompressed; ``headers`` have lower-case names."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def text(self) -> str:
        """The body as text, whatever charset was declared (see :func:`adapters.http_text.decoded_text`)."""
        return decoded_text(self.body, self.headers.get("content-type", ""))


class HttpClient:
    """One connection pool for all feeds; use it as an async context manager.

    ``base_urls`` maps a source's name to the address that replaces its scheme, host and leading path, ``per_s`` to the
    requests a second that replace its own. ``timeout_s`` bounds every source's time.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        base_urls: Mapping[str, str] | None = None,
        per_s: Mapping[str, float] | None = None,
        cool_downs: CoolDowns | None = None,
        paces: Paces | None = None,
        timeout_s: float = math.inf,
    ) -> None:
        self._clock = clock
        self._base_urls = dict(base_urls or {})
        self._per_s = dict(per_s or {})
        self._cool_downs = cool_downs
        self._paces = paces or OwnPaces(clock)
        self._timeout_s = timeout_s
        self._stack = AsyncExitStack()
        self._client: httpx.AsyncClient | None = None
        for name in ("httpx", "httpcore"):  # they log addresses with their query, where some sources want the key
            logging.getLogger(name).setLevel(logging.WARNING)

    async def __aenter__(self) -> Self:
        self._client = await self._stack.enter_async_context(
            httpx.AsyncClient(
                headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate"},
                timeout=httpx.Timeout(10.0, pool=30.0),
                limits=httpx.Limits(max_connections=32, max_keepalive_connections=16),
                mounts={"all://127.0.0.1": None, "all://localhost": None},
                follow_redirects=False,
                verify=await asyncio.to_thread(_tls),
            )
        )
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    async def get_json(
        self,
        source: Source,
        path: str,
        params: Params | None = None,
        *,
        secret_params: Mapping[str, SecretStr] | None = None,
    ) -> Any:
        """GET a JSON document; raise :class:`HttpFailure`, also for HTML or a cut-off document in its place."""
        return await self._with_retries(source, path, params, secret_params, read_json)

    async def get_text(
        self,
        source: Source,
        path: str,
        params: Params | None = None,
        *,
        secret_params: Mapping[str, SecretStr] | None = None,
    ) -> str:
        """GET a text (HTML, CSV, XML); raise :class:`HttpFailure`, also for a challenge page in its place."""
        return await self._with_retries(source, path, params, secret_params, _checked_text)

    async def get(
        self,
        source: Source,
        path: str,
        params: Params | None = None,
        *,
        secret_params: Mapping[str, SecretStr] | None = None,
    ) -> Answer:
        """GET whatever is there, unchecked beyond its status; raise :class:`HttpFailure`."""
        return await self._with_retries(source, path, params, secret_params, lambda _source, answer: answer)

    async def _with_retries(
        self,
        source: Source,
        path: str,
        params: Params | None,
        secret_params: Mapping[str, SecretStr] | None,
        read: Callable[[Source, Answer], T],
    ) -> T:
        await self._refuse_while_cooling(source)
        query = dict(params or {}) | {name: secret.get_secret_value() for name, secret in (secret_params or {}).items()}
        url = httpx.URL(self._base_urls.get(source.name, source.base_url).rstrip("/") + path, params=query or None)
        for pause in (*_RETRY_PAUSES_S, None):
            await self._paces.turn(source.name, self._pace(source))
            try:
                return read(source, await self._try(source, url))
            except _Transient as failure:
                if pause is None or failure.retry_at is not None:  # it said itself when to come back
                    raise
                await self._clock.sleep_until(self._clock.now() + timedelta(seconds=pause))
        raise AssertionError("unreachable: the last try returns or raises")

    async def _refuse_while_cooling(self, source: Source) -> None:
        if self._cool_downs is None:
            return
        until = await self._cool_downs.until(source.name, self._clock.now())
        if until is not None:
            message = f"{source.name} asked for a pause; not asked again before {until:%Y-%m-%d %H:%M:%S} UTC"
            raise HttpFailure(message, source=source.name, fault=Fault.RATE_LIMITED, retry_at=until)

    def _pace(self, source: Source) -> Pace:
        return replace(source.pace, per_s=self._per_s.get(source.name, source.pace.per_s))

    async def _try(self, source: Source, url: httpx.URL) -> Answer:
        where, timeout_s = _without_query(url), min(source.timeout_s, self._timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._follow(source, url)
        except TimeoutError:
            message = f"{where}: no complete answer within {timeout_s:g} s"
            raise HttpFailure(message, source=source.name, fault=Fault.UNREACHABLE) from None
        except httpx.TransportError as error:
            message = f"{where}: {type(error).__name__} before the answer was complete"
            raise _Transient(message, source=source.name, fault=Fault.UNREACHABLE) from None
        if answer.status == httpx.codes.TOO_MANY_REQUESTS:
            await self._begin_cool_down(source, answer)
        if not 200 <= answer.status < 300:
            raise refusal(source, answer, self._clock.now())
        return answer

    async def _begin_cool_down(self, source: Source, answer: Answer) -> None:
        if self._cool_downs is not None:
            until = refusal(source, answer, self._clock.now()).retry_at
            assert until is not None  # noqa: S101 - a 429 always has a time
            await self._cool_downs.begin(source.name, until, f"HTTP {answer.status}")

    async def _follow(self, source: Source, url: httpx.URL) -> Answer:
        assert self._client is not None, "use the client as an async context manager"  # noqa: S101
        home = url.host.removeprefix("www.")
        for _ in range(_MAX_REDIRECTS):
            headers = dict(source.headers)
            if url.host.removeprefix("www.") == home:
                headers |= {name: secret.get_secret_value() for name, secret in source.secret_headers.items()}
            async with self._client.stream("GET", url, headers=headers) as response:
                if response.next_request is None:
                    return await _read(source, response)
                url = response.next_request.url
        message = f"{_without_query(url)}: more than {_MAX_REDIRECTS} redirects"
        raise HttpFailure(message, source=source.name, fault=Fault.CHANGED)


@cache
def _tls() -> ssl.SSLContext:
    """Certificates are read once, and what httpx connects with is loaded: both take longer than a request."""
    for name in ("anyio._backends._asyncio", "httpcore._backends.anyio"):
        with suppress(ImportError):
            import_module(name)
    return httpx.create_ssl_context()


async def _read(source: Source, response: httpx.Response) -> Answer:
    """The answer's body, decompressed and never larger than the source may send."""
    where = _without_query(response.url)
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "", "gzip", "x-gzip", "deflate"}:
        message = f"{where}: content-encoding {encoding!r}; wanted gzip, deflate or none"
        raise HttpFailure(message, source=source.name, fault=Fault.CHANGED)
    inflate = zlib.decompressobj(wbits=47) if encoding not in {"identity", ""} else None
    chunks: list[bytes] = []
    size = 0
    async for raw in response.aiter_raw():
        try:
            chunk = inflate.decompress(raw, source.max_bytes - size + 1) if inflate else raw
        except zlib.error:
            raise _Transient(f"{where}: damaged {encoding} body", source=source.name, fault=Fault.UNREACHABLE) from None
        chunks.append(chunk)
        size += len(chunk)
        if size > source.max_bytes:
            message = f"{where}: more than {source.max_bytes} bytes"
            raise HttpFailure(message, source=source.name, fault=Fault.CHANGED)
    if inflate is not None and size and not inflate.eof:
        raise _Transient(f"{where}: the {encoding} body is cut off", source=source.name, fault=Fault.UNREACHABLE)
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(where, response.status_code, headers, b"".join(chunks))


def refusal(source: Source, answer: Answer, now: datetime) -> HttpFailure:
    """The failure that a non-2xx ``answer`` is."""
    text = answer.text()[:_KEPT_BODY]
    fault, wanted = _fault_of(answer, text)
    kind = _Transient if fault is Fault.UNREACHABLE else HttpFailure
    retry_at = retry_time(answer.headers.get("retry-after", ""), now)
    if fault is Fault.RATE_LIMITED and retry_at is None:
        retry_at = now + source.cool_down
    message = f"{answer.url}: HTTP {answer.status}{wanted}"
    return kind(message, source=source.name, fault=fault, status=answer.status, retry_at=retry_at, body=text)


def _fault_of(answer: Answer, text: str) -> tuple[Fault, str]:
    if answer.headers.get("cf-mitigated") == "challenge" or is_challenge(text):
        return Fault.BLOCKED, " with a challenge page for browsers"
    if answer.status == 429:
        return Fault.RATE_LIMITED, ", too many requests"
    if answer.status in {401, 402, 407}:
        return Fault.UNAUTHORIZED, ", a key is missing or wrong"
    if answer.status in {403, 451}:
        return Fault.BLOCKED, ", refused"
    if answer.status in {408, 425} or answer.status >= 500:
        return Fault.UNREACHABLE, ", the source fails"
    return Fault.CHANGED, ""


def retry_time(retry_after: str, now: datetime) -> datetime | None:
    """The instant that a ``Retry-After`` header names, in seconds or as an HTTP date; ``None`` when it names none.

    At most a day ahead, so that a broken header can't silence a source for good.
    """
    value = retry_after.strip()
    if value.isascii() and value.isdigit():
        return now + timedelta(seconds=min(int(value[:9]), 86_400))
    try:
        named = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = named if named.tzinfo else named.replace(tzinfo=UTC)
    return min(max(aware.astimezone(UTC), now), now + timedelta(days=1))


def read_json(source: Source, answer: Answer) -> Any:
    """The document in ``answer``; :class:`HttpFailure` when it is none, or a page for browsers."""
    text = _checked_text(source, answer)
    try:
        return json.loads(text)
    except ValueError as error:
        if looks_like_html(text):
            message = f"{answer.url}: HTML in place of JSON"
            raise HttpFailure(message, source=source.name, fault=Fault.CHANGED, status=answer.status) from None
        at_end = isinstance(error, json.JSONDecodeError) and (
            error.pos >= len(text.rstrip()) or "Unterminated" in error.msg
        )
        if at_end:
            message = f"{answer.url}: JSON that ends too early, after {len(answer.body)} bytes"
            raise _Transient(message, source=source.name, fault=Fault.UNREACHABLE, status=answer.status) from None
        message = f"{answer.url}: not JSON ({error})"
        raise HttpFailure(message, source=source.name, fault=Fault.CHANGED, status=answer.status) from None


def _checked_text(source: Source, answer: Answer) -> str:
    text = answer.text()
    if is_challenge(text[: 16 * _KEPT_BODY]):
        message = f"{answer.url}: HTTP {answer.status} with a challenge page for browsers"
        raise HttpFailure(message, source=source.name, fault=Fault.BLOCKED, status=answer.status)
    return text


def _without_query(url: httpx.URL) -> str:
    return str(url.copy_with(query=None, fragment=None, username=None, password=None))
