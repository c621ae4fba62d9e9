"""``tapewatch outbox``: what waits, what went, and what is dead."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from adapters.store.port import Outbox

Act = Callable[["Outbox", datetime], Awaitable[Any]]


def _with_outbox(config: Path | None, act: Act) -> Any:
    from bot.app.outbox import open_outbox
    from bot.settings import load

    async def run() -> Any:
        async with open_outbox(load(config)) as (outbox, clock):
            return await act(outbox, clock.now())

    return asyncio.run(run())


def _print(found: Any, lines: list[str], *, as_json: bool) -> None:
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(lines))


_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group("outbox", invoke_without_command=True)
@_as_json
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    """Show what waits for each destination and how many messages could not be delivered."""
    if ctx.invoked_subcommand:
        return
    from bot.outbox_view import overview

    found = _with_outbox(ctx.obj, lambda outbox, _now: overview(outbox))
    lines = [f"{count:>6}  {destination}" for destination, count in found.waiting.items()] or ["nothing waits"]
    if found.dead:
        lines.append(f"{found.dead} dead: see tapewatch outbox dead")
    _print(found.to_json(), lines, as_json=as_json)


@command.command("dead")
@_as_json
@click.pass_obj
def dead(config: Path | None, *, as_json: bool) -> None:
    """List the messages that were given up, and why."""
    from bot.outbox_view import MOST_DEAD, letter_json

    letters = _with_outbox(config, lambda outbox, _now: outbox.dead(MOST_DEAD))
    lines = [f"{letter.id}  {letter.entry.destination}  {letter.entry.key}\n    {letter.why}" for letter in letters]
    _print([letter_json(letter) for letter in letters], lines or ["no dead letters"], as_json=as_json)


@command.command("log")
@click.option("--count", default=50, show_default=True, help="How many lines, newest first.")
@click.option("--key", default="", help="Only the notice with this key.")
@_as_json
@click.pass_obj
def log(config: Path | None, count: int, key: str, *, as_json: bool) -> None:
    """Show what became of each message, also of those that were held back."""
    from bot.outbox_view import line_json

    found = _with_outbox(config, lambda outbox, _now: outbox.log(count, key))
    lines = [f"{line.at:%Y-%m-%d %H:%M:%S}  {line.outcome:<24} {line.destination}  {line.key}" for line in found]
    _print([line_json(line) for line in found], lines or ["the log is empty"], as_json=as_json)


@command.command("retry")
@click.argument("ids", nargs=-1, required=True, metavar="ID…|all")
@click.pass_obj
def retry(config: Path | None, ids: tuple[str, ...]) -> None:
    """Send dead letters again, each at the end of its destination's lane."""
    from bot import outbox_view

    done, unknown = _with_outbox(config, lambda outbox, now: outbox_view.retry(outbox, ids, now))
    _conclude(done, unknown, "back in the outbox")


@command.command("discard")
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@click.pass_obj
def discard(config: Path | None, ids: tuple[str, ...]) -> None:
    """Forget dead letters."""
    from bot import outbox_view

    done, unknown = _with_outbox(config, lambda outbox, _now: outbox_view.discard(outbox, ids))
    _conclude(done, unknown, "forgotten")


def _conclude(done: list[str], unknown: list[str], what: str) -> None:
    for letter in done:
        click.echo(f"{letter} {what}")
    for letter in unknown:
        click.echo(f"tapewatch: there is no dead letter {letter}; see tapewatch outbox dead", err=True)
    raise SystemExit(1 if unknown else 0)
