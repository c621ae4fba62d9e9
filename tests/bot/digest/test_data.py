"""The digest's view of observations: what was known, day by day."""

from datetime import UTC, date, datetime, timedelta

from bot.digest.data import ObservedData
from rules.model import CalendarEvent, Observation, Status

DAY = datetime(2024, 11, 1, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)


def seen(value: float | None, hours: int, status: Status = Status.FINAL, source: str = "a") -> Observation:
    """A figure of 1 November that became known some hours after."""
    return Observation("x.y.z", DAY, DAY + hours * HOUR, value, status, source)


def known(observations: list[Observation], hours: int = 100) -> ObservedData:
    """The data as of some hours after the close."""
    return ObservedData(observations, (), DAY + hours * HOUR)


def test_what_became_known_later_is_as_if_it_did_not_exist() -> None:
    """No look ahead."""
    data = known([seen(1.0, 1), seen(2.0, 5)], hours=4)
    found = data.on("x.y.z", DAY.date())
    assert found is not None
    assert found.value == 1.0


def test_a_revision_replaces_and_a_late_tick_does_not() -> None:
    """Final figures beat partial ones, then the newest counts."""
    data = known([seen(1.0, 1), seen(3.0, 3, Status.PARTIAL), seen(2.0, 2)])
    assert data.on("x.y.z", DAY.date()) == seen(2.0, 2)


def test_each_source_is_remembered() -> None:
    """The check for two values needs both."""
    data = known([seen(82.0, 1, source="a"), seen(81.7, 1, source="b"), seen(82.1, 2, source="a")])
    assert [(item.source, item.value) for item in data.told("x.y.z", DAY.date())] == [("a", 82.1), ("b", 81.7)]


def test_the_last_figure_skips_days_without_a_value() -> None:
    """Pending is not a value."""
    pending = Observation("x.y.z", DAY + 24 * HOUR, DAY + 25 * HOUR, None, Status.PENDING)
    data = known([seen(1.0, 1), pending])
    found = data.last("x.y.z", date(2024, 11, 5))
    assert found is not None
    assert found.value == 1.0
    assert data.last("x.y.z", date(2024, 10, 31)) is None


def test_an_event_belongs_to_every_day_it_touches() -> None:
    """A conference from Tuesday to Friday is found on Wednesday."""
    event = CalendarEvent("event", "devcon", "2024-11-12", "2024-11-15", {"en": "Devcon", "zh": "Devcon"}, DAY)
    data = ObservedData((), [event], DAY)
    wednesday = date(2024, 11, 13)
    assert data.events(wednesday, wednesday) == (event,)
    assert data.events(date(2024, 11, 16), date(2024, 11, 20)) == ()
