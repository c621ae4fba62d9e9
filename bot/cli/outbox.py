"""``tapewatch outbox``: what waits, what went, and what is dead."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.cli import options

if TYPE_CHECKING:
    from adapters.message import Reader
    from adapters.store.port import Outbox
    from bot.settings import Settings
    from rules.model import Lang

Act = Callable[["Outbox", datetime], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class _Desk:
    """The settings, and for whom to write."""

    config: Path | None
    lang: Lang | None

    @property
    def settings(self) -> Settings:
        """As the file and the environment have them."""
        from bot.settings import load

        return load(self.config)

    @property
    def reader(self) -> Reader:
        """Who reads."""
        return self.settings.reader.reader(self.lang)

    def ask(self, act: Act) -> Any:
        """What ``act`` makes of the outbox."""
        from bot.app.outbox import open_outbox

        async def run() -> Any:
            async with open_outbox(self.settings) as (outbox, clock):
                return await act(outbox, clock.now())

        return asyncio.run(run())


def _print(found: Any, lines: Iterable[str], *, as_json: bool) -> None:
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(lines))


def _speak(ctx: click.Context, _param: click.Parameter, lang: Lang | None) -> None:
    """A language that is named after the word counts as one before it."""
    if lang:
        ctx.obj = replace(ctx.obj, lang=lang)


_language = click.option(
    "--lang", type=click.Choice(["zh", "en"]), expose_value=False, callback=_speak, help="Language."
)


@click.group("outbox", invoke_without_command=True)
@options.language
@options.as_json
@click.pass_context
def command(ctx: click.Context, lang: Lang | None, *, as_json: bool) -> None:
    """Show what waits for each destination and how many messages could not be delivered."""
    ctx.obj = _Desk(ctx.obj, lang)
    if ctx.invoked_subcommand is None:
        _list(ctx.obj, as_json=as_json)


@command.command("list")
@_language
@options.as_json
@click.pass_obj
def list_(desk: _Desk, *, as_json: bool) -> None:
    """Show what waits for each destination, and what holds it up (the same as without a word)."""
    _list(desk, as_json=as_json)


def _list(desk: _Desk, *, as_json: bool) -> None:
    from bot.operations.outbox_page import overview_lines
    from bot.operations.outbox_view import overview

    found = desk.ask(lambda outbox, _now: overview(outbox))
    _print(found.to_json(), overview_lines(found, desk.reader), as_json=as_json)


@command.command("dead")
@_language
@options.as_json
@click.pass_obj
def dead(desk: _Desk, *, as_json: bool) -> None:
    """List the messages that were given up, newest first, and why."""
    from bot.operations.outbox_page import dead_lines
    from bot.operations.outbox_view import MOST_DEAD, letter_json

    letters = desk.ask(lambda outbox, _now: outbox.dead(MOST_DEAD))
    _print([letter_json(letter) for letter in letters], dead_lines(letters, desk.reader), as_json=as_json)


@command.command("show")
@click.argument("name", metavar="ID|KEY|NUMBER")
@_language
@options.as_json
@click.pass_obj
def show(desk: _Desk, name: str, *, as_json: bool) -> None:
    """Show a dead letter with its text, or what became of a notice or of an alert (A-1042), everywhere."""
    from bot.locale import say
    from bot.operations.outbox_page import notice_lines
    from bot.operations.outbox_view import look_up

    found = desk.ask(lambda outbox, _now: look_up(outbox, name))
    if found is None:
        click.echo(f"tapewatch: {say(desk.reader.lang, 'failure.no_notice', name=name)}", err=True)
        raise SystemExit(1)
    _print(found.to_json(), notice_lines(found, desk.reader), as_json=as_json)


@command.command("log")
@click.option("--count", default=50, show_default=True, help="How many lines, newest first.")
@click.option("--key", default="", help="Only the notice with this key.")
@_language
@options.as_json
@click.pass_obj
def log(desk: _Desk, count: int, key: str, *, as_json: bool) -> None:
    """Show what became of each message, also of those that were held back, and why."""
    from bot.operations.outbox_page import log_lines
    from bot.operations.outbox_view import line_json

    found = desk.ask(lambda outbox, _now: outbox.log(count, key))
    _print([line_json(line) for line in found], log_lines(found, desk.reader), as_json=as_json)


@command.command("retry")
@click.argument("ids", nargs=-1, required=True, metavar="ID…|all")
@_language
@options.as_json
@click.pass_obj
def retry(desk: _Desk, ids: tuple[str, ...], *, as_json: bool) -> None:
    """Send dead letters again, each at the end of its destination's lane."""
    from bot.operations import outbox_view

    done, unknown = desk.ask(lambda outbox, now: outbox_view.retry(outbox, ids, now))
    _conclude(desk, done, unknown, "outbox.retried", as_json=as_json)


@command.command("drop")
@click.argument("ids", nargs=-1, required=True, metavar="ID…|all")
@click.option("--reason", required=True, help="Why they are not to be sent; it stays in the delivery log.")
@_language
@options.as_json
@click.pass_obj
def drop(desk: _Desk, ids: tuple[str, ...], reason: str, *, as_json: bool) -> None:
    """Give dead letters up for good, with the reason."""
    from bot.operations import outbox_view

    done, unknown = desk.ask(lambda outbox, now: outbox_view.drop(outbox, ids, reason, now))
    _conclude(desk, done, unknown, "outbox.dropped", as_json=as_json)


def _conclude(desk: _Desk, done: list[str], unknown: list[str], what: str, *, as_json: bool) -> None:
    from bot.locale import say

    lang = desk.reader.lang
    if as_json or done:
        _print({"done": done, "unknown": unknown}, [say(lang, what, id=letter) for letter in done], as_json=as_json)
    for letter in unknown:
        click.echo(f"tapewatch: {say(lang, 'outbox.unknown', id=letter)}", err=True)
    raise SystemExit(1 if unknown else 0)
