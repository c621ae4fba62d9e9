"""The recorded week says what the printed tables say, in the order in which it could be known."""

from datetime import UTC, date, datetime

import pytest

from bot.reference import tables
from bot.reference.recording import END, START, Recording, close_before, quarter_end, recording, session_close
from rules.model import Observation, Status
from rules.universe import Instrument, Kind, Universe


@pytest.fixture(scope="module")
def week() -> Recording:
    """The recording, on the calendars of its own files."""
    return recording(Universe([]))


def _known(week: Recording, series: str, until: datetime = END) -> dict[datetime, Observation]:
    """The newest observation of each instant, as known at ``until``."""
    everything = week.history + week.observations
    return {item.at: item for item in everything if item.series == series and item.known_at <= until}


@pytest.mark.parametrize("row", tables.closes(), ids=lambda row: row.symbol)
def test_every_printed_change_follows_from_the_recorded_closes(week: Recording, row: tables.Close) -> None:
    """Each change computed back prints as the report's, and never falls short of it by floating noise."""
    closes = [item.value for _, item in sorted(_known(week, f"prices.{row.symbol}.close").items())]
    assert len(closes) == 4
    year, base, month, last = (float(value or 0) for value in closes)
    for before, printed in ((year, row.year_pct), (base, row.week_pct), (month, row.month_pct)):
        change = last / before - 1
        if row.symbol == "^NDX" and before == 20352.02:
            assert round(change * 100, 1) == float(printed)
        else:
            assert abs(change) >= abs(float(printed)) / 100
            assert change * 100 == pytest.approx(float(printed), abs=1e-5)


def test_observations_come_in_the_order_in_which_they_became_known(week: Recording) -> None:
    """History ends where the week starts, and nothing is known before it happened."""
    assert list(week.history) == sorted(week.history, key=lambda item: (item.known_at, item.at))
    assert list(week.observations) == sorted(week.observations, key=lambda item: (item.known_at, item.at))
    assert max(item.known_at for item in week.history) <= START < min(item.known_at for item in week.observations)
    assert max(item.known_at for item in week.observations) <= END
    assert [item for item in week.history + week.observations if item.at > item.known_at] == []


def test_thursdays_closes_are_known_only_with_fridays(week: Recording) -> None:
    """The printed report reveals 31 October through the month's change, so Thursday's evening knows no such bar."""
    thursday = session_close("XNYS", date(2024, 10, 31))
    assert thursday not in _known(week, "prices.^SOX.close", datetime(2024, 11, 1, 19, tzinfo=UTC))
    assert thursday in _known(week, "prices.^SOX.close")


def test_closes_stand_at_the_exchanges_own_close() -> None:
    """New York closes at 20:00 UTC in that week (daylight saving time) and Hong Kong at 08:00 UTC."""
    assert session_close("XNYS", date(2024, 11, 1)) == datetime(2024, 11, 1, 20, tzinfo=UTC)
    assert session_close("XNYS", date(2023, 12, 29)) == datetime(2023, 12, 29, 21, tzinfo=UTC)
    assert session_close("XHKG", date(2024, 11, 1)) == datetime(2024, 11, 1, 8, tzinfo=UTC)


def test_the_universe_decides_the_calendar() -> None:
    """An instrument that the universe puts on another calendar closes with it."""
    name = {"en": "x", "zh": "x"}
    universe = Universe([Instrument("931734.CSI", name, Kind.INDEX, "points", "XHKG", priced=False)])
    closes = _known(recording(universe), "prices.931734.CSI.close")
    assert max(closes) == datetime(2024, 11, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("close", "change", "base"),
    [("110", "10", 100.0), ("10", "0", 10.0), ("90", "-10", 100.0), ("5.25", "-10", 5.8333334)],
)
def test_a_derived_close_never_understates_the_change(close: str, change: str, base: float) -> None:
    """The base is rounded away from the close, by less than a ten-millionth."""
    derived = close_before(close, change)
    assert derived == pytest.approx(base, rel=1e-7)
    assert abs(float(close) / derived - 1) >= abs(float(change) / 100)


def test_flows_arrive_in_two_stages(week: Recording) -> None:
    """Friday's total is partial while two funds are missing, and final, -54.9 m, an hour later."""
    totals = [item for item in week.observations if item.series == "etf_flows.BTC.total" and item.at.day == 1]
    assert [(item.known_at.hour, item.value, item.status) for item in totals] == [
        (0, -68_400_000.0, Status.PARTIAL),
        (1, -54_900_000.0, Status.FINAL),
    ]


@pytest.mark.parametrize("day", list(tables.flows()))
def test_the_funds_of_a_day_sum_to_its_total(week: Recording, day: date) -> None:
    """No fund was lost or misread on the way from the table."""
    at = session_close("XNYS", day)
    funds = [name for name in tables.flows()[day] if name != "total"]
    values = [_known(week, f"etf_flows.BTC.{fund}")[at].value or 0.0 for fund in funds]
    assert len(funds) == 11
    assert sum(values) == pytest.approx(_known(week, "etf_flows.BTC.total")[at].value)


def test_bitcoin_broke_73_000_in_the_day_and_never_at_a_close(week: Recording) -> None:
    """Only 29 October's high stands above 73,000."""
    highs = {at.day: item.value for at, item in _known(week, "prices.BTC-USD.high").items() if at.hour}
    closes = [item.value or 0.0 for item in _known(week, "prices.BTC-USD.close").values()]
    assert {day: high for day, high in highs.items() if high and high > 73_000} == {29: 73577.21}
    assert max(closes) < 73_000


def test_a_day_of_bitcoin_ends_before_the_next_begins(week: Recording) -> None:
    """The final bar of a day is known before the running bar of the next."""
    seen = [item.at for item in week.observations if item.series == "prices.BTC-USD.high"]
    assert seen == sorted(seen)


def test_both_printings_of_metas_capex_are_recorded(week: Recording) -> None:
    """Figure 7 prints 82.58 and 82 where figure 9 prints 82.6 and 81.7."""
    found: dict[str, list[float]] = {}
    for item in week.history + week.observations:
        if item.series == "fundamentals.META.capex" and item.at.year == 2024 and item.at.month > 3:
            found.setdefault(item.source, []).append((item.value or 0) / 1e8)
    assert list(found.values()) == [[82.0, 82.58], [81.7, 82.6]]


@pytest.mark.parametrize(
    ("name", "day"),
    [("3Q24", date(2024, 9, 30)), ("4Q23", date(2023, 12, 31)), ("1Q24", date(2024, 3, 31))],
)
def test_a_quarter_ends_on_its_last_day(name: str, day: date) -> None:
    """Quarters are calendar quarters."""
    assert quarter_end(name) == day
