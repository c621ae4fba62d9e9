"""What a price changed over a day, a week, a month or a year: from the last close before it to the newest one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from bot.market.view import Figure, MarketView, Ratio
from rules.calendars.sessions import Calendar, Period


class Window(StrEnum):
    """A span that a change is measured over, as it is typed."""

    DAY = "1d"
    WEEK = "1w"
    MONTH = "mtd"
    YEAR = "ytd"


_PERIODS: dict[Window, Period] = {Window.WEEK: "week", Window.MONTH: "month", Window.YEAR: "year"}
_OLDEST_BASE = timedelta(days=10)
"""How much older than the session that it should be of a base may be: a trading halt, a missing bar."""
_SETTLING = timedelta(hours=1)
"""How long after a close its figure may take to arrive before the one before counts as stale."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a series changed: ``ratio`` is a fraction (0.05 is five percent)."""

    ratio: float
    base: Figure
    last: Figure


def base_session(calendar: Calendar, window: Window, session: date) -> date:
    """The session whose close a change over ``window`` up to ``session`` starts from."""
    if window is Window.DAY:
        return calendar.previous(session)
    return calendar.base_of(_PERIODS[window], session)


def change(market: MarketView, series: str, window: Window) -> Change | None:
    """The newest change of ``series``; ``None`` where one of its two figures isn't known."""
    last = market.latest(series)
    if last is None:
        return None
    wanted = base_session(market.calendar_of(series), window, last.session)
    base = market.on_or_before(series, wanted)
    if base is None or wanted - base.session > _OLDEST_BASE or not base.value or last.value is None:
        return None
    return Change(last.value / base.value - 1, base, last)


def ratios(market: MarketView, names: Sequence[str], window: Window) -> list[Ratio | None]:
    """What each of many series changed over ``window``, as :func:`change` would say."""

    def base_of(calendar: Calendar, session: date) -> date:
        return base_session(calendar, window, session)

    return market.ratios(names, base_of, _OLDEST_BASE)


def due_session(calendar: Calendar, now: datetime) -> date:
    """The newest session whose close should be known at ``now``."""
    session = calendar.session_of(now)
    return session if calendar.close(session) + _SETTLING <= now else calendar.previous(session)


def is_stale(market: MarketView, series: str, figure: Figure, now: datetime) -> bool:
    """Whether a newer session than the figure's should be known by ``now``."""
    return figure.session < due_session(market.calendar_of(series), now)
