"""``tapewatch fetch``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli import options

if TYPE_CHECKING:
    from rules.model import Lang


@click.command("fetch")
@click.argument("feed")
@click.option("--source", help="Ask this one source only (etf_flows).")
@options.language
@options.as_json
@click.option("--record", type=click.Path(file_okay=False, path_type=Path), help="Write down what was fetched.")
@click.option(
    "--replay", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Answer from what --record wrote."
)
@click.pass_obj
def command(
    config: Path | None,
    feed: str,
    source: str | None,
    *,
    lang: Lang | None,
    record: Path | None,
    replay: Path | None,
    as_json: bool,
) -> None:
    """Ask FEED once and print what it brings.

    Feeds: prices, market_caps, etf_flows, crypto, fear_greed, earnings, events, fundamentals.

    Nothing is stored or evaluated. Exits with 1 when the feed brought no figure at all.
    """
    from bot import logs
    from bot.app.fetch import fetch_once, fetch_recorded
    from bot.feeding.fetching import fetch_document
    from bot.locale import say
    from bot.locale.reports import reported
    from bot.locale.sources import source_name
    from bot.settings import load

    if replay and (source or record):
        raise click.UsageError("--replay asks nobody, so it goes with neither --source nor --record")
    logs.configure(level="warning")
    settings = load(config)
    spoken = lang or settings.reader.lang
    asked = fetch_recorded(replay, feed) if replay else fetch_once(settings, feed, source, record)
    fetched = asyncio.run(asked)
    if as_json:
        click.echo(json.dumps(fetch_document(feed, fetched), ensure_ascii=False))
    else:
        for item in fetched.observations:
            value = "—" if item.value is None else f"{item.value:,.10g}"
            click.echo(f"{item.series:<36} {item.at:%Y-%m-%d %H:%M}  {value:>20}  {item.status:<11} {item.source}")
        for problem in fetched.problems:
            name = source_name(problem.source, spoken)
            click.echo(f"{name} {say(spoken, f'fault.{problem.fault}')}: {reported(problem.message, spoken)}", err=True)
    raise SystemExit(0 if fetched.observations or fetched.events or not fetched.problems else 1)
