"""``tapewatch test``."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command("test")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def command(config: Path | None, paths: tuple[Path, ...], *, as_json: bool) -> None:
    """Run the ``tests:`` of rule packs through the production engine; without PATH, those that are configured."""
    from bot.app.desk import rule_paths
    from bot.settings import load
    from rules.calendars.sessions import Calendars
    from rules.loading.check import without_packs
    from rules.loading.loader import load_packs
    from rules.loading.universe_file import load_universe
    from rules.packtest import results_json, run_tests

    settings = load(config)
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
            click.echo(str(problem))
        for outcome in outcomes:
            click.echo(f"{'ok  ' if outcome.ok else 'FAIL'} {outcome.title}")
            if not outcome.ok:
                click.echo("\n".join(f"     {line}" for line in outcome.differences()))
        failed = sum(not outcome.ok for outcome in outcomes)
        told = f"{len(outcomes) - failed} passed, {failed} failed" if outcomes or mistakes else "there are no tests"
        click.echo(told, err=True)
    raise SystemExit(0 if document["ok"] else 1)
