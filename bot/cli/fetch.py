"""``tapewatch fetch``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click


@click.command("fetch")
@click.argument("feed")
@click.option("--source", help="Ask this one source only (etf_flows).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--record", type=click.Path(file_okay=False, path_type=Path), help="Write down what was fetched.")
@click.option(
    "--replay", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Answer from what --record wrote."
)
@click.pass_obj
def command(
    config: Path | None, feed: str, source: str | None, record: Path | None, replay: Path | None, *, as_json: bool
) -> None:
    """Ask FEED once and print what it brings.

    Feeds: prices, market_caps, etf_flows, crypto, fear_greed, earnings, events, fundamentals.

    Nothing is stored or evaluated. Exits with 1 when the feed brought no figure at all.
    """
    from bot import logs
    from bot.app.fetch import fetch_once, fetch_recorded
    from bot.feeding.fetching import fetch_document
    from bot.settings import load

    if replay and (source or record):
        raise click.UsageError("--replay asks nobody, so it goes with neither --source nor --record")
    logs.configure(level="warning")
    asked = fetch_recorded(replay, feed) if replay else fetch_once(load(config), feed, source, record)
    fetched = asyncio.run(asked)
    if as_json:
        click.echo(json.dumps(fetch_document(feed, fetched), ensure_ascii=False))
    else:
        for item in fetched.observations:
            value = "—" if item.value is None else f"{item.value:,.10g}"
            click.echo(f"{item.series:<36} {item.at:%Y-%m-%d %H:%M}  {value:>20}  {item.status:<11} {item.source}")
        for problem in fetched.problems:
            click.echo(f"{problem.fault}: {problem.message}", err=True)
    raise SystemExit(0 if fetched.observations or fetched.events or not fetched.problems else 1)
