"""``tapewatch run``."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.cli import options

if TYPE_CHECKING:
    from bot.locale import Saying
    from rules.model import Lang

ROLES = ("scheduler", "engine", "sender", "telegram", "slack", "web")


@click.command("run")
@click.argument("roles", nargs=-1, type=click.Choice(ROLES), metavar="[ROLE]...")
@click.option("--dry-run", is_flag=True, help="Show alerts on the terminal; send nothing.")
@click.option(
    "--reference", is_flag=True, help="Over the recorded week, at its end, on a store of its own: no network."
)
@click.option("--record", type=click.Path(file_okay=False, path_type=Path), help="Write down what the feeds bring.")
@click.option(
    "--replay",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="From the beginning of what --record wrote, on a store of its own: no source is asked.",
)
@options.language
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on what runs, once it does.")
@click.pass_obj
def command(
    config: Path | None,
    roles: tuple[str, ...],
    lang: Lang | None,
    record: Path | None,
    replay: Path | None,
    *,
    dry_run: bool,
    reference: bool,
    as_json: bool,
) -> None:
    """Run the bot until Ctrl-C: all roles in one process, or only those that are named.

    Roles: scheduler (asks the feeds, brings out digest and brief), engine (evaluates the rules), sender (delivers),
    telegram and slack (listen and answer; left out without their tokens unless named), web (/healthz, /readyz,
    /metrics).
    """
    from rich.cells import cell_len

    from bot.locale import say
    from bot.logs import configure
    from bot.settings import load

    if replay and (record or reference):
        raise click.UsageError("--replay asks nobody, so it goes with neither --record nor --reference")
    if as_json and dry_run:
        raise click.UsageError("--json goes without --dry-run, whose result is the messages on the terminal")
    settings = load(config)
    configure()
    spoken = lang or settings.reader.lang
    told: list[dict[str, str]] = []

    def report(heading: str, saying: Saying | str) -> None:
        said = saying if isinstance(saying, str) else saying.said(spoken)
        told.append({"what": heading, "said": said})
        title = say(spoken, f"run.{heading}")
        click.echo(f"{title}{' ' * (14 - cell_len(title))}{said}", err=True)

    def ready(work: Sequence[str]) -> None:
        if as_json:
            click.echo(json.dumps({"runs": list(work), "report": told}, ensure_ascii=False))

    if set(roles) == {"sender"} and not (dry_run or reference or replay):
        from bot.app.sending import run_sender

        work = run_sender(settings, report=report, ready=ready)
    else:
        from bot.app.live import run_bot

        work = run_bot(
            settings,
            roles,
            dry_run=dry_run,
            reference=reference,
            record=record,
            replay=replay,
            report=report,
            ready=ready,
        )
    asyncio.run(until_told_to_stop(work))


async def until_told_to_stop(work: Any) -> None:
    """Run ``work``; the first SIGINT or SIGTERM cancels it, so that everything is closed in order."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
