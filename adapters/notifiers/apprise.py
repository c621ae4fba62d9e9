"""Messages to the long tail (Feishu, DingTalk, WeCom, e-mail, Discord and a hundred more) through Apprise.

Apprise is an optional extra. It says only whether a message went out, so every failure is one to try again; nothing can
be edited or threaded, and an edit arrives as a new message.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from adapters.clock import Clock
from adapters.message import Message, Reader
from adapters.notifiers.port import Misconfigured, Outgoing, Receipt, RetryLater
from adapters.notifiers.webhook import named
from adapters.rendering.fit import fit
from adapters.rendering.plain import plain_text, title_text
from adapters.rendering.text import utf16_len
from rules.model import Severity

_TYPES = {Severity.WARNING: "warning", Severity.CRITICAL: "failure", Severity.HEALTH: "warning"}

_COUNTED_IN_BYTES = frozenset({"dingtalk", "feishu", "lark", "wecombot"})
"""Services whose limit is one of bytes; a Chinese character is three."""
_SEAM = 4
"""What Apprise may put between title and text."""


class AppriseNotifier:
    """Delivers to ``apprise:NAME``, a name of ``endpoints``, whose values are Apprise URLs (they hold secrets)."""

    def __init__(self, endpoints: Mapping[str, SecretStr], clock: Clock, *, library: str = "apprise") -> None:
        self._clock = clock
        try:
            self._library: Any = importlib.import_module(library)
        except ModuleNotFoundError as error:
            raise Misconfigured(
                f"apprise destinations need a package that isn't installed ({error.name}); "
                "install it with: pip install 'tapewatch[apprise]'"
            ) from error
        self._servers = {name: self._server(name, url) for name, url in endpoints.items()}

    def _server(self, name: str, url: SecretStr) -> Any:
        server = self._library.Apprise.instantiate(url.get_secret_value())
        if server is None:
            raise Misconfigured(f"apprise:{name}: Apprise doesn't understand its URL; see `apprise --details`")
        return server

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Send the plain text; raise ``RetryLater`` when Apprise says that it failed."""
        server = named(self._servers, outgoing.destination, "apprise")
        title, body = parts(outgoing.message, outgoing.reader, server)
        group = self._library.Apprise()
        group.add(server)
        accepted = await group.async_notify(
            title=title,
            body=body,
            notify_type=_TYPES.get(outgoing.message.severity or Severity.INFO, "info"),
            body_format=self._library.NotifyFormat.TEXT,
            attach=[attachment.path for attachment in outgoing.message.attachments] or None,
        )
        if not accepted:
            raise RetryLater(f"{outgoing.destination}: Apprise couldn't deliver; its log says why")
        return Receipt(outgoing.destination, outgoing.key, self._clock.now())


def parts(message: Message, reader: Reader, server: Any) -> tuple[str, str]:
    """Title and text within the limit of Apprise's ``server``.

    A service without titles shows the title as the first line, so both count.
    """
    unit = _utf8_len if _scheme(server) in _COUNTED_IN_BYTES else utf16_len
    fitted = fit(message, reader, max(server.body_maxlen - _SEAM, 200), unit)
    title = title_text(fitted, reader)
    return title, plain_text(fitted, reader).removeprefix(title).lstrip("\n") or title


def _scheme(server: Any) -> str:
    return str(server.secure_protocol or server.protocol)


def _utf8_len(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
