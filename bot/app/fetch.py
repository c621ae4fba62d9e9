"""One fetch from one feed, without a scheduler."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from adapters.clock import SystemClock
from adapters.feeds.port import Feed, Fetched, join
from adapters.feeds.together import Together
from adapters.store.embedded import open_store
from bot.app.feeds import build_feeds, flow_feed, no_filings, open_sources, recorded_feeds, recording_feeds
from bot.app.recordings import playback
from bot.failures import Failure
from bot.settings import Settings
from rules.calendars.sessions import Calendars
from rules.loading.universe_file import load_universe
from rules.problems import nearest


async def fetch_recorded(folder: Path, name: str) -> Fetched:
    """What feed ``name`` brought when it was recorded in ``folder``, all of its turns together."""
    played = playback(folder)
    return await _named(recorded_feeds(played.names, folder), name, folder).fetch(played.end)


async def fetch_once(settings: Settings, name: str, source: str | None, record: Path | None) -> Fetched:
    """What feed ``name`` brings now. Cool-downs are obeyed and begun as in a running bot."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings.secrets.redis_url, settings.home))
        universe, calendars = load_universe(settings.universe), Calendars()
        sources = await open_sources(stack, settings, universe, calendars, clock, store)
        feeds = build_feeds(sources)
        if source is not None:
            if name != "etf_flows":
                raise Failure("no_sources", feed=name)
            feeds[name] = flow_feed(sources, source)
        if record:
            feeds = recording_feeds(feeds, record)
        fetched = await _named(feeds, name).fetch(clock.now())
        unasked = no_filings(sources) if name == "fundamentals" else None
        return join([fetched, Fetched(problems=(unasked,))]) if unasked else fetched


def _named(feeds: dict[str, Feed], name: str, folder: Path | None = None) -> Feed:
    """The feed ``name``, of those recorded in ``folder`` if given; ``prices`` is all of its markets."""
    if name in feeds:
        return feeds[name]
    parts = [feed for full, feed in feeds.items() if full.partition(".")[0] == name]
    if not parts:
        known = sorted({full.partition(".")[0] for full in feeds})
        listed = ", ".join(known)
        if folder:
            raise Failure("not_recorded", folder=folder, name=name, known=listed)
        guess = nearest(name, known)
        raise Failure("no_feed_near" if guess else "no_feed", name=name, known=listed, guess=guess)
    return Together(feeds=parts)
