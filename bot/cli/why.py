"""``tapewatch why``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adapters.store.port import LogLine
    from rules.model import Transition


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
            told = await inspect.deliveries(store, alert, steps)
        if as_json:
            document = {
                "alert": alert,
                "transitions": inspect.plain_transitions(steps),
                "told": inspect.plain_log(told),
            }
            click.echo(json.dumps(document, ensure_ascii=False))
            return
        for step, log in zip(steps, told, strict=True):
            for line in _lines(step, log):
                click.echo(line)

    asyncio.run(look())


def _lines(step: Transition, log: Sequence[LogLine]) -> Iterator[str]:
    """One step: what happened and why, each part of the condition with its figures, and what was sent."""
    subject = " ".join(step.labels.values())
    words = (f"{step.at:%Y-%m-%d %H:%M:%S} UTC ", step.rule, subject, step.kind.value, f"({step.reason.value})")
    yield " ".join(word for word in words if word)
    yield f"  {step.because}"
    lines = step.trace.lines
    wide = max((len(line.expression) for line in lines), default=0)
    long = max((len(line.value) for line in lines), default=0)
    for line in lines:
        seen = f"{line.observed_at:%Y-%m-%d %H:%M:%S} {line.source} {line.status or ''}" if line.observed_at else ""
        yield f"    {line.expression:<{wide}}  {line.value:<{long}}  {seen}".rstrip()
    if step.trace.deciding:
        yield f"  decided by {step.trace.deciding}, {step.trace.location}"
    for entry in log:
        yield f"  {entry.outcome} {entry.destination} {entry.at:%Y-%m-%d %H:%M:%S}"
