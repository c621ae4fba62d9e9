"""``tapewatch backtest``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli import options

if TYPE_CHECKING:
    from datetime import datetime

    from bot.past.prices import Data
    from rules.backtesting.backtest import Report
    from rules.calendars.sessions import Calendars
    from rules.model import Lang
    from rules.spec import RuleSpec
    from rules.universe import Universe

DAY = click.DateTime(["%Y-%m-%d"])


@click.command("backtest")
@click.argument("names", nargs=-1, metavar="[RULE]…")
@click.option(
    "--rules",
    "packs",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="Take the rules from this pack or folder instead of those that are configured.",
)
@click.option(
    "--data",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Read SYMBOL.csv files (date,open,high,low,close,volume) of this folder instead of the store.",
)
@click.option("--from", "first", type=DAY, help="First day (default: the first that is known).")
@click.option("--to", "last", type=DAY, help="Last day (default: the last that is known).")
@options.language
@options.as_json
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page with charts to this file.")
@click.option(
    "--against", type=click.Path(path_type=Path, exists=True), help="Tell what differs from the rules of this pack."
)
@click.pass_obj
def command(
    config: Path | None,
    names: tuple[str, ...],
    *,
    packs: tuple[Path, ...],
    folder: Path | None,
    first: datetime | None,
    last: datetime | None,
    html: Path | None,
    against: Path | None,
    lang: Lang | None,
    as_json: bool,
) -> None:
    """Say when rules would have fired over daily figures, and what prices did next.

    Without RULE, all but those of data health. Each figure counts as known at the close of its session.
    """
    from bot.app.backtest import kept
    from bot.app.desk import rule_paths
    from bot.locale.problems import located
    from bot.past import report as past
    from bot.past.prices import read_folder
    from bot.settings import load
    from rules.calendars.sessions import Calendars
    from rules.loading.universe_file import load_universe

    start, end = first and first.date(), last and last.date()
    if start and end and start > end:
        raise click.UsageError(f"--from {start} is after --to {end}")
    settings, calendars = load(config), Calendars()
    universe = load_universe(settings.universe)
    data = read_folder(folder, universe) if folder else asyncio.run(kept(settings, universe, calendars))
    spoken = lang or settings.reader.lang
    for problem in data.problems:
        click.echo(located(problem, spoken), err=True)
    rules = past.chosen(_rules(packs or rule_paths(settings), data.universe), names)
    report = past.run(rules, data, calendars, start, end)
    changes = None
    if against is not None:
        before = [rule for rule in _rules([against], data.universe) if not names or rule.id in names]
        changes = past.changes(report, past.run(before, data, calendars, report.start, report.end))
    if html is not None:
        _write_page(html, report, data, calendars, rules, lang=spoken)
    if as_json:
        click.echo(json.dumps(past.document(report, data.problems, changes), ensure_ascii=False))
    else:
        for line in past.lines(report, changes, spoken):
            click.echo(line)


def _rules(paths: Sequence[Path], universe: Universe) -> Sequence[RuleSpec]:
    from rules.loading.loader import load_packs
    from rules.problems import ProblemsFound

    loaded = load_packs(paths, universe)
    if not loaded.ok:
        raise ProblemsFound(loaded.errors)
    return [rule for rule in loaded.rules if rule.enabled]


def _write_page(
    html: Path, report: Report, data: Data, calendars: Calendars, rules: Sequence[RuleSpec], *, lang: Lang
) -> None:
    from bot.files import write_whole
    from bot.locale import say
    from bot.past.page import page
    from rules.engine import Engine

    write_whole(html, page(report, data, calendars, Engine(rules, data.universe, calendars).programs, lang=lang))
    click.echo(say(lang, "written.page", file=html), err=True)
