"""A run against every source in its local place, written down, and lived through again without any source."""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from adapters.feeds.recorded import recorded_names
from adapters.store.embedded import open_store
from bot.alerts.incidents import INCIDENTS
from bot.app.fetch import fetch_recorded
from bot.app.live import run_bot
from bot.feeding.settings import FEEDS
from bot.settings import Settings
from rules.model import Observation
from tests.fakes.http_server import running_http
from tests.fakes.sources import UNIVERSE, FakeSources

RULE = """
version: 1
rules:
  - id: bitcoin
    title: {en: Bitcoin above 100, zh: 比特币高于100}
    when: BTC > 100
    say: {en: "BTC at {BTC:,.2f}", zh: "比特币 {BTC:,.2f}"}
"""
ROLES = ("scheduler", "engine")
_PATIENCE_S = 90


@dataclass(frozen=True)
class Seen:
    """What a running bot has on its tape, and the rules that fired."""

    tape: Sequence[Observation] = ()
    fired: frozenset[str] = frozenset()


async def seen_in(home: Path) -> Seen:
    async with open_store(None, home) as store:
        tape = [each for _, each in await store.tape.read("0", 100_000)]
        incidents = (await store.documents.all(INCIDENTS)).values()
        fired = {each["rule"] for text in incidents for each in json.loads(text)}
        return Seen(tape, frozenset(fired))


async def lived_through(
    settings: Settings, home: Callable[[], Path | None], enough: Callable[[Seen], bool], **how: Path
) -> Seen:
    """Run until there is ``enough`` in the store, which is in ``home`` once it is there."""
    work = asyncio.ensure_future(run_bot(settings, ROLES, dry_run=False, report=lambda *line: None, **how))  # type: ignore[arg-type]
    try:
        seen = Seen()
        async with asyncio.timeout(_PATIENCE_S):
            while not enough(seen):
                await asyncio.wait([work], timeout=0.2)
                if work.done():
                    work.result()
                if (folder := home()) is not None:
                    seen = await seen_in(folder)
        return seen
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def test_a_run_is_recorded_and_played_back(tmp_path: Path) -> None:
    """Every feed is asked at the first start; the replay has the same tape and tells the same alert."""
    home, folder = tmp_path / "home", tmp_path / "recording"
    home.mkdir()
    (tmp_path / "universe.yaml").write_text(UNIVERSE)
    (tmp_path / "rule.yaml").write_text(RULE)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running_http())
        fakes = FakeSources(server, lambda: datetime.now(UTC))
        settings = Settings(
            home=home,
            universe=tmp_path / "universe.yaml",
            rules=(tmp_path / "rule.yaml",),
            builtin_rules=False,
            feeds=fakes.settings,
            sec_contact="Example Research desk@example.com",
        )
        names = {"history", "prices.XNYS", "prices.XHKG", "prices.24/7", *FEEDS} - {"prices"}

        def recorded(seen: Seen) -> bool:
            feeds = {each.series.partition(".")[0] for each in seen.tape}
            news = set(FEEDS) - {"fundamentals", "market_caps"}  # filed long ago, so history; among the prices
            return names <= set(recorded_names(folder)) and news <= feeds and bool(seen.fired)

        first = await lived_through(settings, lambda: home, recorded, record=folder)
        asked = len(server.requests)
        again = await lived_through(
            settings,
            lambda: next(iter(home.glob("replay-*")), None),
            lambda seen: len(seen.tape) >= len(first.tape) and bool(seen.fired),
            replay=folder,
        )
    assert asked == len(server.requests)
    assert sorted(first.tape, key=repr) == sorted(again.tape, key=repr)
    assert {"bitcoin"} == first.fired == again.fired
    flows = await fetch_recorded(folder, "etf_flows")
    assert set(flows.observations) == {each for each in first.tape if each.series.startswith("etf_flows")}
    assert [] == list(home.glob("replay-*"))
