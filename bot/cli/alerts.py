"""``tapewatch alerts``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click


@click.command("alerts")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def command(config: Path | None, *, as_json: bool) -> None:
    """List the alerts that are pending, firing or recovering."""
    from bot.app import inspect
    from bot.settings import load

    async def look() -> None:
        async with inspect.opened(load(config)) as store:
            found = await inspect.alerts(store)
        if as_json:
            click.echo(json.dumps({"alerts": found}, ensure_ascii=False))
            return
        for each in found:
            labels = " ".join(each["labels"].values())
            click.echo(f"{each['phase']:<11} {each['rule']} {labels}  since {each['since']}")
        if not found:
            click.echo("nothing is firing", err=True)

    asyncio.run(look())
