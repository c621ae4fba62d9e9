"""``tapewatch routes``: where an alert would go."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.group("routes")
def command() -> None:
    """Explain the routes of the settings."""


@command.command("test")
@click.argument("facts", nargs=-1, required=True, metavar="NAME=VALUE…")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def test(config: Path | None, facts: tuple[str, ...], *, as_json: bool) -> None:
    """Say where an alert with these facts goes, and by which route.

    The facts are rule, severity, kind, tag, symbol, list and an alert's own labels; a fact may be given more than once.
    A symbol brings its universe lists along.
    """
    from bot.routes import facts_from, options_text, targets
    from bot.settings import load
    from rules.universe_file import load_universe

    settings = load(config)
    try:
        known = facts_from(facts, load_universe(settings.universe))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    found = targets(settings.routing.tree(tuple(settings.destinations)), known)
    if as_json:
        rows = [{"destination": t.destination, "path": t.path, "options": options_text(t.options)} for t in found]
        click.echo(json.dumps(rows, ensure_ascii=False))
    else:
        for target in found:
            click.echo(f"{target.destination}  by {target.path}  {options_text(target.options)}".rstrip())
        if not found:
            click.echo("nowhere: no route has a destination for it, and no destinations are configured")
    raise SystemExit(0 if found else 1)
