"""Alerts that were told, by the number that people call them by, as the pipeline recorded them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from bot.commands.arguments import shown
from bot.commands.context import Context
from bot.commands.errors import Refusal
from bot.incidents import INCIDENTS
from bot.notices import Incident
from rules.model import Transition

NUMBER = re.compile(r"a-?(\d{1,12})", re.IGNORECASE | re.ASCII)
_TRANSITIONS: TypeAdapter[list[Transition]] = TypeAdapter(list[Transition])


def numbered(word: str) -> str:
    """``A-1042`` for ``a1042``; ``""`` for what is no alert's number."""
    match = NUMBER.fullmatch(word)
    return f"A-{int(match[1])}" if match else ""


async def history(ctx: Context, number: str) -> Sequence[Transition]:
    """Every transition of the alert, oldest first; empty for one that never was."""
    text = await ctx.desk.documents.get(INCIDENTS, number)
    try:
        return _TRANSITIONS.validate_json(text) if text else ()
    except ValidationError:
        return ()


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
