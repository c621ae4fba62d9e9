"""From a figure to its charts: which drawing shows it, with labels written as in the tables."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date

from bot.charts.bars import LABEL_SHARE, Bar, columns, grouped, ranked
from bot.charts.candles import Candle, candles
from bot.charts.combo import bars_and_line
from bot.charts.gauge import gauge
from bot.charts.lines import Curve, area, curves
from bot.charts.svg import PAGE, Frame, Palette, shortened, text_width
from bot.digest.companies import Quarter
from bot.digest.crypto import BANDS, PROVIDERS
from bot.digest.facts import Standing
from bot.digest.figure import Cell, Figure, Form, Row, day_text, written
from bot.digest.wording import sources_text
from rules import numbers
from rules.model import Lang, Localized

Draw = Callable[[Figure, Lang, Frame], list[str]]


def draw(figure: Figure, lang: Lang, width: int, palette: Palette = PAGE, *, alone: bool = False) -> list[str]:
    """The charts of ``figure`` as SVG, ``width`` pixels wide; none for a figure that is a table only.

    With ``alone`` each carries its title and source, to stand as a picture of its own.
    """
    make = _DRAWINGS.get(figure.number)
    if make is None or not figure.rows:
        return []
    source = _source(figure, lang) if alone else ""
    frame = Frame(width, figure.title[lang], "", source, palette, f"f{figure.number}w{width}", alone)
    return make(figure, lang, frame)


def _source(figure: Figure, lang: Lang) -> str:
    return (
        f"资料来源：{sources_text(figure.source, lang)}"
        if lang == "zh"
        else f"Source: {sources_text(figure.source, lang)}"
    )


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
            room = frame.width * LABEL_SHARE - 8 - text_width(f" {symbol}")
            label = name if name == symbol else f"{shortened(name, room)} {symbol}"
            groups.setdefault(word(row["group"], lang), []).append(Bar(label, change, written(change, form, lang)))
    return [
        ranked(replace(frame, unit=name, ident=f"{frame.ident}g{index}"), bars)
        for index, (name, bars) in enumerate(groups.items())
    ]


def _sectors(figure: Figure, lang: Lang, frame: Frame) -> list[str]:
    frame = replace(frame, unit="分组周涨跌幅，等权平均" if lang == "zh" else "change over the week, mean of the group")
    bars = [Bar(written(name, "text", lang), mean, written(mean, "pct1", lang)) for name, mean in figure.points]
    return [ranked(frame, bars)] if bars else []


def _cloud(figure: Figure, lang: Lang, frame: Frame) -> list[str]:
    """For each business its quarters: revenue as bars, growth over the year before as a line."""
    zh = lang == "zh"
    drawn = []
    for index, row in enumerate(figure.rows):
        quarters = [Quarter.of(key) for key in row if _QUARTER.fullmatch(key) and value(row, key) is not None]
        if not quarters:
            continue
        bars = [_statement_bar(value(row, quarter.key), lang) for quarter in quarters]
        growth = [_growth_point(value(row, f"{quarter.key}_yoy_pct"), lang) for quarter in quarters]
        unit = f"{word(row['segment'], lang)}，亿美元" if zh else f"{word(row['segment'], lang)}, $bn"
        panel = replace(frame, unit=unit, ident=f"{frame.ident}c{index}")
        labels = [quarter.title()[lang] for quarter in quarters]
        drawn.append(bars_and_line(panel, labels, (_REVENUE[lang], bars), (_YOY[lang], growth)))
    return drawn


def _growth(figure: Figure, lang: Lang, frame: Frame) -> list[str]:
    """The newest quarter of every business: revenue as bars, growth as a line."""
    rows = [row for row in figure.rows if value(row, "revenue") is not None]
    if not rows:
        return []
    bars = [_statement_bar(value(row, "revenue"), lang) for row in rows]
    growth = [_growth_point(value(row, "yoy_pct"), lang) for row in rows]
    frame = replace(frame, unit="收入：亿美元；增速：%" if lang == "zh" else "revenue in $bn; growth in %")
    labels = [word(row["segment"], lang) for row in rows]
    return [bars_and_line(frame, labels, (_REVENUE[lang], bars), (_YOY[lang], growth))]


_QUARTER = re.compile(r"[1-4]Q\d\d")
_REVENUE: dict[Lang, str] = {"zh": "收入", "en": "revenue"}
_YOY: dict[Lang, str] = {"zh": "同比", "en": "growth YoY"}


def _statement_bar(revenue: float | None, lang: Lang) -> Bar | None:
    """Revenue in the chart's unit, where a table's digits have no room."""
    if revenue is None:
        return None
    return Bar("", revenue, numbers.amount(revenue, 8, 0) if lang == "zh" else numbers.amount(revenue, 9, 1))


def _growth_point(change: float | None, lang: Lang) -> Bar | None:
    return None if change is None else Bar("", change, written(change, "pct0", lang))


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
    """Market cap and volume over the year so far, where enough days are stored."""
    units: dict[str, Localized] = {
        "market_cap": {"zh": "总市值，十亿美元；纵轴不从零起", "en": "market cap, $bn; the axis doesn't start at zero"},
        "volume": {
            "zh": "24 小时成交额，十亿美元；纵轴不从零起",
            "en": "24 h volume, $bn; the axis doesn't start at zero",
        },
    }
    drawn = []
    for name, points in figure.lines.items():
        shown = [
            (day_text(date.fromisoformat(day), lang), level / 1e9, numbers.amount(level, 9, 0, comma=lang == "en"))
            for day, level in points
        ]
        panel = replace(frame, unit=units[name][lang], ident=f"{frame.ident}{name}")
        drawn.append(area(panel, shown, comma=lang == "en"))
    return drawn


def _year_volume(figure: Figure, lang: Lang, frame: Frame) -> list[str]:
    """This year's volume against last year's to the same day: over time where it is stored, else as two bars."""
    zh = lang == "zh"
    if figure.lines:
        drawn = [
            Curve(
                f"{year} {numbers.amount(points[-1][1], 12, 2)}", [(_place(day), level / 1e12) for day, level in points]
            )
            for year, points in figure.lines.items()
        ]
        marks = [(place / 12, f"{place + 1} 月" if zh else _MONTHS[place]) for place in (0, 3, 6, 9)]
        unit = "累计成交额，万亿美元" if zh else "volume since 1 January, $tn"
        return [curves(replace(frame, unit=unit), drawn, marks, comma=not zh)]
    bars = [Bar(word(name, lang), level, numbers.amount(level, 12, 2)) for name, level in figure.points]
    unit = "年初至今成交额，万亿美元" if zh else "volume since 1 January, $tn"
    return [ranked(replace(frame, unit=unit), bars, signed=False)] if bars else []


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _place(day: str) -> float:
    """How far into its year a day is, from 0 to 1."""
    return (date.fromisoformat(day).timetuple().tm_yday - 1) / 366


def _gauges(figure: Figure, lang: Lang, frame: Frame) -> list[str]:
    drawn = []
    for row in figure.rows:
        provider, score = str(row["key"]), value(row, "score")
        if score is not None:
            named = replace(
                frame, width=min(frame.width, 340), unit=str(row["provider"]), ident=f"{frame.ident}{provider}"
            )
            drawn.append(gauge(named, score, numbers.number(score, 0), word(row["label"], lang), BANDS[provider]))
    return [*drawn, *_moods(figure, lang, frame)]


def _moods(figure: Figure, lang: Lang, frame: Frame) -> list[str]:
    """Each provider's score over the last days, where enough of them are stored."""
    if not figure.lines:
        return []
    days = sorted({day for points in figure.lines.values() for day, _ in points})
    first, last = (date.fromisoformat(day) for day in (days[0], days[-1]))
    length = max((last - first).days, 1)
    drawn = [
        Curve(
            f"{PROVIDERS[provider]} {numbers.number(points[-1][1], 0)}",
            [((date.fromisoformat(day) - first).days / length, score) for day, score in points],
        )
        for provider, points in figure.lines.items()
    ]
    marks = [(0.0, day_text(first, lang)), (1.0, day_text(last, lang))]
    unit = "指数，0（恐惧）至 100（贪婪）" if lang == "zh" else "score, 0 (fear) to 100 (greed)"
    return [curves(replace(frame, unit=unit, ident=f"{frame.ident}line"), drawn, marks, span=(0.0, 100.0))]


def _day(row: Row, lang: Lang) -> str:
    return day_text(date.fromisoformat(str(row["day"])), lang)


def _daily_flows(figure: Figure, lang: Lang, frame: Frame) -> list[str]:
    frame = replace(frame, unit="百万美元" if lang == "zh" else "$m")
    bars = [
        Bar(_day(row, lang), flow / 1e6, numbers.amount(flow, 6, 1, signed=True), row["status"] == Standing.FINAL.value)
        for row in figure.rows
        if (flow := value(row, "flow")) is not None
    ]
    return [columns(frame, bars, labelled=5, comma=lang == "en")] if bars else []


def _cumulative(figure: Figure, lang: Lang, frame: Frame) -> list[str]:
    frame = replace(frame, unit="百万美元；纵轴不从零起" if lang == "zh" else "$m; the axis doesn't start at zero")
    points = [
        (_day(row, lang), flow / 1e6, numbers.amount(flow, 6, 0, comma=lang == "en"))
        for row in figure.rows
        if (flow := value(row, "flow")) is not None
    ]
    return [area(frame, points, comma=lang == "en")] if points else []


def _bitcoin(figure: Figure, lang: Lang, frame: Frame) -> list[str]:
    rows = [row for row in figure.rows if any(value(row, name) is not None for name in _PRICES)]
    days = [Candle(_day(row, lang), *(value(row, name) for name in _PRICES)) for row in rows]
    last = numbers.price(days[-1].close, lang, crypto=True)
    unit = (
        "美元；空心为涨、实心为跌，短横为仅有收盘价"
        if lang == "zh"
        else "USD; hollow rose, filled fell, a dash is a close only"
    )
    frame = replace(frame, unit=unit)
    if not figure.points:
        return [candles(frame, days, "", last)]
    ((day, high),) = figure.points
    peak = next(index for index, row in enumerate(rows) if row["day"] == day)
    price = numbers.price(high, lang, crypto=True)
    mark = f"周内最高 {price}（{days[peak].label}）" if lang == "zh" else f"week's high {price} ({days[peak].label})"
    return [candles(frame, days, mark, last, peak=peak)]


_PRICES = ("open", "high", "low", "close")

_DRAWINGS: dict[int, Draw] = {
    1: _indices,
    2: _movers,
    3: _movers,
    4: _sectors,
    5: _cloud,
    6: _growth,
    7: _capex,
    13: _market_cap,
    14: _year_volume,
    15: _gauges,
    16: _sectors,
    18: _daily_flows,
    19: _cumulative,
    20: _bitcoin,
}
