"""``tapewatch demo``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from adapters.message import Message
    from bot.alerts.notices import Notice
    from bot.app.demo import Demo
    from rules.model import Lang


DIGEST = "weekly-digest"
"""What stands for a rule in the digest's notice."""


@click.command("demo")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("out"), help="Folder for the digest."
)
@click.option("--notify", multiple=True, metavar="DEST", help="Also send to telegram:CHAT, slack:CHANNEL …")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of what is printed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document in place of messages.")
@click.pass_obj
def command(config: Path | None, out: Path, notify: tuple[str, ...], lang: Lang | None, *, as_json: bool) -> None:
    """Replay the week of 28 October 2024: every alert at its moment, then the weekly digest."""
    from bot.app.demo import CONSOLE, run_demo
    from bot.cli.progress import Progress
    from bot.locale import say
    from bot.settings import load

    settings = load(config)
    destinations = notify if as_json else (CONSOLE, *notify)
    with Progress() as progress:
        demo = asyncio.run(run_demo(settings, out=out, destinations=destinations, lang=lang, on_step=progress.step))
        progress.note(say(lang or settings.reader.lang, "written.digest", file=demo.page))
    if as_json:
        click.echo(json.dumps(_document(demo), ensure_ascii=False))


def _document(demo: Demo) -> dict[str, Any]:
    """The contract's document: ``value`` in base units (a fraction for percent and points), times in UTC."""
    notices = [_notice(notice) for notice in demo.notices]
    text = _texts(demo.digest_messages)
    at = demo.digest_at.isoformat()
    notices.append(
        {"rule": DIGEST, "kind": "digest", "at": at, "observed_at": at, "value": None, "unit": "", "text": text}
    )
    return {"notices": notices, "digest": demo.digest.to_dict()}


def _notice(notice: Notice) -> dict[str, Any]:
    leading = notice.incidents[0].transition
    return {
        "rule": notice.rule,
        "kind": notice.kind,
        "at": notice.at.isoformat(),
        "observed_at": leading.observed_at and leading.observed_at.isoformat(),
        "value": leading.value,
        "unit": leading.unit,
        "text": _texts(notice.messages),
        "alerts": [
            {"id": item.number, "labels": dict(item.transition.labels), "value": item.transition.value}
            for item in notice.incidents
        ],
    }


def _texts(messages: Mapping[Lang, Message]) -> dict[Lang, str]:
    from adapters.message import Colour, Reader
    from adapters.rendering.plain import plain_text

    return {lang: plain_text(message, Reader(lang=lang, colour=Colour.NONE)) for lang, message in messages.items()}
