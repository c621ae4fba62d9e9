"""Alerts that were told, by the number that people call them by, as the pipeline recorded them."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence

from pydantic import TypeAdapter, ValidationError

from bot.alerts.incidents import COUNTER, INCIDENTS, LAST
from bot.alerts.notices import Incident
from bot.commands.arguments import shown
from bot.commands.context import Context
from bot.commands.errors import Refusal
from bot.rulebook.personal import find
from bot.rulebook.personal_rules import PREFIX, is_personal
from rules.model import Transition, TransitionKind

_LOOKED_AT = 40
LOG_LINES = 2000
_OPEN = {TransitionKind.FIRED, TransitionKind.ACKNOWLEDGED, TransitionKind.RECOVERING, TransitionKind.RELAPSED}
NUMBER = re.compile(r"a-?(\d{1,12})", re.IGNORECASE | re.ASCII)
_TRANSITIONS: TypeAdapter[list[Transition]] = TypeAdapter(list[Transition])


def numbered(word: str) -> str:
    """``A-1042`` for ``a1042``; ``""`` for what is no alert's number."""
    match = NUMBER.fullmatch(word)
    return f"A-{int(match[1])}" if match else ""


async def history(ctx: Context, number: str) -> Sequence[Transition]:
    """Every transition of the alert, oldest first; empty for one that never was, or is somebody else's own."""
    text = await ctx.desk.documents.get(INCIDENTS, number)
    try:
        found = _TRANSITIONS.validate_json(text) if text else ()
    except ValidationError:
        return ()
    return found if found and await _may_see(ctx, number, found[-1].rule) else ()


async def _may_see(ctx: Context, number: str, rule: str) -> bool:
    """A personal alert is its owner's; of one that was ended since, whose it was is known from where it was sent."""
    if not is_personal(rule):
        return True
    alert = await find(ctx.desk.documents, rule.removeprefix(PREFIX).upper())
    if alert is not None:
        return alert.owner == ctx.request.user.id
    sent = await ctx.desk.deliveries.log(LOG_LINES)
    return any(item.key.startswith(f"{number}:") and item.destination == ctx.request.user.id for item in sent)


async def companions(ctx: Context, number: str) -> Sequence[Incident]:
    """The alerts that were told in one message with ``number``, as they stand now, by number.

    A group is numbered in one go, so its members are the neighbours with the same rule and instant.
    """
    own = await history(ctx, number)
    found = [Incident(number, own[-1])] if own else []
    if not own or not own[0].group_by:
        return found
    for step in (-1, 1):
        at = int(number.partition("-")[2]) + step
        while (near := await history(ctx, f"A-{at}")) and _together(near[0], own[0]):
            found.append(Incident(f"A-{at}", near[-1]))
            at += step
    return sorted(found, key=lambda item: int(item.number.partition("-")[2]))


def _together(one: Transition, other: Transition) -> bool:
    return (one.rule, one.at, one.kind) == (other.rule, other.at, other.kind)


async def incident(ctx: Context, number: str) -> Transition:
    """The newest transition of the alert; refuses a number that never was."""
    found = await history(ctx, numbered(number))
    if not found:
        raise Refusal("error.no_alert", word=shown(number))
    return found[-1]


async def recent(ctx: Context) -> AsyncIterator[tuple[str, Sequence[Transition]]]:
    """The newest alerts with their history, the newest first; in a group without anybody's own."""
    counter = await ctx.desk.documents.get(COUNTER, LAST)
    newest = int(json.loads(counter)) if counter else 0
    for at in range(newest, max(newest - _LOOKED_AT, 0), -1):
        told = await history(ctx, f"A-{at}")
        if told and not (ctx.shared and is_personal(told[-1].rule)):
            yield f"A-{at}", told


async def firing(ctx: Context, most: int) -> list[tuple[str, Transition]]:
    """The newest alerts of the desk that fired and weren't resolved, the newest first."""
    found = [
        (number, told[-1])
        async for number, told in recent(ctx)
        if told[-1].kind in _OPEN and not is_personal(told[-1].rule)
    ]
    return found[:most]
