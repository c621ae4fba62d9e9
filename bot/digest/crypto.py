"""Figures 13 to 15 and 20: the crypto market, fear and greed, bitcoin."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from math import fsum

from bot.digest.facts import Fact, derived, growth, missing, observed
from bot.digest.figure import TRILLION_UNIT, Cell, Column, Figure, Row, day_text, summary
from bot.digest.frame import Frame
from rules.model import Localized, Observation, SeriesName

PROVIDERS: dict[str, str] = {
    "coinmarketcap": "CoinMarketCap",
    "coingecko": "CoinGecko",
    "alternative_me": "alternative.me",
}
_LABELS: tuple[Localized, ...] = (
    {"en": "Extreme fear", "zh": "极度恐惧"},
    {"en": "Fear", "zh": "恐惧"},
    {"en": "Neutral", "zh": "中性"},
    {"en": "Greed", "zh": "贪婪"},
    {"en": "Extreme greed", "zh": "极度贪婪"},
)
_DAY_END = time(23, 59, 59)
MOST_SPARSE = 5
"""So many snapshots a line needs at least."""

MARKETS = ("coinmarketcap", "coingecko")
"""Who gives market cap and volume."""

BANDS = {"coinmarketcap": (20, 40, 60, 80), "alternative_me": (26, 47, 55, 76)}
"""Where each provider's bands of fear and greed begin, after the first."""


def fear_greed_label(provider: str, score: float) -> Localized:
    """The provider's word for ``score``; bands differ between providers."""
    return _LABELS[sum(score >= bound for bound in BANDS[provider])]


def state_crypto(frame: Frame) -> None:
    """Facts ``crypto.market_cap``, ``.volume``, ``.volume_ratio_pct``, ``.fear_greed`` … of one provider."""
    feed = f"crypto.{frame.layout.provider}"
    last, state = frame.newest_day(f"{feed}.market_cap"), frame.facts.state
    before = last - timedelta(days=7)
    cap = state("crypto.market_cap", _daily(frame, f"{feed}.market_cap", last, "USD"))
    previous = state("crypto.market_cap.previous_week", _daily(frame, f"{feed}.market_cap", before, "USD"))
    state("crypto.market_cap.week_pct", growth(cap, previous))
    volume = state("crypto.volume", _daily(frame, f"{feed}.volume", last, "USD"))
    ratio = volume.number / cap.number * 100 if volume.number is not None and cap.number else None
    state("crypto.volume_ratio_pct", derived(ratio, "%", (volume, cap)))
    _state_year_volume(frame, feed)
    for provider in BANDS:
        key = "crypto.fear_greed" + ("" if provider == frame.layout.fear_greed else f".{provider}")
        series = f"fear_greed.{provider}.value"
        score = state(key, _daily(frame, series, frame.newest_day(series), "index"))
        label = None if score.number is None else fear_greed_label(provider, score.number)["en"]
        state(f"{key}.label", derived(label, "text", (score,)))


def _state_year_volume(frame: Frame, feed: str) -> None:
    """The year's volume as the provider or an import states it, else summed over the desk's own daily snapshots."""
    last, state = frame.newest_day(f"{feed}.volume_ytd"), frame.facts.state
    total = _daily(frame, f"{feed}.volume_ytd", last, "USD")
    if total.known:
        yoy = _daily(frame, f"{feed}.volume_ytd_yoy", last, "%")
        state("crypto.volume_ytd", total)
        state("crypto.volume_ytd_yoy_pct", derived(None if yoy.number is None else yoy.number * 100, "%", (yoy,)))
        return
    now, before = _year_volume(frame, last.year), _year_volume(frame, last.year - 1)
    state("crypto.volume_ytd", now)
    state("crypto.volume_ytd_yoy_pct", growth(now, before))


def _daily(frame: Frame, series: str, day: date, unit: str) -> Fact:
    name = SeriesName.parse(series)
    field = _FIELDS.get(name.field, {"en": name.field, "zh": name.field})
    what: Localized = {
        "en": f"{PROVIDERS[name.key]}'s {field['en']} of {day_text(day, 'en')}",
        "zh": f"{PROVIDERS[name.key]} {day_text(day, 'zh')} {field['zh']}",
    }
    return observed(frame.data.on(series, day), unit, what)


_FIELDS: dict[str, Localized] = {
    "market_cap": {"en": "market cap", "zh": "总市值"},
    "volume": {"en": "volume", "zh": "成交额"},
    "volume_ytd": {"en": "volume of the year", "zh": "年初至今成交额"},
    "volume_ytd_yoy": {"en": "growth of the year's volume", "zh": "年初至今成交额同比"},
    "value": {"en": "fear and greed", "zh": "恐惧与贪婪指数"},
}


def state_bitcoin(frame: Frame) -> None:
    """Facts ``price.BTC.close``, ``.week_pct``, ``.week_high``, ``.week_high_day`` and ``.week_high_close``."""
    symbol, span, state = frame.layout.bitcoin, frame.span, frame.facts.state
    close = state("price.BTC.close", frame.close(symbol, "USD"))
    state("price.BTC.week_pct", frame.change(symbol, close, "week"))
    for name in ("high", "low"):
        known = [
            bar for bar in frame.data.span(f"prices.{symbol}.{name}", span.first, span.last) if bar.value is not None
        ]
        pick = (max if name == "high" else min)(known, key=lambda bar: bar.value or 0.0, default=None)
        state(f"price.BTC.week_{name}", observed(pick, "USD", f"{symbol} {name}"))
        state(f"price.BTC.week_{name}_day", _day_of(pick, f"{symbol} {name}"))
    closes = [bar for bar in frame.data.span(f"prices.{symbol}.close", span.first, span.last) if bar.value is not None]
    top = max(closes, key=lambda bar: bar.value or 0.0, default=None)
    state("price.BTC.week_high_close", observed(top, "USD", f"{symbol} close"))


def _day_of(found: Observation | None, what: str) -> Fact:
    fact = observed(found, "date", what)
    return fact if found is None else derived(found.at.date().isoformat(), "date", (fact,))


def overview_figure(frame: Frame) -> Figure:
    """Figure 13: market cap and volume."""
    facts = frame.facts
    keys = ("market_cap", "market_cap.previous_week", "market_cap.week_pct", "volume", "volume_ratio_pct")
    shown = [facts[f"crypto.{key}"] for key in keys]
    provider = PROVIDERS[frame.layout.provider]
    title: Localized = {"en": "Crypto market cap and volume", "zh": "加密市场总市值与成交额"}
    if not shown[0].known and not shown[3].known:
        return Figure(number=13, title=title, missing=shown[0].reason)
    labels: tuple[Localized, ...] = (
        {"en": "Total market cap", "zh": "总市值"},
        {"en": "A week before", "zh": "上周"},
        {"en": "Change", "zh": "周变动"},
        {"en": "24 h volume", "zh": "24 小时成交额"},
        {"en": "Volume / market cap", "zh": "成交额/总市值"},
    )
    forms = ("trillion", "trillion", "pct1", "cap", "ratio2")
    units: tuple[Localized, ...] = (
        TRILLION_UNIT,
        TRILLION_UNIT,
        {"en": "", "zh": ""},
        {"en": "$bn", "zh": "亿美元"},
        {"en": "", "zh": ""},
    )
    source, as_of, status = summary(shown)
    lines = {name: _snapshots(frame, name, frame.span.last.year) for name in ("market_cap", "volume")}
    lines = {name: points for name, points in lines.items() if len(points) >= MOST_SPARSE}
    return Figure(
        number=13,
        title=title,
        columns=(
            Column("line", {"en": "", "zh": ""}),
            Column("value", {"en": "Value", "zh": "数值"}, "trillion"),
            Column("unit", {"en": "Unit", "zh": "单位"}),
        ),
        rows=tuple(
            {"line": label, "value": fact.number, "unit": unit, "form": form}
            for label, fact, form, unit in zip(labels, shown, forms, units, strict=True)
        ),
        notes=(
            {
                "en": f"One provider: {provider}; changes never mix providers.",
                "zh": f"单一口径：{provider}；变动不混用来源。",
            },
            *(() if lines else _no_chart(len(_snapshots(frame, "market_cap", frame.span.last.year)))),
        ),
        lines=lines,
        source=source,
        as_of=as_of,
        status=status,
    )


def _snapshots(frame: Frame, field: str, year: int) -> tuple[tuple[str, float], ...]:
    """The provider's daily figures of ``year``, as many days into it as the span's last day is into its own."""
    first, days = date(year, 1, 1), frame.span.last.timetuple().tm_yday
    series = f"crypto.{frame.layout.provider}.{field}"
    known = frame.data.span(series, first, first + timedelta(days=days - 1))
    return tuple((item.at.date().isoformat(), item.value) for item in known if item.value is not None)


def _no_chart(points: int) -> tuple[Localized, ...]:
    """Daily history is the desk's own snapshots; a line needs at least a week of them."""
    return (
        {
            "en": f"No chart over time: {points} daily snapshots are stored so far.",
            "zh": f"暂无走势图：目前仅存有 {points} 个每日快照。",
        },
    )


def _year_volume(frame: Frame, year: int) -> Fact:
    """The sum of a year's daily volumes up to the span's day, where every day is stored."""
    days = _snapshots(frame, "volume", year)
    if len(days) < frame.span.last.timetuple().tm_yday:
        return missing("USD", f"daily volumes of {year} are not all stored", f"{year} 年每日成交额存档不全")
    total, end = fsum(value for _, value in days), datetime.combine(date.fromisoformat(days[-1][0]), _DAY_END, UTC)
    return Fact(total, "USD", PROVIDERS[frame.layout.provider], end)


def volume_figure(frame: Frame) -> Figure:
    """Figure 14: the year's volume so far and its growth, where the provider or enough own snapshots give it."""
    total, yoy = frame.facts["crypto.volume_ytd"], frame.facts["crypto.volume_ytd_yoy_pct"]
    title: Localized = {"en": "Crypto volume, year to date", "zh": "年初至今加密市场成交额"}
    if not total.known:
        return Figure(number=14, title=title, missing=total.reason)
    source, as_of, status = summary([total, yoy])
    return Figure(
        number=14,
        title=title,
        columns=(
            Column("provider", {"en": "Provider", "zh": "来源"}),
            Column("total", {"en": "Year to date", "zh": "年初至今成交额"}, "trillion", TRILLION_UNIT),
            Column("yoy_pct", {"en": "YoY", "zh": "同比"}, "pct2"),
        ),
        rows=({"provider": PROVIDERS[frame.layout.provider], "total": total.number, "yoy_pct": yoy.number},),
        points=_two_years(total.number, yoy.number, frame.span.last.year),
        lines=_cumulative_volume(frame),
        source=source,
        as_of=as_of,
        status=status,
    )


def _two_years(total: float | None, yoy_pct: float | None, year: int) -> tuple[tuple[Localized, float], ...]:
    """The year's volume, and last year's to the same day, which follows from the growth."""
    if total is None or yoy_pct is None:
        return ()
    before: Localized = {"en": f"{year - 1}, implied", "zh": f"{year - 1} 年（推算）"}
    return (({"en": str(year), "zh": f"{year} 年"}, total), (before, total / (1 + yoy_pct / 100)))


def _cumulative_volume(frame: Frame) -> dict[str, tuple[tuple[str, float], ...]]:
    """This year's and last year's daily volumes added up, where every day is stored."""
    last = frame.span.last
    lines = {}
    for year in (last.year, last.year - 1):
        days = _snapshots(frame, "volume", year)
        if len(days) >= last.timetuple().tm_yday:
            sums = accumulate(volume for _, volume in days)
            lines[str(year)] = tuple(zip((day for day, _ in days), sums, strict=True))
    return lines


def fear_greed_figure(frame: Frame) -> Figure:
    """Figure 15: each provider's score and word."""
    title: Localized = {"en": "Crypto fear and greed", "zh": "加密恐惧与贪婪指数"}
    rows: list[Row] = []
    shown: list[Fact] = []
    lines: dict[str, tuple[tuple[str, float], ...]] = {}
    for provider in BANDS:
        key = "crypto.fear_greed" + ("" if provider == frame.layout.fear_greed else f".{provider}")
        score = frame.facts[key]
        if score.number is not None:
            shown.append(score)
            label = fear_greed_label(provider, score.number)
            rows.append({"provider": PROVIDERS[provider], "score": score.number, "label": label, "key": provider})
            if len(scores := _scores(frame, provider)) >= MOST_SPARSE:
                lines[provider] = scores
    if not rows:
        return Figure(number=15, title=title, missing=frame.facts["crypto.fear_greed"].reason)
    source, as_of, status = summary(shown)
    return Figure(
        number=15,
        title=title,
        columns=(
            Column("provider", {"en": "Provider", "zh": "来源"}),
            Column("score", {"en": "Score (0–100)", "zh": "指数（0–100）"}, "count"),
            Column("label", {"en": "Reading", "zh": "状态"}),
        ),
        rows=tuple(rows),
        lines=lines,
        notes=({"en": "Bands differ between providers.", "zh": "各来源分档标准不同，不可互相套用。"},),
        source=source,
        as_of=as_of,
        status=status,
    )


def _scores(frame: Frame, provider: str) -> tuple[tuple[str, float], ...]:
    """The provider's scores of the last quarter of a year."""
    known = frame.data.span(f"fear_greed.{provider}.value", frame.span.last - timedelta(days=90), frame.span.last)
    return tuple((item.at.date().isoformat(), item.value) for item in known if item.value is not None)


def bitcoin_figure(frame: Frame) -> Figure:
    """Figure 20: daily bars; a day of which only the close is known has only that."""
    symbol, last = frame.layout.bitcoin, frame.span.last
    title: Localized = {"en": "Bitcoin, daily", "zh": "比特币价格（日线）"}
    first = last - timedelta(days=30)
    names = ("open", "high", "low", "close")
    columns: dict[date, dict[str, Cell]] = {}
    source = ""
    for name in names:
        for item in frame.data.span(f"prices.{symbol}.{name}", first, last):
            columns.setdefault(item.at.date(), {})[name] = item.value
            source = item.source
    if not columns:
        return Figure(number=20, title=title, missing=frame.facts["price.BTC.close"].reason)
    unknown: dict[str, Cell] = dict.fromkeys(names)
    rows: list[Row] = [{"day": day.isoformat(), **unknown, **columns[day]} for day in sorted(columns)]
    fact, high = frame.facts["price.BTC.close"], frame.facts["price.BTC.week_high"]
    day = frame.facts["price.BTC.week_high_day"].value
    return Figure(
        number=20,
        title=title,
        columns=(
            Column("day", {"en": "Day (UTC)", "zh": "日期（UTC）"}, "date"),
            Column("open", {"en": "Open", "zh": "开盘"}, "coin"),
            Column("high", {"en": "High", "zh": "最高"}, "coin"),
            Column("low", {"en": "Low", "zh": "最低"}, "coin"),
            Column("close", {"en": "Close", "zh": "收盘"}, "coin"),
        ),
        rows=tuple(rows),
        points=((day, high.number),) if isinstance(day, str) and high.number is not None else (),
        notes=({"en": "Days end at 24:00 UTC, not at New York's close.", "zh": "按 UTC 日切分，与纽约收盘时间不同。"},),
        source=source,
        as_of=fact.as_of,
        status=fact.status,
    )
