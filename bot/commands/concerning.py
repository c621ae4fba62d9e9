"""Which rules are about an instrument: those that read its price, or whose list it is on."""

from __future__ import annotations

from collections.abc import Sequence

from bot.commands.context import Context
from rules.evaluation.program import Program
from rules.model import Severity
from rules.universe import Instrument


def programs_about(ctx: Context, item: Instrument) -> Sequence[Program]:
    """The rules that run and that may tell of ``item``, in their files' order; those about data aren't counted."""
    programs = ctx.desk.rulebook.programs(ctx.desk.calendars)
    return [each for each in programs if each.spec.severity is not Severity.HEALTH and is_about(each, item)]


def is_about(program: Program, item: Instrument) -> bool:
    """Whether what the rule tells may be about ``item``."""
    if program.members is not None:
        return item in program.members
    return any(item.symbol in {ref.key, ref.field if ref.feed.startswith("etf_") else ""} for ref in program.refs)
