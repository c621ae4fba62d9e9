"""The market view and the changes that are computed from it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.market.view import MarketView
from bot.market.windows import Window, change
from rules.calendars.sessions import Calendars
from rules.model import CalendarEvent, Observation, Status
from rules.universe import Instrument, Kind, Universe

CALENDARS = Calendars()
UNIVERSE = Universe(
    [
        Instrument("AAA", {"en": "A", "zh": "A"}, Kind.EQUITY, "USD", "XNYS"),
        Instrument("9999.HK", {"en": "H", "zh": "H"}, Kind.EQUITY, "HKD", "XHKG"),
        Instrument("BTC-USD", {"en": "B", "zh": "B"}, Kind.CRYPTO, "USD", "24/7"),
    ]
)
SERIES = "prices.AAA.close"


def _close(day: date, value: float | None, *, calendar: str = "XNYS", known_h: float = 0, **more) -> Observation:
    at = CALENDARS.get(calendar).close(day)
    symbol = {"XNYS": "AAA", "XHKG": "9999.HK", "24/7": "BTC-USD"}[calendar]
    return Observation(f"prices.{symbol}.close", at, at + timedelta(hours=known_h), value, **more)


def _view(*items: Observation) -> MarketView:
    view = MarketView(UNIVERSE, CALENDARS)
    view.apply(items)
    return view


DAY = date(2024, 11, 1)


@pytest.mark.parametrize(
    ("later", "stands"),
    [
        # A revision that became known later stands.
        (_close(DAY, 11.0, known_h=5), 11.0),
        # One that became known earlier says nothing new.
        (_close(DAY, 11.0, known_h=-1), 10.0),
        # Nor does a tick of a bar that is complete.
        (_close(DAY, 11.0, known_h=5, status=Status.PARTIAL), 10.0),
        # Of two sources that tell at once, the one that rounds less is right for both.
        (_close(DAY, 10.02, source="other"), 10.02),
        (_close(DAY, 9.0, source="other"), 9.0),
    ],
)
def test_of_two_figures_for_a_session_one_stands(later: Observation, stands: float) -> None:
    """The later known, unless it is less than what is there."""
    found = _view(_close(DAY, 10.0, source="one"), later).latest(SERIES)
    assert found is not None
    assert stands == found.value


@given(st.permutations([(date(2024, 10, day), float(day)) for day in (21, 22, 23, 24, 25, 28, 29)]))
def test_the_order_of_arrival_does_not_matter(points: list[tuple[date, float]]) -> None:
    """History that comes late lands in its place."""
    view = _view(*(_close(day, value) for day, value in points))
    assert [21, 22, 23, 24, 25, 28, 29] == [figure.session.day for figure in view.history(SERIES)]
    assert [22.0, 23.0] == [f.value for f in view.history(SERIES, date(2024, 10, 22), date(2024, 10, 23))]


def test_a_missing_value_is_known_to_be_missing() -> None:
    """``None`` is kept as such; the newest figure with a value is the one before."""
    view = _view(_close(date(2024, 10, 31), 10.0), _close(DAY, None, status=Status.PENDING))
    assert (DAY, None) == (view.on(SERIES, DAY).session, view.on(SERIES, DAY).value)
    assert 10.0 == view.latest(SERIES).value


@pytest.mark.parametrize(
    ("window", "calendar", "base"),
    [
        (Window.DAY, "XNYS", date(2024, 10, 31)),
        (Window.WEEK, "XNYS", date(2024, 10, 25)),
        (Window.MONTH, "XNYS", date(2024, 10, 31)),
        (Window.YEAR, "XNYS", date(2023, 12, 29)),
        (Window.YEAR, "XHKG", date(2023, 12, 29)),
        # A coin's week starts with Monday's first second, so Sunday's last is its base.
        (Window.WEEK, "24/7", date(2024, 10, 27)),
        (Window.YEAR, "24/7", date(2023, 12, 31)),
    ],
)
def test_a_change_starts_from_the_last_close_before_the_period(window: Window, calendar: str, base: date) -> None:
    """On the market's own calendar."""
    other = CALENDARS.get(calendar).previous(base)
    view = _view(
        _close(other, 1.0, calendar=calendar),
        _close(base, 8.0, calendar=calendar),
        _close(DAY, 10.0, calendar=calendar),
    )
    symbol = {"XNYS": "AAA", "XHKG": "9999.HK", "24/7": "BTC-USD"}[calendar]
    found = change(view, f"prices.{symbol}.close", window)
    assert found is not None
    assert (base, 0.25) == (found.base.session, found.ratio)


def test_a_base_that_is_much_too_old_is_none() -> None:
    """A halt of a few days is bridged, one of a month is not."""
    assert change(_view(_close(date(2024, 10, 22), 8.0), _close(DAY, 10.0)), SERIES, Window.WEEK) is not None
    assert change(_view(_close(date(2024, 9, 20), 8.0), _close(DAY, 10.0)), SERIES, Window.WEEK) is None


def test_a_tick_after_hours_belongs_to_the_session_that_closed() -> None:
    """An instant between a close and the next open is still the session's."""
    tick = Observation(SERIES, datetime(2024, 11, 2, 1, tzinfo=UTC), datetime(2024, 11, 2, 1, tzinfo=UTC), 9.0)
    assert DAY == _view(tick).latest(SERIES).session


def _event(start: str, known: int, key: str = "NVDA") -> CalendarEvent:
    title = {"en": key, "zh": key}
    return CalendarEvent("earnings", key, start, start, title, datetime(2024, 11, known, tzinfo=UTC))


def test_an_event_that_moved_is_listed_once() -> None:
    """The date that became known later stands, also where the earlier one arrives again."""
    view = MarketView(UNIVERSE, CALENDARS)
    view.apply_events([_event("2024-11-20", 1), _event("2024-11-21", 2), _event("2024-11-20", 1)])
    view.apply_events([_event("2025-02-26", 1)])
    assert ["2024-11-21"] == [event.start for event in view.events(DAY, date(2024, 12, 31))]
    assert "2025-02-26" == view.next_earnings("NVDA", date(2024, 12, 1)).start


def test_what_was_found_is_remembered_until_a_figure_comes_in() -> None:
    """Two hundred people who ask the same cost one ranking; a new figure is never missed."""
    view, asked = _view(_close(DAY, 10.0)), []

    def find() -> float | None:
        asked.append(1)
        last = view.latest(SERIES)
        return last.value if last else None

    assert [10.0, 10.0] == [view.remembered("key", find) for _ in range(2)]
    view.apply([_close(DAY, 11.0, known_h=5)])
    assert (11.0, 2) == (view.remembered("key", find), len(asked))


def test_the_newest_figure_of_a_source_is_the_one_that_happened_last() -> None:
    """Not the one that became known last: old quarters are filed later than closes."""
    view = MarketView(UNIVERSE, CALENDARS)
    close, told = datetime(2024, 11, 1, 20, tzinfo=UTC), datetime(2024, 11, 2, tzinfo=UTC)
    quarter, filed = datetime(2024, 9, 30, tzinfo=UTC), datetime(2024, 11, 2, 1, tzinfo=UTC)
    view.apply([Observation(SERIES, close, told, 1.0, source="Wind")])
    view.apply([Observation("fundamentals.AAA.capex", quarter, filed, 1.0, source="Wind")])
    assert (filed, close) == (view.health["Wind"].last_success, view.health["Wind"].newest)
