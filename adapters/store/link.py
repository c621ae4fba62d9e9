"""The one connection to the server: every command goes through here, and every failure leaves as StoreUnavailable."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from adapters.store.port import StoreUnavailable

ANSWER_WITHIN_S = 15.0
_CONNECT_WITHIN_S = 5.0
_TRIES = 4
"""A server of our own that dies, is started again, and dies before it answers is started once more."""

_FULL = "is full; raise its maxmemory or shorten the retention"
_DIAGNOSES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    ((AuthenticationError, AuthorizationError), "refuses the login ({said}); check user and password"),
    (NoPermissionError, "does not permit this user enough ({said}); widen its ACL"),
    (BusyLoadingError, "is still loading its data; try again in a moment"),
    ((RedisTimeoutError, TimeoutError), "did not answer in time ({said}); is it overloaded or cut off?"),
    ((RedisConnectionError, OSError), "cannot be reached ({said}); is the server running?"),
    (OutOfMemoryError, _FULL),
    (ReadOnlyError, "is a read-only replica; REDIS_URL must name the primary"),
)
_DIAGNOSES_BY_WORD = (
    ("OOM command not allowed", _FULL),
    ("MISCONF", "cannot write to its disk ({said}); make room or mend the disk"),
)

Revive = Callable[[], Awaitable[None]]
"""Brings a dead server back, or raises :class:`StoreUnavailable`."""

Command = Sequence[str | bytes | float]


class Link:
    """Runs commands on one server.

    ``place`` names the server in messages, without its password. ``revive``, where given, restarts a server of our
    own that has died, or waits until one has loaded its data; a command that may safely run twice is then run again.
    """

    def __init__(self, client: Redis, place: str, revive: Revive | None = None) -> None:
        self._client = client
        self._revive = revive
        self._scripts: dict[str, AsyncScript] = {}
        self._execute: Callable[..., Awaitable[Any]] = client.execute_command
        self.place = place

    async def call(self, *command: str | bytes | float, repeatable: bool = True) -> Any:
        """Run one command and return its reply."""
        return await self._run(lambda: self._execute(*command), repeatable=repeatable)

    async def call_raw(self, *command: str | bytes | float) -> Any:
        """Run one command and return its reply as bytes."""
        return await self._run(lambda: self._execute(*command, NEVER_DECODE=True))

    async def script(self, source: str, keys: Sequence[str], arguments: Command, *, repeatable: bool = True) -> Any:
        """Run a Lua script: atomic, and loaded only once on a server."""
        if (script := self._scripts.get(source)) is None:
            script = self._scripts[source] = self._client.register_script(source)
        return await self._run(lambda: script(keys=keys, args=arguments), repeatable=repeatable)

    async def transaction(self, commands: Sequence[Command], *, repeatable: bool = True) -> list[Any]:
        """Run commands as one MULTI/EXEC and return their replies."""

        async def execute() -> list[Any]:
            async with self._client.pipeline(transaction=True) as pipeline:
                for command in commands:
                    pipeline.execute_command(*command)
                replies: list[Any] = await pipeline.execute()
                return replies

        reply: list[Any] = await self._run(execute, repeatable=repeatable)
        return reply

    async def aclose(self) -> None:
        """Drop the connections."""
        await self._client.aclose()

    async def _run(self, attempt: Callable[[], Awaitable[Any]], *, repeatable: bool = True) -> Any:
        with _cancellation_kept():
            return await self._tried(attempt, repeatable=repeatable)

    async def _tried(self, attempt: Callable[[], Awaitable[Any]], *, repeatable: bool) -> Any:
        for left in reversed(range(_TRIES)):
            try:
                return await attempt()
            except (RedisError, OSError) as error:
                if not left or self._revive is None or not _is_broken(error):
                    raise unavailable(self.place, error) from error
                await self._revive()
                if not repeatable:
                    raise unavailable(self.place, error) from error
        raise AssertionError("the last try returns or raises")


@contextlib.contextmanager
def _cancellation_kept() -> Iterator[None]:
    """Raise ``CancelledError`` again where the client took it for a time-out of its own: whoever cancels waits."""
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError


def client_for_url(url: str) -> Redis:
    """A client for ``redis://``, ``rediss://`` or ``unix://``; raise :class:`StoreUnavailable` for anything else."""
    try:
        return Redis.from_url(url, **_options())
    except ValueError as error:
        raise StoreUnavailable(
            f"REDIS_URL {place_of(url)!r} is not a Redis address; wanted redis://[user:password@]host:port/0,"
            f" rediss:// for TLS or unix:///path"
        ) from error


def client_for_socket(path: str) -> Redis:
    """A client for a server on a Unix socket."""
    return Redis(unix_socket_path=path, **_options())


def place_of(url: str) -> str:
    """The address without user and password."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(unreadable)"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def _options() -> dict[str, Any]:
    # Repeating is decided in Link, which knows what may run twice; redis-py's own second tries would double an append.
    return {
        "decode_responses": True,
        "encoding_errors": "replace",
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": ANSWER_WITHIN_S,
        "socket_connect_timeout": _CONNECT_WITHIN_S,
    }


def _is_broken(error: Exception) -> bool:
    refused = AuthenticationError | AuthorizationError
    return isinstance(error, RedisConnectionError | OSError) and not isinstance(error, refused | RedisTimeoutError)


def unavailable(place: str, error: Exception) -> StoreUnavailable:
    """Say in one line what is wrong with the server at ``place`` and what to do."""
    return StoreUnavailable(f"the store at {place} {_diagnosis(error)}")


def _diagnosis(error: Exception) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    for kinds, diagnosis in _DIAGNOSES:
        if isinstance(error, kinds):
            return diagnosis.format(said=said)
    for word, diagnosis in _DIAGNOSES_BY_WORD:
        if word in said:
            return diagnosis.format(said=said)
    return f"refused a command: {said}"
