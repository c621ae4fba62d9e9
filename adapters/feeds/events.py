"""Curated events from YAML: central bank meetings, conferences, policy dates; every mistake located.

.. code-block:: yaml

    version: 1
    events:
      - slug: fomc                       # the series is events.fomc.date
        title: {en: FOMC meeting, zh: 美联储议息会议}
        dates: [2026-12-08..2026-12-09]  # a day, or first..last, in the time of the place
        place: Washington                # optional, as are zone, status, tags and source
        zone: America/New_York
        status: confirmed                # or expected
        tags: [macro, us]
        source: federalreserve.gov
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters.feeds.calendar_dates import KEPT_PAST, next_dates
from adapters.feeds.port import Fault, FeedProblem, Fetched
from rules.loading.yaml_source import Items, Mapping, Node, Scalar, read
from rules.model import CalendarEvent, Localized, Observation, Status
from rules.problems import Problem, nearest

NAME = "events"
BUNDLED = Path(__file__).with_name("events.yaml")
_SLUG = re.compile(r"[a-z][a-z0-9-]{0,63}")
_RANGE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.\.(\d{4}-\d{2}-\d{2}))?")
_KEYS = ("slug", "title", "dates", "place", "zone", "status", "tags", "source")
_STATUS = {"confirmed": Status.FINAL, "expected": Status.PROVISIONAL}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the file: an event on one or more dates, each first and last day inclusive."""

    slug: str
    title: Localized
    dates: tuple[tuple[date, date], ...]
    place: str
    zone: ZoneInfo
    status: Status
    tags: tuple[str, ...]
    source: str


class Events:
    """The events of ``paths``, read anew at every fetch; a file with a mistake gives what is right in it."""

    def __init__(self, *, paths: Sequence[Path] = (BUNDLED,)) -> None:
        self._paths = tuple(paths)

    async def fetch(self, now: datetime) -> Fetched:
        """Read the files and tell every event from a month back on."""
        events: list[CalendarEvent] = []
        told: list[Observation] = []
        problems: list[FeedProblem] = []
        for path in self._paths:
            entries, mistakes = await asyncio.to_thread(load, path)
            problems += [FeedProblem(NAME, Fault.INCOMPLETE, str(mistake), path.name) for mistake in mistakes]
            for entry in entries:
                of_entry = list(calendar_events(entry, now))
                events += of_entry
                told += next_dates(of_entry, now.astimezone(entry.zone).date(), now)
        return Fetched(tuple(told), tuple(sorted(events, key=lambda each: (each.start, each.key))), tuple(problems))


def calendar_events(entry: Entry, now: datetime) -> Iterator[CalendarEvent]:
    """The dates of ``entry`` that are not long past."""
    oldest = now.astimezone(entry.zone).date() - KEPT_PAST
    for first, last in entry.dates:
        if last >= oldest:
            yield CalendarEvent(
                kind="event",
                key=entry.slug,
                start=first.isoformat(),
                end=last.isoformat(),
                title=entry.title,
                known_at=now,
                session="during",
                status=entry.status,
                source=entry.source,
                tags=entry.tags,
                place=entry.place,
            )


def load(path: Path) -> tuple[list[Entry], list[Problem]]:
    """Read one file: its right entries and all its mistakes."""
    try:
        content = path.read_bytes()
    except OSError as error:
        return [], [Problem(path.name, 1, 1, "unreadable", f"{path} can't be read ({error.strerror})")]
    return parse(path.name, content)


def parse(file: str, content: bytes | str) -> tuple[list[Entry], list[Problem]]:
    """Read the text of a file: its right entries and all its mistakes, in file order."""
    root, problems = read(file, content)
    reader = _Reader(file, problems)
    entries = list(reader.entries(root))
    return entries, sorted(problems)


class _Reader:
    """Walks the nodes of one file and notes what is wrong where."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self._file = file
        self._problems = problems

    def entries(self, root: Node | None) -> Iterator[Entry]:
        if root is None:
            if not self._problems:
                self._problems.append(
                    Problem(self._file, 1, 1, "empty", "the file is empty; wanted version and events")
                )
            return
        if not isinstance(root, Mapping):
            self._say(root, "shape", "the file is no mapping; wanted version and events")
            return
        self._known_keys(root, ("version", "events"))
        if self._plain(root.get("version")) != 1:
            self._say(root.get("version") or root, "version", "wanted version: 1")
        for node in self._items(root, "events"):
            entry = self._entry(node)
            if entry is not None:
                yield entry

    def _entry(self, node: Node) -> Entry | None:
        if not isinstance(node, Mapping):
            self._say(node, "shape", "an event is a mapping; wanted slug, title and dates")
            return None
        before = len(self._problems)
        self._known_keys(node, _KEYS)
        entry = Entry(
            slug=self._slug(node),
            title=self._title(node),
            dates=tuple(self._dates(node)),
            place=self._text(node, "place"),
            zone=self._zone(node),
            status=self._status(node),
            tags=tuple(str(self._plain(item)) for item in self._items(node, "tags", required=False)),
            source=self._text(node, "source") or NAME,
        )
        return entry if len(self._problems) == before else None

    def _slug(self, node: Mapping) -> str:
        slug = self._text(node, "slug")
        if not _SLUG.fullmatch(slug):
            said = f"slug is {slug!r}; wanted small letters, digits and dashes such as fomc"
            self._say(node.get("slug") or node, "slug", said)
        return slug

    def _title(self, node: Mapping) -> Localized:
        title = node.get("title")
        if isinstance(title, Mapping):
            self._known_keys(title, ("en", "zh"))
            texts = {lang: self._text(title, lang) for lang in ("en", "zh")}
        else:
            texts = dict.fromkeys(("en", "zh"), self._text(node, "title"))
        either = texts["en"] or texts["zh"]
        if not either:
            self._say(title or node, "title", "an event needs a title, such as {en: FOMC meeting, zh: 美联储议息会议}")
        return {"en": texts["en"] or either, "zh": texts["zh"] or either}

    def _dates(self, node: Mapping) -> Iterator[tuple[date, date]]:
        items = self._items(node, "dates")
        if not items:
            self._say(node.get("dates") or node, "dates", "an event needs dates, such as [2026-12-08..2026-12-09]")
        for item in items:
            text = str(self._plain(item))
            found = _range(text)
            if found is None:
                said = f"{text!r:.40} is no date; wanted YYYY-MM-DD, or first..last in this order"
                self._say(item, "date", said)
            else:
                yield found

    def _zone(self, node: Mapping) -> ZoneInfo:
        name = self._text(node, "zone") or "UTC"
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            said = f"{name!r:.40} is no time zone; wanted one such as America/New_York"
            self._say(node.get("zone") or node, "zone", said, nearest(name, _zones()))
            return ZoneInfo("UTC")

    def _status(self, node: Mapping) -> Status:
        name = self._text(node, "status") or "confirmed"
        if name not in _STATUS:
            said = f"status is {name!r:.40}; wanted confirmed or expected"
            self._say(node.get("status") or node, "status", said, nearest(name, _STATUS))
        return _STATUS.get(name, Status.PROVISIONAL)

    def _items(self, node: Mapping, key: str, *, required: bool = True) -> tuple[Node, ...]:
        found = node.get(key)
        if isinstance(found, Items):
            return found.items
        if found is not None or required:
            self._say(found or node, "shape", f"{key} is no list; wanted {key}: [ … ]")
        return ()

    def _text(self, node: Mapping, key: str) -> str:
        found = node.get(key)
        if found is None:
            return ""
        if not isinstance(found, Scalar):
            self._say(found, "shape", f"{key} is no text")
            return ""
        return found.value.strip()

    def _known_keys(self, node: Mapping, known: Iterable[str]) -> None:
        for key, (scalar, _) in node.entries.items():
            if key not in known:
                said = f"unknown key {key!r:.40}; known are {', '.join(known)}"
                self._say(scalar, "unknown-key", said, nearest(key, known))

    def _plain(self, node: Node | None) -> object:
        return node.resolved if isinstance(node, Scalar) else None

    def _say(self, node: Node, code: str, message: str, suggestion: str = "") -> None:
        self._problems.append(Problem(self._file, node.line, node.column, code, message, suggestion))


def _range(text: str) -> tuple[date, date] | None:
    found = _RANGE.fullmatch(text)
    if found is None:
        return None
    try:
        first = date.fromisoformat(found[1])
        last = date.fromisoformat(found[2] or found[1])
    except ValueError:
        return None
    return (first, last) if first <= last else None


@cache
def _zones() -> frozenset[str]:
    import zoneinfo  # noqa: PLC0415 - lists the files of the time zone data

    return frozenset(zoneinfo.available_timezones())
