"""Sentences, in Chinese and English, that say only what the facts show.

Each paragraph is written from facts in both languages; where a fact is missing the clause is left out, where all are
the paragraph is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

from bot.digest.companies import Quarter, shown_companies
from bot.digest.crypto import PROVIDERS, fear_greed_label
from bot.digest.diary import by_day, coverage_events, crypto_events, title_of
from bot.digest.facts import Standing
from bot.digest.figure import day_text, weekday
from bot.digest.flows import reported
from bot.digest.frame import Frame
from bot.digest.markets import Mover, coverage, crypto_equities, movers
from bot.digest.wording import beside, coverage_text, missing_days
from rules import numbers
from rules.model import CalendarEvent, Lang, Localized
from rules.universe import Instrument


class Paragraph(NamedTuple):
    """One paragraph under a stable name (``indices``, ``flows`` …), with its heading."""

    name: str
    heading: Localized
    text: Localized


def write(frame: Frame) -> tuple[Paragraph, ...]:
    """Every paragraph about a figure of the layout that the facts allow, in the report's order."""
    held, covered = frame.layout.etf.held.name, coverage_text(frame.layout)
    parts: tuple[tuple[str, Localized, Callable[[Frame, Lang], str]], ...] = (
        ("indices", {"en": "Indices", "zh": "指数"}, _indices),
        ("movers", {"en": f"{covered['en']} movers", "zh": covered["zh"]}, _movers),
        ("capex", {"en": "Capital expenditure", "zh": "资本开支"}, _capex),
        ("results", {"en": "Results", "zh": "财报"}, results),
        ("crypto", {"en": "Crypto market", "zh": "加密市场"}, _crypto),
        ("flows", {"en": f"Spot {held['en']} ETFs", "zh": f"现货{held['zh']} ETF"}, _flows),
        ("bitcoin", {"en": "Bitcoin", "zh": "比特币"}, _bitcoin),
        ("crypto_equities", {"en": "Crypto equities", "zh": "加密股"}, _crypto_movers),
        ("next_week", {"en": "Next week", "zh": "下周"}, _next_week),
    )
    written = (
        Paragraph(name, heading, {"en": say(frame, "en"), "zh": say(frame, "zh")})
        for name, heading, say in parts
        if frame.layout.shows(name) or (name == "next_week" and frame.layout.shows("crypto_calendar"))
    )
    return tuple(paragraph for paragraph in written if paragraph.text["en"])


def _indices(frame: Frame, lang: Lang) -> str:
    clauses = []
    for ref in frame.layout.indices:
        level, change = frame.facts.number(f"index.{ref.key}.close"), frame.facts.number(f"index.{ref.key}.week_pct")
        if level is None or change is None:
            continue
        name, shown = frame.name(ref.symbol)[lang], numbers.price(level, lang)
        if lang == "zh":
            clauses.append(f"{name}收于 {shown} 点，{_rose_zh(change)}")
        else:
            clauses.append(f"{name} {_rose_en(change)} to {shown}")
    gaps = [text for pair in frame.layout.comparisons if (text := _gap(frame, *pair, lang))]
    if not clauses:
        return ""
    if lang == "zh":
        return "本周" + "；".join(clauses) + "。" + ("其中" + "，".join(gaps) + "。" if gaps else "")
    return _listed(clauses) + " this week. " + " ".join(f"{gap}." for gap in gaps)


def _gap(frame: Frame, ahead: str, behind: str, lang: Lang) -> str:
    gap = frame.facts.number(f"rel.{ahead}.{behind}.week_pp")
    if gap is None:
        return ""
    symbols = {ref.key: ref.symbol for ref in frame.layout.indices}
    first, second = frame.name(symbols[ahead])[lang], frame.name(symbols[behind])[lang]
    size = numbers.points(abs(gap) / 100, lang, signed=False)
    if numbers.rounded(gap, 1) == 0:
        return f"{first}与{second}表现持平" if lang == "zh" else f"{first} kept pace with {second}"
    if lang == "zh":
        return f"{first}跑{'赢' if gap > 0 else '输'}{second} {size}"
    return f"{first} {'out' if gap > 0 else 'under'}performed {second} by {size}"


def _movers(frame: Frame, lang: Lang) -> str:
    return _top(frame, coverage(frame), lang, decimals=None)


def _crypto_movers(frame: Frame, lang: Lang) -> str:
    return _top(frame, crypto_equities(frame), lang, decimals=0)


def _top(frame: Frame, listed: Sequence[Instrument], lang: Lang, decimals: int | None) -> str:
    up, down = (movers(frame, listed, direction, 3) for direction in (1, -1))
    if not up and not down:
        return ""
    clauses = []
    for found, en, zh in ((up, "Gainers", "涨幅居前"), (down, "Losers", "跌幅居前")):
        if found:
            named = [_named(mover, lang, decimals) for mover in found]
            clauses.append(f"{zh}：{'、'.join(named)}" if lang == "zh" else f"{en}: {', '.join(named)}")
    return "；".join(clauses) + "。" if lang == "zh" else "; ".join(clauses) + "."


def _named(mover: Mover, lang: Lang, decimals: int | None) -> str:
    return f"{mover.instrument.name[lang]} {numbers.percent(mover.change / 100, decimals=decimals)}"


def _capex(frame: Frame, lang: Lang) -> str:
    clauses = []
    for symbol in _by_size(frame, [(symbol, f"capex.{symbol}") for symbol in frame.layout.capex]):
        now, yoy = frame.facts.number(f"capex.{symbol}"), frame.facts.number(f"capex.{symbol}.yoy_pct")
        qoq = frame.facts.number(f"capex.{symbol}.qoq_pct")
        if now is None:
            continue
        changes = _changes(yoy, qoq, lang, decimals=0)
        clauses.append(f"{frame.name(symbol)[lang]} {numbers.money(now, 'USD', lang)}{changes}")
    if not clauses:
        return ""
    quarter = Quarter.of(str(frame.facts["capex.quarter"].value)).title()[lang]
    if lang == "zh":
        return f"{quarter} 资本开支：{'；'.join(clauses)}。"
    return f"Capital expenditure in {quarter}: {'; '.join(clauses)}."


def results(frame: Frame, lang: Lang) -> str:
    """The newest quarter of each company whose quarters are stated; empty where there is none."""
    clauses = []
    for symbol in shown_companies(frame):
        key = next(
            (k for k in reversed(list(frame.facts)) if k.startswith(f"company.{symbol}.") and k.endswith(".revenue")),
            "",
        )
        stem = key.removesuffix(".revenue")
        revenue, income = frame.facts.number(key), frame.facts.number(f"{stem}.net_income")
        margin = frame.facts.number(f"{stem}.gross_margin")
        if revenue is None:
            continue
        quarter = Quarter.of(stem.rpartition(".")[2]).title(frame.fiscal_shift(symbol))[lang]
        growth = _changes(frame.facts.number(f"{key}_yoy_pct"), frame.facts.number(f"{key}_qoq_pct"), lang)
        name = frame.name(symbol)[lang]
        if lang == "zh":
            text = f"{name} {beside(quarter, '收入')} {numbers.money(revenue, 'USD', lang)}{growth}"
        else:
            text = f"{name} {quarter}: revenue {numbers.money(revenue, 'USD', lang)}{growth}"
        if income is not None:
            change = _changes(
                frame.facts.number(f"{stem}.net_income_yoy_pct"), frame.facts.number(f"{stem}.net_income_qoq_pct"), lang
            )
            text += ("，净利润 " if lang == "zh" else ", net income ") + numbers.money(income, "USD", lang) + change
        if margin is not None:
            text += _margin(frame, stem, margin, lang)
        clauses.append(text)
    return ("；".join(clauses) + "。" if lang == "zh" else "; ".join(clauses) + ".") if clauses else ""


def _margin(frame: Frame, stem: str, margin: float, lang: Lang) -> str:
    share = numbers.percent(margin / 100, decimals=1, signed=False)
    yoy = frame.facts.number(f"{stem}.gross_margin_yoy_pp")
    if lang == "zh":
        return f"，毛利率 {share}" + (f"（同比 {numbers.points(yoy / 100, lang)}）" if yoy is not None else "")
    return f", gross margin {share}" + (f" ({numbers.points(yoy / 100, lang)} YoY)" if yoy is not None else "")


def _changes(yoy: float | None, qoq: float | None, lang: Lang, decimals: int | None = None) -> str:
    parts = []
    for name_zh, name_en, change in (("同比", "YoY", yoy), ("环比", "QoQ", qoq)):
        if change is not None:
            text = numbers.percent(change / 100, decimals=decimals)
            parts.append(f"{name_zh} {text}" if lang == "zh" else f"{text} {name_en}")
    if not parts:
        return ""
    return f"（{'，'.join(parts)}）" if lang == "zh" else f" ({', '.join(parts)})"


def _crypto(frame: Frame, lang: Lang) -> str:
    facts, provider = frame.facts, frame.layout.fear_greed
    cap, volume = facts.number("crypto.market_cap"), facts.number("crypto.volume")
    week, ratio = facts.number("crypto.market_cap.week_pct"), facts.number("crypto.volume_ratio_pct")
    score = facts.number("crypto.fear_greed")
    clauses = []
    if cap is not None:
        change = "" if week is None else _changed(week, lang)
        size = numbers.money(cap, "USD", lang)
        clauses.append(f"加密总市值 {size}{change}" if lang == "zh" else f"Crypto market cap stands at {size}{change}")
    if volume is not None:
        size = numbers.money(volume, "USD", lang)
        share = numbers.percent(ratio / 100, decimals=2, signed=False) if ratio is not None else ""
        if lang == "zh":
            clauses.append(f"24 小时成交额 {size}" + (f"，占总市值 {share}" if share else ""))
        else:
            clauses.append(f"24 h volume is {size}" + (f", {share} of it" if share and cap is not None else ""))
    total, yoy = facts.number("crypto.volume_ytd"), facts.number("crypto.volume_ytd_yoy_pct")
    if total is not None:
        growth = "" if yoy is None else numbers.percent(yoy / 100, decimals=2)
        size = numbers.money(total, "USD", lang)
        if lang == "zh":
            clauses.append(f"年初至今成交额 {size}" + (f"（同比 {growth}）" if growth else ""))
        else:
            clauses.append(f"volume this year is {size}" + (f" ({growth} YoY)" if growth else ""))
    if score is not None:
        label, shown = fear_greed_label(provider, score)[lang], numbers.number(score, 0)
        if lang == "zh":
            clauses.append(f"{PROVIDERS[provider]} 恐惧与贪婪指数 {shown}（{label}）")
        else:
            clauses.append(f"{PROVIDERS[provider]}'s fear and greed index reads {shown} ({label})")
    return ("；".join(clauses) + "。" if lang == "zh" else "; ".join(clauses) + ".") if clauses else ""


def _changed(change: float, lang: Lang) -> str:
    shown = numbers.percent(change / 100)
    return f"（周 {shown}）" if lang == "zh" else f" ({shown} on the week)"


def _flows(frame: Frame, lang: Lang) -> str:
    asset, facts = frame.layout.etf.asset, frame.facts
    total = facts.number(f"etf.{asset}.week_total")
    if total is None:
        return _flows_so_far(frame, lang)
    shown = numbers.money(abs(total), "USD", lang)
    held = frame.layout.etf.held.name[lang]
    flowed = ("净流入" if total > 0 else "净流出") if lang == "zh" else ("inflow" if total > 0 else "outflow")
    first = (
        f"本周美国现货{held} ETF 合计{flowed} {shown}"
        if lang == "zh"
        else f"US spot {held} ETFs had a net {flowed} of {shown} this week"
    )
    funds = _funds(frame, lang)
    text = first + (("，其中 " if lang == "zh" else ": ") + funds if funds else "")
    parts = [text, _days(frame, lang), _streak(frame, lang), _open_days(frame, lang)]
    return ("。" if lang == "zh" else ". ").join(part for part in parts if part) + ("。" if lang == "zh" else ".")


def _flows_so_far(frame: Frame, lang: Lang) -> str:
    """The week while sessions are missing: what is known, and which are missing."""
    asset = frame.layout.etf.asset
    total = frame.facts.number(f"etf.{asset}.week_so_far")
    if total is None:
        return ""
    size = numbers.money(total, "USD", lang, signed=True)
    held = frame.layout.etf.held.name[lang]
    funds, lacking = _funds(frame, lang, "so_far"), missing_days(frame, lang)
    if lang == "zh":
        tail = f"，其中 {funds}" if funds else ""
        return f"本周美国现货{held} ETF 已公布部分合计 {size}{tail}。{lacking}尚未公布。"
    tail = f": {funds}" if funds else ""
    return f"US spot {held} ETFs so far this week: {size}{tail}. {lacking} not published yet."


def _funds(frame: Frame, lang: Lang, span: str = "week") -> str:
    """The funds that the layout names, with their flow over the span."""
    flows = [
        (name, frame.facts.number(f"etf.{frame.layout.etf.asset}.{name}.{span}")) for name in frame.layout.etf.named
    ]
    shown = [f"{name} {numbers.money(flow, 'USD', lang, signed=True)}" for name, flow in flows if flow is not None]
    return ("、" if lang == "zh" else ", ").join(shown)


def _days(frame: Frame, lang: Lang) -> str:
    """Which days flowed out: none, all, one, or how many of how many."""
    out, into = (frame.facts[f"etf.{frame.layout.etf.asset}.{name}"].value for name in ("outflow_days", "inflow_days"))
    if not isinstance(out, tuple) or not isinstance(into, tuple):
        return ""
    count = len(out) + len(into)
    if not out:
        return _every(frame, "净流入", "inflow", lang) if into else ""
    if not into:
        return _every(frame, "净流出", "outflow", lang)
    if len(out) == 1:
        return _only(frame, out[0], "净流出", "outflow", lang)
    if len(into) == 1:
        return _only(frame, into[0], "净流入", "inflow", lang)
    return (
        f"{count} 个交易日中 {len(out)} 日净流出"
        if lang == "zh"
        else f"{len(out)} of {count} sessions saw a net outflow"
    )


def _every(frame: Frame, zh: str, en: str, lang: Lang) -> str:
    """Every session, if all are final, else every one that is."""
    if frame.facts[f"etf.{frame.layout.etf.asset}.open_days"].value:
        return f"已终值的交易日均为{zh}" if lang == "zh" else f"Every session that is final saw a net {en}"
    return f"本周每个交易日均为{zh}" if lang == "zh" else f"Every session saw a net {en}"


def _open_days(frame: Frame, lang: Lang) -> str:
    """Which days aren't final, and how many funds are in."""
    days = frame.facts[f"etf.{frame.layout.etf.asset}.open_days"].value
    shown = []
    for day in (date.fromisoformat(text) for text in (days if isinstance(days, tuple) else ())):
        share = numbers.preliminary(*reported(frame, day), lang)
        if frame.facts.number(f"etf.{frame.layout.etf.asset}.{day.isoformat()}") is None:
            continue
        shown.append(f"{weekday(day, lang)}为{share}" if lang == "zh" else f"{weekday(day, lang)} is {share}")
    if not shown:
        return ""
    return "，".join(shown) + "，不计入以上判断" if lang == "zh" else ", ".join(shown) + " and not counted as either"


def _only(frame: Frame, day: str, zh: str, en: str, lang: Lang) -> str:
    when, flow = date.fromisoformat(day), frame.facts.number(f"etf.{frame.layout.etf.asset}.{day}")
    size = numbers.money(abs(flow or 0.0), "USD", lang)
    if lang == "zh":
        return f"仅{weekday(when, lang)}（{day_text(when, lang)}）{zh} {size}"
    return f"Only {weekday(when, lang)} {day_text(when, lang)} saw a net {en} ({size})"


def _streak(frame: Frame, lang: Lang) -> str:
    asset, facts = frame.layout.etf.asset, frame.facts
    days, total = facts.number(f"etf.{asset}.streak_days"), facts.number(f"etf.{asset}.streak_total")
    if not days or days < 2 or total is None:
        return ""
    ended, size, count = facts[f"etf.{asset}.streak_ended"].value, numbers.money(total, "USD", lang), f"{days:.0f}"
    if lang == "zh":
        return (
            f"此前连续 {count} 个交易日净流入（合计 {size}）就此终止"
            if ended
            else f"已连续 {count} 个交易日净流入（合计 {size}）"
        )
    if ended:
        return f"It ended a run of {count} sessions of inflow worth {size}"
    return f"Inflows have now run for {count} sessions ({size})"


def _bitcoin(frame: Frame, lang: Lang) -> str:
    facts = frame.facts
    close, week, high = (facts.number(f"price.BTC.{name}") for name in ("close", "week_pct", "week_high"))
    if close is None:
        return ""
    day = facts["price.BTC.week_high_day"].value
    top = facts.number("price.BTC.week_high_close")
    shown = numbers.price(close, lang, crypto=True) + (" 美元" if lang == "zh" else "")
    text = f"比特币周五收于 {shown}" if lang == "zh" else f"Bitcoin closed Friday at {shown}"
    if frame.span.last.weekday() != 4:
        text = f"比特币收于 {shown}" if lang == "zh" else f"Bitcoin closed at {shown}"
    final = facts["price.BTC.close"].status is Standing.FINAL
    if not final:
        text = f"比特币报 {shown}（当日未收盘）" if lang == "zh" else f"Bitcoin stands at {shown} with the day not over"
    if week is not None:
        text += f"，{_rose_zh(week, '本周')}" if lang == "zh" else f", {numbers.percent(week / 100)} on the week"
    if high is not None and isinstance(day, str):
        when = day_text(date.fromisoformat(day), lang)
        level = numbers.price(high, lang, crypto=True) + (" 美元" if lang == "zh" else "")
        text += (
            f"；周内最高 {level}（{when} 盘中）"
            if lang == "zh"
            else f"; the week's high was {level}, in the day on {when}"
        )
        if final and top is not None and _thousand(high) > top:
            mark = numbers.price(_thousand(high), lang, crypto=True) + (" 美元" if lang == "zh" else "")
            text += (
                f"，盘中一度突破 {mark}，但无一日收于其上"
                if lang == "zh"
                else f": it broke {mark}, but no day closed above that"
            )
    return text + ("。" if lang == "zh" else ".")


def _thousand(price: float) -> float:
    """The round thousand below."""
    return price // 1000 * 1000


def _next_week(frame: Frame, lang: Lang) -> str:
    events = [*(coverage_events(frame) if frame.layout.shows("next_week") else ())]
    events += crypto_events(frame) if frame.layout.shows("crypto_calendar") else ()
    days = by_day(sorted(events, key=lambda event: event.start))
    clauses = [f"{_when(day, lang)}{_who(frame, found, lang)}" for day, found in days.items()]
    if not clauses:
        return ""
    return "；".join(clauses) + "。" if lang == "zh" else "; ".join(clauses) + "."


def _when(day: date, lang: Lang) -> str:
    if lang == "zh":
        return f"{day_text(day, lang)}（{weekday(day, lang)}）"
    return f"{weekday(day, lang)} {day_text(day, lang)}: "


def _who(frame: Frame, events: Sequence[CalendarEvent], lang: Lang) -> str:
    separator = "、" if lang == "zh" else ", "
    earnings = separator.join(title_of(frame, event)[lang] for event in events if event.kind == "earnings")
    others = separator.join(event.title[lang] for event in events if event.kind != "earnings")
    results = (beside(earnings, "财报") if lang == "zh" else f"{earnings} results") if earnings else ""
    return ("，" if lang == "zh" else "; ").join(part for part in (results, others) if part)


def _by_size(frame: Frame, keys: Sequence[tuple[str, str]]) -> list[str]:
    return [symbol for symbol, key in sorted(keys, key=lambda item: -(frame.facts.number(item[1]) or 0.0))]


def _rose_zh(change: float, when: str = "周") -> str:
    shown = numbers.percent(abs(change) / 100, signed=False)
    if numbers.rounded(change, 1) == 0:
        return f"{when}持平"
    return f"{when}{'涨' if change > 0 else '跌'} {shown}"


def _rose_en(change: float) -> str:
    if numbers.rounded(change, 1) == 0:
        return "was flat"
    return f"{'rose' if change > 0 else 'fell'} {numbers.percent(abs(change) / 100, signed=False)}"


def _listed(clauses: Sequence[str]) -> str:
    return ", ".join(clauses[:-1]) + " and " + clauses[-1] if len(clauses) > 1 else clauses[0]
