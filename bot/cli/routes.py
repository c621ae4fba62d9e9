"""``tapewatch routes``: where an alert would go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli import options

if TYPE_CHECKING:
    from rules.model import Lang


_OF_THE_BOT = {"source-health", "rule-files"}
"""What the bot tells of itself stands in no file."""


@click.group("routes")
def command() -> None:
    """Explain the routes of the settings."""


@command.command("test")
@click.argument("facts", nargs=-1, required=True, metavar="NAME=VALUE…")
@options.language
@options.as_json
@click.pass_obj
def test(config: Path | None, facts: tuple[str, ...], lang: Lang | None, *, as_json: bool) -> None:
    """Say where an alert with these facts goes, by which route, and what may hold it back there.

    The facts are rule, severity, kind, tag, symbol, list and an alert's own labels; a fact may be given more than once.
    A rule brings its severity and tags along, a symbol its universe lists.
    """
    from bot.app.desk import rule_paths
    from bot.locale import say
    from bot.operations.route_page import explained, lines
    from bot.routing.routes import facts_from
    from bot.settings import load
    from rules.loading.loader import load_packs
    from rules.loading.universe_file import load_universe
    from rules.problems import nearest

    settings = load(config)
    universe = load_universe(settings.universe)
    try:
        rules = load_packs(rule_paths(settings), universe).rules
        known = facts_from(facts, universe, rules)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    spoken = lang or settings.reader.lang
    for name in sorted(known.get("rule", frozenset()) - {rule.id for rule in rules} - _OF_THE_BOT):
        guess = nearest(name, (rule.id for rule in rules))
        key = "routes.no_rule_near" if guess else "routes.no_rule"
        click.echo(f"tapewatch: {say(spoken, key, name=name, guess=guess)}", err=True)
    found = explained(settings.routing, tuple(settings.destinations), known)
    if as_json:
        click.echo(json.dumps([each.to_json() for each in found], ensure_ascii=False))
    else:
        click.echo("\n".join(lines(found, known, spoken)))
    raise SystemExit(0 if found else 1)
