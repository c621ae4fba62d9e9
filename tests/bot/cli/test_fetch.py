"""``tapewatch fetch`` against local servers in the sources' place."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.feeds.port import Fetched
from adapters.feeds.recorded import append, path_of
from rules.calendars.sessions import Calendars
from tests.adapters.feeds import calendar_pages, crypto_pages, flow_pages
from tests.bot.cli.conftest import Tapewatch
from tests.fakes import http_server as http
from tests.fakes import yahoo
from tests.fakes.http_server import FakeHttp, Reply, ok_json, ok_text, running_http

NEW_YORK = Calendars().get("XNYS")
KEYS = {"series", "at", "known_at", "value", "status", "source"}


@pytest.fixture
async def server() -> AsyncIterator[FakeHttp]:
    async with running_http() as fake:
        yield fake


def sessions(count: int) -> list[date]:
    """The last finished sessions in New York, oldest first; the newest of them closed a day ago at least."""
    newest = NEW_YORK.session_of(datetime.now(UTC) - timedelta(days=1))
    if NEW_YORK.close(newest) > datetime.now(UTC) - timedelta(hours=12):
        newest = NEW_YORK.next(newest, -1)
    return [NEW_YORK.next(newest, -number) for number in reversed(range(count))]


Fetch = Callable[..., Any]


@pytest.fixture
def fetch(tapewatch: Tapewatch, server: FakeHttp, tmp_path: Path) -> Fetch:
    """Run ``fetch ARGUMENTS --json`` with the named sources at the local server; return exit status and document."""
    universe = tmp_path / "universe.yaml"
    universe.write_text(UNIVERSE)

    async def run(*arguments: str, at: Sequence[str] = (), **environ: str) -> tuple[int, dict[str, Any]]:
        addresses = {f"TAPEWATCH_FEEDS__{name.upper()}__BASE_URL": server.base_url for name in at}
        given = {"TAPEWATCH_UNIVERSE": str(universe), **addresses, **environ}
        done = await asyncio.to_thread(tapewatch, "fetch", *arguments, "--json", **given)
        assert "Traceback" not in done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        assert {"feed", "observations", "problems"} <= document.keys()
        assert all(KEYS == item.keys() for item in document["observations"])
        assert all(item["at"].endswith("+00:00") for item in document["observations"])
        return done.returncode, document

    return run


UNIVERSE = """
version: 1
groups:
  - kind: equity
    currency: USD
    calendar: XNYS
    instruments:
      - {symbol: NVDA, name: Nvidia, tags: [coverage]}
      - {symbol: AMZN, name: Amazon, tags: [coverage]}
"""


def values(document: dict[str, Any], series: str) -> list[tuple[float | None, str]]:
    return [(item["value"], item["status"]) for item in document["observations"] if item["series"] == series]


def faults(document: dict[str, Any]) -> set[str]:
    return {problem["fault"] for problem in document["problems"]}


def farside(*rows: Sequence[str]) -> Reply:
    """A page of the last sessions: a row's cells are those of IBIT, FBTC, GBTC, BTC and the total."""
    days = sessions(len(rows))
    return ok_text(
        flow_pages.farside_page(
            [(f"{day:%d %b %Y}", cells) for day, cells in zip(days, rows, strict=True)] + flow_pages.FOOTER
        )
    )


GOOD = ["100.5", "(20.5)", "0.0", "5.0", "85.0"]


async def test_flows_by_asset(fetch: Fetch, server: FakeHttp) -> None:
    """Dollars by fund and day: a finished day, one of which nothing is known yet (never a zero), one half reported."""
    server.route("/btc/", farside(GOOD))
    server.route("/eth/", farside(GOOD, ["-", "-", "-", "-", "0.0"]))
    server.route("/sol/", farside(GOOD, ["10.0", "-", "(1.0)", "2.0", "11.0"]))
    code, document = await fetch("etf_flows", "--source", "farside", at=["farside"])
    found = {series: values(document, f"etf_flows.BTC.{series}") for series in ("IBIT", "FBTC", "GBTC", "BTC", "total")}
    assert (
        0,
        {
            "IBIT": [(100.5e6, "final")],
            "FBTC": [(-20.5e6, "final")],
            "GBTC": [(0.0, "final")],
            "BTC": [(5e6, "final")],
            "total": [(85e6, "final")],
        },
    ) == (code, found)
    assert NEW_YORK.close(sessions(1)[0]).isoformat() == document["observations"][0]["at"]
    assert [(85e6, "final"), (None, "pending")] == values(document, "etf_flows.ETH.total")
    assert [(100.5e6, "final"), (None, "pending")] == values(document, "etf_flows.ETH.IBIT")
    assert (11e6, "partial") == values(document, "etf_flows.SOL.total")[-1]
    assert (None, "pending") == values(document, "etf_flows.SOL.FBTC")[-1]


async def test_bad_pages_of_flows(fetch: Fetch, server: FakeHttp) -> None:
    """A challenge inside 200, another page and an empty one: no figure, exit status 1, and the trouble's kind."""
    server.route("/btc/", ok_text(""))
    server.route("/eth/", ok_text("<html><body><h1>Moved</h1></body></html>"))
    server.route("/sol/", http.challenge(200))
    code, document = await fetch("etf_flows", "--source", "farside", at=["farside"])
    assert (1, [], {"blocked", "changed"}) == (code, document["observations"], faults(document))
    assert ["farside"] * 3 == [problem["source"] for problem in document["problems"]]


async def test_flows_that_are_refused(fetch: Fetch, server: FakeHttp) -> None:
    """429 with a time is told with that time and obeyed by the next process."""
    server.route("*", http.rate_limited("120"))
    code, document = await fetch("etf_flows", "--source", "farside", at=["farside"])
    assert (1, [], {"rate_limited"}) == (code, document["observations"], faults(document))
    until = datetime.fromisoformat(document["problems"][0]["retry_at"])
    assert timedelta(seconds=60) < until - datetime.now(UTC) <= timedelta(seconds=120)
    asked = len(server.requests)
    code, document = await fetch("etf_flows", "--source", "farside", at=["farside"])
    assert (1, {"rate_limited"}, asked) == (code, faults(document), len(server.requests))


async def test_prices(fetch: Fetch, server: FakeHttp) -> None:
    """Bars of each symbol; one that Yahoo doesn't know is told and touches no other."""
    days = sessions(4)
    rows = [yahoo.bars(day, [100.0 + number])[0] for number, day in enumerate(days)]
    quoted = NEW_YORK.close(days[-1])
    server.route("/v8/finance/chart/NVDA", ok_json(yahoo.chart("NVDA", rows, quoted_at=quoted)))
    server.route("/v8/finance/chart/AMZN", yahoo.unknown_symbol())
    code, document = await fetch("prices", at=["yahoo"])
    assert [(100.0 + number, "final") for number in range(4)] == values(document, "prices.NVDA.close")
    assert (0, [("AMZN", "incomplete")]) == (
        code,
        [(problem["subject"], problem["fault"]) for problem in document["problems"]],
    )


async def test_prices_that_are_refused(fetch: Fetch, server: FakeHttp) -> None:
    """No figure, exit status 1, one problem for all symbols."""
    server.route("*", http.rate_limited())
    code, document = await fetch("prices", at=["yahoo"])
    assert (1, [], [("", "rate_limited")]) == (
        code,
        document["observations"],
        [(problem["subject"], problem["fault"]) for problem in document["problems"]],
    )


async def test_the_crypto_overview(fetch: Fetch, server: FakeHttp) -> None:
    """Each provider under its own name; one that fails leaves the other alone."""
    server.route("/global", ok_json(crypto_pages.coingecko_global()))
    server.route("*", http.failing(404))
    code, document = await fetch("crypto", at=["coinmarketcap", "coingecko"])
    assert 0 == code
    assert [2.85e12] == [value for value, _ in values(document, "crypto.coingecko.market_cap")]
    assert {"coinmarketcap"} == {problem["source"] for problem in document["problems"]}


async def test_fear_and_greed(fetch: Fetch, server: FakeHttp) -> None:
    """The day's value of alternative.me while the other provider sends a page in place of JSON."""
    today = datetime.now(UTC).date()
    server.route(
        "/fng/", ok_json(crypto_pages.alternative_me([(f"{today}", 25), (f"{today - timedelta(days=1)}", 30)]))
    )
    server.route("*", ok_text("<html>maintenance</html>"))
    code, document = await fetch("fear_greed", at=["coinmarketcap", "alternative_me"])
    assert 0 == code
    assert 25 in [value for value, _ in values(document, "fear_greed.alternative_me.value")]
    assert {"coinmarketcap"} == {problem["source"] for problem in document["problems"]}


async def test_events(fetch: Fetch) -> None:
    """The curated calendar needs no network."""
    code, document = await fetch("events")
    assert (0, []) == (code, document["problems"])
    assert document["events"]


async def test_fundamentals_of_filings(fetch: Fetch, server: FakeHttp) -> None:
    """With a contact the SEC's filings come in dollars by calendar quarter; the contact is what it is told."""
    facts = calendar_pages.company_facts(
        {"PaymentsToAcquireProductiveAssets": [calendar_pages.sec_fact("2026-01-01", "2026-03-31", 5e9, "2026-05-01")]}
    )
    tickers = {"0": {"cik_str": 1045810, "ticker": "NVDA"}, "1": {"cik_str": 1018724, "ticker": "AMZN"}}
    server.route("/files/company_tickers.json", ok_json(tickers))
    server.route("/api/xbrl/companyfacts/*", ok_json(facts))
    server.route("*", http.not_found())
    code, document = await fetch(
        "fundamentals", at=["sec", "yahoo"], TAPEWATCH_SEC_CONTACT="Example Research desk@example.com"
    )
    assert (0, [5e9]) == (code, [value for value, _ in values(document, "fundamentals.AMZN.capex")])
    asked = [request for request in server.requests if "companyfacts" in request.path]
    assert {"Example Research desk@example.com"} == {request.headers["user-agent"] for request in asked}


async def test_fundamentals_without_a_contact(fetch: Fetch, server: FakeHttp) -> None:
    """The SEC isn't asked, and the message says what to set."""
    server.route("*", http.not_found())
    _, document = await fetch("fundamentals", at=["sec", "yahoo"])
    said = [problem["message"] for problem in document["problems"] if problem["fault"] == "unauthorized"]
    assert any("sec_contact" in text.lower() for text in said)
    assert not [request for request in server.requests if "companyfacts" in request.path]


async def test_what_was_recorded_is_fetched_again(fetch: Fetch, server: FakeHttp, tmp_path: Path) -> None:
    """Figures, problems and exit status of a recording are those of the fetch, and nobody is asked for them."""
    folder = str(tmp_path / "recording")
    server.route("/btc/", farside(GOOD, ["10.0", "-", "(1.0)", "2.0", "11.0"]))
    server.route("*", http.challenge())
    live = await fetch("etf_flows", "--source", "farside", "--record", folder, at=["farside"])
    asked = len(server.requests)
    assert live == await fetch("etf_flows", "--replay", folder, at=["farside"])
    assert (asked, {"blocked"}) == (len(server.requests), faults(live[1]))


def test_a_feed_that_was_not_recorded_is_told(tapewatch: Tapewatch, tmp_path: Path) -> None:
    """With what the recording has; and a replay asks nobody."""
    append(path_of(tmp_path, "events"), datetime(2026, 7, 17, tzinfo=UTC), Fetched())
    other = tapewatch("fetch", "crypto", "--replay", str(tmp_path))
    assert (1, True) == (other.returncode, "it has events" in other.stderr)
    both = tapewatch("fetch", "events", "--replay", str(tmp_path), "--record", str(tmp_path))
    assert (2, True) == (both.returncode, "--replay asks nobody" in both.stderr)


def test_an_unknown_feed_is_told_with_the_nearest_one(tapewatch: Tapewatch) -> None:
    """Exit status 1, one line, nothing on standard output."""
    done = tapewatch("fetch", "etf_flow", "--json")
    assert (1, "") == (done.returncode, done.stdout)
    assert "did you mean etf_flows?" in done.stderr


def test_an_unknown_source_is_told(tapewatch: Tapewatch) -> None:
    """A misspelt source is a failure that names the known ones, not an empty answer."""
    done = tapewatch("fetch", "etf_flows", "--source", "fairside", "--json")
    assert 1 == done.returncode
    assert "farside" in done.stderr + done.stdout
