"""Curated events and iCalendar files."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from adapters.feeds.events import BUNDLED, Events, load, parse
from adapters.feeds.ics import Ics, slug
from adapters.feeds.port import Fetched
from rules.model import Status

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FILE = """\
version: 1
events:
  - slug: devcon
    title: {en: Devcon 8, zh: Devcon 8 大会}
    dates: [2026-11-03..2026-11-06]
    place: Mumbai
    zone: Asia/Kolkata
    tags: [crypto]
  - slug: budget
    title: Budget day
    dates: [2026-11-25, 2027-11-24]
    status: expected
"""


def write(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    """A file with ``text``."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def dates(fetched: Fetched) -> dict[str, float | None]:
    """The value of each date series."""
    return {each.series: each.value for each in fetched.observations}


async def test_events_are_told_with_all_that_is_known(tmp_path: Path):
    """An event keeps its range, place, tags and both titles; past ones stay for a month."""
    fetched = await Events(paths=[write(tmp_path, FILE)]).fetch(NOW)
    assert () == fetched.problems
    first = fetched.events[0]
    assert ("devcon", "2026-11-03", "2026-11-06", "Mumbai", ("crypto",), Status.FINAL) == (
        first.key,
        first.start,
        first.end,
        first.place,
        first.tags,
        first.status,
    )
    assert {"en": "Devcon 8", "zh": "Devcon 8 大会"} == first.title
    assert ["devcon", "budget", "budget"] == [each.key for each in fetched.events]


async def test_the_series_is_the_next_date(tmp_path: Path):
    """Only what has not ended counts; an expected date is provisional."""
    fetched = await Events(paths=[write(tmp_path, FILE)]).fetch(NOW)
    assert {"events.budget.date": 20261125.0} == dates(fetched)
    assert Status.PROVISIONAL == fetched.observations[0].status


async def test_today_is_that_of_the_place(tmp_path: Path):
    """An event ends with its day at its place, not in UTC."""
    text = FILE.replace("2026-11-03..2026-11-06", "2026-11-22").replace("Asia/Kolkata", "America/New_York")
    path = write(tmp_path, text)
    evening = datetime(2026, 11, 23, 3, tzinfo=UTC)
    assert 20261122.0 == dates(await Events(paths=[path]).fetch(evening))["events.devcon.date"]
    assert "events.devcon.date" not in dates(await Events(paths=[path]).fetch(evening.replace(hour=6)))


MISTAKES = [
    ("", "mine.yaml:1:1: the file is empty; wanted version and events"),
    ("- a\n", "mine.yaml:1:1: the file is no mapping; wanted version and events"),
    (FILE.replace("version: 1", "version: 2"), "mine.yaml:1:10: wanted version: 1"),
    (FILE.replace("    dates: [2026-11-25", "    date: [2026-11-25"), "unknown key 'date'"),
    (FILE.replace("slug: budget", "slug: Budget Day"), "mine.yaml:9:11: slug is 'Budget Day'"),
    (FILE.replace("2026-11-25", "2026-02-30"), "mine.yaml:11:13: '2026-02-30' is no date"),
    (FILE.replace("2026-11-03..2026-11-06", "2026-11-06..2026-11-03"), "mine.yaml:5:13: '2026-11-06..2026-11-03'"),
    (FILE.replace("Asia/Kolkata", "Asia/Kolkatta"), "did you mean Asia/Kolkata?"),
    (FILE.replace("expected", "likely"), "status is 'likely'; wanted confirmed or expected"),
    (FILE.replace("title: Budget day", "title: {en: , zh: }"), "mine.yaml:10:12: an event needs a title"),
    (FILE.replace("[crypto]", "crypto"), "tags is no list"),
    ("version: 1\nevents: {a: b}\n", "mine.yaml:2:9: events is no list"),
    ("version: 1\nevents: [x]\n", "mine.yaml:2:10: an event is a mapping"),
    ("version: 1\nevents: [{slug: a, title: b, dates: []}]\n", "an event needs dates"),
    ("version: 1\nevents: [", "mine.yaml:3:1: not YAML"),
]


@pytest.mark.parametrize(("text", "said"), MISTAKES)
def test_a_mistake_is_located(text: str, said: str):
    """File, line, column, and what is wanted."""
    _, problems = parse("mine.yaml", text)
    assert any(said in str(problem) for problem in problems), [str(problem) for problem in problems]


async def test_a_mistake_costs_its_own_entry_only(tmp_path: Path):
    """The other entries of the file are told."""
    path = write(tmp_path, FILE.replace("2026-11-25, ", "soon, "))
    fetched = await Events(paths=[path]).fetch(NOW)
    assert ["devcon"] == [each.key for each in fetched.events]
    assert ["mine.yaml:11:13: 'soon' is no date; wanted YYYY-MM-DD, or first..last in this order"] == [
        problem.message for problem in fetched.problems
    ]


async def test_a_missing_file_is_told(tmp_path: Path):
    """A path that leads nowhere is a problem beside the events of the others."""
    fetched = await Events(paths=[tmp_path / "none.yaml", BUNDLED]).fetch(NOW)
    assert ["none.yaml"] == [problem.subject for problem in fetched.problems]
    assert {"events.fomc.date": 20261208.0} == dates(fetched)


def test_the_bundled_file_is_right():
    """Eight meetings a year, on a Tuesday and the Wednesday after it."""
    entries, problems = load(BUNDLED)
    assert [] == problems
    assert [(2026, 8), (2027, 8)] == [
        (year, sum(first.year == year for first, _ in entries[0].dates)) for year in (2026, 2027)
    ]
    assert {(1, 2)} == {(first.weekday(), last.weekday()) for first, last in entries[0].dates}


ICS = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//EN
BEGIN:VEVENT
UID:1@example
SUMMARY:Consensus Hong Kong
DTSTART;VALUE=DATE:20261124
DTEND;VALUE=DATE:20261127
LOCATION:Hong Kong
CATEGORIES:crypto,conference
END:VEVENT
BEGIN:VEVENT
UID:2@example
SUMMARY:Rate decision
DTSTART:20261203T190000Z
DTEND:20261203T200000Z
STATUS:TENTATIVE
END:VEVENT
BEGIN:VEVENT
UID:3@example
SUMMARY:央行议息
DTSTART;TZID=Asia/Tokyo:20261218T120000
DTEND;TZID=Asia/Tokyo:20261219T000000
END:VEVENT
BEGIN:VEVENT
UID:4@example
SUMMARY:Called off
DTSTART;VALUE=DATE:20261201
STATUS:CANCELLED
END:VEVENT
BEGIN:VEVENT
UID:5@example
SUMMARY:Old
DTSTART;VALUE=DATE:20250101
END:VEVENT
END:VCALENDAR
"""


async def test_an_icalendar_file_gives_events(tmp_path: Path):
    """An exclusive end becomes the last day; tentative is expected; cancelled and long past ones are left out."""
    path = write(tmp_path, ICS.replace("\n", "\r\n"), "desk.ics")
    fetched = await Ics(path=path, zone="America/New_York", tags=("desk",)).fetch(NOW)
    assert () == fetched.problems
    assert [
        ("consensus-hong-kong", "2026-11-24", "2026-11-26", Status.FINAL, ("desk", "crypto", "conference")),
        ("rate-decision", "2026-12-03", "2026-12-03", Status.PROVISIONAL, ("desk",)),
        (slug("央行议息", "3@example"), "2026-12-18", "2026-12-18", Status.FINAL, ("desk",)),
    ] == [(each.key, each.start, each.end, each.status, each.tags) for each in fetched.events]
    assert 20261124.0 == dates(fetched)["events.consensus-hong-kong.date"]


async def test_a_time_in_utc_is_meant_in_the_files_zone(tmp_path: Path):
    """Seven in the evening UTC is still the same day in New York, and already the next one in Hong Kong."""
    path = write(tmp_path, ICS, "desk.ics")
    days = {}
    for zone in ("America/New_York", "Asia/Hong_Kong"):
        fetched = await Ics(path=path, zone=zone).fetch(NOW)
        days[zone] = next(each.start for each in fetched.events if each.key == "rate-decision")
    assert {"America/New_York": "2026-12-03", "Asia/Hong_Kong": "2026-12-04"} == days


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hello", "desk.ics is no iCalendar file"),
        ("", "desk.ics is no iCalendar file"),
        (ICS.replace("DTSTART:20261203T190000Z\n", ""), "desk.ics: event 2: it has no DTSTART"),
        (
            ICS.replace("SUMMARY:Rate", "RRULE:FREQ=WEEKLY\nSUMMARY:Rate"),
            "(Rate decision) repeats; only its first date",
        ),
    ],
)
async def test_what_is_wrong_with_an_icalendar_file_is_told(tmp_path: Path, text: str, said: str):
    """A file that is none, an event without a date, and a repetition that isn't followed."""
    fetched = await Ics(path=write(tmp_path, text, "desk.ics")).fetch(NOW)
    assert any(said in problem.message for problem in fetched.problems), fetched.problems


def test_a_key_is_stable_and_readable():
    """Letters of the title, or a digest of what identifies the event where there are none."""
    assert "fomc-meeting-q4" == slug("FOMC Meeting: Q4!", "u")
    assert slug("大会", "a") != slug("大会", "b")
    assert slug("2026 outlook", "a").startswith("event-")


def test_dates_are_dates():
    """An entry's dates are parsed, first and last."""
    entries, _ = parse("mine.yaml", FILE)
    assert ((date(2026, 11, 3), date(2026, 11, 6)),) == entries[0].dates
