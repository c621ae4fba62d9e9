"""Market capitalisation: at the close when it is final, in the company's currency, missing where Yahoo has none."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.clock import SteppingClock
from adapters.feeds.cool_downs import StoredCoolDowns
from adapters.feeds.port import Fetched
from adapters.feeds.yahoo import YahooDesk, YahooOptions
from adapters.feeds.yahoo_caps import PATH, YahooCaps
from adapters.paces import Pace
from rules.calendars.sessions import Calendars
from rules.universe import Instrument, Kind
from tests.fakes import yahoo
from tests.fakes.documents import MemoryDocuments
from tests.fakes.http_server import FakeHttp, Request, ok_json

CLOSE = datetime(2026, 7, 17, 20, tzinfo=UTC)
Caps = Callable[..., YahooCaps]


def company(symbol: str, currency: str = "USD", calendar: str = "XNYS") -> Instrument:
    return Instrument(symbol, {"en": symbol, "zh": symbol}, Kind.EQUITY, currency, calendar)


@pytest.fixture
def caps(http_server: FakeHttp, tmp_path: Path) -> Iterator[Caps]:
    """Builds the feed of some companies over the local server."""
    options = YahooOptions(base_url=http_server.base_url, cache_dir=tmp_path, pace=Pace(0))
    desk = YahooDesk(SteppingClock(CLOSE), StoredCoolDowns(MemoryDocuments()), options)
    yield lambda *items: YahooCaps(desk=desk, instruments=items, calendars=Calendars())
    desk.close()


def told(fetched: Fetched) -> list[tuple[str, datetime, float | None, str]]:
    return [(o.series, o.at, o.value, str(o.status)) for o in fetched.observations]


async def test_a_finished_session_stands_at_its_close(caps: Caps, http_server: FakeHttp) -> None:
    """An hour later it is final; while the market is open it is partial, at the quote's own time."""
    http_server.route(PATH, ok_json(yahoo.quotes({"NVDA": 4.2e12}, quoted_at=CLOSE)))
    feed = caps(company("NVDA"))
    assert [("prices.NVDA.market_cap", CLOSE, 4.2e12, "final")] == told(await feed.fetch(CLOSE + timedelta(hours=1)))
    noon = CLOSE - timedelta(hours=4)
    http_server.route(PATH, ok_json(yahoo.quotes({"NVDA": 4.1e12}, quoted_at=noon)))
    assert [("prices.NVDA.market_cap", noon, 4.1e12, "partial")] == told(await feed.fetch(noon))


async def test_what_yahoo_lacks_is_a_hole(caps: Caps, http_server: FakeHttp) -> None:
    """A company without a figure, one without a quote and one in another currency are told; the others are used."""
    quotes = yahoo.quotes({"NVDA": 4.2e12, "AMZN": None, "TSM": 1e12}, quoted_at=CLOSE)
    quotes["quoteResponse"]["result"][2]["currency"] = "TWD"
    http_server.route(PATH, ok_json(quotes))
    fetched = await caps(*map(company, ("NVDA", "AMZN", "TSM", "GONE"))).fetch(CLOSE + timedelta(hours=1))
    assert ["prices.NVDA.market_cap"] == [each.series for each in fetched.observations]
    assert [
        "AMZN: no market capitalisation",
        "TSM's market capitalisation is in 'TWD'; wanted USD",
        "GONE: no market capitalisation",
    ] == [problem.message for problem in fetched.problems]


async def test_a_hundred_companies_are_one_request(caps: Caps, http_server: FakeHttp) -> None:
    """Two hundred and one are three."""

    def answer(request: Request):  # type: ignore[no-untyped-def]
        return ok_json(yahoo.quotes(dict.fromkeys(request.query["symbols"].split(","), 1e9), quoted_at=CLOSE))

    http_server.route(PATH, answer)
    fetched = await caps(*(company(f"S{n}") for n in range(201))).fetch(CLOSE + timedelta(hours=1))
    assert (201, 3) == (len(fetched.observations), http_server.paths().count(PATH))
