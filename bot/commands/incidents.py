"""Alerts that were told, by the number that people call them by, as the pipeline recorded them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from bot.commands.arguments import shown
from bot.commands.context import Context
from bot.commands.errors import Refusal
from bot.incidents import INCIDENTS
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


async def incident(ctx: Context, number: str) -> Transition:
    """The newest transition of the alert; refuses a number that never was."""
    found = await history(ctx, numbered(number))
    if not found:
        raise Refusal("error.no_alert", word=shown(number))
    return found[-1]
