"""The state of a running bot as lines for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from adapters.message import Table
from adapters.rendering.tables import table_lines
from bot.locale import say
from bot.locale.reports import reported
from rules.formats import span
from rules.model import Lang

WIDTH = 80
_SHOWN = 8
Found = Mapping[str, Any]


def lines(found: Found, now: datetime, lang: Lang) -> Iterator[str]:
    """What ``bot.app.inspect.status`` found, the failures of sources last."""
    rows = [
        ("store", found["store"]),
        ("roles", _roles(found["roles"], lang)),
        ("engine", _engine(found, lang)),
        ("rules", _rules(found, lang)),
        *(("", mistake[lang]) for mistake in found["rule_mistakes"]),
        ("outbox", _outbox(found, lang)),
        ("alerts", _phases(found["alerts"], lang)),
        *(("", text) for text in _firing(found["firing"], lang)),
    ]
    yield from table_lines(Table(tuple((say(lang, f"state.{key}") if key else "", text) for key, text in rows), "ll"))
    yield ""
    yield from _sources(found["sources"], now, lang)


def _roles(roles: Mapping[str, str | None], lang: Lang) -> str:
    by_place: dict[str, list[str]] = {}
    for role, place in roles.items():
        if place:
            by_place.setdefault(place, []).append(role)
    told = "; ".join(f"{place}: {', '.join(names)}" for place, names in by_place.items())
    return told or say(lang, "state.nobody")


def _rules(found: Found, lang: Lang) -> str:
    if found["rule_mistakes"]:
        return say(lang, "state.rules_old")
    return say(lang, "state.rules_fine" if found["roles"]["engine"] else "state.rules_idle")


def _engine(found: Found, lang: Lang) -> str:
    if found["evaluated_at"] is None:
        return say(lang, "state.never")
    return say(lang, "state.caught_up" if found["caught_up"] else "state.behind", at=_clock(found["evaluated_at"]))


def _outbox(found: Found, lang: Lang) -> str:
    waiting, late = found["waiting"], found["overdue_s"]
    count, lanes = sum(waiting.values()), len(waiting)
    text = say(lang, "state.waiting", count=count, lanes=lanes) if waiting else say(lang, "state.idle")
    text += say(lang, "state.overdue", late=span(late, lang)) if late >= 1 else ""
    return text + (say(lang, "state.dead", count=found["dead"]) if found["dead"] else "")


def _phases(phases: Mapping[str, int], lang: Lang) -> str:
    counts = {name: phases.get(name, 0) for name in ("firing", "pending", "recovering")}
    return say(lang, "state.phases", **counts)


def _firing(firing: list[Found], lang: Lang) -> Iterator[str]:
    for each in firing[:_SHOWN]:
        labels = " ".join(each["labels"].values())
        since = say(lang, "state.since", at=_clock(each["since"])) if each["since"] else ""
        yield "  ".join(part for part in (each["rule"], labels, since) if part)
    if len(firing) > _SHOWN:
        yield say(lang, "state.more", count=len(firing) - _SHOWN)


def _sources(sources: list[Found], now: datetime, lang: Lang) -> Iterator[str]:
    if not sources:
        yield say(lang, "state.no_source")
        return
    header = ("source", "success", "age", "lag", "errors", "holes", "condition")
    rows = tuple(_source(each, now, lang) for each in sources)
    titles = tuple(say(lang, f"state.{name}") for name in header)
    yield from table_lines(Table(rows, "lrrrrrl", header=titles), WIDTH)
    for each in sources:
        if each["error"]:
            yield f"  {each['source']}: {reported(each['error'], lang)}"
    yield say(lang, "state.legend")


def _source(each: Found, now: datetime, lang: Lang) -> tuple[str, ...]:
    success = each["last_success"]
    answered = span((now - datetime.fromisoformat(success)).total_seconds(), lang) if success else "—"
    return (
        each["source"],
        answered,
        _length(each["market_age_s"], lang),
        _length(each["lag_s"], lang),
        str(each["failures"]),
        str(each["open_problems"]),
        _condition(each, lang),
    )


def _condition(each: Found, lang: Lang) -> str:
    if each["cool_down_until"]:
        return say(lang, "state.rests", at=_clock(each["cool_down_until"]))
    if each["degraded_since"]:
        fault = say(lang, f"fault.{each['fault']}") if each["fault"] else ""
        return f"{fault} {say(lang, 'state.since', at=_clock(each['degraded_since']))}"
    return say(lang, "state.tries" if each["failures"] else "state.well")


def _length(seconds: float | None, lang: Lang) -> str:
    return "—" if seconds is None else span(seconds, lang)


def _clock(iso: str) -> str:
    return f"{datetime.fromisoformat(iso):%m-%d %H:%M}"
