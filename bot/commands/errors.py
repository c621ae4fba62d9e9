"""A request that can't be answered as asked: what to say, and what to offer instead."""

from __future__ import annotations

from adapters.message import Button
from bot.alerts.buttons import LONGEST_DATA
from bot.locale import say
from rules.model import Lang


class Refusal(Exception):
    """Says why in the reader's words: ``key`` of the locale with ``values``; ``buttons`` are ways on."""

    def __init__(self, key: str, *, buttons: tuple[Button, ...] = (), **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values
        self.buttons = buttons


def data(verb: str, *words: str) -> str:
    """Return the callback data that repeats a command; ``""`` where it wouldn't fit."""
    text = ":".join((verb, *words))
    return text if len(text.encode()) <= LONGEST_DATA else ""


def button(text: str, verb: str, *words: str) -> tuple[Button, ...]:
    """One button in a tuple, or none where its data wouldn't fit: to be spliced into a row."""
    packed = data(verb, *words)
    return (Button(text, packed),) if packed else ()


def cancel(lang: Lang) -> tuple[Button, ...]:
    """The button that drops a question, to stand last in its row."""
    return button(say(lang, "button.cancel"), "cancel")
