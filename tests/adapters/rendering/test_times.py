from datetime import UTC, datetime

import pytest

from adapters.message import Instant, Reader
from adapters.rendering.times import instant_text

CLOSE = datetime(2024, 11, 1, 20, 0, tzinfo=UTC)
WINTER = datetime(2024, 11, 4, 21, 0, tzinfo=UTC)
UTC_DAY = datetime(2024, 11, 1, 23, 59, 59, tzinfo=UTC)

CASES = [
    (Instant(CLOSE, "America/New_York", "Close"), Reader(lang="en", tz="Asia/Shanghai"),
     "Close Fri 1 Nov 16:00 ET (Sat 04:00 UTC+8)"),
    (Instant(CLOSE, "America/New_York", "收盘"), Reader(lang="zh", tz="Asia/Shanghai"),
     "收盘 美东 11-01 16:00（北京 11-02 04:00）"),
    # The same date is not said twice.
    (Instant(CLOSE, "America/New_York", "Close"), Reader(lang="en", tz="UTC"), "Close Fri 1 Nov 16:00 ET (20:00 UTC)"),
    # After the clocks change the close is an hour later in UTC, and ET all the same.
    (Instant(WINTER, "America/New_York", ""), Reader(lang="en", tz="UTC"), "Mon 4 Nov 16:00 ET (21:00 UTC)"),
    # A reader whose clock shows the market's time reads it once.
    (Instant(CLOSE, "Asia/Hong_Kong", "收盘"), Reader(lang="zh", tz="Asia/Shanghai"), "收盘 香港 11-02 04:00"),
    (Instant(UTC_DAY, "UTC", "as of"), Reader(lang="en", tz="Asia/Kolkata"),
     "as of Fri 1 Nov 23:59 UTC (Sat 05:29 UTC+5:30)"),
    (Instant(CLOSE, "America/New_York", ""), Reader(lang="zh", tz="America/Chicago"),
     "美东 11-01 16:00（UTC-5 11-01 15:00）"),
    # A zone that doesn't exist reads as UTC; it never fails a message.
    (Instant(CLOSE, "Mars/Olympus", ""), Reader(lang="en", tz="../etc/passwd"), "Fri 1 Nov 20:00 UTC"),
]  # fmt: skip


@pytest.mark.parametrize(("instant", "reader", "expected"), CASES)
def test_market_time_comes_first_and_the_readers_in_parentheses(
    instant: Instant, reader: Reader, expected: str
) -> None:
    """Both times are named without an ambiguous abbreviation."""
    assert expected == instant_text(instant, reader)


@pytest.mark.parametrize("tz", ["America/New_York", "America/Chicago", "Asia/Shanghai", "Asia/Taipei"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_cst_and_est_are_never_said(tz: str, lang: str) -> None:
    """CST names three zones, so no zone is called that."""
    text = instant_text(Instant(WINTER, tz, ""), Reader(lang=lang, tz="America/Chicago"))
    assert not any(word in text for word in ("CST", "EST", "CDT", "EDT"))
