"""``tapewatch check``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli import options

if TYPE_CHECKING:
    from rules.model import Lang


@click.command("check")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True))
@options.language
@options.as_json
@click.option("--schema", is_flag=True, help="Print the JSON Schema of rule packs, for editors.")
@click.pass_obj
def command(config: Path | None, paths: tuple[Path, ...], lang: Lang | None, *, as_json: bool, schema: bool) -> None:
    """Validate settings, universe, rules and the digest's layout; with PATH, the rules there alone.

    Every mistake of every file is told in one run, as file:line:column. Warnings don't fail.
    """
    if schema:
        from rules.loading.schema import schema_text

        click.echo(schema_text(), nl=False)
        return
    from bot.app.desk import rule_paths
    from bot.app.weekly import layout_problems
    from bot.locale import say
    from bot.locale.problems import located
    from bot.locale.reports import system_said
    from bot.settings import load
    from rules.loading.check import Checked, check
    from rules.loading.universe_file import load_universe
    from rules.problems import Problem, ProblemsFound

    spoken = lang or options.spoken()
    try:
        settings = load(config)
        universe = load_universe(settings.universe)
        checked = check(paths or rule_paths(settings), universe)
        if not paths:
            checked = replace(checked, problems=(*checked.problems, *layout_problems(settings, universe)))
    except ProblemsFound as found:
        checked = Checked(found.problems)
    except OSError as error:
        why = system_said(error, spoken)
        checked = Checked((Problem(str(error.filename), 1, 1, "unreadable", f"can't be read: {why}"),))
    if as_json:
        click.echo(json.dumps(checked.to_json(), ensure_ascii=False))
    else:
        for problem in checked.problems:
            click.echo(located(problem, spoken))
        if checked.ok:
            told = "check.fine" if checked.rules else "check.none"
            click.echo(say(spoken, told, rules=checked.rules, tests=checked.tests), err=True)
    raise SystemExit(0 if checked.ok else 1)
