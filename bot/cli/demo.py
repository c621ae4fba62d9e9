"""``tapewatch demo``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import click


@click.command("demo")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("out"), help="Folder for the digest."
)
@click.option("--notify", multiple=True, metavar="DEST", help="Also send to telegram:CHAT or slack:CHANNEL.")
@click.option(
    "--lang", type=click.Choice(["zh", "en"]), help="Language of what is printed (default: settings, else en)."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document in place of messages.")
@click.pass_obj
def command(config: str | None, out: Path, notify: tuple[str, ...], lang: Any, as_json: bool) -> None:
    """Replay the week of 28 October 2024: every alert at its moment, then the weekly digest."""
    from bot.app import run_demo
    from bot.cli.progress import Progress
    from bot.settings import load

    settings = load(Path(config) if config else None)
    with Progress() as progress:
        result = asyncio.run(
            run_demo(settings, out=out, destinations=notify, lang=lang, quiet=as_json, progress=progress)
        )
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
