"""The picture under an alert: prices or flows with the moment of the trigger and the levels that its rule names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Final

from adapters.message import Colour
from bot.charts.bars import Bar, columns, ranked
from bot.charts.candles import Candle
from bot.charts.marked import Curve, Level, Trigger, marked
from bot.charts.svg import Frame, plain_palette
from bot.locale.sources import source_name
from bot.market.view import Figure, MarketView
from rules.calendars.schedule import CONTINUOUS
from rules.explaining.marks import Marks, marks_of
from rules.model import Lang, SeriesName, Status, Transition, TransitionKind
from rules.numbers import amount, number, percent, points, price
from rules.universe import Kind

_WIDTH = 720
_MOST_DAYS = 36
_MOST_FLOWS = 15
_FEWER_FLOWS = 12
"""Beside the words for a threshold there is room for so many columns with their values."""
_FAR = 0.35
"""A level further from the price than this part of it would flatten the price, and is left out."""
_END_OF_DAY = time(23, 59, 59)
_OFF = frozenset({"none", "off", "no", "false"})
_UP_IS = {Colour.CN: "red", Colour.US: "green", Colour.NONE: "none"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_WORDS: Final[dict[Lang, dict[str, str]]] = {
    "en": {
        "trigger": "threshold {level}",
        "rearm": "re-arms at {level}",
        "clear": "clears at {level}",
        "base": "{day} close {level}",
        "last": "last {level}",
        "fired": "triggered {at}: {value}",
        "daily": "{name}, daily, {currency}",
        "rebased": "{day} close = 100; levels: against {other}",
        "flows": "net flow, $M a New York session",
        "hatched": "hatched: provisional",
        "source": "Source: {sources}",
        "moves": "change since the {day} close; threshold {level}",
    },
    "zh": {
        "trigger": "触发线 {level}",
        "rearm": "重置线 {level}",
        "clear": "解除线 {level}",
        "base": "{day}收盘 {level}",
        "last": "最新 {level}",
        "fired": "{at} 触发：{value}",
        "daily": "{name}，日线，{currency}",
        "rebased": "{day}收盘 = 100；水平线为相对{other}",
        "flows": "单日净流入，百万美元（按纽约交易日）",
        "hatched": "斜线：初值",
        "source": "资料来源：{sources}",
        "moves": "自{day}收盘以来涨跌幅；触发线 {level}",
    },
}


def wanted(transition: Transition) -> bool:
    """Whether an alert gets a picture: it fired, its rule has marks, and doesn't say ``chart: none``."""
    fired = transition.kind is TransitionKind.FIRED
    off = transition.options.get("chart.of", "").strip().casefold() in _OFF
    return fired and not off and marks_of(transition.options) is not None


_SHOWN_BY = ("telegram:", "slack:")
"""The services that show a picture under a message; a terminal or a webhook has no use for one."""


def pictured(destination: str, transitions: Sequence[Transition]) -> bool:
    """Whether alerts that are told together at ``destination`` are to be followed by a picture."""
    return destination.startswith(_SHOWN_BY) and all(map(wanted, transitions))


def chart_of(transitions: Sequence[Transition], market: MarketView, lang: Lang, colour: Colour) -> str | None:
    """The picture of alerts that are told together, as SVG; ``None`` where nothing helps or too little is known.

    It shows what is known up to the session of the trigger, however late it is drawn.
    """
    alerts = [each for each in transitions if wanted(each)]
    if not alerts or len(alerts) != len(transitions):
        return None
    first = max(alerts, key=lambda each: abs(each.value or 0.0))
    marks = marks_of(first.options)
    if marks is None or not marks.series:
        return None
    drawing = _Drawing(first, marks, market, lang, colour)
    if len(alerts) > 1:
        return drawing.moves(alerts)
    if marks.series[0].startswith("etf_"):
        return drawing.flows()
    if not marks.series[0].startswith("prices."):
        return None
    return drawing.spread() if marks.shape == "spread" else drawing.prices()


class _Drawing:
    """One alert, about to be drawn for one reader."""

    def __init__(self, alert: Transition, marks: Marks, market: MarketView, lang: Lang, colour: Colour) -> None:
        self.alert, self.marks, self.market, self.lang = alert, marks, market, lang
        self.palette = plain_palette(_UP_IS[colour])
        self.calendar = market.calendar_of(marks.series[0])
        self.session = self.calendar.session_of(alert.observed_at or alert.at)

    def prices(self) -> str | None:
        """Daily candles with threshold, re-arm level or the close that the change is measured from."""
        series = self.marks.series[0]
        item = self.market.universe.by_symbol.get(SeriesName.parse(series).key)
        slots = self._sessions(series, _MOST_DAYS)
        days = [self._candle(series, day) for day in slots]
        if item is None or sum(bool(day.known) for day in days) < 2 or not self._prices_at(series):
            return None
        crypto = item.kind is Kind.CRYPTO
        last = [day.close for day in days if day.close is not None]
        levels = self._levels(slots, last[-1], crypto=crypto)
        at_trigger = self._trigger_price(series)
        value = self._write(at_trigger, crypto=crypto)
        if self.marks.shape == "return":
            value = (
                f"{percent(self.alert.value)}, {value}"
                if self.lang == "en"
                else f"{percent(self.alert.value)}，{value}"
            )
        trigger = Trigger(slots.index(self.session), at_trigger, self._say("fired", at=self._moment(), value=value))
        unit = self._say("daily", name=item.name[self.lang], currency=_currency(item.currency, self.lang))
        frame = self._frame(unit, [series])
        return marked(frame, [_day(day, self.lang) for day in slots], days, levels, trigger,
                      close=self._say("last", level=self._write(last[-1], crypto=crypto)))  # fmt: skip

    def spread(self) -> str | None:
        """Both series from the same close = 100, with the level that the first would have at the threshold."""
        if len(self.marks.series) != 2 or self.marks.base is None:
            return None
        base = self.calendar.session_of(self.marks.base)
        slots = [base, *self._between(base)]
        curves, ends, names = [], [], []
        for series in self.marks.series:
            start = self.market.on(series, base)
            if start is None or not start.value:
                return None
            found = [self.market.on(series, day) for day in slots]
            values = tuple(100 * each.value / start.value if each and each.value else None for each in found)
            if values[-1] is None or len(slots) < 2:
                return None
            ends.append(values[-1])
            item = self.market.universe.by_symbol.get(SeriesName.parse(series).key)
            name = item.name[self.lang] if item else SeriesName.parse(series).key
            names.append(name)
            curves.append(Curve(values, f"{name} {number(values[-1], 1)}"))
        other, near = ends[1], max(len(slots) - 2, 1)
        levels = []
        for value, role, key in self._bounds():
            said = self._say(key, level=points(value, self.lang))
            levels.append(Level(other + 100 * value, said, "trigger" if role == "trigger" else "until", near))
        said = self._say("fired", at=self._moment(), value=points(self.alert.value, self.lang))
        trigger = Trigger(len(slots) - 1, ends[0], said)
        unit = self._say("rebased", day=_day(base, self.lang), other=names[1])
        frame = self._frame(unit, list(self.marks.series))
        return marked(frame, [_day(day, self.lang) for day in slots], curves, levels, trigger)

    def flows(self) -> str | None:
        """A column a session, provisional ones hatched, with the threshold where it isn't zero."""
        series = self.marks.series[0]
        figures = [each for each in self.market.history(series, last=self.session) if each.value is not None]
        figures = figures[-(_FEWER_FLOWS if self.marks.trigger else _MOST_FLOWS) :]
        if len(figures) < 2 or figures[-1].session != self.session:
            return None
        bars = [
            Bar(_day(each.session, self.lang), (each.value or 0.0) / 1e6, amount(each.value, 6, 1, signed=True),
                firm=each.status is Status.FINAL)
            for each in figures
        ]  # fmt: skip
        level = None
        if self.marks.trigger:
            level = (
                self.marks.trigger / 1e6,
                self._say("trigger", level=amount(self.marks.trigger, 6, 1, signed=True)),
            )
        asset = SeriesName.parse(series).key
        unit = f"{asset} ETF · {self._say('flows')}"
        if not all(bar.firm for bar in bars):
            unit += f" · {self._say('hatched')}"
        value = amount(self.alert.value, 6, 1, signed=True)
        said = self._say("fired", at=_day(self.session, self.lang), value=value)
        return columns(self._frame(unit, [series]), bars, height=260, level=level, marked=(len(bars) - 1, said))

    def moves(self, alerts: Sequence[Transition]) -> str | None:
        """Alerts of one rule on many instruments: a bar each, the largest first."""
        every = [marks_of(each.options) for each in alerts]
        if any(each is None or each.shape != "return" or each.base is None for each in every):
            return None
        base = self.calendar.session_of(self.marks.base or self.alert.at)
        bars = []
        for each in sorted(alerts, key=lambda each: -abs(each.value or 0.0)):
            item = self.market.universe.by_symbol.get(SeriesName.parse(each.series[0]).key) if each.series else None
            name = item.name[self.lang] if item else each.labels.get("symbol", each.rule)
            bars.append(Bar(name, each.value or 0.0, percent(each.value)))
        bound = percent(abs(self.marks.trigger or 0.0), signed=False)
        unit = self._say("moves", day=_day(base, self.lang), level=f"±{bound}")
        names = [name for each in alerts for name in each.series]
        return ranked(self._frame(unit, names), bars)

    def _candle(self, series: str, day: date) -> Candle:
        symbol = SeriesName.parse(series).key
        found = [self.market.on(f"prices.{symbol}.{name}", day) for name in ("open", "high", "low", "close")]
        return Candle(_day(day, self.lang), *(each.value if each else None for each in found))

    def _prices_at(self, series: str) -> list[Figure]:
        found = self.market.on(series, self.session)
        return [found] if found and found.value is not None else []

    def _trigger_price(self, series: str) -> float:
        """Where the trigger is drawn: the figure that decided, or the session's close where that is a change."""
        if self.marks.shape == "level" and self.alert.value is not None:
            return self.alert.value
        return self._prices_at(series)[0].value or 0.0

    def _sessions(self, series: str, most: int) -> list[date]:
        """The sessions up to the trigger's, from the first one in reach of which something is known."""
        known = [each.session for each in self.market.history(series, last=self.session) if each.value is not None]
        days = [self.session]
        while len(days) < most and known and days[-1] > known[0]:
            days.append(self.calendar.previous(days[-1]))
        days = days[::-1]
        seen = set(known)
        return days[next((index for index, day in enumerate(days) if day in seen), 0) :]

    def _between(self, base: date) -> list[date]:
        days = [self.session] if self.session > base else []
        while days and (before := self.calendar.previous(days[-1])) > base:
            days.append(before)
        return days[::-1]

    def _bounds(self) -> list[tuple[float, str, str]]:
        """Trigger and other levels of the rule: value, role and the words for it."""
        trigger = [(self.marks.trigger, "trigger", "trigger")] if self.marks.trigger is not None else []
        key = "rearm" if self.marks.rearms else "clear"
        return [*trigger, *((value, "until", key) for value in self.marks.until)]

    def _levels(self, slots: Sequence[date], near: float, *, crypto: bool) -> list[Level]:
        scale, levels = None, []
        if self.marks.shape == "return":
            base = self.market.on_or_before(
                self.marks.series[0], self.calendar.session_of(self.marks.base or self.alert.at)
            )
            if base is None or not base.value:
                return []
            scale = base.value
            first = slots.index(base.session) if base.session in slots else 0
            said = self._say("base", day=_day(base.session, self.lang), level=self._write(scale, crypto=crypto))
            levels.append(Level(scale, said, "base", first))
        for value, role, key in self._bounds():
            at = value if scale is None else scale * (1 + value)
            words = (
                self._write(at, crypto=crypto)
                if scale is None
                else f"{percent(value)} = {self._write(at, crypto=crypto)}"
            )
            levels.append(Level(at, self._say(key, level=words), "trigger" if role == "trigger" else "until"))
        return [level for level in levels if abs(level.value / near - 1) <= _FAR or level.role != "until"]

    def _write(self, value: float, *, crypto: bool) -> str:
        return price(value, self.lang, crypto=crypto)

    def _moment(self) -> str:
        """The session; on a market without sessions the instant too, unless the figure stands for the whole day."""
        at: datetime = self.alert.observed_at or self.alert.at
        whole_day = self.calendar.name != CONTINUOUS or at.time() == _END_OF_DAY
        return _day(self.session, self.lang) + ("" if whole_day else f" {at:%H:%M} UTC")

    def _frame(self, unit: str, names: Sequence[str]) -> Frame:
        found = [self.market.on_or_before(name, self.session) for name in names]
        known = [each.source for each in found if each] or self.alert.sources
        sources = ", ".join(dict.fromkeys(source_name(source, self.lang) for source in known))
        title = f"{self.alert.title[self.lang]} · {self.alert.rule}"
        return Frame(_WIDTH, title, unit, self._say("source", sources=sources), self.palette, alone=True)

    def _say(self, key: str, **words: str) -> str:
        return _WORDS[self.lang][key].format(**words)


def _day(day: date, lang: Lang) -> str:
    return f"{day.month}月{day.day}日" if lang == "zh" else f"{day.day} {_MONTHS[day.month - 1]}"


def _currency(code: str, lang: Lang) -> str:
    return {"USD": "美元", "HKD": "港元", "CNY": "元"}.get(code, code) if lang == "zh" else code
