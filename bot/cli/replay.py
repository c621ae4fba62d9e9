"""``tapewatch replay``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.cli import options
from bot.cli.instants import Instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from adapters.store.port import LogLine
    from bot.app.replay import Replayed
    from bot.past.replaying import Difference
    from rules.model import Lang, Transition


@click.command("replay")
@click.option("--from", "start", type=Instant(), help="First instant, UTC unless it names a zone (default: the first).")
@click.option("--to", "end", type=Instant(ends=True), help="Last instant (default: the last that was evaluated).")
@click.option("--reference", is_flag=True, help="Live through the recorded week first, then replay that.")
@options.language
@options.as_json
@click.pass_obj
def command(
    config: Path | None,
    start: datetime | None,
    end: datetime | None,
    lang: Lang | None,
    *,
    reference: bool,
    as_json: bool,
) -> None:
    """Evaluate a recorded span of the tape again, and compare with what was decided and sent then.

    The rules are those of today, so an edit shows what it changes. Price alerts of people are counted, not evaluated
    again. Exits with 1 when anything differs.
    """
    from bot import logs
    from bot.app.replay import replay
    from bot.settings import load

    if start and end and end < start:
        raise click.UsageError(f"--to ({end:%Y-%m-%d %H:%M}) lies before --from ({start:%Y-%m-%d %H:%M})")
    logs.configure(level="error")
    settings = load(config)
    found = asyncio.run(replay(settings, start, end, reference=reference))
    if as_json:
        click.echo(json.dumps(_document(found), ensure_ascii=False))
    else:
        for line in _lines(found, lang or settings.reader.lang):
            click.echo(line)
    raise SystemExit(1 if found.differences else 0)


def _lines(found: Replayed, lang: Lang) -> Iterator[str]:
    from bot.locale import say

    span = {"start": f"{found.start:%Y-%m-%d %H:%M}", "end": f"{found.end:%Y-%m-%d %H:%M}"}
    yield say(lang, "replay.span", **span, rules=found.rules, observations=found.observations)
    yield say(lang, "replay.sum", recorded=found.recorded, replayed=found.replayed, same=found.same)
    if found.left_out:
        yield say(lang, "replay.left_out", rules=", ".join(found.left_out))
    if found.price_alerts:
        yield say(lang, "replay.price_alerts", count=found.price_alerts)
    for each, number, log in zip(found.differences, found.numbers, found.deliveries, strict=True):
        yield ""
        yield from _difference(each, number, log, lang)


def _difference(each: Difference, number: str, log: Sequence[LogLine], lang: Lang) -> Iterator[str]:
    from bot.locale import outcome_text, say

    one = each.transition
    labels = " ".join(one.labels.values())
    words = [
        say(lang, f"replay.{each.verdict.value}"),
        f"{one.at:%Y-%m-%d %H:%M:%S}",
        one.rule,
        labels,
        say(lang, f"kind.{one.kind.value}"),
    ]
    yield "  ".join(word for word in (*words, number) if word)
    for key, side in (("then", each.recorded), ("now", each.replayed)):
        yield f"  {say(lang, f'replay.{key}')}: {_side(side, lang) if side else '—'}"
    yield f"  {say(lang, 'replay.why')}: {each.reason(lang)}"
    for line in log:
        outcome = outcome_text(line.outcome, lang)
        yield f"  {say(lang, 'replay.told')}: {line.destination} {outcome} {line.at:%Y-%m-%d %H:%M:%S}"


def _side(side: Transition, lang: Lang) -> str:
    from bot.locale import say
    from bot.locale.traces import because
    from rules.numbers import quantity

    seen = f" ({side.observed_at:%Y-%m-%d %H:%M:%S})" if side.observed_at else ""
    reason = say(lang, f"reason.{side.reason.value}")
    return f"{quantity(side.value, side.unit, lang)}{seen} · {because(side.because, lang)} · {reason}"


def _document(found: Replayed) -> dict[str, Any]:
    """``ok``, the span, the counts, and each difference with both sides."""
    return {
        "ok": not found.differences,
        "from": found.start.isoformat(),
        "to": found.end.isoformat(),
        "rules": found.rules,
        "observations": found.observations,
        "recorded": found.recorded,
        "replayed": found.replayed,
        "same": found.same,
        "left_out": list(found.left_out),
        "price_alerts": found.price_alerts,
        "differences": [
            {
                "verdict": each.verdict.value,
                "rule": each.transition.rule,
                "alert": each.transition.alert,
                "kind": each.transition.kind.value,
                "number": number or None,
                "recorded": _plain(each.recorded),
                "replayed": _plain(each.replayed),
                "why": {"en": each.reason("en"), "zh": each.reason("zh")},
                "told": [{"destination": line.destination, "outcome": line.outcome} for line in log],
            }
            for each, number, log in zip(found.differences, found.numbers, found.deliveries, strict=True)
        ],
    }


def _plain(side: Transition | None) -> dict[str, Any] | None:
    if side is None:
        return None
    return {
        "at": side.at.isoformat(),
        "observed_at": side.observed_at and side.observed_at.isoformat(),
        "value": side.value,
        "unit": side.unit,
        "reason": side.reason.value,
        "because": side.because,
        "rule_version": side.rule_version,
        "location": side.trace.location,
    }
