"""Short forms of the digest, from the same facts: the desk's morning brief, and the month so far."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from math import fsum

from adapters.message import Instant, Line, Message, Paragraph, Span, Text
from bot.digest.companies import reporting, state_company
from bot.digest.crypto import PROVIDERS, fear_greed_label
from bot.digest.data import DigestData
from bot.digest.diary import SESSIONS, title_of
from bot.digest.facts import Fact, Facts, Standing, derived, growth, observed
from bot.digest.figure import day_text, weekday
from bot.digest.frame import Frame
from bot.digest.frame import Span as Days
from bot.digest.layout import Layout
from bot.digest.layout_file import shipped_layout
from bot.digest.markets import coverage, crypto_equities
from bot.digest.sentences import results
from bot.digest.wording import HEADINGS, flows_heading, heading
from rules import numbers
from rules.calendars.sessions import Calendars
from rules.model import CalendarEvent, Lang, Localized, Severity
from rules.universe import Instrument, Universe

MARKET = "XNYS"
MOVERS = 3
SCHEMA = "tapewatch.brief/1"


class Kind(StrEnum):
    """Over which time changes run."""

    DAY = "day"
    """From the session before each market's last one."""
    MONTH = "month"
    """From the last close before the month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """A brief: its facts, and the message in each language."""

    kind: Kind
    span: Days
    facts: Mapping[str, Fact]
    messages: Mapping[Lang, Message] = field(default_factory=dict)

    def to_json(self) -> str:
        """Its span and facts as JSON text."""
        document = {
            "schema": SCHEMA,
            "kind": self.kind.value,
            "span": {"from": self.span.first.isoformat(), "to": self.span.last.isoformat()},
            "facts": {key: fact.to_json() for key, fact in self.facts.items()},
        }
        return json.dumps(document, ensure_ascii=False, indent=1)


def daily(
    data: DigestData,
    universe: Universe,
    *,
    today: date,
    alerts: Sequence[Localized] = (),
    layout: Layout | None = None,
    calendars: Calendars | None = None,
) -> Brief:
    """The morning of ``today`` at the desk: what the last sessions did, the alerts since, and the day's events."""
    known = calendars or Calendars()
    span = Days(known.get(MARKET).previous(today), today - timedelta(days=1))
    frame = Frame(data, universe, layout or shipped_layout(), span, known, Facts())
    return _brief(frame, Kind.DAY, alerts, today)


def month_to_date(
    data: DigestData,
    universe: Universe,
    *,
    day: date,
    layout: Layout | None = None,
    calendars: Calendars | None = None,
) -> Brief:
    """The month of ``day`` up to that day."""
    span = Days(day.replace(day=1), day)
    frame = Frame(data, universe, layout or shipped_layout(), span, calendars or Calendars(), Facts())
    return _brief(frame, Kind.MONTH, (), None)


def _brief(frame: Frame, kind: Kind, alerts: Sequence[Localized], today: date | None) -> Brief:
    data, layout, span = frame.data, frame.layout, frame.span
    for ref in layout.indices if layout.shows("indices") else ():
        _state_change(frame, kind, f"index.{ref.key}", ref.symbol, "points")
    for item in {item.symbol: item for _, listed in _lists(frame) for item in listed}.values():
        _state_change(frame, kind, f"equity.{item.symbol}", item.symbol, item.currency)
    if layout.shows("bitcoin"):
        _state_change(frame, kind, "price.BTC", layout.bitcoin, "USD")
    if layout.shows("flows"):
        _state_flows(frame)
    if layout.shows("crypto"):
        score = observed(data.last(f"fear_greed.{layout.fear_greed}.value", span.last), "index", "fear and greed")
        frame.facts.state("crypto.fear_greed", score)
    for symbol in reporting(frame) if kind is Kind.DAY else ():
        state_company(frame, symbol)
    messages: dict[Lang, Message] = {"en": _message(frame, kind, alerts, today, "en")}
    messages["zh"] = _message(frame, kind, alerts, today, "zh")
    return Brief(kind=kind, span=span, facts=frame.facts, messages=messages)


def _lists(frame: Frame) -> list[tuple[Localized, tuple[Instrument, ...]]]:
    """The lists of shares that the layout shows, with what they are called."""
    lists = [(frame.layout.coverage_name, coverage(frame))] if frame.layout.shows("coverage") else []
    if frame.layout.shows("crypto_equities"):
        lists.append((HEADINGS["crypto_equities"], crypto_equities(frame)))
    return lists


def _state_change(frame: Frame, kind: Kind, key: str, symbol: str, unit: str) -> None:
    """Facts ``KEY.close`` and ``KEY.day_pct`` or ``KEY.month_pct``."""
    close = frame.facts.state(f"{key}.close", frame.close(symbol, unit))
    if kind is Kind.MONTH:
        frame.facts.state(f"{key}.month_pct", frame.change(symbol, close, "month"))
        return
    if close.status is Standing.STALE:
        frame.facts.state(f"{key}.day_pct", frame.change(symbol, close, "week"))
        return
    before = frame.calendar(symbol).previous(frame.session(symbol))
    base = observed(frame.data.on(f"prices.{symbol}.close", before), unit, frame.dated(symbol, before))
    frame.facts.state(f"{key}.day_pct", growth(close, base))


def _state_flows(frame: Frame) -> None:
    """Fact ``etf.BTC.total``: the net flow of the sessions that have been published, ``.days`` of ``.sessions``."""
    asset, calendar = frame.layout.etf.asset, frame.calendars.get(MARKET)
    name = f"etf_flows.{asset}.total"
    days = [day for day in frame.span.days if calendar.is_session(day)]
    flows = [
        observed(
            frame.data.on(name, day), "USD", {"en": f"{asset} ETF flow of {day}", "zh": f"{asset} ETF {day} 资金流"}
        )
        for day in days
    ]
    known = [flow for flow in flows if flow.number is not None] or flows[-1:]
    total = fsum(flow.number for flow in known if flow.number is not None)
    frame.facts.state(f"etf.{asset}.total", derived(total, "USD", known))
    frame.facts.state(f"etf.{asset}.days", derived(float(len(known)), "days", known))
    frame.facts.state(f"etf.{asset}.sessions", Fact(float(len(days)), "days"))


def _message(frame: Frame, kind: Kind, alerts: Sequence[Localized], today: date | None, lang: Lang) -> Message:
    lines: list[Line] = []
    for write in (_indices, _coverage, _crypto, _flows):
        lines += write(frame, kind, lang)
    if reported := results(frame, lang):
        lines.append(_line(heading("results", lang), reported))
    if today is not None:
        lines += [*_alerts(alerts, lang), *_events(frame, today, lang)]
    title = _title(frame, kind, today, lang)
    closes = [fact.as_of for key, fact in frame.facts.items() if key.startswith("index.") and fact.as_of]
    footer: list[Span] = (
        [Instant(max(closes), "America/New_York", "收盘" if lang == "zh" else "Close")] if closes else []
    )
    return Message(
        summary=title,
        title=(Text(title, "bold"),),
        blocks=(Paragraph(tuple(lines)),),
        footer=tuple(footer),
        severity=Severity.DIGEST,
    )


def _title(frame: Frame, kind: Kind, today: date | None, lang: Lang) -> str:
    last = frame.span.last
    if kind is Kind.DAY and today is not None:
        when = (
            f"{day_text(today, lang)}（{weekday(today, lang)}）"
            if lang == "zh"
            else f"{weekday(today, lang)} {day_text(today, lang)}"
        )
        return f"晨报 {when}" if lang == "zh" else f"Morning brief, {when}"
    if (last + timedelta(days=1)).day == 1:
        return f"{last.year} 年 {last.month} 月" if lang == "zh" else f"{last:%B %Y}"
    if lang == "zh":
        return f"{last.year} 年 {last.month} 月至今（截至 {day_text(last, lang)}）"
    return f"Month to date, {day_text(last, lang)} {last.year}"


def _line(title: str, text: str) -> Line:
    return (Text(title, "bold"), Text(f"　{text}"))


def _indices(frame: Frame, kind: Kind, lang: Lang) -> list[Line]:
    """Every index with its change; of what isn't known a dash."""
    if not frame.layout.shows("indices"):
        return []
    changes = {ref.key: frame.facts[f"index.{ref.key}.{kind.value}_pct"] for ref in frame.layout.indices}
    if not changes:
        return []
    if all(change.number is None for change in changes.values()):
        return [_gap(heading("indices", lang), next(iter(changes.values())), lang)]
    shown = [
        f"{ref.short[lang]} {numbers.MISSING if (n := changes[ref.key].number) is None else numbers.percent(n / 100)}"
        for ref in frame.layout.indices
    ]
    return [_line(heading("indices", lang), " · ".join(shown))]


def _gap(title: str, fact: Fact, lang: Lang) -> Line:
    """A dash with the reason why there is nothing to tell."""
    reason = fact.reason[lang] if fact.reason else ""
    bracketed = f"（{reason}）" if lang == "zh" else f" ({reason})"
    return _line(title, numbers.MISSING + (bracketed if reason else ""))


def _coverage(frame: Frame, kind: Kind, lang: Lang) -> list[Line]:
    return [line for name, listed in _lists(frame) for line in _movers(frame, kind, name[lang], listed, lang)]


def _movers(frame: Frame, kind: Kind, title: str, listed: Sequence[Instrument], lang: Lang) -> list[Line]:
    known = [
        (change, item)
        for item in listed
        if (change := frame.facts.number(f"equity.{item.symbol}.{kind.value}_pct")) is not None
    ]
    ranked = sorted(known, key=lambda pair: -pair[0])
    sides = (("▲", [p for p in ranked if p[0] > 0][:MOVERS]), ("▼", [p for p in reversed(ranked) if p[0] < 0][:MOVERS]))
    parts = [
        f"{mark} " + " · ".join(f"{item.name[lang]} {numbers.percent(change / 100)}" for change, item in side)
        for mark, side in sides
        if side
    ]
    lacking = len(listed) - len(known)
    if lacking and parts:
        parts.append(f"（缺 {lacking} 只）" if lang == "zh" else f"({lacking} unknown)")
    if parts or not listed:
        return [_line(title, "　".join(parts))] if parts else []
    first = frame.facts[f"equity.{listed[0].symbol}.{kind.value}_pct"]
    return [_gap(title, first, lang)] if first.number is None else []


def _crypto(frame: Frame, kind: Kind, lang: Lang) -> list[Line]:
    close, change = frame.facts.number("price.BTC.close"), frame.facts.number(f"price.BTC.{kind.value}_pct")
    score, parts = frame.facts.number("crypto.fear_greed"), []
    if close is not None:
        moved = "" if change is None else f" ({numbers.percent(change / 100)})"
        moved = moved.replace(" (", "（").replace(")", "）") if lang == "zh" else moved
        parts.append(f"{'比特币' if lang == 'zh' else 'BTC'} {numbers.price(close, lang, crypto=True)}{moved}")
    if score is not None:
        label = fear_greed_label(frame.layout.fear_greed, score)[lang]
        provider = PROVIDERS[frame.layout.fear_greed]
        parts.append(
            f"{provider} 恐贪 {score:.0f}（{label}）"
            if lang == "zh"
            else f"{provider} fear & greed {score:.0f} ({label})"
        )
    return [_line(heading("crypto", lang), " · ".join(parts))] if parts else []


def _flows(frame: Frame, kind: Kind, lang: Lang) -> list[Line]:
    asset = frame.layout.etf.asset
    if not frame.layout.shows("flows"):
        return []
    total = frame.facts[f"etf.{asset}.total"]
    if total.number is None:
        return [_gap(flows_heading(frame, lang), total, lang)]
    shown = numbers.money(total.number, "USD", lang, signed=True)
    count, sessions = (frame.facts.number(f"etf.{asset}.{name}") or 0.0 for name in ("days", "sessions"))
    if kind is Kind.MONTH or count < sessions:
        share = f"{count:.0f}" if count == sessions else f"{count:.0f}/{sessions:.0f}"
        shown += f"（{share} 个交易日）" if lang == "zh" else f" over {share} session{'s' if sessions != 1 else ''}"
    if total.status.value != "final":
        shown += "（未终值）" if lang == "zh" else " (not final)"
    return [_line(flows_heading(frame, lang), shown)]


def _alerts(alerts: Sequence[Localized], lang: Lang) -> list[Line]:
    title = "隔夜提醒" if lang == "zh" else "Alerts overnight"
    if not alerts:
        return [_line(title, "无" if lang == "zh" else "none")]
    return [_line(title, str(len(alerts))), *((Text(f"　{alert[lang]}"),) for alert in alerts)]


def _events(frame: Frame, today: date, lang: Lang) -> list[Line]:
    found = frame.data.events(today, today)
    title, comma = ("今日", "、") if lang == "zh" else ("Today", ", ")
    if not found:
        return [_line(title, "无已知事件" if lang == "zh" else "no known events")]
    reporting = comma.join(_reporting(frame, event, lang) for event in found if event.kind == "earnings")
    others = comma.join(event.title[lang] for event in found if event.kind != "earnings")
    results = f"{reporting}{' 财报' if lang == 'zh' else ' (results)'}" if reporting else ""
    return [_line(title, ("；" if lang == "zh" else "; ").join(filter(None, (results, others))))]


def _reporting(frame: Frame, event: CalendarEvent, lang: Lang) -> str:
    """A company that reports, and when in the day where that is known."""
    name, session = title_of(frame, event)[lang], SESSIONS.get(event.session)
    if session is None:
        return name
    return f"{name}（{session[lang]}）" if lang == "zh" else f"{name} {session[lang]}"
