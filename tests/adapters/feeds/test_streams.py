"""Price streams against a real local WebSocket server that closes, breaks off, falls silent and talks nonsense."""

import asyncio
import base64
import json
import struct
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import pairwise

import pytest
from yfinance.pricing_pb2 import PricingData

from adapters.clock import SteppingClock
from adapters.feeds.port import Fetched
from adapters.feeds.streams import BadFrame, Patience, PriceStream, Tick, Wire
from adapters.feeds.streams_coinbase import CoinbaseWire
from adapters.feeds.streams_yahoo import YahooWire
from rules.calendars.sessions import Calendars
from rules.universe import Instrument, Kind
from tests.fakes.ws_server import FakeWebSocket, Line, Talk

NOW = datetime(2026, 7, 17, 15, 0, tzinfo=UTC)  # a Friday, New York is open
CALENDARS = Calendars()
BTC = Instrument("BTC-USD", {"en": "Bitcoin", "zh": "比特币"}, Kind.CRYPTO, "USD", "24/7")
NVDA = replace(BTC, symbol="NVDA", kind=Kind.EQUITY, calendar="XNYS")


def coinbase(price: float, at: datetime = NOW, product: str = "BTC-USD") -> str:
    """A ticker message."""
    message = {
        "type": "ticker",
        "product_id": product,
        "price": str(price),
        "time": at.isoformat().replace("+00:00", "Z"),
    }
    return json.dumps({**message, "open_24h": "1", "high_24h": "99999", "sequence": 1})


def yahoo(price: float, at: datetime = NOW, symbol: str = "NVDA", hours: int = 1, **more: float) -> str:
    """A streamer frame."""
    data = PricingData(id=symbol, price=price, time=int(at.timestamp() * 1000), market_hours=hours, **more)
    return json.dumps({"type": "pricing", "message": base64.b64encode(data.SerializeToString()).decode()})


def saying(*frames: str | bytes, then: str = "stay") -> Talk:
    """A connection that waits for the subscription, sends ``frames`` and then stays, aborts or closes with a code."""

    async def talk(line: Line) -> None:
        await line.subscribed()
        await line.send(*frames)
        if then == "abort":
            line.abort()
        elif then == "stay":
            await line.stay()
        else:
            await line.close(int(then))

    return talk


async def taken(stream: PriceStream, count: int) -> list[Fetched]:
    """The first ``count`` turns of the stream."""
    turns: list[Fetched] = []
    async with asyncio.timeout(30), aclosing(aiter(stream)) as reading:  # type: ignore[type-var]
        async for fetched in reading:
            turns.append(fetched)
            if len(turns) == count:
                break
    return turns


async def until(stream: PriceStream, price: float) -> list[Fetched]:
    """The turns of the stream up to the one that brings ``price``."""
    turns: list[Fetched] = []
    async with asyncio.timeout(30), aclosing(aiter(stream)) as reading:  # type: ignore[type-var]
        async for fetched in reading:
            turns.append(fetched)
            if price in [observation.value for observation in fetched.observations]:
                break
    return turns


def prices(turns: list[Fetched]) -> list[float | None]:
    """Every close in order."""
    return [o.value for fetched in turns for o in fetched.observations if o.series.endswith(".close")]


def told(turns: list[Fetched]) -> list[str]:
    """Every problem's fault in order."""
    return [str(problem.fault) for fetched in turns for problem in fetched.problems]


def stream(wire: Wire, *instruments: Instrument, **options: object) -> PriceStream:
    """A stream on a clock that stands still."""
    clock = SteppingClock(NOW)
    return PriceStream(wire, instruments or (BTC,), CALENDARS, clock, **options)  # type: ignore[arg-type]


async def test_a_tick_is_a_partial_close(ws_server: FakeWebSocket) -> None:
    """A tick becomes a partial close with its own time, the wire's name and the time of its arrival."""
    struck = NOW - timedelta(seconds=2)
    ws_server.script(saying(coinbase(70_000.5, struck)))
    (fetched,) = await taken(stream(CoinbaseWire(ws_server.url)), 1)
    (tick,) = fetched.observations
    assert (tick.series, tick.value, tick.at, tick.known_at) == ("prices.BTC-USD.close", 70_000.5, struck, NOW)
    assert (tick.status, tick.source) == ("partial", "coinbase")
    assert json.loads(ws_server.received[0])["product_ids"] == ["BTC-USD"]


@pytest.mark.parametrize("ending", ["1000", "1001", "1011", "abort"])
async def test_each_ending_leads_to_a_new_connection(ws_server: FakeWebSocket, ending: str) -> None:
    """However a connection ends, the stream dials again, subscribes again and tells the gap."""
    ws_server.script(saying(coinbase(1.0), then=ending), saying(coinbase(2.0)))
    turns = await until(stream(CoinbaseWire(ws_server.url)), 2.0)
    assert prices(turns) == [1.0, 2.0]
    assert told(turns) == ["incomplete"]
    assert (ws_server.connections, len(ws_server.received)) == (2, 2)


async def test_many_endings_never_block_the_loop(ws_server: FakeWebSocket) -> None:
    """Thirteen clean closes in a row: the stream comes back each time and other tasks keep their turn."""
    ws_server.script(*[saying(coinbase(float(n + 1)), then="1001") for n in range(13)], saying(coinbase(99.0)))
    turns = await until(stream(CoinbaseWire(ws_server.url)), 99.0)
    assert prices(turns)[-1] == 99.0
    assert ws_server.connections == 14


async def test_silence_is_noticed(ws_server: FakeWebSocket) -> None:
    """A connection that says nothing any more while the market is open is given up and dialled anew."""
    ws_server.script(saying(coinbase(1.0)), saying(coinbase(2.0)))
    quick = Patience(open_s=0.15)
    turns = await until(stream(CoinbaseWire(ws_server.url), patience=quick), 2.0)
    (problem,) = [problem for fetched in turns for problem in fetched.problems]
    assert "silent for 0.15 s" in problem.message


async def test_a_closed_market_may_be_silent(ws_server: FakeWebSocket) -> None:
    """Outside trading hours silence is borne for longer."""
    ws_server.script(saying())
    clock = SteppingClock(datetime(2026, 7, 18, 15, 0, tzinfo=UTC))  # Saturday
    patience = Patience(open_s=0.01, closed_s=60.0)
    reading = aiter(PriceStream(YahooWire(ws_server.url), (NVDA,), CALENDARS, clock, patience=patience))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(reading), 0.2)
    assert ws_server.connections == 1


@pytest.mark.parametrize("garbage", ["", "{", "[]", "null", '{"type": 1', '{"type":"ticker"}', b"\xff\x00", "NaN"])
async def test_garbage_is_told_and_survived(ws_server: FakeWebSocket, garbage: str | bytes) -> None:
    """A frame that is no tick is told once and doesn't end the connection."""
    ws_server.script(saying(garbage, garbage, coinbase(5.0)))
    turns = await until(stream(CoinbaseWire(ws_server.url)), 5.0)
    assert told(turns) == ["changed"]
    assert ws_server.connections == 1


async def test_a_refused_subscription_is_told(ws_server: FakeWebSocket) -> None:
    """Coinbase's own error message reaches the operator."""
    error = {"type": "error", "message": "Failed to subscribe", "reason": "BTC-EUR is not a valid product"}
    ws_server.script(saying(json.dumps(error)))
    (fetched,) = await taken(stream(CoinbaseWire(ws_server.url)), 1)
    assert "not a valid product" in fetched.problems[0].message


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (HTTPStatus.TOO_MANY_REQUESTS, "rate_limited"),
        (HTTPStatus.FORBIDDEN, "blocked"),
        (HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS, "blocked"),
        (HTTPStatus.UNAUTHORIZED, "unauthorized"),
    ],
)
async def test_a_refused_handshake_is_typed(ws_server: FakeWebSocket, status: HTTPStatus, fault: str) -> None:
    """A refusal is told at once by its type, and the next attempt waits a quarter of an hour."""
    ws_server.refuse = [status]
    ws_server.script(saying(coinbase(1.0, NOW + timedelta(minutes=15))))
    clock = SteppingClock(NOW)
    line = PriceStream(CoinbaseWire(ws_server.url), (BTC,), CALENDARS, clock)
    turns = await until(line, 1.0)
    assert told(turns) == [fault, "incomplete"]
    assert clock.now() - NOW == timedelta(minutes=15)


async def test_a_long_outage_is_told_while_it_lasts(ws_server: FakeWebSocket) -> None:
    """A server that is away for longer than a minute is told as unreachable, once, and as a gap when it is back."""
    ws_server.refuse = [HTTPStatus.BAD_GATEWAY] * 9
    wire = CoinbaseWire(ws_server.url)
    ws_server.script(saying(*(coinbase(1.0, NOW + timedelta(minutes=n)) for n in (90, 150, 200))))
    turns = await until(stream(wire), 1.0)
    assert told(turns) == ["unreachable", "incomplete"]


async def test_nothing_listens() -> None:
    """A port without a server is an outage, told when it lasts; the pauses grow to a minute."""
    (fetched,) = await taken(stream(CoinbaseWire("ws://127.0.0.1:9")), 1)
    assert [problem.fault for problem in fetched.problems] == ["unreachable"]


async def test_a_slow_reader_gets_the_newest_tick(ws_server: FakeWebSocket) -> None:
    """Ten thousand ticks for a reader that is busy become one: the newest of each symbol."""
    frames = [coinbase(float(n + 1), NOW + timedelta(milliseconds=n)) for n in range(10_000)]
    eth = replace(BTC, symbol="ETH-USD")
    finished = asyncio.Event()

    async def talk(line: Line) -> None:
        await line.subscribed()
        await line.send(coinbase(0.5), *frames, coinbase(7.0, product="ETH-USD"))
        finished.set()
        await line.stay()

    ws_server.script(talk)
    line = stream(CoinbaseWire(ws_server.url), BTC, eth)
    turns = []
    async with asyncio.timeout(30), aclosing(aiter(line)) as reading:  # type: ignore[type-var]
        turns.append(await anext(reading))
        await finished.wait()
        while 7.0 not in prices(turns):
            await asyncio.sleep(0.05)  # the reader is busy
            turns.append(await anext(reading))
    assert prices(turns)[-2:] == [10_000.0, 7.0]
    assert len(prices(turns)) < 50


class CountingWire(CoinbaseWire):
    """Counts the frames that it reads."""

    read = 0

    def ticks(self, frame: str | bytes) -> Iterable[Tick]:
        """The ticks in ``frame``."""
        self.read += 1
        return super().ticks(frame)


async def test_a_flood_leaves_the_loop_free(ws_server: FakeWebSocket) -> None:
    """While thousands of ticks pour in, other tasks get their turn after a few dozen of them."""
    ws_server.script(saying(*(coinbase(float(n + 1)) for n in range(2_000))))
    wire = CountingWire(ws_server.url)
    read_at: list[int] = []

    def look() -> None:
        if not read_at or read_at[-1] < 2_000:
            read_at.append(wire.read)
            asyncio.get_running_loop().call_later(0, look)

    look()
    await until(stream(wire), 2_000.0)
    assert max(after - before for before, after in pairwise(read_at)) <= 64


async def test_reordered_and_foreign_ticks_are_left_out(ws_server: FakeWebSocket) -> None:
    """Ticks that are older than the last one, from another day, from the future or of another product are no news."""
    ws_server.script(
        saying(
            coinbase(1.0),
            coinbase(2.0, NOW - timedelta(seconds=5)),
            coinbase(3.0, NOW - timedelta(days=1)),
            coinbase(4.0, NOW + timedelta(hours=1)),
            coinbase(5.0, datetime(1971, 1, 1, tzinfo=UTC)),
            coinbase(6.0, product="DOGE-USD"),
            coinbase(7.0),
        )
    )
    assert prices(await until(stream(CoinbaseWire(ws_server.url)), 7.0)) in ([1.0, 7.0], [7.0])


async def test_yahoos_frames(ws_server: FakeWebSocket) -> None:
    """Yahoo's protobuf gives price, time and the session's range; its 32-bit floats are read at their precision."""
    ws_server.script(saying(yahoo(172.41, day_high=175.3, day_low=170.02)))
    (fetched,) = await taken(stream(YahooWire(ws_server.url), NVDA), 1)
    assert {o.series: o.value for o in fetched.observations} == {
        "prices.NVDA.close": 172.41,
        "prices.NVDA.high": 175.3,
        "prices.NVDA.low": 170.02,
    }
    assert json.loads(ws_server.received[0]) == {"subscribe": ["NVDA"]}


def test_yahoos_message_byte_by_byte() -> None:
    """A message put together by hand from the documented fields decodes to its price, time and range."""
    fields = [
        b"\x0a\x07BTC-USD",  # 1: id
        b"\x15" + struct.pack("<f", 94_745.08),  # 2: price
        b"\x18" + zigzag(1_736_509_140_000),  # 3: time in milliseconds
        b"\x22\x03USD",  # 4: currency
        b"\x38\x01",  # 7: regular hours
        b"\x55" + struct.pack("<f", 95_227.555),  # 10: day high
        b"\x5d" + struct.pack("<f", 92_517.22),  # 11: day low
    ]
    frame = json.dumps({"type": "pricing", "message": base64.b64encode(b"".join(fields)).decode()})
    (tick,) = YahooWire().ticks(frame)
    assert tick == Tick("BTC-USD", 94745.08, datetime(2025, 1, 10, 11, 39, tzinfo=UTC), 95227.55, 92517.22)


def zigzag(value: int) -> bytes:
    """A signed integer as protobuf writes it."""
    value, out = (value << 1) ^ (value >> 63), bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


@pytest.mark.parametrize("hours", [0, 2, 3])
def test_prices_outside_regular_hours_are_no_closes(hours: int) -> None:
    """Pre-market, post-market and overnight prices are left out."""
    assert list(YahooWire().ticks(yahoo(1.0, hours=hours))) == []


@pytest.mark.parametrize("frame", ["{}", '{"message":"!!"}', '{"type":"pricing","message":"AAAA"}', "7", '"x"', "null"])
def test_yahoos_garbage_is_a_bad_frame(frame: str) -> None:
    """What is no pricing message is named as such."""
    with pytest.raises(BadFrame):
        YahooWire().ticks(frame)


def test_a_time_beyond_all_calendars_is_a_bad_frame() -> None:
    """A tick from the year 292 million is refused."""
    data = PricingData(id="X", price=1.0, time=2**62, market_hours=1)
    far = json.dumps({"type": "pricing", "message": base64.b64encode(data.SerializeToString()).decode()})
    with pytest.raises(BadFrame):
        YahooWire().ticks(far)


async def test_the_closing_auction_stays_inside_its_session(ws_server: FakeWebSocket) -> None:
    """A tick from after the official close counts as the session's last second, so the final close is newer."""
    tencent = replace(NVDA, symbol="0700.HK", calendar="XHKG")
    auction = datetime(2026, 7, 17, 8, 8, tzinfo=UTC)
    clock = SteppingClock(auction + timedelta(minutes=15))
    ws_server.script(saying(yahoo(500.0, auction, "0700.HK")))
    line = PriceStream(YahooWire(ws_server.url), (tencent,), CALENDARS, clock)
    (fetched,) = await taken(line, 1)
    assert fetched.observations[0].at == datetime(2026, 7, 17, 7, 59, 59, tzinfo=UTC)


async def test_an_undeclared_split_is_held_back(ws_server: FakeWebSocket) -> None:
    """Ticks at a tenth of the last close are held back and told once; the next ordinary one goes through."""
    ws_server.script(saying(yahoo(17.2), yahoo(17.3), yahoo(171.0)))
    turns = await until(stream(YahooWire(ws_server.url), NVDA, last_close=lambda _: 172.0), 171.0)
    assert prices(turns) == [171.0]
    assert told(turns) == ["disagreement"]


async def test_a_real_crash_is_not_held_back(ws_server: FakeWebSocket) -> None:
    """When Yahoo itself measures the change from the same close, a halved price is a move, not a split."""
    ws_server.script(saying(yahoo(86.0, change=-86.0)))
    turns = await until(stream(YahooWire(ws_server.url), NVDA, last_close=lambda _: 172.0), 86.0)
    assert (prices(turns), told(turns)) == ([86.0], [])


async def test_a_stream_that_nobody_reads_ends(ws_server: FakeWebSocket) -> None:
    """When the reader leaves, the connection is closed and no task stays behind."""
    ws_server.script(saying(coinbase(1.0)))

    await taken(stream(CoinbaseWire(ws_server.url)), 1)
    names = [task.get_name() for task in asyncio.all_tasks()]
    assert [name for name in names if name.startswith("stream")] == []
