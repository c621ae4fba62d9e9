"""Who is told when the bot itself breaks: the admins that the settings name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from adapters.message import Message, Text
from adapters.store.port import AlertStates, Commit, OutboxEntry, RateLimits
from bot.locale import say
from bot.sending.payload import pack
from rules.model import Lang

_ONCE_IN_S = 3600.0
_LANGS: tuple[Lang, ...] = ("en", "zh")


class Maintainers:
    """Tells ``admins`` (people's addresses) of a defect by the outbox, each kind of it once an hour."""

    def __init__(self, states: AlertStates, limits: RateLimits, admins: Sequence[str]) -> None:
        self._states = states
        self._limits = limits
        self._admins = tuple(admins)

    async def told(self, incident: str, verb: str, error: Exception, now: datetime) -> bool:
        """Tell them, unless they know of the same defect already; whether there is anybody to tell."""
        kind = type(error).__name__
        if self._admins and not await self._limits.take({f"defect:{verb}:{kind}": (1 / _ONCE_IN_S, 1.0)}, now):
            payload = pack(_worded(incident, verb, kind))
            outbox = [OutboxEntry(f"defect:{incident}", admin, payload, now) for admin in self._admins]
            await self._states.commit(Commit(alerts={}, outbox=outbox))
        return bool(self._admins)


def _worded(incident: str, verb: str, kind: str) -> Mapping[Lang, Message]:
    texts = {lang: say(lang, "defect.told", incident=incident, verb=verb, kind=kind) for lang in _LANGS}
    return {lang: Message(summary=text, title=(Text(text),)) for lang, text in texts.items()}
