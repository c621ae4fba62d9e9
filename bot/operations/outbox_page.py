"""The outbox in words, for who runs Tapewatch, in the language and on the clocks of the reader."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from adapters.message import Message, Reader
from adapters.notifiers.port import Receipt
from adapters.rendering.plain import plain_text
from adapters.rendering.text import clean
from adapters.rendering.times import zone_name, zone_of
from adapters.store.port import DeadLetter, LogLine
from bot.locale import outcome_text, say
from bot.operations.outbox_view import Notice, Overview
from bot.sending.payload import unpack

_RECEIPT = TypeAdapter(Receipt)


def overview_lines(found: Overview, reader: Reader) -> Iterator[str]:
    """A line a destination that something waits for, what holds it up under it, then how many letters are dead."""
    lang = reader.lang
    for destination, count in found.waiting.items():
        yield f"{count:>6}  {clean(destination)}"
        if line := found.held_up.get(destination):
            yield f"        {say(lang, 'outbox.held_up', until=_moment(line.at, reader), why=clean(line.detail))}"
    if not found.waiting:
        yield say(lang, "outbox.empty")
    if found.dead:
        yield say(lang, "outbox.some_dead", count=found.dead)


def dead_lines(letters: Sequence[DeadLetter], reader: Reader) -> Iterator[str]:
    """Two lines a letter: which and where, then what it says and why it was given up."""
    for letter in letters:
        tried = say(reader.lang, "outbox.tried", count=letter.attempts)
        yield f"{letter.id}  {_moment(letter.at, reader)}  {clean(letter.entry.destination)}  {tried}"
        yield f"    {_gist(letter, reader)}"
        yield f"    {clean(letter.why)}"
    if not letters:
        yield say(reader.lang, "outbox.no_dead")


def log_lines(lines: Sequence[LogLine], reader: Reader) -> Iterator[str]:
    """A line each: when, what became of it, where, which notice; under it the reason where there is one."""
    for line in lines:
        outcome = outcome_text(line.outcome, reader.lang)
        yield f"{_moment(line.at, reader)}  {outcome}  {clean(line.destination)}  {clean(line.key)}"
        if detail := _detail(line, reader):
            yield f"    {detail}"
    if not lines:
        yield say(reader.lang, "outbox.empty_log")


def notice_lines(found: Notice, reader: Reader) -> Iterator[str]:
    """The dead letters with their whole text, then what became of the notice, newest first."""
    for letter in found.dead:
        yield from dead_lines([letter], reader)
        message = _message(letter, reader)
        if message is not None:
            yield from (f"    │ {line}" for line in plain_text(message, reader).splitlines())
        yield ""
    yield from log_lines(found.log, reader)


def _moment(at: datetime, reader: Reader) -> str:
    return f"{at.astimezone(zone_of(reader.tz)):%Y-%m-%d %H:%M:%S} {zone_name(reader.tz, at, reader.lang)}"


def _detail(line: LogLine, reader: Reader) -> str:
    """Why; of what was sent, the message's id and what is odd about it."""
    with contextlib.suppress(ValidationError):
        receipt = _RECEIPT.validate_json(line.detail)
        odd = [say(reader.lang, "outbox.perhaps_twice")] if receipt.possibly_duplicate else []
        missing = [say(reader.lang, "outbox.without", what=clean(what)) for what in receipt.missing]
        return " · ".join([clean(receipt.message_id), *odd, *missing])
    return clean(line.detail)


def _message(letter: DeadLetter, reader: Reader) -> Message | None:
    try:
        messages = unpack(letter.entry.payload).messages
    except ValidationError:
        return None
    return messages.get(reader.lang) or next(iter(messages.values()))


def _gist(letter: DeadLetter, reader: Reader) -> str:
    message = _message(letter, reader)
    said = clean(message.summary) if message else say(reader.lang, "outbox.unreadable")
    return f"{said} ({clean(letter.entry.key)})" if reader.lang == "en" else f"{said}（{clean(letter.entry.key)}）"
