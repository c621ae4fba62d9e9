"""What can be done with an alert, under its message. The data carries all that is needed, so old buttons work on."""

from __future__ import annotations

from adapters.message import Button
from bot.locale import say
from rules.model import Lang

LONGEST_DATA = 64
"""Bytes that the narrowest platform (Telegram) keeps with a button."""


def alert_buttons(number: str, rule: str, lang: Lang) -> tuple[tuple[Button, ...], ...]:
    """Two rows: acknowledge and mute; why, replay and chart. ``number`` names the alert, or the first of a group."""
    mutes = (("button.mute_1h", "1h"), ("button.mute_1d", "1d"), ("button.mute_open", "open"))
    first = (
        Button(say(lang, "button.ack"), f"ack:{number}"),
        *(Button(say(lang, key), f"mute:{number}:{span}") for key, span in mutes),
    )
    replay = Button(say(lang, "button.replay"), f"replay:{rule}:1y")
    chart = Button(say(lang, "button.chart"), f"chart:{number}")
    second = (Button(say(lang, "button.why"), f"why:{number}"), replay, chart)
    return tuple(tuple(b for b in row if len(b.data.encode()) <= LONGEST_DATA) for row in (first, second))
