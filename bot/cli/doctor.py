"""``tapewatch doctor``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.operations.findings import Finding
    from rules.model import Lang


@click.command("doctor")
@options.language
@options.as_json
@click.pass_obj
def command(config: Path | None, lang: Lang | None, *, as_json: bool) -> None:
    """Look at everything that Tapewatch stands on, and say what to do about what is wrong.

    Settings, secrets, disk, fonts, rules, store, running roles, outbox, Telegram and Slack with each destination, every
    source of data, and the clock. Nothing is sent. Exits with 1 when there is a problem; warnings don't count.
    """
    from bot import logs
    from bot.app.doctor import examine
    from bot.locale import say
    from bot.operations.findings import Level, document

    logs.configure(level="critical")
    settings, findings = asyncio.run(examine(config))
    spoken = lang or settings.reader.lang
    found = document(findings, spoken)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        for line in _lines(findings, spoken):
            click.echo(line)
    count = {level: sum(each.level is level for each in findings) for level in Level}
    total = say(spoken, "doctor.sum", problems=count[Level.PROBLEM], warnings=count[Level.WARNING])
    click.echo(total, err=True)
    raise SystemExit(0 if found["ok"] else 1)


def _lines(findings: Sequence[Finding], lang: Lang) -> Iterator[str]:
    from adapters.message import Table
    from adapters.rendering.tables import table_lines
    from bot.locale import say

    rows: list[tuple[str, ...]] = []
    for each in findings:
        rows.append((say(lang, f"doctor.{each.level.value}"), each.check, each.said(lang)))
        if remedy := each.remedy(lang):
            rows.append(("", "", f"→ {remedy}"))
    yield from table_lines(Table(rows=tuple(rows), align="lll"))
