"""The ``tests:`` of a pack: figures on a clock, and what the rule must say."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping as Map
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from rules.loading import durations
from rules.loading.fields import Report, Table, kind_of
from rules.loading.yaml_source import Mapping, Node, Scalar
from rules.model import Status
from rules.problems import nearest

TEST_KEYS = ("rule", "name", "step", "start", "data", "expect", "until")
EXPECT_KEYS = ("at", "event", "symbol")
EVENTS = ("fired", "resolved", "corrected", "ended", "health")
MAX_POINTS = 10_000
_POINT = re.compile(r"(?P<value>[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|_|none)(?P<partial>~?)")
_TIMES = re.compile(r"x(\d{1,4})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK = re.compile(r"\d{1,2}:\d{2}")


Step = timedelta | Literal["session"]


@dataclass(frozen=True, slots=True)
class Point:
    """One step of a series: a figure, ``None`` for one that is missing; ``silent`` says that nothing was observed."""

    value: float | None
    status: Status = Status.FINAL
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Expected:
    """One event: its instant in UTC, its kind, and for a ``for_each`` rule the member's symbol."""

    at: datetime
    event: str
    symbol: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSpec:
    """One test of one rule. A ``step`` of ``session`` is one of each series' own calendar."""

    __test__ = False  # it is no test class of pytest

    rule: str
    name: str
    step: Step
    start: datetime
    data: Map[str, tuple[Point, ...]]
    expect: tuple[Expected, ...]
    until: datetime | None = None
    file: str = ""
    line: int = 0
    column: int = 0
    at: Map[str, Scalar] = field(default_factory=dict, compare=False)
    """The rule's name and the names in ``data`` as written."""


def read_test(node: Node, report: Report) -> TestSpec | None:
    """Read one test; ``None`` if it lacks what makes it one."""
    table = report.table(node, "a test", TEST_KEYS)
    if table is None:
        return None
    rule, start = table.required("rule", "a test"), table.required("start", "a test")
    step = table.parsed("step", _step, None, "bad-duration")
    if "step" not in table:
        report.say(node, "missing-key", "a test has no 'step'; wanted a length such as 5m, or session")
    data, places = _data(table)
    if "expect" not in table:
        report.say(node, "missing-key", "a test has no 'expect'; an empty list says that nothing may happen")
    begin: datetime | None = table.parsed("start", durations.read_instant, None, "bad-instant") if start else None
    expect = _expected(table, begin or _EPOCH)
    if rule is None or begin is None or step is None:
        return None
    return TestSpec(
        rule=rule.value,
        name=table.text("name"),
        step=step,
        start=begin,
        data=data,
        expect=expect,
        until=table.parsed("until", durations.read_instant, None, "bad-instant"),
        file=node.source.file,
        line=node.line,
        column=node.column,
        at={"rule": rule, **places},
    )


def read_points(text: str) -> tuple[Point, ...]:
    """Read the figures of a series, such as ``72900 73010 x3 (72990~ _) x2 none``.

    ``x3`` says the figure or the group before it three times in all, ``~`` marks a partial figure, ``_`` is a step
    without an observation and ``none`` an observation without a figure.
    """
    points: list[Point] = []
    opened, last = -1, 0
    for word in text.replace("(", " ( ").replace(")", " ) ").split():
        times = _TIMES.fullmatch(word)
        if word == "(" and opened < 0:
            opened = len(points)
        elif word == ")" and opened >= 0:
            last, opened = opened, -1
        elif times and points and opened < 0:
            more = int(times[1]) - 1
            if len(points) + (len(points) - last) * more > MAX_POINTS:
                raise ValueError(f"more than {MAX_POINTS:,} figures")
            points.extend(points[last:] * more)
        else:
            last = len(points) if opened < 0 else last
            points.append(_point(word))
        if len(points) > MAX_POINTS:
            raise ValueError(f"more than {MAX_POINTS:,} figures")
    if opened >= 0:
        raise ValueError("a bracket is not closed; wanted such as (1 2) x3")
    return tuple(points)


def _point(word: str) -> Point:
    found = _POINT.fullmatch(word)
    if found is None:
        raise ValueError(f"{word!r} is no figure; wanted such as 73000, 73000~ (partial), x3, _ (nothing) or none")
    status = Status.PARTIAL if found["partial"] else Status.FINAL
    if found["value"] == "_":
        return Point(None, silent=True)
    if found["value"] == "none":
        return Point(None, Status.PENDING)
    value = float(found["value"].replace("_", ""))
    if not math.isfinite(value):
        raise ValueError(f"{word!r} is too large")
    return Point(value, status)


def _step(text: str) -> Step | None:
    if text == "session":
        return "session"
    step = durations.read_duration(text)
    if step < timedelta(seconds=1):
        raise ValueError("a step is at least 1s, or session")
    return step


def _data(table: Table) -> tuple[dict[str, tuple[Point, ...]], dict[str, Scalar]]:
    node = table.at("data")
    found: dict[str, tuple[Point, ...]] = {}
    places: dict[str, Scalar] = {}
    if not isinstance(node, Mapping):
        at = node or table.node
        said = f"'data' must be a mapping of series to figures{f', not {kind_of(node)}' if node else ''}"
        table.report.say(at, "wrong-type" if node else "missing-key", said)
        return found, places
    inner = Table(table.report, node)
    for name, (key, _) in node.entries.items():
        found[name] = inner.parsed(name, read_points, (), "bad-figure")
        places[f"data.{name}"] = key
    return found, places


def _expected(table: Table, start: datetime) -> tuple[Expected, ...]:
    found = []
    for node in table.report.items(table.at("expect"), "'expect'"):
        row = table.report.table(node, "an expected event", EXPECT_KEYS)
        if row is None or row.required("at", "an expected event") is None or row.required("event", "an event") is None:
            continue
        event = row.text("event")
        if event not in EVENTS:
            said = f"event is one of {', '.join(EVENTS)}, not {event!r}"
            table.report.say(row.at("event") or node, "unknown-word", said, nearest(event, EVENTS))
            continue
        at = row.parsed("at", lambda text: _instant(text, start), None, "bad-instant")
        if at is not None:
            found.append(Expected(at, event, row.text("symbol")))
    return tuple(found)


def _instant(text: str, start: datetime) -> datetime:
    """A time of the first day (``14:10``), or a date and time."""
    if _CLOCK.fullmatch(text):
        hours, minutes = (int(part) for part in text.split(":"))
        if hours > 23 or minutes > 59:
            raise ValueError(f"{text!r} is no time of day")
        return start.replace(hour=hours, minute=minutes, second=0, microsecond=0)
    if len(text) == 10:
        raise ValueError(f"{text!r} has no time of day; wanted 14:10 or 2026-03-02T14:10Z")
    return durations.read_instant(text)
