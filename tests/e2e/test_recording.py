"""A dry run against every source in its local place, written down, and lived through again without any source."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.feeds.recorded import recorded_names
from adapters.store.embedded import open_store
from bot.app.fetch import fetch_recorded
from bot.app.live import run_bot
from bot.feed_settings import FEEDS
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
ROLES = ("scheduler", "engine", "sender")
_PATIENCE_S = 90


async def tape_of(home: Path) -> Sequence[Observation]:
    """What a running bot has on its tape."""
    async with open_store(None, home) as store:
        return [each for _, each in await store.tape.read("0", 100_000)]


async def told(
    settings: Settings, home: Callable[[], Path], enough: Callable[[Sequence[Observation]], bool], **how: Path
) -> Sequence[Observation]:
    """Run dry until ``enough`` is on the tape and an alert on the terminal; return the tape."""
    work = asyncio.ensure_future(run_bot(settings, ROLES, dry_run=True, report=lambda *line: None, **how))
    try:
        async with asyncio.timeout(_PATIENCE_S):
            tape: Sequence[Observation] = ()
            while not enough(tape):
                await asyncio.wait([work], timeout=0.2)
                if work.done():
                    work.result()
                with suppress(IndexError):  # its folder isn't there yet
                    tape = await tape_of(home())
        return tape
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def test_a_run_is_recorded_and_played_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
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

        def recorded(tape: Sequence[Observation]) -> bool:
            feeds = {each.series.partition(".")[0] for each in tape}
            news = set(FEEDS) - {"fundamentals", "market_caps"}  # filed long ago, so history; among the prices
            return names <= set(recorded_names(folder)) and news <= feeds

        first = await told(settings, lambda: home, recorded, record=folder)
        live = capsys.readouterr().out
        asked = len(server.requests)
        again = await told(
            settings, lambda: next(iter(home.glob("replay-*"))), lambda tape: len(tape) >= len(first), replay=folder
        )
        replayed = capsys.readouterr().out
    assert asked == len(server.requests)
    assert sorted(first, key=repr) == sorted(again, key=repr)
    assert ("BTC at 125.00" in live, "BTC at 125.00" in replayed) == (True, True)
    flows = await fetch_recorded(folder, "etf_flows")
    assert set(flows.observations) == {each for each in first if each.series.startswith("etf_flows")}
    assert [] == list(home.glob("replay-*"))
