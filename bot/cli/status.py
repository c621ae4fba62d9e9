"""``tapewatch status``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def command(config: Path | None, *, as_json: bool) -> None:
    """Show each source's health, what waits to be sent, and what was given up."""
    from bot.app import inspect
    from bot.settings import load

    async def look() -> None:
        async with inspect.opened(load(config)) as store:
            found = await inspect.status(store)
        if as_json:
            click.echo(json.dumps(found, ensure_ascii=False))
            return
        click.echo(f"store    {found['store']}")
        click.echo(f"tape     {found['tape']}, evaluated up to {found['evaluated']}")
        waiting = ", ".join(f"{count} for {where}" for where, count in found["waiting"].items()) or "nothing waits"
        click.echo(f"outbox   {waiting}; {found['dead']} given up")
        for source in found["sources"]:
            state = (
                f"failing since {source['degraded_since']}: {source['error']}" if source["degraded_since"] else "well"
            )
            click.echo(f"{source['source']:<16} last success {source['last_success'] or 'never'}; {state}")
        if not found["sources"]:
            click.echo("no source has been asked yet; tapewatch run asks them")

    asyncio.run(look())
