"""Durations, instants and schedules as files write them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from rules.loading.durations import read_duration, read_every, read_instant, read_span
from rules.spec import AtInterval, AtSession, NewObservation, Span


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (read_duration, "30m", timedelta(minutes=30)),
        (read_duration, "1h30m", timedelta(minutes=90)),
        (read_duration, "0.5s", timedelta(milliseconds=500)),
        (read_duration, "2d", timedelta(hours=48)),
        (read_span, "0", Span()),
        (read_span, "2 sessions", Span(sessions=2)),
        (read_span, "1 session", Span(sessions=1)),
        (read_span, "90s", Span(seconds=90)),
        (read_instant, "2026-03-02", datetime(2026, 3, 2, tzinfo=UTC)),
        (read_instant, "2026-03-02T14:00Z", datetime(2026, 3, 2, 14, tzinfo=UTC)),
        (read_instant, "2026-03-02 14:00", datetime(2026, 3, 2, 14, tzinfo=UTC)),
        (read_instant, "2026-03-02T22:00+08:00", datetime(2026, 3, 2, 14, tzinfo=UTC)),
        (read_every, "XNYS close+20m", AtSession("XNYS", "close", timedelta(minutes=20))),
        (read_every, "HKEX open - 5m", AtSession("XHKG", "open", timedelta(minutes=-5))),
        (read_every, "24/7 close", AtSession("24/7", "close")),
        (read_every, "new(BTC_ETF)", NewObservation("BTC_ETF")),
        (read_every, "15m", AtInterval(timedelta(minutes=15))),
    ],
)
def test_what_is_understood(read: Callable[[str], object], text: str, expected: object) -> None:
    """One row a form."""
    assert expected == read(text)


@pytest.mark.parametrize(
    ("read", "text", "said"),
    [
        (read_duration, "30 minutes", "'30 minutes' is no length of time; wanted one such as 30m, 2h or 1d"),
        (read_duration, "", "is no length of time"),
        (read_duration, "99999999d", "longer than ten years"),
        (read_span, "two sessions", "wanted one such as 30m, 2h or 1d, or 2 sessions"),
        (read_instant, "tomorrow", "'tomorrow' is no instant; wanted 2026-03-02 or 2026-03-02T14:00Z"),
        (read_instant, "2026-02-30", "is no instant"),
        (read_every, "daily", "'daily' says not when; wanted XNYS close\\+20m, new\\(SERIES\\) or an interval"),
        (read_every, "NYSEX close", "no calendar is called 'NYSEX'"),
        (read_every, "XNYS close+2d", "more than a day away from the close"),
        (read_every, "0s", "no interval from 1s to 1d"),
        (read_every, "new()", "says not when"),
    ],
)
def test_what_is_refused(read: Callable[[str], object], text: str, said: str) -> None:
    """The error says which value and what is wanted."""
    with pytest.raises(ValueError, match=said):
        read(text)
