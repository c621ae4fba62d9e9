"""Runs the job table and the streams, and hands over what they bring. Nothing a feed does stops another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

import structlog
from apscheduler.events import EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from adapters.clock import Clock
from adapters.feeds.port import Fault, Feed, FeedProblem, Fetched, Noted, Stream
from adapters.store.port import Documents, StoreUnavailable
from bot.feeding.jobs import Job
from bot.feeding.runs import COLLECTION, last_run, run_of
from rules.calendars.sessions import Calendars

_STORE_PAUSE = timedelta(seconds=1)
_BROKEN_STREAM_PAUSE = timedelta(minutes=1)
_NEVER = timedelta(days=7)
_JITTER = timedelta(seconds=1)

log = structlog.get_logger()
T = TypeVar("T")


class Sink(Protocol):
    """Where everything goes that feeds and streams bring."""

    async def take(self, fetched: Fetched, noted: Noted) -> None:
        """Keep the figures and events, and commit the notices with their documents; raise ``StoreUnavailable``."""
        ...


class Health(Protocol):
    """What becomes of a source's health."""

    def note(self, asked: str, fetched: Fetched, now: datetime) -> Noted:
        """Take in one fetch of the source ``asked`` (or of the sources that it names)."""
        ...


class JobTrigger(BaseTrigger):  # type: ignore[misc]
    """A job's times for APScheduler, on ``clock`` in place of the host's: a due instant is as far away as there."""

    def __init__(self, job: Job, calendars: Calendars, clock: Clock) -> None:
        self._job = job
        self._calendars = calendars
        self._clock = clock
        self._ahead = timedelta(0)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """The host's time at which the job is due next."""
        ahead = now - self._clock.now()
        if abs(ahead - self._ahead) > _JITTER:  # else a due instant would be due again a microsecond later
            self._ahead = ahead
        due = self._job.next((previous_fire_time or now) - self._ahead, self._calendars)
        return (due + self._ahead).astimezone(UTC)


class Scheduler:
    """The ``scheduler`` role. One at a time works on a store (it holds the lease)."""

    def __init__(
        self,
        *,
        jobs: Sequence[Job],
        feeds: Mapping[str, Feed],
        streams: Mapping[str, Stream],
        sink: Sink,
        health: Health,
        stream_health: Health,
        documents: Documents,
        calendars: Calendars,
        clock: Clock,
    ) -> None:
        self._jobs = jobs
        self._feeds = feeds
        self._streams = streams
        self._sink = sink
        self._health = health
        self._stream_health = stream_health
        self._documents = documents
        self._calendars = calendars
        self._clock = clock
        self._turns = {name: asyncio.Lock() for name in feeds}

    async def run(self) -> None:
        """Run what was missed, then everything at its time, until cancelled."""
        timetable = AsyncIOScheduler(timezone=UTC)
        timetable.add_listener(_missed, EVENT_JOB_MISSED)
        for job in self._jobs:
            timetable.add_job(
                self.run_job,
                JobTrigger(job, self._calendars, self._clock),
                args=(job,),
                id=job.name,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=max(int(job.max_lateness.total_seconds()), 1),
            )
        timetable.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                for name, stream in self._streams.items():
                    tasks.create_task(self._follow(name, stream), name=f"stream {name}")
                tasks.create_task(self.catch_up(), name="catch up")
                tasks.create_task(asyncio.Event().wait(), name="until cancelled")
        finally:
            timetable.shutdown(wait=False)

    async def catch_up(self) -> None:
        """Run each job that was due while nothing ran, once, and those of every start.

        The jobs of one source follow one another; a source that is silent holds up no other.
        """
        async with asyncio.TaskGroup() as tasks:
            for source in dict.fromkeys(job.source for job in self._jobs):
                tasks.create_task(self._catch_up_with(source), name=f"catch up {source}")

    async def _catch_up_with(self, source: str) -> None:
        for job in self._jobs:
            if job.source != source:
                continue
            if job.at_start or (job.catch_up and await self._was_missed(job)):
                log.info("job_catching_up", job=job.name)
                await self.run_job(job)

    async def _was_missed(self, job: Job) -> bool:
        now = self._clock.now()
        last = await self._patiently(lambda: last_run(self._documents, job.name))
        return job.due_between(last.at if last else now - _NEVER, now, self._calendars)

    async def run_job(self, job: Job) -> None:
        """Ask the job's feed once and hand over what it brought."""
        async with self._turns[job.feed]:
            now = self._clock.now()
            fetched = await self._ask(job, now)
            noted = self._health.note(job.source, fetched, now)
            ran = {(COLLECTION, job.name): run_of(job.name, now, fetched).document}
            await self._hand_over(fetched, Noted(noted.transitions, {**noted.documents, **ran}))
        log.info("job_ran", job=job.name, observations=len(fetched.observations), problems=len(fetched.problems))

    async def _ask(self, job: Job, now: datetime) -> Fetched:
        try:
            return await self._patiently(lambda: self._feeds[job.feed].fetch(now))
        except Exception as error:
            log.exception("feed_broke", feed=job.feed)
            return _broken(job.source, error)

    async def _follow(self, name: str, stream: Stream) -> None:
        """Read the stream for ever; one that breaks is told and read anew, one that ends (a recording) is over."""
        broke = True
        while broke:
            try:
                broke = False
                async for fetched in stream:
                    await self._stream_turn(name, fetched)
            except Exception as error:
                log.exception("stream_broke", stream=name)
                broke = True
                await self._stream_turn(name, _broken(name, error))
                await self._clock.sleep_until(self._clock.now() + _BROKEN_STREAM_PAUSE)

    async def _stream_turn(self, name: str, fetched: Fetched) -> None:
        await self._hand_over(fetched, self._stream_health.note(name, fetched, self._clock.now()))

    async def _hand_over(self, fetched: Fetched, noted: Noted) -> None:
        """Deliver; a store that is away delays it, since a feed doesn't tell the same figure twice."""
        await self._patiently(lambda: self._sink.take(fetched, noted))

    async def _patiently(self, act: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await act()
            except StoreUnavailable as error:
                log.warning("store_unavailable", role="scheduler", error=str(error))
                await self._clock.sleep_until(self._clock.now() + _STORE_PAUSE)


def _broken(source: str, error: Exception) -> Fetched:
    """A mistake of ours in a feed, told like a changed source: somebody has to look at it."""
    message = f"{source}: unexpected {type(error).__name__}; see the log"
    return Fetched(problems=(FeedProblem(source, Fault.CHANGED, message),))


def _missed(event: JobExecutionEvent) -> None:
    log.warning("job_missed", job=event.job_id, due=event.scheduled_run_time.isoformat())
