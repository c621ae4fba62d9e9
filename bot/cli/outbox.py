"""``tapewatch outbox``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click


@click.command("outbox")
@click.option("--retry", is_flag=True, help="Put what was given up (only ID… if given) back into its lane.")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def command(config: Path | None, ids: tuple[str, ...], *, retry: bool, as_json: bool) -> None:
    """Show what waits to be sent and what was given up, and why; --retry sends it again."""
    from bot.app import inspect
    from bot.settings import load

    async def look() -> None:
        async with inspect.opened(load(config)) as store:
            if retry:
                click.echo(f"{await inspect.retry(store, list(ids))} put back", err=True)
            waiting = dict(await store.outbox.waiting())
            dead = await inspect.dead_letters(store)
        if as_json:
            click.echo(json.dumps({"waiting": waiting, "dead": inspect.plain_letters(dead)}, ensure_ascii=False))
            return
        for where, count in waiting.items():
            click.echo(f"waiting  {count:>4} for {where}")
        for letter in dead:
            click.echo(f"dead     {letter.id}  {letter.entry.destination}  {letter.at.isoformat()}  {letter.why}")
        if not waiting and not dead:
            click.echo("nothing waits, nothing was given up", err=True)

    asyncio.run(look())
