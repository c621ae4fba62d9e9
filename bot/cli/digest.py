"""``tapewatch digest``."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli import options

if TYPE_CHECKING:
    from datetime import date

    from bot.app.answers import Known
    from bot.digest.brief import Brief
    from bot.digest.document import Digest
    from bot.digest.flow import Publisher
    from bot.settings import Settings
    from rules.model import Lang

FORMATS = ("chat", "html", "pdf", "xlsx", "ics", "json")
_OF_A_MONTH = ("chat", "json")


class _Week(click.ParamType["date"]):
    name = "DATE|YYYY-Www"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> date:
        from datetime import date

        from bot.digest.frame import Span

        try:
            return Span.named(value.upper()).last if "w" in value.casefold() else date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no day (2024-11-01) and no ISO week (2024-W44)", param, ctx)


@click.command("digest")
@click.option("--week", type=_Week(), help="The ISO week, or any day of it (default: the last whole week).")
@click.option("--month", metavar="YYYY-MM", help="A month up to today, or up to its end, in place of a week.")
@options.language
@click.option("--format", "form", type=click.Choice(FORMATS), default="chat", help="What to write.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@click.option("--reference", is_flag=True, help="The recorded week of 28 October 2024 instead of the store.")
@click.pass_obj
def command(  # noqa: PLR0917 - one parameter an option
    config: Path | None,
    week: date | None,
    month: str | None,
    lang: Lang | None,
    form: str,
    out: Path | None,
    *,
    reference: bool,
) -> None:
    """Build the weekly digest, or a month so far, from what the store knows."""
    from bot import logs
    from bot.settings import load

    if month and (week or form not in _OF_A_MONTH):
        raise click.UsageError(f"--month goes without --week and with --format {' or '.join(_OF_A_MONTH)}")
    logs.configure(level="warning")
    settings = load(config)
    made = asyncio.run(_build(settings, week, month, reference=reference))
    _write(made, form, settings, lang, out)


def _write(made: Digest | Brief, form: str, settings: Settings, lang: Lang | None, out: Path | None) -> None:
    from bot.digest.document import Digest

    reader = settings.reader.reader(lang)
    if form == "chat":
        from adapters.clock import SystemClock
        from bot.app.notifiers import terminal
        from bot.digest.chat import message

        shown = message(made, reader.lang) if isinstance(made, Digest) else made.messages[reader.lang]
        terminal(SystemClock(), out).show(shown, reader)
        return
    from bot.digest.formats import FORMATS as RENDERERS
    from bot.files import write_whole
    from bot.locale import say

    content = RENDERERS[form][1](made, reader) if isinstance(made, Digest) else made.to_json().encode()
    if out is None:
        sys.stdout.buffer.write(content)
    else:
        write_whole(out, content)
        click.echo(say(reader.lang, "written.digest", file=out), err=True)


async def _build(settings: Settings, day: date | None, month: str | None, *, reference: bool) -> Digest | Brief:
    from bot.app.answers import open_known
    from bot.app.weekly import build_publisher
    from bot.digest.frame import last_whole_week
    from rules.calendars.sessions import Calendars
    from rules.loading.universe_file import load_universe

    universe = load_universe(settings.universe)
    async with AsyncExitStack() as stack:
        known = await open_known(stack, settings, universe, reference=reference)
        publisher = build_publisher(settings, universe, Calendars(), known.store)
        if month:
            return await _month(publisher, known, month)
        now = known.clock.now()
        return await publisher.preview(await known.data(now), day or last_whole_week(now.date()))


async def _month(publisher: Publisher, known: Known, month: str) -> Brief:
    from bot.digest.frame import month_end

    now = known.clock.now()
    end = month_end(month, now.date())
    if end is None:
        raise click.BadParameter(f"{month!r} is no month that has begun, such as {now:%Y-%m}", param_hint="--month")
    return publisher.month(await known.data(now), end)
