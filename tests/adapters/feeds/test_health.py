"""The health of sources: one notice when one degrades, one when it recovers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.feeds.health import COLLECTION, STREAM, HealthBook, market_age
from adapters.feeds.port import Fault, FeedProblem, Fetched
from rules.calendars.sessions import Calendars
from rules.model import Observation, Status

NOW = datetime(2026, 7, 17, 14, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CALENDARS = Calendars()


def good(source: str = "yahoo", at: datetime = NOW) -> Fetched:
    """One figure."""
    return Fetched((Observation("prices.NVDA.close", at, NOW, 1.0, source=source),))


def bad(fault: Fault = Fault.UNREACHABLE, source: str = "yahoo", subject: str = "") -> Fetched:
    """One problem."""
    return Fetched(problems=(FeedProblem(source, fault, f"{source}: it failed", subject),))


def notices(*turns: Fetched, every: timedelta = MINUTE, book: HealthBook | None = None) -> list[tuple[int, str]]:
    """Ask once a minute and return each notice as (number of the turn, reason)."""
    book = book or HealthBook()
    noted = [book.note("yahoo", turn, NOW + n * every) for n, turn in enumerate(turns)]
    return [(n, str(item.reason)) for n, one in enumerate(noted) for item in one.transitions]


G, B, BLOCKED = good(), bad(), bad(Fault.BLOCKED)


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([G, G, G], []),
        ([B, B, G, B, B, G], []),  # passing trouble isn't told
        ([G, B, B, B, B, B, B], [(3, "data_missing")]),  # once, at the third in a row
        ([BLOCKED, BLOCKED], [(0, "data_missing")]),  # what repeating won't change, at once
        ([bad(Fault.UNAUTHORIZED)], [(0, "data_missing")]),
        ([bad(Fault.CHANGED)], [(0, "data_missing")]),
        ([bad(Fault.RATE_LIMITED)] * 3, [(2, "data_missing")]),
        ([BLOCKED, G, G, G], [(0, "data_missing"), (2, "data_back")]),
        ([BLOCKED, G, B, G, B, G], [(0, "data_missing")]),  # flapping: still degraded
        (
            [BLOCKED, G, G, BLOCKED, G, G],
            [(0, "data_missing"), (2, "data_back"), (3, "data_missing"), (5, "data_back")],
        ),
        ([bad(Fault.INCOMPLETE, subject="NVDA")] * 5, []),  # a symbol's hole is the symbol's
        ([bad(Fault.REVISED)] * 5, []),
        ([bad(Fault.DISAGREEMENT)] * 5, []),
        ([bad(Fault.CHANGED, subject="NVDA")], [(0, "data_missing")]),  # nothing else came
        ([Fetched()] * 5, []),  # no news is good news
        (
            [BLOCKED, *[Fetched(answered=("yahoo",))] * 2],
            [(0, "data_missing"), (2, "data_back")],
        ),  # an answer
        ([replace(bad(Fault.CHANGED, subject="NVDA"), answered=("yahoo",))] * 5, []),  # old figures came with it
    ],
)
def test_one_notice_each_way(turns: list[Fetched], expected: list[tuple[int, str]]) -> None:
    """However long an outage lasts it is told once, and its end once."""
    assert notices(*turns) == expected


def test_a_symbols_trouble_amid_good_figures_is_no_failure() -> None:
    """A changed answer for one symbol doesn't degrade the source while the others come."""
    both = Fetched(G.observations, problems=bad(Fault.CHANGED, subject="NVDA").problems)
    assert notices(both, both, both) == []


def test_one_success_is_enough_for_a_daily_source() -> None:
    """A source that is asked once a day is well again after its first success."""
    assert notices(BLOCKED, G, every=timedelta(days=1)) == [(0, "data_missing"), (1, "data_back")]


def test_each_source_is_judged_by_itself() -> None:
    """In a chain of sources the failing first one is degraded and the second one well."""
    book = HealthBook()
    chain = Fetched(good("tencent").observations, problems=bad(Fault.BLOCKED).problems)
    (notice,) = book.note("prices", chain, NOW).transitions
    assert (notice.labels["source"], notice.severity, notice.kind) == ("yahoo", "health", "health")
    assert [(item.source, item.degraded_since) for item in book.sources] == [("tencent", None), ("yahoo", NOW)]


def test_a_notice_speaks_both_languages() -> None:
    """The notice says what happened, what was seen last and when it worked last, in English and in Chinese."""
    book = HealthBook()
    book.note("yahoo", G, NOW)
    (notice,) = book.note("yahoo", BLOCKED, NOW + MINUTE).transitions
    assert notice.title == {"en": "yahoo refuses requests", "zh": "数据源 yahoo 拒绝访问"}
    assert notice.say == {
        "en": "yahoo: it failed. Last success: 2026-07-17 14:00 UTC.",
        "zh": "yahoo: it failed。上次成功：2026-07-17 14:00 UTC。",
    }


def test_a_restart_tells_nothing_twice() -> None:
    """A book loaded from the store goes on where the last one stopped."""
    stored: dict[str, str] = {}
    book = HealthBook()
    for turn in (BLOCKED, G):
        stored |= {key: text for (_, key), text in book.note("yahoo", turn, NOW).documents.items()}
    assert notices(G, book=HealthBook(stored)) == [(0, "data_back")]


def test_a_stream_is_judged_at_its_word() -> None:
    """A stream's outage, which it tells once it lasts, degrades it at once."""
    noted = HealthBook().note("coinbase", bad(source="coinbase"), NOW, STREAM)
    assert [item.reason for item in noted.transitions] == ["data_missing"]


def test_a_steady_stream_is_written_down_once_a_minute() -> None:
    """Ticks every second don't write a document every second."""
    book = HealthBook()
    written = [len(book.note("yahoo", G, NOW + timedelta(seconds=n)).documents) for n in range(121)]
    assert sum(written) == 3


def test_what_status_shows() -> None:
    """Newest figure, its lag, failures and the pause that was asked for are kept per source."""
    book = HealthBook()
    book.note("yahoo", good(at=NOW - 15 * MINUTE), NOW)
    pause = Fetched(problems=(FeedProblem("yahoo", Fault.RATE_LIMITED, "429", retry_at=NOW + 30 * MINUTE),))
    book.note("yahoo", pause, NOW + MINUTE)
    (health,) = book.sources
    assert (health.newest, health.lag_s, health.failures) == (NOW - 15 * MINUTE, 900.0, 1)
    assert (health.last_success, health.cool_down_until) == (NOW, NOW + 30 * MINUTE)
    assert (health.fault, health.error) == ("rate_limited", "429")


def test_a_missing_figure_is_not_the_newest() -> None:
    """A pending close without a value makes a source no fresher."""
    book = HealthBook()
    pending = Observation("prices.NVDA.close", NOW, NOW, None, Status.PENDING, "yahoo")
    book.note("yahoo", Fetched((pending,)), NOW)
    assert book.sources[0].newest is None


@pytest.mark.parametrize(
    ("calendar", "since", "now", "age"),
    [
        ("24/7", "2026-07-17 20:00", "2026-07-20 13:30", timedelta(days=2, hours=17, minutes=30)),
        ("XNYS", "2026-07-17 20:00", "2026-07-20 13:30", timedelta(0)),  # a weekend makes nothing older
        ("XNYS", "2026-07-17 19:00", "2026-07-20 14:00", timedelta(hours=1, minutes=30)),
        ("XNYS", "2026-07-16 20:00", "2026-07-17 20:00", timedelta(hours=6, minutes=30)),
        ("XNYS", "2026-11-27 15:00", "2026-11-28 12:00", timedelta(hours=3)),  # early close
        ("XNYS", "2026-07-17 15:00", "2026-07-17 15:00", timedelta(0)),
        ("XNYS", "2026-07-17 15:00", "2026-07-17 14:00", timedelta(0)),  # from the future
    ],
)
def test_age_counts_trading_time(calendar: str, since: str, now: str, age: timedelta) -> None:
    """The age of a figure is the time that its market was open since."""
    instants = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (since, now))
    assert market_age(CALENDARS.get(calendar), *instants) == age


def test_documents_name_their_collection() -> None:
    """What is stored goes to the health collection under the source's name."""
    assert list(HealthBook().note("yahoo", G, NOW).documents) == [(COLLECTION, "yahoo")]


def test_a_figure_that_two_sources_share_speaks_well_of_both():
    """``a+b`` names two sources and ``c (single source)`` one: none of them is a source of its own."""
    book = HealthBook()
    book.note("etf_flows", bad(Fault.BLOCKED, "farside"), NOW)
    shared = [good("theblock+farside"), good("tftc (single source)")]
    noted = [book.note("etf_flows", turn, NOW + (n + 1) * timedelta(hours=1)) for n, turn in enumerate(shared)]
    assert [["farside"], []] == [[item.labels["source"] for item in one.transitions] for one in noted]
    assert ["farside", "tftc", "theblock"] == [health.source for health in book.sources]
