"""The digest as one neutral chat message."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from adapters.message import Attachment, Block, Button, Instant, Line, Message, Paragraph, Span, Text
from adapters.rendering.text import shorten
from bot.digest.companies import Quarter
from bot.digest.crypto import PROVIDERS, fear_greed_label
from bot.digest.document import Digest
from bot.digest.facts import Standing
from bot.digest.figure import Figure, Row, day_text, weekday
from bot.digest.layout import Slot
from bot.digest.wording import flows_heading, gap, heading, missing_days, span_text
from rules import numbers
from rules.model import Lang, Severity

EVENTS_SHOWN = 8
_LONGEST, _SHORTEST_TEXT = 3_400, 120
"""How long the message may get by what analysts wrote, and what each of their texts gets in any case."""
_MARKET = "America/New_York"


def message(
    digest: Digest,
    lang: Lang,
    *,
    attachments: Sequence[Attachment] = (),
    buttons: Sequence[Sequence[Button]] = (),
    note: str = "",
) -> Message:
    """The digest's message in ``lang``; ``note`` ("Draft", a correction's reason) precedes the figures."""
    lines: list[Line] = [(Text(note, "italic"),)] if note else []
    for names, write in _PARTS:
        if any(digest.layout.shows(name) for name in names):
            lines += write(digest, lang)
    findings = _findings(digest, lang)
    lines += [*_slots(digest, lang, _LONGEST - _length([*lines, *findings])), *findings]
    title: tuple[Span, ...] = (Text(digest.layout.title[lang], "bold"), Text(f" {span_text(digest.span, lang)}"))
    blocks: tuple[Block, ...] = (Paragraph(tuple(lines)),)
    return Message(
        summary=f"{digest.layout.title[lang]} {span_text(digest.span, lang)}",
        title=title,
        blocks=blocks,
        footer=_footer(digest, lang, attachments),
        severity=Severity.DIGEST,
        attachments=tuple(attachments),
        buttons=tuple(tuple(row) for row in buttons),
    )


def _line(title: str, text: str) -> Line:
    return (Text(title, "bold"), Text(f"　{text}"))


def _indices(digest: Digest, lang: Lang) -> list[Line]:
    changes = {ref.key: digest.facts[f"index.{ref.key}.week_pct"].number for ref in digest.layout.indices}
    if all(change is None for change in changes.values()):
        return _gap(digest, 1, heading("indices", lang), lang)
    shown = [
        f"{ref.short[lang]} {numbers.MISSING if (change := changes[ref.key]) is None else _pct(change)}"
        for ref in digest.layout.indices
    ]
    lines = [_line(heading("indices", lang), " · ".join(shown))]
    gaps = [text for ahead, behind in digest.layout.comparisons if (text := gap(digest, ahead, behind, lang))]
    separator = "；" if lang == "zh" else "; "
    return [*lines, (Text(f"　{separator.join(gaps)}"),)] if gaps else lines


def _gap(digest: Digest, figure: int, title: str, lang: Lang) -> list[Line]:
    """What stands in place of a line for which nothing is known: a dash and the reason."""
    shown = digest.figures.get(figure)
    if shown is None:
        return []
    reason = shown.missing[lang] if shown.missing else ""
    bracketed = f"（{reason}）" if lang == "zh" else f" ({reason})"
    return [_line(title, numbers.MISSING + (bracketed if reason else ""))]


def _movers(digest: Digest, lang: Lang) -> list[Line]:
    sides = [(mark, _own(digest.figures.get(number))) for number, mark in ((2, "▲"), (3, "▼"))]
    parts = [f"{mark} " + " · ".join(_moved(row, lang, 1) for row in rows[:3]) for mark, rows in sides if rows]
    name = digest.layout.coverage_name[lang]
    return [_line(name, "　".join(parts))] if parts else _gap(digest, 2, name, lang)


def _own(figure: Figure | None) -> list[Row]:
    """The coverage's own lines of a top list, without those that came from outside."""
    return [row for row in figure.rows if row.get("own")] if figure else []


def _moved(row: Row, lang: Lang, decimals: int) -> str:
    change = row["week_pct"]
    assert isinstance(change, float)  # noqa: S101 - a top list holds only what moved
    return f"{_text(row['name'], lang)} {numbers.percent(change / 100, decimals=decimals)}"


def _reported(digest: Digest, symbols: Iterable[str]) -> bool:
    """Whether one of them reported this week; what everybody has read before isn't told again."""
    reported = digest.facts["results.reported"].value
    return isinstance(reported, tuple) and not set(symbols).isdisjoint(reported)


def _cloud(digest: Digest, lang: Lang) -> list[Line]:
    facts, quarter = digest.facts, digest.facts["cloud.quarter"].value
    if not quarter or not _reported(digest, (part.symbol for part in digest.layout.cloud)):
        return []
    parts = [(part, now) for part in digest.layout.cloud if (now := facts[f"cloud.{part.symbol}"].number) is not None]
    shown = []
    for part, now in sorted(parts, key=lambda item: -item[1]):
        yoy = facts[f"cloud.{part.symbol}.yoy_pct"].number
        grown = "" if yoy is None else numbers.percent(yoy / 100, decimals=0)
        change = "" if not grown else f"（同比 {grown}）" if lang == "zh" else f" ({grown} YoY)"
        shown.append(f"{part.name} {numbers.money(now, 'USD', lang)}{change}")
    when = Quarter.of(str(quarter)).title()[lang]
    return [_line(f"{heading('cloud', lang)} {when}", " · ".join(shown))] if shown else []


def _capex(digest: Digest, lang: Lang) -> list[Line]:
    facts, quarter = digest.facts, digest.facts["capex.quarter"].value
    if not _reported(digest, digest.layout.capex):
        return []
    known = (
        [(symbol, now) for symbol in digest.layout.capex if (now := facts[f"capex.{symbol}"].number) is not None]
        if quarter
        else []
    )
    names = {str(row["symbol"]): row["name"] for row in digest.figures[7].rows} if 7 in digest.figures else {}
    shown = []
    for symbol, now in sorted(known, key=lambda item: -item[1]):
        yoy = facts[f"capex.{symbol}.yoy_pct"].number
        grown = "" if yoy is None else numbers.percent(yoy / 100, decimals=0)
        change = "" if not grown else f"（同比 {grown}）" if lang == "zh" else f" ({grown} YoY)"
        shown.append(f"{_text(names.get(symbol, symbol), lang)} {numbers.money(now, 'USD', lang)}{change}")
    when = Quarter.of(str(quarter)).title()[lang] if shown else ""
    return [_line(f"{heading('capex', lang)} {when}", " · ".join(shown))] if shown else []


def _crypto(digest: Digest, lang: Lang) -> list[Line]:
    facts, provider = digest.facts, digest.layout.fear_greed
    cap, volume = facts["crypto.market_cap"].number, facts["crypto.volume"].number
    ratio, score = facts["crypto.volume_ratio_pct"].number, facts["crypto.fear_greed"].number
    parts = []
    if cap is not None:
        parts.append(f"{'总市值' if lang == 'zh' else 'market cap'} {numbers.money(cap, 'USD', lang)}")
    if volume is not None:
        share = "" if ratio is None else numbers.percent(ratio / 100, decimals=2, signed=False)
        tail = "" if not share else f"（{share}）" if lang == "zh" else f" ({share})"
        parts.append(f"{'成交额' if lang == 'zh' else 'volume'} {numbers.money(volume, 'USD', lang)}{tail}")
    if score is not None:
        label = fear_greed_label(provider, score)[lang]
        word = f"恐贪 {score:.0f}（{label}）" if lang == "zh" else f"fear & greed {score:.0f} ({label})"
        parts.append(f"{PROVIDERS[provider]} {word}")
    return (
        [_line(heading("crypto", lang), " · ".join(parts))]
        if parts
        else _gap(digest, 13, heading("crypto", lang), lang)
    )


def _bitcoin(digest: Digest, lang: Lang) -> list[Line]:
    close, week = digest.facts["price.BTC.close"].number, digest.facts["price.BTC.week_pct"].number
    high, day = digest.facts["price.BTC.week_high"].number, digest.facts["price.BTC.week_high_day"].value
    if close is None:
        return _gap(digest, 20, heading("bitcoin", lang), lang)
    text = numbers.price(close, lang, crypto=True)
    asides = ["未收盘" if lang == "zh" else "day not over"] if not _closed(digest) else []
    asides += [] if week is None else [f"周 {_pct(week)}" if lang == "zh" else f"{_pct(week)} w/w"]
    if asides:
        text += f"（{'，'.join(asides)}）" if lang == "zh" else f" ({', '.join(asides)})"
    if high is not None and isinstance(day, str):
        when = day_text(date.fromisoformat(day), lang)
        top = numbers.price(high, lang, crypto=True)
        text += f" · 周内最高 {top}（{when}）" if lang == "zh" else f" · week's high {top} ({when})"
    return [_line(heading("bitcoin", lang), text)]


def _closed(digest: Digest) -> bool:
    """Whether bitcoin's day is over."""
    return digest.facts["price.BTC.close"].status is not Standing.PARTIAL


def _flows(digest: Digest, lang: Lang) -> list[Line]:
    asset, facts = digest.layout.etf.asset, digest.facts
    whole = facts[f"etf.{asset}.week_total"].number
    so_far = facts.get(f"etf.{asset}.week_so_far")
    total = whole if whole is not None else so_far.number if so_far else None
    if total is None:
        return _gap(digest, 17, flows_heading(digest, lang), lang)
    span = "week" if whole is not None else "so_far"
    named = [
        f"{name} {numbers.money(flow, 'USD', lang, signed=True)}"
        for name in digest.layout.etf.named
        if (fact := facts.get(f"etf.{asset}.{name}.{span}")) and (flow := fact.number) is not None
    ]
    if whole is None:
        lacking = missing_days(digest, lang)
        named.append(f"{lacking}待公布" if lang == "zh" else f"{lacking} not published yet")
    week = (
        ("本周 " if whole is not None else "本周至今 ") if lang == "zh" else "week " if whole is not None else "so far "
    )
    first: Line = (
        Text(flows_heading(digest, lang), "bold"),
        Text(f"　{week}"),
        Text(numbers.money(total, "USD", lang, signed=True), "bold"),
        Text("".join(f" · {text}" for text in (*named, *_outflows(digest, lang)))),
    )
    return [first, *_daily_flows(digest, lang)]


def _outflows(digest: Digest, lang: Lang) -> list[str]:
    days = digest.facts[f"etf.{digest.layout.etf.asset}.outflow_days"].value
    if not isinstance(days, tuple) or not days:
        return []
    shown = "、".join(weekday(date.fromisoformat(day), lang) for day in days)
    if len(days) == 1:
        return [f"仅{shown}净流出" if lang == "zh" else f"outflow only on {shown}"]
    shown = shown if lang == "zh" else shown.replace("、", ", ")
    return [f"{shown}净流出" if lang == "zh" else f"outflow on {shown}"]


def _daily_flows(digest: Digest, lang: Lang) -> list[Line]:
    flows = [
        (day, fact.number)
        for day in digest.span.days
        if (fact := digest.facts.get(f"etf.{digest.layout.etf.asset}.{day.isoformat()}")) and fact.number is not None
    ]
    shown = " · ".join(f"{weekday(day, lang)} {numbers.amount(flow, 6, 1, signed=True)}" for day, flow in flows)
    unit = "（百万美元）" if lang == "zh" else " ($m)"
    return [(Text(f"　{shown}{unit}"),)] if shown else []


def _crypto_equities(digest: Digest, lang: Lang) -> list[Line]:
    figure = digest.figures.get(16)
    moved = [row for row in figure.rows if isinstance(row.get("week_pct"), float)] if figure else []
    ranked = sorted(moved, key=lambda row: -_number(row))
    up = [row for row in ranked if _number(row) > 0][: digest.layout.top]
    down = [row for row in reversed(ranked) if _number(row) < 0][: digest.layout.top]
    parts = [
        f"{mark} " + " · ".join(_moved(row, lang, 0) for row in rows) for mark, rows in (("▲", up), ("▼", down)) if rows
    ]
    return [_line(heading("crypto_equities", lang), "　".join(parts))] if parts else []


def _number(row: Row) -> float:
    change = row["week_pct"]
    return change if isinstance(change, float) else 0.0


def _next_week(digest: Digest, lang: Lang) -> list[Line]:
    lines = []
    for number, name in ((12, "next_week"), (21, "crypto_calendar")):
        figure = digest.figures.get(number)
        rows = figure.rows if figure else ()
        shown = rows[:EVENTS_SHOWN] if number == 12 else rows
        days: dict[str, list[str]] = {}
        for row in shown:
            days.setdefault(str(row["start"]), []).append(_text(row["what"], lang))
        texts = [f"{day_text(date.fromisoformat(day), lang)} {'/'.join(whats)}" for day, whats in days.items()]
        more = len(rows) - len(shown)
        if more:
            texts.append(f"另 {more} 项" if lang == "zh" else f"{more} more")
        if texts:
            lines.append(_line(heading(name, lang), " · ".join(texts)))
    return lines


_PARTS: tuple[tuple[tuple[str, ...], Callable[[Digest, Lang], list[Line]]], ...] = (
    (("indices",), _indices),
    (("movers",), _movers),
    (("cloud",), _cloud),
    (("capex",), _capex),
    (("crypto",), _crypto),
    (("bitcoin",), _bitcoin),
    (("flows",), _flows),
    (("crypto_equities",), _crypto_equities),
    (("next_week", "crypto_calendar"), _next_week),
)
"""Each part of the message with the parts of the layout that it belongs to."""


def _slots(digest: Digest, lang: Lang, room: int) -> list[Line]:
    """What analysts wrote, as much of each text as there is room for."""
    texts = [(slot.title[lang], " ".join(digest.words(slot, lang).split())) for slot in digest.layout.slots]
    written = [(title, words) for title, words in texts if words]
    shares = _shares([len(words) for _, words in written], room)
    more = "（全文见附件）" if lang == "zh" else " (in full in the files)"
    return [
        _line(title, words if len(words) <= share else shorten(words, share) + more)
        for (title, words), share in zip(written, shares, strict=True)
    ]


def _shares(lengths: Sequence[int], room: int) -> list[int]:
    """How much of each text there is room for: the short ones whole, the others alike."""
    shares = list(lengths)
    for done, index in enumerate(sorted(range(len(lengths)), key=lambda index: lengths[index])):
        shares[index] = min(lengths[index], max(room // (len(lengths) - done), _SHORTEST_TEXT))
        room -= shares[index]
    return shares


def _length(lines: Sequence[Line]) -> int:
    return sum(len(span.text) for line in lines for span in line if isinstance(span, Text))


def _findings(digest: Digest, lang: Lang) -> list[Line]:
    if not digest.findings:
        return []
    count = len(digest.findings)
    head = f"⚠️ 核对提示 {count}：" if lang == "zh" else f"⚠️ {count} to check: "
    return [(Text(head + ("；" if lang == "zh" else "; ").join(finding.brief[lang] for finding in digest.findings)),)]


def _footer(digest: Digest, lang: Lang, attachments: Sequence[Attachment]) -> Line:
    shown = sum(not figure.missing for figure in digest.figures.values())
    gaps = [str(number) for number, figure in digest.figures.items() if figure.missing]
    closes = [fact.as_of for key, fact in digest.facts.items() if key.startswith("index.") and fact.as_of]
    kinds = "/".join(dict.fromkeys(item.name.rpartition(".")[2].upper() for item in attachments))
    texts = [f"{shown} 张图表" if lang == "zh" else f"{shown} figures"]
    if gaps:
        texts.append(f"缺图 {'/'.join(gaps)}" if lang == "zh" else f"missing: {', '.join(gaps)}")
    if digest.empty_slots:
        empty = [_empty(slot, lang) for slot in digest.layout.slots if slot.name in digest.empty_slots]
        texts.append(f"待分析师填写：{'、'.join(empty)}" if lang == "zh" else f"not written yet: {', '.join(empty)}")
    if kinds:
        texts.append(f"附 {kinds}" if lang == "zh" else f"attached: {kinds}")
    spans: list[Span] = [Instant(max(closes), _MARKET, "收盘" if lang == "zh" else "Close")] if closes else []
    return (*spans, Text((" · " if spans else "") + " · ".join(texts)))


def _empty(slot: Slot, lang: Lang) -> str:
    required = ("（必填）" if lang == "zh" else " (required)") if slot.required else ""
    return f"{slot.title[lang]}{required}"


def _pct(change: float) -> str:
    return numbers.percent(change / 100)


def _text(cell: object, lang: Lang) -> str:
    return str(cell[lang]) if isinstance(cell, dict) else str(cell)
