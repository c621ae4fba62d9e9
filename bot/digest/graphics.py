"""From a figure to its charts: which drawing shows it, with labels written as in the tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from bot.charts.bars import Bar, columns, grouped, ranked
from bot.charts.candles import Candle, candles
from bot.charts.gauge import gauge
from bot.charts.lines import area
from bot.charts.svg import PAGE, Frame, Palette
from bot.digest.crypto import BANDS
from bot.digest.facts import Standing
from bot.digest.figure import Cell, Figure, Form, Row, day_text, written
from rules import numbers
from rules.model import Lang

Draw = Callable[[Figure, Lang, Frame], list[str]]


def draw(figure: Figure, lang: Lang, width: int, palette: Palette = PAGE, *, alone: bool = False) -> list[str]:
    """The charts of ``figure`` as SVG, ``width`` pixels wide; none for a figure that is a table only.

    With ``alone`` each carries its title, to stand as a picture of its own.
    """
    make = _DRAWINGS.get(figure.number)
    if make is None or not figure.rows:
        return []
    frame = Frame(width, figure.title[lang], "", _source(figure, lang), palette, f"f{figure.number}w{width}", alone)
    return make(figure, lang, frame)


def _source(figure: Figure, lang: Lang) -> str:
    return f"资料来源：{figure.source}" if lang == "zh" else f"Source: {figure.source}"


def word(cell: Cell, lang: Lang) -> str:
    """A text cell in ``lang``."""
    return written(cell, "text", lang)


def value(row: Row, key: str) -> float | None:
    """A number cell."""
    cell = row.get(key)
    return cell if isinstance(cell, float) else None


def _indices(figure: Figure, lang: Lang, frame: Frame) -> list[str]:
    frame = replace(frame, unit="周涨跌幅" if lang == "zh" else "change over the week")
    bars = [
        Bar(word(row["name"], lang), change, written(change, "pct1", lang))
        for row in figure.rows
        if (change := value(row, "week_pct")) is not None
    ]
    return [ranked(frame, bars)] if bars else []


def _movers(figure: Figure, lang: Lang, frame: Frame) -> list[str]:
    groups: dict[str, list[Bar]] = {}
    for row in figure.rows:
        change = value(row, "week_pct")
        if change is not None:
            form: Form = "pct0" if row.get("form") == "pct0" else "pct1"
            name, symbol = word(row["name"], lang), str(row["symbol"])
            label = name if name == symbol else f"{name} {symbol}"
            groups.setdefault(word(row["group"], lang), []).append(Bar(label, change, written(change, form, lang)))
    return [
        ranked(replace(frame, unit=name, ident=f"{frame.ident}g{index}"), bars)
        for index, (name, bars) in enumerate(groups.items())
    ]


def _sectors(figure: Figure, lang: Lang, frame: Frame) -> list[str]:
    frame = replace(frame, unit="分组周涨跌幅，等权平均" if lang == "zh" else "change over the week, mean of the group")
    bars = [
        Bar(written(name, "text", lang), mean, written(mean, _week_form(figure), lang)) for name, mean in figure.points
    ]
    return [ranked(frame, bars)] if bars else []


def _week_form(figure: Figure) -> Form:
    """As the table writes the week's changes."""
    return next(column.form for column in figure.columns if column.key == "week_pct")


def _cloud(figure: Figure, lang: Lang, frame: Frame) -> list[str]:
    frame = replace(frame, unit="亿美元；括号内为同比" if lang == "zh" else "$m; growth YoY in brackets")
    bars = []
    for row in figure.rows:
        revenue, yoy = value(row, "revenue"), value(row, "yoy_pct")
        if revenue is not None:
            tail = "" if yoy is None else f" ({written(yoy, 'pct0', lang)})"
            bars.append(Bar(word(row["segment"], lang), revenue, written(revenue, "statement", lang) + tail))
    return [ranked(frame, bars, signed=False)] if bars else []


def _growth(figure: Figure, lang: Lang, frame: Frame) -> list[str]:
    titles = {"yoy_pct": "同比" if lang == "zh" else "YoY", "qoq_pct": "环比" if lang == "zh" else "QoQ"}
    return _grouped(figure, lang, frame, "segment", titles)


def _capex(figure: Figure, lang: Lang, frame: Frame) -> list[str]:
    headers = {column.key: column.title[lang] for column in figure.columns}
    frame = replace(frame, unit="亿美元" if lang == "zh" else "$m")
    return _grouped(figure, lang, frame, "name", {key: headers[key] for key in ("year_ago", "previous", "now")})


def _grouped(figure: Figure, lang: Lang, frame: Frame, name: str, titles: dict[str, str]) -> list[str]:
    """One group a row, one bar a column of ``titles``; rows with a gap are left to the table."""
    forms = {column.key: column.form for column in figure.columns}
    rows = [row for row in figure.rows if all(value(row, key) is not None for key in titles)]
    if not rows:
        return []
    series = [
        (title, [Bar("", value(row, key) or 0.0, written(row[key], forms[key], lang)) for row in rows])
        for key, title in titles.items()
    ]
    return [grouped(frame, [word(row[name], lang) for row in rows], series, newest_last="now" in titles)]


def _market_cap(figure: Figure, lang: Lang, frame: Frame) -> list[str]:
    frame = replace(
        frame,
        unit="总市值，十亿美元；纵轴不从零起" if lang == "zh" else "market cap, $bn; the axis doesn't start at zero",
    )
    points = [
        (day_text(date.fromisoformat(str(day)), lang), level / 1e9, numbers.amount(level, 9, 0, comma=True))
        for day, level in figure.points
    ]
    return [area(frame, points)] if points else []


def _gauges(figure: Figure, lang: Lang, frame: Frame) -> list[str]:
    drawn = []
    for row in figure.rows:
        provider, score = str(row["key"]), value(row, "score")
        if score is not None:
            named = replace(
                frame, width=min(frame.width, 340), unit=str(row["provider"]), ident=f"{frame.ident}{provider}"
            )
            drawn.append(gauge(named, score, numbers.number(score, 0), word(row["label"], lang), BANDS[provider]))
    return drawn


def _day(row: Row, lang: Lang) -> str:
    return day_text(date.fromisoformat(str(row["day"])), lang)


def _daily_flows(figure: Figure, lang: Lang, frame: Frame) -> list[str]:
    frame = replace(frame, unit="百万美元" if lang == "zh" else "$m")
    bars = [
        Bar(_day(row, lang), flow / 1e6, numbers.amount(flow, 6, 1, signed=True), row["status"] == Standing.FINAL.value)
        for row in figure.rows
        if (flow := value(row, "flow")) is not None
    ]
    return [columns(frame, bars, labelled=5)] if bars else []


def _cumulative(figure: Figure, lang: Lang, frame: Frame) -> list[str]:
    frame = replace(frame, unit="百万美元；纵轴不从零起" if lang == "zh" else "$m; the axis doesn't start at zero")
    points = [
        (_day(row, lang), flow / 1e6, numbers.amount(flow, 6, 0, comma=True))
        for row in figure.rows
        if (flow := value(row, "flow")) is not None
    ]
    return [area(frame, points)] if points else []


def _bitcoin(figure: Figure, lang: Lang, frame: Frame) -> list[str]:
    days = [
        Candle(_day(row, lang), *(value(row, name) for name in ("open", "high", "low", "close"))) for row in figure.rows
    ]
    days = [day for day in days if day.known]
    top = max(days, key=lambda day: max(day.known))
    peak, last = numbers.price(max(top.known), lang, crypto=True), numbers.price(days[-1].close, lang, crypto=True)
    mark = f"最高 {peak}（{top.label}）" if lang == "zh" else f"high {peak} ({top.label})"
    unit = (
        "美元；空心为涨、实心为跌，短横为仅有收盘价"
        if lang == "zh"
        else "USD; hollow rose, filled fell, a dash is a close only"
    )
    return [candles(replace(frame, unit=unit), days, mark, last)]


_DRAWINGS: dict[int, Draw] = {
    1: _indices,
    2: _movers,
    3: _movers,
    4: _sectors,
    5: _cloud,
    6: _growth,
    7: _capex,
    13: _market_cap,
    15: _gauges,
    16: _sectors,
    18: _daily_flows,
    19: _cumulative,
    20: _bitcoin,
}
