import json
from datetime import UTC, datetime

from adapters.feeds.port import Fault, FeedProblem, Fetched
from bot.feeding.fetching import fetch_document
from rules.model import CalendarEvent, Observation, Status

NOW = datetime(2026, 7, 17, 20, 0, tzinfo=UTC)


def test_the_documents_form() -> None:
    """A fetch prints as documented: null for a missing value, ISO times, problems beside the figures."""
    fetched = Fetched(
        (
            Observation("etf_flows.BTC.IBIT", NOW, NOW, 1.5e6, Status.FINAL, "farside"),
            Observation("etf_flows.BTC.total", NOW, NOW, None, Status.PENDING, "farside"),
        ),
        problems=(FeedProblem("sosovalue", Fault.RATE_LIMITED, "429", "BTC", NOW),),
    )
    time = "2026-07-17T20:00:00+00:00"
    common = {"at": time, "known_at": time, "source": "farside"}
    assert json.loads(json.dumps(fetch_document("etf_flows", fetched))) == {
        "feed": "etf_flows",
        "observations": [
            {"series": "etf_flows.BTC.IBIT", "value": 1.5e6, "status": "final", **common},
            {"series": "etf_flows.BTC.total", "value": None, "status": "pending", **common},
        ],
        "problems": [
            {"source": "sosovalue", "fault": "rate_limited", "message": "429", "subject": "BTC", "retry_at": time}
        ],
    }


def test_dated_events_are_printed() -> None:
    """A calendar feed's events come with their session, status and titles in both languages."""
    event = CalendarEvent(
        "earnings", "NVDA", "2026-08-26", "2026-08-26", {"en": "Q2", "zh": "二季报"}, NOW, "after_close"
    )
    (printed,) = fetch_document("earnings", Fetched(events=(event,)))["events"]
    assert (printed["key"], printed["start"], printed["session"]) == ("NVDA", "2026-08-26", "after_close")
    assert printed["title"] == {"en": "Q2", "zh": "二季报"}
