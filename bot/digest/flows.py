"""Figures 17 to 19: flows of the US spot ETFs that hold bitcoin, or ether."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import fsum

from bot.digest.facts import Fact, Standing, derived, observed
from bot.digest.figure import FLOW_UNIT, Cell, Column, Figure, Row, day_text
from bot.digest.frame import Frame
from rules.model import Localized


@dataclass(frozen=True, slots=True)
class FlowDay:
    """One day of the table: net flow in USD by fund and in total, ``None`` where not reported; ``final`` when whole."""

    day: date
    funds: dict[str, float | None]
    total: float | None
    status: Standing


def fund_names(frame: Frame) -> tuple[str, ...]:
    """The funds that have flows, in the universe's order, then others by name. Columns appear over time."""
    prefix = f"etf_flows.{frame.layout.etf.asset}."
    found = {name.removeprefix(prefix) for name in frame.data.series(prefix)} - {"total"}
    listed = [item.symbol for item in frame.universe.instruments if item.underlying == frame.layout.etf.asset]
    keys = [next((alias for alias in (symbol, *_aliases(frame, symbol)) if alias in found), "") for symbol in listed]
    known = tuple(dict.fromkeys(key for key in keys if key))
    return (*known, *sorted(found - set(known)))


def _aliases(frame: Frame, symbol: str) -> tuple[str, ...]:
    return frame.universe.by_symbol[symbol].aliases


def flow_days(frame: Frame) -> tuple[FlowDay, ...]:
    """The table's days, oldest first: the last sessions that were told of, and those of the span that weren't yet."""
    name, calendar = f"etf_flows.{frame.layout.etf.asset}", frame.calendars.get("XNYS")
    told = {item.at.date() for item in frame.data.span(f"{name}.total", frame.layout.etf.held.launch, frame.span.last)}
    if not told:
        return ()
    wanted = sorted(told | {day for day in frame.span.days if calendar.is_session(day)})[-frame.layout.etf.days :]
    funds = fund_names(frame)
    days = []
    for day in wanted:
        total = _flow(frame, f"{name}.total", day)
        cells = {fund: _flow(frame, f"{name}.{fund}", day).number for fund in funds}
        days.append(FlowDay(day, cells, total.number, total.status))
    return tuple(days)


def state_flows(frame: Frame) -> None:
    """Facts ``etf.BTC.week_total``, ``etf.BTC.FUND.week``, ``.outflow_days``, ``.inflow_days`` and the streak.

    While a session is missing there is no total: ``week_so_far`` and ``FUND.so_far`` add up those that are known.
    ``open_days`` are the sessions that aren't final: they count neither as outflow nor as inflow. ``streak_days`` and
    ``streak_total`` describe the run of inflow days that goes on at the last final day, or that an outflow on that day
    ended (``streak_ended`` is the day).
    """
    asset, state = frame.layout.etf.asset, frame.facts.state
    calendar = frame.calendars.get("XNYS")
    days = [day for day in frame.span.days if calendar.is_session(day)]
    totals = [_flow(frame, f"etf_flows.{asset}.total", day) for day in days]
    week = state(f"etf.{asset}.week_total", _total(totals))
    if not week.known:
        state(f"etf.{asset}.week_so_far", _so_far(totals))
    for fund in fund_names(frame):
        flows = [_flow(frame, f"etf_flows.{asset}.{fund}", day) for day in days]
        if not state(f"etf.{asset}.{fund}.week", _total(flows)).known:
            state(f"etf.{asset}.{fund}.so_far", _so_far(flows))
    for day, fact in zip(days, totals, strict=True):
        state(f"etf.{asset}.{day.isoformat()}", fact)
    open_days = tuple(d.isoformat() for d, f in zip(days, totals, strict=True) if _settled(f) is None)
    state(f"etf.{asset}.open_days", derived(open_days, "dates", [f for f in totals if f.known]))
    for name, sign in (("outflow_days", -1), ("inflow_days", 1)):
        hit = tuple(d.isoformat() for d, f in zip(days, totals, strict=True) if (_settled(f) or 0.0) * sign > 0)
        state(f"etf.{asset}.{name}", derived(hit, "dates", (week,)))
    _state_streak(frame)


def _flow(frame: Frame, series: str, day: date) -> Fact:
    return observed(frame.data.on(series, day), "USD", f"{series} {day}")


def _total(flows: Sequence[Fact]) -> Fact:
    if any(fact.number is None for fact in flows):
        return derived(None, "USD", flows)
    return derived(fsum(fact.number or 0.0 for fact in flows), "USD", flows)


def _so_far(flows: Sequence[Fact]) -> Fact:
    """The sum of the days that are known; it may yet become more."""
    known = [fact for fact in flows if fact.number is not None]
    if not known:
        return _total(flows)
    return replace(_total(known), status=Standing.PARTIAL)


def _settled(fact: Fact) -> float | None:
    """The flow of a day that is final; a partial total may yet change its sign."""
    return fact.number if fact.status is Standing.FINAL else None


def reported(frame: Frame, day: date) -> tuple[int, int]:
    """How many funds of how many have reported ``day``."""
    flows = [_flow(frame, f"etf_flows.{frame.layout.etf.asset}.{fund}", day) for fund in fund_names(frame)]
    return sum(fact.number is not None for fact in flows), len(flows)


def _state_streak(frame: Frame) -> None:
    """Only final days count; a run whose beginning isn't stored has no length."""
    asset, calendar = frame.layout.etf.asset, frame.calendars.get("XNYS")
    name = f"etf_flows.{asset}.total"
    last = calendar.session_on_or_before(frame.span.last)
    while last >= frame.span.first and _settled(_flow(frame, name, last)) is None:
        last = calendar.previous(last)
    end = _flow(frame, name, last)
    ended = (_settled(end) or 0.0) < 0
    run: list[Fact] = []
    day = calendar.previous(last) if ended else last
    while (_settled(flow := _flow(frame, name, day)) or 0.0) > 0:
        run.append(flow)
        day = calendar.previous(day)
    bounds = (*run, end, flow)
    state = frame.facts.state
    state(f"etf.{asset}.streak_days", derived(float(len(run)), "days", bounds))
    state(f"etf.{asset}.streak_total", derived(fsum(f.number or 0.0 for f in run), "USD", bounds))
    state(f"etf.{asset}.streak_ended", derived(last.isoformat() if ended and run else None, "date", bounds))


def _title(frame: Frame, en: str, zh: str) -> Localized:
    name = frame.layout.etf.held.name
    return {"en": f"US spot {name['en']} ETFs: {en}", "zh": f"美国现货{name['zh']} ETF {zh}"}


def flows_figure(frame: Frame) -> Figure:
    """Figure 17: the fund table with its summary rows."""
    asset, days, funds = frame.layout.etf.asset, flow_days(frame), fund_names(frame)
    launch_day, title = frame.layout.etf.held.launch, _title(frame, "net flow by fund", "分基金资金净流入")
    if not days:
        return Figure(number=17, title=title, missing={"en": "no flows are known", "zh": "缺资金流数据"})
    daily: Localized = {"en": "Net flow a day", "zh": "每日净流入"}
    launch: Localized = {"en": f"Since {launch_day}", "zh": f"{launch_day} 上市以来"}
    rows: list[Row] = [_summary_row(frame, "etf_fee", {"en": "Fee", "zh": "费率"}, funds)]
    for item in days:
        marked = "" if item.status is Standing.FINAL else "*"
        rows.append(
            {"group": daily, "day": item.day.isoformat(), "day_mark": marked, **item.funds, "total": item.total}
        )
    rows += [{"group": launch, **row} for row in _since_launch_rows(frame, funds)]
    last = frame.data.last(f"etf_flows.{asset}.total", frame.span.last)
    notes: list[Localized] = [
        {
            "en": "$m. A fund that hasn't reported is —, not zero.",
            "zh": "单位：百万美元。未披露的基金以“—”表示，不计为零。",
        }
    ]
    if any(row.get("total") is None for row in rows[-len(_SUMMARIES) :]):
        notes.append(
            {
                "en": f"A row since {launch_day} is — where neither the source states it nor every session is stored.",
                "zh": f"{launch_day} 以来的汇总，来源未列示且历史数据不全者以“—”表示。",
            }
        )
    return Figure(
        number=17,
        title=title,
        columns=(
            Column("day", {"en": "Day", "zh": "日期"}, "date"),
            *(Column(fund, {"en": fund, "zh": fund}, "flow") for fund in funds),
            Column("total", {"en": "Total", "zh": "合计"}, "flow"),
        ),
        rows=tuple(rows),
        notes=tuple(notes),
        source=last.source if last else "",
        as_of=last.at if last else None,
        status=_standing(days),
    )


def _summary_row(frame: Frame, feed: str, label: Localized, funds: Sequence[str]) -> Row:
    cells: dict[str, Cell] = {}
    for fund in (*funds, "total"):
        found = frame.data.last(f"{feed}.{frame.layout.etf.asset}.{fund}", frame.span.last)
        raw = found.value if found else _fee(frame, fund) if feed == "etf_fee" else None
        cells[fund] = raw * 100 if feed == "etf_fee" and raw is not None else raw
    return {"day": label, **({"form": _SUMMARY_FORMS[feed]} if feed in _SUMMARY_FORMS else {}), **cells}


def _fee(frame: Frame, fund: str) -> float | None:
    """The fee that the universe states, a fraction."""
    items = (item for item in frame.universe.instruments if item.underlying == frame.layout.etf.asset)
    return next((item.fee for item in items if fund in {item.symbol, *item.aliases}), None)


_SUMMARY_FORMS = {"etf_fee": "ratio2", "etf_since_launch": "flow0"}
_SUMMARIES: tuple[tuple[str, str, Localized], ...] = (
    ("etf_since_launch", "sum", {"en": "Total", "zh": "合计"}),
    ("etf_average", "mean", {"en": "Average", "zh": "日均"}),
    ("etf_maximum", "max", {"en": "Maximum", "zh": "最大值"}),
    ("etf_minimum", "min", {"en": "Minimum", "zh": "最小值"}),
)


def _since_launch_rows(frame: Frame, funds: Sequence[str]) -> list[Row]:
    """Recomputed where every session since launch is stored, else as the source states them."""
    history = {fund: whole_history(frame, fund) for fund in (*funds, "total")}
    rows: list[Row] = []
    for feed, name, label in _SUMMARIES:
        row = dict(_summary_row(frame, feed, label, funds))
        for fund, values in history.items():
            if values:
                row[fund] = _aggregate(name, values)
        rows.append(row)
    return rows


def _aggregate(name: str, values: Sequence[float]) -> float:
    if name == "sum":
        return fsum(values)
    if name == "mean":
        return fsum(values) / len(values)
    return max(values) if name == "max" else min(values)


def whole_history(frame: Frame, fund: str, last: date | None = None) -> list[float]:
    """The fund's flows of every session since launch up to ``last`` (the span's), or nothing when one is missing."""
    calendar = frame.calendars.get("XNYS")
    known = frame.data.span(f"etf_flows.{frame.layout.etf.asset}.{fund}", frame.layout.etf.held.launch, frame.span.last)
    days = {item.at.date(): item.value for item in known}
    day = calendar.session_on_or_before(last or frame.span.last)
    values: list[float] = []
    while day >= frame.layout.etf.held.launch:
        value = days.get(day)
        if value is None:
            return []
        values.append(value)
        day = calendar.previous(day)
    return values


def daily_flow_figure(frame: Frame) -> Figure:
    """Figure 18: net flow a day."""
    days = flow_days(frame)
    title = _title(frame, "daily net flow", "每日净流入")
    rows: list[Row] = [{"day": d.day.isoformat(), "flow": d.total, "status": d.status.value} for d in days]
    return _flow_series(frame, 18, title, days, rows)


def cumulative_flow_figure(frame: Frame) -> Figure:
    """Figure 19: cumulative net flow since launch, counted back from the stated total where history is short."""
    days = flow_days(frame)
    since = frame.layout.etf.held.launch
    title = _title(
        frame, f"cumulative net flow since {day_text(since, 'en')} {since.year}", f"累计净流入（自 {since}）"
    )
    known = [item for item in days if item.total is not None]
    level = _level_at(frame, known[-1].day) if known else None
    if level is None:
        return Figure(
            number=19, title=title, missing={"en": "the history since launch isn't stored", "zh": "缺上市以来完整历史"}
        )
    rows: list[Row] = []
    for item in reversed(days):
        rows.append({"day": item.day.isoformat(), "flow": None, "status": item.status.value})
        if item.total is not None:
            rows[-1] = {**rows[-1], "flow": level}
            level -= item.total
    return _flow_series(frame, 19, title, days, rows[::-1])


def _level_at(frame: Frame, day: date) -> float | None:
    """The flow since launch up to ``day``: every session's, else what the source states and the sessions after it."""
    whole = whole_history(frame, "total", day)
    if whole:
        return fsum(whole)
    stated = frame.data.last(f"etf_since_launch.{frame.layout.etf.asset}.total", day)
    if stated is None or stated.value is None:
        return None
    later, calendar = [], frame.calendars.get("XNYS")
    while day > stated.at.date():
        flow = _flow(frame, f"etf_flows.{frame.layout.etf.asset}.total", day).number
        if flow is None:
            return None
        later.append(flow)
        day = calendar.previous(day)
    return fsum([stated.value, *later])


def _standing(days: Sequence[FlowDay]) -> Standing:
    """How firm the newest day is."""
    return Standing.PENDING if days[-1].total is None else days[-1].status


def _flow_series(frame: Frame, number: int, title: Localized, days: Sequence[FlowDay], rows: Sequence[Row]) -> Figure:
    if not days:
        return Figure(number=number, title=title, missing={"en": "no flows are known", "zh": "缺资金流数据"})
    notes: list[Localized] = []
    if any(item.total is not None and item.status is not Standing.FINAL for item in days):
        notes.append({"en": "Hatched: not final.", "zh": "斜纹为未终值。"})
    if open_ := [item.day for item in days if item.total is None]:
        named: Localized = {
            "en": ", ".join(day_text(day, "en") for day in open_),
            "zh": "、".join(day_text(day, "zh") for day in open_),
        }
        notes.append({"en": f"Not published yet: {named['en']}.", "zh": f"待公布：{named['zh']}。"})
    last = frame.data.last(f"etf_flows.{frame.layout.etf.asset}.total", frame.span.last)
    return Figure(
        number=number,
        title=title,
        columns=(
            Column("day", {"en": "Day", "zh": "日期"}, "date"),
            Column(
                "flow",
                {"en": "Net flow", "zh": "净流入"} if number == 18 else {"en": "Cumulative", "zh": "累计净流入"},
                "flow",
                FLOW_UNIT,
            ),
        ),
        rows=tuple(rows),
        notes=tuple(notes),
        source=last.source if last else "",
        as_of=last.at if last else None,
        status=_standing(days),
    )
