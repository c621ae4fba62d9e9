"""``tapewatch run``."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import Any

import click

ROLES = ("scheduler", "engine", "sender")


@click.command("run")
@click.argument("roles", nargs=-1, type=click.Choice(ROLES), metavar="[ROLE]...")
@click.option("--dry-run", is_flag=True, help="Show alerts on the terminal; send nothing.")
@click.option("--record", type=click.Path(file_okay=False, path_type=Path), help="Write down what the feeds bring.")
@click.pass_obj
def command(config: Path | None, roles: tuple[str, ...], record: Path | None, *, dry_run: bool) -> None:
    """Run the bot until Ctrl-C: all roles in one process, or only those that are named.

    Roles: scheduler (asks the feeds), engine (evaluates the rules), sender (delivers).
    """
    from bot.app.live import run_bot
    from bot.logs import configure
    from bot.settings import load

    settings = load(config)
    configure()

    def report(heading: str, sentence: str) -> None:
        click.echo(f"{heading:<14}{sentence}", err=True)

    work = run_bot(settings, roles or ROLES, dry_run=dry_run, record=record, report=report)
    asyncio.run(_until_told_to_stop(work))


async def _until_told_to_stop(work: Any) -> None:
    """Run ``work``; the first SIGINT or SIGTERM cancels it, so that everything is closed in order."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
