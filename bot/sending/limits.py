"""How fast each service may be written to: shared token buckets a little below the published limits."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.store.port import Buckets

_TELEGRAM_ALL = (29.0, 5.0)
"""30 messages a second in all."""
_TELEGRAM_CHAT = (0.98, 1.0)
"""One message a second in a chat."""
_TELEGRAM_GROUP = (0.25, 5.0)
"""20 messages a minute in a group: five at once and 15 in the minute after are 20 in any minute."""
_SLACK_CHANNEL = (0.98, 1.0)
"""One message a second in a channel."""
_APPRISE = (0.25, 5.0)
"""20 messages a minute, which is what WeCom and DingTalk allow; Apprise doesn't tell how fast a service may be."""


def chat_bucket(destination: str) -> str:
    """The bucket of one chat: all topics of a Telegram group share one."""
    scheme, _, address = destination.partition(":")
    return f"{scheme}:{address.partition('/')[0]}"


def buckets_of(destination: str) -> Buckets:
    """The buckets that a message to ``destination`` draws a token from; none where no limit is known."""
    scheme, _, address = destination.partition(":")
    chat = chat_bucket(destination)
    if scheme == "telegram":
        shared = {"telegram": _TELEGRAM_ALL, chat: _TELEGRAM_CHAT}
        return {**shared, f"{chat}:group": _TELEGRAM_GROUP} if address.startswith("-") else shared
    known = {"slack": _SLACK_CHANNEL, "apprise": _APPRISE}
    return {chat: known[scheme]} if scheme in known else {}


def spacings_of(destination: str, quickest_s: float = 0.0) -> Mapping[str, float]:
    """The buckets that hold one message at a time, with the seconds from the answer to one to the start of the next.

    What counts for the service is when a message arrives. This one arrived before its answer by the way back at least,
    the next one will arrive after its start by the way there at least; both ways together take ``quickest_s``. So what
    lies between two arrivals is what lies between answer and start, and ``quickest_s`` more.
    """
    return {name: 1 / rate - quickest_s for name, (rate, burst) in buckets_of(destination).items() if burst == 1.0}
