"""``tapewatch why``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click


@click.command("why")
@click.argument("alert")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def command(config: Path | None, alert: str, *, as_json: bool) -> None:
    """Show why ALERT (A-1042) fired: the record of the evaluation itself; nothing is recomputed."""
    from bot.app import inspect
    from bot.settings import load

    async def look() -> None:
        async with inspect.opened(load(config)) as store:
            steps = await inspect.why(store, alert)
        if as_json:
            click.echo(
                json.dumps({"alert": alert, "transitions": inspect.plain_transitions(steps)}, ensure_ascii=False)
            )
            return
        for step in steps:
            click.echo(f"{step.at.isoformat()}  {step.rule} {step.kind} ({step.reason}): {step.because}")
            for line in step.trace.lines:
                seen = f"  {line.source}, {line.observed_at.isoformat()}" if line.observed_at else ""
                click.echo(f"    {line.expression} = {line.value}{seen}")
            click.echo(f"    {step.trace.location}")

    asyncio.run(look())
