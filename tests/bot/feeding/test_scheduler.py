"""The scheduler: real APScheduler on a clock of our own, feeds that fail, a store that goes away."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from adapters.clock import Clock, ShiftedClock, SteppingClock, SystemClock
from adapters.feeds.health import STREAM, HealthBook
from adapters.feeds.port import Fetched, Noted
from adapters.store.port import StoreUnavailable
from bot.feeding.jobs import AfterClose, Every, Job
from bot.feeding.runs import Run, last_run, newest_run
from bot.feeding.scheduler import JobTrigger, Scheduler
from rules.calendars.sessions import Calendars
from rules.model import Observation
from tests.fakes.documents import MemoryDocuments

NOW = datetime(2026, 7, 17, 14, 0, tzinfo=UTC)
CALENDARS = Calendars()
FIGURE = Fetched((Observation("prices.NVDA.close", NOW, NOW, 1.0, source="yahoo"),))


class StreamBook(HealthBook):
    """Judges streams."""

    def __init__(self) -> None:
        super().__init__(patience=STREAM)


class Feed:
    """A feed that answers or raises from a list; the last answer repeats."""

    def __init__(self, *answers: Fetched | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[datetime] = []
        self.at_once = 0
        self._inside = 0

    async def fetch(self, now: datetime) -> Fetched:
        """The next answer."""
        self.asked.append(now)
        self._inside += 1
        self.at_once = max(self.at_once, self._inside)
        await asyncio.sleep(0)
        self._inside -= 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Line:
    """A stream of turns; an exception among them is raised."""

    def __init__(self, turns: Sequence[Fetched | Exception]) -> None:
        self.turns = list(turns)

    async def __aiter__(self) -> AsyncIterator[Fetched]:
        """Yield the rest."""
        while self.turns:
            turn = self.turns.pop(0)
            if isinstance(turn, Exception):
                raise turn
            yield turn


class Sink:
    """Remembers what it took; fails first as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.taken: list[tuple[Fetched, Noted]] = []
        self.failures = failures

    async def take(self, fetched: Fetched, noted: Noted) -> None:
        """Take."""
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("away")
        self.taken.append((fetched, noted))


def job(feed: str = "prices", **more: Any) -> Job:
    """A job that is due after each close in New York."""
    when = (AfterClose("XNYS", (timedelta(minutes=16),)),)
    return Job(**{"name": feed, "feed": feed, "source": "yahoo", "when": when, **more})


def scheduler(
    jobs: Sequence[Job],
    feeds: dict[str, Feed],
    sink: Sink,
    *,
    clock: Clock | None = None,
    documents: MemoryDocuments | None = None,
    streams: dict[str, Line] | None = None,
) -> Scheduler:
    """The scheduler with the parts that a test names."""
    return Scheduler(
        jobs=jobs,
        feeds=feeds,
        streams=streams or {},
        sink=sink,
        health=HealthBook(),
        stream_health=StreamBook(),
        documents=documents or MemoryDocuments(),
        calendars=CALENDARS,
        clock=clock or SteppingClock(NOW),
    )


async def run_until(work: Scheduler, condition: Any) -> None:
    """Run until ``condition()`` holds, then cancel."""
    task = asyncio.create_task(work.run())
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)
            assert not task.done(), task.exception()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_job_runs_once_when_it_is_due() -> None:
    """Sixteen minutes after New York's close on the given clock the feed is asked, once, with that clock's time."""
    clock = ShiftedClock(datetime(2026, 7, 17, 20, 15, 59, 800_000, tzinfo=UTC))
    feed, sink = Feed(FIGURE), Sink()
    work = scheduler([job()], {"prices": feed}, sink, clock=clock)
    await run_until(work, lambda: sink.taken)
    await asyncio.sleep(0.05)
    assert [asked.replace(microsecond=0) for asked in feed.asked] == [datetime(2026, 7, 17, 20, 16, tzinfo=UTC)]
    (fetched, noted) = sink.taken[0]
    assert fetched == FIGURE
    assert sorted(noted.documents) == [("health", "yahoo"), ("jobs", "prices")]


async def test_a_short_interval_is_kept() -> None:
    """A job that is due every 40 ms runs each time, never twice for one instant."""
    feed, sink = Feed(FIGURE), Sink()
    often = job(when=(Every(timedelta(milliseconds=40)),))
    work = scheduler([often], {"prices": feed}, sink, clock=ShiftedClock(NOW))
    await run_until(work, lambda: len(sink.taken) >= 4)
    ticks = [(asked - NOW) // timedelta(milliseconds=40) for asked in feed.asked]
    assert len(set(ticks)) == len(ticks)


def test_a_trigger_goes_forward() -> None:
    """From one fire time to the next the trigger never names the same instant again, whatever the clocks' jitter."""
    clock = ShiftedClock(NOW)
    trigger = JobTrigger(job(when=(Every(timedelta(minutes=5)),)), CALENDARS, clock)
    real = SystemClock()
    fires = [trigger.get_next_fire_time(None, real.now())]
    for _ in range(50):
        fires.append(trigger.get_next_fire_time(fires[-1], real.now()))
    assert {after - before for before, after in pairwise(fires)} == {timedelta(minutes=5)}


async def test_a_feed_that_breaks_is_told_and_stops_nothing() -> None:
    """An exception in a feed is a degraded source; other jobs go on."""
    broken, sound, sink = Feed(TypeError("bug")), Feed(FIGURE), Sink()
    work = scheduler([job(), job("flows", source="farside")], {"prices": sound, "flows": broken}, sink)
    await work.run_job(job("flows", source="farside"))
    await work.run_job(job())
    (fetched, noted) = sink.taken[0]
    assert [problem.message for problem in fetched.problems] == ["farside: unexpected TypeError; see the log"]
    assert [transition.labels for transition in noted.transitions] == [{"source": "farside"}]
    assert sink.taken[1][0] == FIGURE


async def test_a_feed_that_needs_the_store_waits_for_it() -> None:
    """A store that is away is no fault of the source."""
    feed, sink = Feed(StoreUnavailable("away"), StoreUnavailable("away"), FIGURE), Sink()
    await scheduler([job()], {"prices": feed}, sink).run_job(job())
    assert (3, [FIGURE]) == (len(feed.asked), [fetched for fetched, _ in sink.taken])


async def test_an_absent_store_loses_nothing() -> None:
    """While the store is away what was fetched waits for it, without asking the feed again."""
    feed, sink = Feed(FIGURE), Sink(failures=3)
    await scheduler([job()], {"prices": feed}, sink).run_job(job())
    assert ([fetched for fetched, _ in sink.taken], len(feed.asked)) == ([FIGURE], 1)


@pytest.mark.parametrize(
    ("more", "last_run", "runs"),
    [
        ({"catch_up": True}, "2026-07-16T20:15:00+00:00", 1),  # the run after Thursday's close was missed
        ({"catch_up": True}, "2026-07-16T20:16:05+00:00", 0),
        ({"catch_up": True}, None, 1),  # never ran
        ({"catch_up": True}, "2026-06-01T00:00:00+00:00", 1),  # many missed runs are one
        ({"at_start": True}, "2026-07-17T13:59:00+00:00", 1),
        ({}, None, 0),
    ],
)
async def test_what_a_start_catches_up(more: dict[str, bool], last_run: str | None, runs: int) -> None:
    """At start a job runs once if its table line says so and it was due since it last ran."""
    documents = MemoryDocuments()
    if last_run:
        await documents.put("jobs", "prices", json.dumps({"last_run": last_run}))
    feed = Feed(FIGURE)
    await scheduler([job(**more)], {"prices": feed}, Sink(), documents=documents).catch_up()
    assert len(feed.asked) == runs


async def test_a_run_is_kept_with_what_it_brought() -> None:
    """The commit with the figures says how many there were; a record of before that has no count is still read."""
    sink, documents = Sink(), MemoryDocuments()
    await scheduler([job()], {"prices": Feed(FIGURE)}, sink, documents=documents).run_job(job())
    ((_, noted),) = sink.taken
    await documents.put("jobs", "prices", noted.documents["jobs", "prices"])
    assert Run("prices", NOW, 1, 0) == await newest_run(documents)
    await documents.put("jobs", "prices", json.dumps({"last_run": NOW.isoformat()}))
    assert Run("prices", NOW) == await last_run(documents, "prices")


async def test_one_feed_is_asked_by_one_job_at_a_time() -> None:
    """Two jobs of one feed wait for each other."""
    feed = Feed(FIGURE)
    jobs = [job(), job(name="again")]
    work = scheduler(jobs, {"prices": feed}, Sink())
    await asyncio.gather(*(work.run_job(each) for each in jobs))
    assert (len(feed.asked), feed.at_once) == (2, 1)


async def test_streams_are_followed() -> None:
    """Every turn of a stream is handed over; one that breaks is told and read again."""
    sink = Sink()
    line = Line([FIGURE, ValueError("bug"), FIGURE])
    await run_until(scheduler([], {}, sink, streams={"yahoo_stream": line}), lambda: len(sink.taken) == 3)
    assert [fetched.observations for fetched, _ in sink.taken] == [FIGURE.observations, (), FIGURE.observations]
    assert [problem.fault for problem in sink.taken[1][0].problems] == ["changed"]
