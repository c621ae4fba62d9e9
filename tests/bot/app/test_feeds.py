"""Every feed of the composition root, over local servers in the sources' place."""

import importlib
import pkgutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

import adapters.feeds
from adapters.clock import SteppingClock
from adapters.feeds.health import STREAM, HealthBook
from adapters.feeds.port import Fetched, Noted
from adapters.http import Source
from adapters.store.redis import RedisStore
from bot.app.feeds import Sources, build_feeds, build_streams, open_sources, requests_per_s
from bot.feeding.jobs import TABLE, Job, table
from bot.feeding.scheduler import Scheduler
from bot.feeding.settings import FEEDS, SOURCES, FeedSettings
from bot.settings import FileSettings, Secrets, Settings
from rules.calendars.sessions import Calendars
from rules.loading.universe_file import load_universe
from rules.model import Reason
from tests.fakes.http_server import challenge, failing, ok_text, rate_limited, reset, running_http
from tests.fakes.sources import HTTP_SOURCES, UNIVERSE, FakeSources

START = datetime(2026, 7, 23, 12, tzinfo=UTC)
CALENDARS = Calendars()
NO_FILES = FileSettings()


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock(START)


@pytest.fixture
async def fakes(clock: SteppingClock) -> AsyncIterator[FakeSources]:
    async with running_http() as server:
        yield FakeSources(server, clock.now)


class Desk:
    """The feeds over the fakes, made anew with other settings."""

    def __init__(self, stack: AsyncExitStack, fakes: FakeSources, store: RedisStore, clock: SteppingClock) -> None:
        self._stack = stack
        self._fakes = fakes
        self._store = store
        self._clock = clock

    async def sources(self, home: Path, files: FileSettings = NO_FILES, **feeds: FeedSettings) -> Sources:
        """What the feeds are made of, all sources being local."""
        (home / "universe.yaml").write_text(UNIVERSE)
        settings = Settings(
            home=home,
            universe=home / "universe.yaml",
            feeds={**self._fakes.settings, **feeds},
            files=files,
            sec_contact="Example Research desk@example.com",
            secrets=Secrets(sosovalue_api_key=SecretStr("key")),
        )
        universe = load_universe(settings.universe)
        return await open_sources(self._stack, settings, universe, CALENDARS, self._clock, self._store)


@pytest.fixture
async def desk(fakes: FakeSources, store: RedisStore, clock: SteppingClock) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        yield Desk(stack, fakes, store, clock)


class Heap:
    """Takes what the scheduler hands over."""

    def __init__(self) -> None:
        self.fetched: list[Fetched] = []
        self.notices: list[tuple[str, Reason]] = []

    async def take(self, fetched: Fetched, noted: Noted) -> None:
        self.fetched.append(fetched)
        self.notices += [(item.labels["source"], item.reason) for item in noted.transitions]


def test_every_source_has_a_name_in_the_settings() -> None:
    """Each module of a source is known under ``feeds:`` by its own name; nothing else is."""
    modules = [
        importlib.import_module(f"adapters.feeds.{each.name}") for each in pkgutil.iter_modules(adapters.feeds.__path__)
    ]
    sources = {value.name for module in modules for value in vars(module).values() if isinstance(value, Source)}
    wires = {"yahoo_stream", "coinbase"}
    keyed = {"coinmarketcap", "sec"}  # made when their key or contact is known
    assert set(SOURCES) == sources | wires | keyed


async def test_every_feed_has_a_name_in_the_settings(desk: Desk, tmp_path: Path) -> None:
    """And a job that asks it."""
    feeds = build_feeds(await desk.sources(tmp_path))
    assert set(FEEDS) == {name.partition(".")[0] for name in feeds}
    assert set(feeds) == {job.feed for job in table(["XNYS", "XHKG", "24/7"], feeds)}


@pytest.mark.parametrize("name", HTTP_SOURCES)
async def test_a_source_that_is_left_out_is_not_asked(
    desk: Desk, fakes: FakeSources, clock: SteppingClock, tmp_path: Path, name: str
) -> None:
    """``enabled: false`` holds for each; what it shares a feed with is asked all the same."""
    sources = await desk.sources(tmp_path, **{name: FeedSettings(enabled=False)})
    fakes.trouble["tencent"] = failing()  # so that the second of the two is asked
    for feed in build_feeds(sources).values():
        await feed.fetch(clock.now())
    behind = {"tencent", "eastmoney"} if name == "yahoo" else set()
    assert set(HTTP_SOURCES) - {name} - behind == set(fakes.asked()), "asked"


FILES = [
    # the setting, whether it is a list, the feed that reads it, a file with a mistake, and where that is told
    ("events", True, "events", b"version: 1\nevents:\n  - {slug: x, title: X, dates: [soon]}\n", "own:3:33: 'soon'"),
    ("calendars", True, "events", b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR\n", "own: event 1"),
    ("earnings", True, "earnings", b"earnings:\n  - {symbol: AMZ, date: 2026-11-11}\n", "own:2:14: symbol is 'AMZ'"),
    ("flows", False, "etf_flows", b"date,IBIT\n2026-07-20,x\n", "own:2: IBIT is 'x'"),
    ("crypto", False, "crypto", b"date,market_cap\n2026-07-20,x\n", "own:2: market_cap is 'x'"),
]


@pytest.mark.parametrize(("setting", "listed", "feed", "content", "said"), FILES, ids=[row[0] for row in FILES])
async def test_a_mistake_in_a_file_of_the_desk_is_located(
    desk: Desk, clock: SteppingClock, tmp_path: Path, setting: str, listed: bool, feed: str, content: bytes, said: str
) -> None:
    """From the setting to the problem; a folder, bytes that are no text and an absent file are told by their path."""
    path = tmp_path / "own"
    files = FileSettings(**{setting: (path,) if listed else path})  # type: ignore[arg-type]
    told = build_feeds(await desk.sources(tmp_path, files))[feed]
    path.write_bytes(content)
    assert [said] == [p.message[: len(said)] for p in (await told.fetch(clock.now())).problems if "own" in p.message]
    path.write_bytes(b"\xff\xfe\x00\xd8 no text")
    assert any("own" in problem.message for problem in (await told.fetch(clock.now())).problems)
    path.unlink()
    assert any(str(path) in problem.message for problem in (await told.fetch(clock.now())).problems)
    path.mkdir()
    assert any(str(path) in problem.message for problem in (await told.fetch(clock.now())).problems)


async def test_streams_can_be_left_out(desk: Desk, tmp_path: Path) -> None:
    """Both are there unless the settings say otherwise."""
    on = FeedSettings(base_url="ws://127.0.0.1:9")
    for chosen in ({}, {"coinbase": on}, {"coinbase": on, "yahoo_stream": on}):
        assert set(chosen) == set(build_streams(await desk.sources(tmp_path, **chosen), {}))


def test_who_is_asked_how_fast() -> None:
    """A setting wins; a server in a source's place isn't made to wait; every other source has its own pace."""
    feeds = {
        "farside": FeedSettings(requests_per_s=0.25),
        "sec": FeedSettings(base_url="http://127.0.0.1:9", requests_per_s=3.0),
        "tftc": FeedSettings(base_url="http://127.0.0.1:9"),
        "cmc": FeedSettings(enabled=False),
    }
    assert {"farside": 0.25, "sec": 3.0, "tftc": 0.0} == requests_per_s(feeds)


TROUBLES = (failing(500), challenge(), ok_text("<!doctype html><title>Moved</title>"), reset(), rate_limited())


async def test_a_week_of_jobs_and_the_health_of_every_source(
    desk: Desk, fakes: FakeSources, store: RedisStore, clock: SteppingClock, tmp_path: Path
) -> None:
    """Every job of the table runs; each source that fails is told once, and once when it is well again."""
    sources = await desk.sources(tmp_path)
    feeds = build_feeds(sources)
    jobs = table(["XNYS", "XHKG", "24/7"], feeds)
    assert {job.name for job in TABLE} < {job.name for job in jobs}
    heap = Heap()
    scheduler = Scheduler(
        jobs=jobs,
        feeds=feeds,
        streams={},
        sink=heap,
        health=HealthBook(),
        stream_health=HealthBook(patience=STREAM),
        documents=store.documents,
        calendars=CALENDARS,
        clock=clock,
    )

    async def a_while() -> None:
        """Each job at its next five times."""
        for due, job in sorted(_dues(jobs, clock.now()), key=lambda each: each[0]):
            await clock.sleep_until(due)
            await scheduler.run_job(job)

    await a_while()
    assert ([], set(HTTP_SOURCES) - {"eastmoney"}) == (heap.notices, set(fakes.asked()))
    fakes.trouble = {name: TROUBLES[n % len(TROUBLES)] for n, name in enumerate(HTTP_SOURCES)}
    await a_while()
    told = sorted(heap.notices)
    heap.notices.clear()
    fakes.trouble = {}
    await a_while()
    assert [(name, Reason.DATA_MISSING) for name in sorted(HTTP_SOURCES)] == told
    assert [(name, Reason.DATA_BACK) for name in sorted(HTTP_SOURCES)] == sorted(heap.notices)


def _dues(jobs: list[Job], now: datetime) -> list[tuple[datetime, Job]]:
    dues = []
    for job in jobs:
        due = now
        for _ in range(5):
            due = job.next(due, CALENDARS)
            dues.append((due, job))
    return dues
