"""``tapewatch test``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli import options

if TYPE_CHECKING:
    from rules.model import Lang


@click.command("test")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True))
@options.language
@options.as_json
@click.pass_obj
def command(config: Path | None, paths: tuple[Path, ...], lang: Lang | None, *, as_json: bool) -> None:
    """Run the ``tests:`` of rule packs through the production engine; without PATH, those that are configured."""
    from bot.app.desk import rule_paths
    from bot.locale import say
    from bot.locale.problems import located
    from bot.settings import load
    from rules.calendars.sessions import Calendars
    from rules.loading.check import without_packs
    from rules.loading.loader import load_packs
    from rules.loading.universe_file import load_universe
    from rules.packtest import results_json, run_tests

    settings = load(config)
    spoken = lang or settings.reader.lang
    universe = load_universe(settings.universe)
    packs = paths or rule_paths(settings)
    loaded = load_packs(packs, universe)
    mistakes = [problem for problem in (*loaded.problems, *without_packs(packs)) if not problem.warning]
    outcomes = run_tests(loaded, universe, Calendars())
    document = results_json(outcomes, mistakes)
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False))
    else:
        for problem in mistakes:
            click.echo(located(problem, spoken))
        for outcome in outcomes:
            click.echo(f"{say(spoken, 'test.ok' if outcome.ok else 'test.failed')} {outcome.title}")
            if not outcome.ok:
                click.echo("\n".join(f"     {line}" for line in outcome.differences()))
        failed = sum(not outcome.ok for outcome in outcomes)
        told = "test.sum" if outcomes or mistakes else "test.none"
        click.echo(say(spoken, told, passed=len(outcomes) - failed, failed=failed), err=True)
    raise SystemExit(0 if document["ok"] else 1)
